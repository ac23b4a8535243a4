"""Content that is streamed: files to send, and answers to read in chunks."""

from __future__ import annotations

import os
import re
import weakref
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO

from landbridge.catalog.client.retry import to_service_error
from landbridge.exceptions import BadRequestError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["FileContent", "download"]

_CHUNK = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/")


class FileContent:
    """A file to send, from its current position to its end.

    Each attempt to send it reads it again, if the file is seekable.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        seekable = getattr(file, "seekable", None)
        self._start = file.tell() if seekable is not None and seekable() else None
        self.size: int | None = None if self._start is None else file.seek(0, os.SEEK_END) - self._start
        """Number of bytes to send; None if it is not known beforehand."""
        self._was_read = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in chunks of constant size.

        Raises
        ------
        BadRequestError
            The file's size has changed.
        ServerError
            The file is read a second time and is not seekable.
        """
        if self._start is not None:
            self._file.seek(self._start)
        elif self._was_read:
            raise ServerError(
                "The upload was interrupted, and its file cannot be read a second time: it is not seekable."
            )
        self._was_read = True
        sent = 0
        while chunk := self._file.read(_CHUNK):
            sent += len(chunk)
            if self.size is not None and sent > self.size:
                break
            yield chunk
        if self.size not in (None, sent):
            raise BadRequestError(
                f"The file had {self.size} bytes when its upload began and its size has changed since; do "
                "not write to a file during its upload."
            )


def download(
    client: CatalogClient, path: str, headers: dict[str, str], chunk_size: int | None
) -> Iterator[bytes]:
    """Request the content at a path at once, and return an iterator that reads it in chunks.

    If the connection breaks, the rest is requested, provided that the content is still the same.
    """
    response = client.stream(path, headers)
    chunks = _chunks(client, path, response, chunk_size)
    # The caller may never start the iterator.
    weakref.finalize(chunks, response.close)
    return chunks


def _chunks(
    client: CatalogClient, path: str, response: httpx.Response, chunk_size: int | None
) -> Iterator[bytes]:
    import httpx

    span = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    start, last = (int(span[1]), span[2]) if span else (0, "")
    tag = response.headers.get("ETag")
    failures = 0
    while True:
        try:
            with closing(response):
                for chunk in response.iter_bytes(chunk_size or _CHUNK):
                    yield chunk
                    start += len(chunk)
        except httpx.TransportError as error:
            failures += 1
            if not tag or failures > client.retries:
                raise to_service_error(error, client.url) from error
            response = client.stream(path, {"Range": f"bytes={start}-{last}", "If-Match": tag})
        else:
            return
