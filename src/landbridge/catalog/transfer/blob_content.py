"""The content of blobs on its way in and out: in pieces, whatever its size."""

from __future__ import annotations

import os
import re
import secrets
import weakref
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO

from landbridge.catalog.client.http import public
from landbridge.exceptions import BadRequestError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import httpx

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["Source", "download", "split_lines", "write_whole"]

_CHUNK = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/")


class Source:
    """A file to be sent, from where it stands to its end; read anew for each attempt, where it can be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        seekable = getattr(file, "seekable", None)
        self._start = file.tell() if seekable is not None and seekable() else None
        self.size = None if self._start is None else file.seek(0, os.SEEK_END) - self._start
        """The bytes to send, None where that cannot be known beforehand."""
        self._begun = False

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces of constant size.

        Raises
        ------
        BadRequestError
            They have become more or less.
        ServerError
            They cannot be read a second time.
        """
        if self._start is not None:
            self._file.seek(self._start)
        elif self._begun:
            raise ServerError("The upload broke off, and its file cannot be read a second time.")
        self._begun = True
        sent = 0
        while chunk := self._file.read(_CHUNK):
            sent += len(chunk)
            if self.size is not None and sent > self.size:
                break
            yield chunk
        if self.size not in (None, sent):
            raise BadRequestError(
                f"The file had {self.size} bytes when its upload began, and has others now: it must not be "
                "written to meanwhile."
            )


def download(
    client: CatalogClient, path: str, headers: dict[str, str], chunk_size: int | None
) -> Iterator[bytes]:
    """The content at a path, in pieces; it is asked for at once, and read as the pieces are.

    Where the connection breaks, the rest is asked for, so long as the content is the same.
    """
    response = client.stream(path, headers)
    chunks = _chunks(client, path, response, chunk_size)
    # Nobody may ever begin to read them.
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
                raise public(error, client.url) from error
            response = client.stream(path, {"Range": f"bytes={start}-{last}", "If-Match": tag})
        else:
            return


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that is there only when all of it is."""
    # Its mode is that of any new file: the system applies the umask, which is the whole process's.
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        with part.open("xb") as file:
            file.writelines(chunks)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def split_lines(
    chunks: Iterable[bytes], decode: bool = False, delimiter: str | bytes | None = None
) -> Iterator[Any]:
    """Content line by line, without what ends the lines: as bytes or, with `decode`, as texts in UTF-8.

    Lines end with a line feed, a carriage return or both, or else with the delimiter.
    """
    end = delimiter.encode() if isinstance(delimiter, str) else delimiter
    for line in _text_lines(chunks) if end is None else _delimited(chunks, end):
        yield line.decode() if decode else line


def _delimited(chunks: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(end)
        yield from lines
    if rest:
        yield rest


def _text_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for chunk in chunks:
        halved = rest and rest[-1].endswith(b"\r")
        if not halved and b"\n" not in chunk and b"\r" not in chunk:
            rest.append(chunk)
            continue
        lines = b"".join([*rest, chunk]).splitlines(keepends=True)
        # The last may go on; a carriage return at its end may be the first half of an end of line.
        rest = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        for line in lines:
            yield line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line[:-1]
    if rest:
        yield b"".join(rest).removesuffix(b"\r")
