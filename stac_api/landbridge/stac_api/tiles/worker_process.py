"""Worker process that renders tiles (`python -m` this module).

It lives long, so that decoded pixels and headers are kept for the next tile. It reads users' files, so it has
a limit on its memory, none of the server's environment, no credentials, and access to the folders of files
only (Landlock, and seccomp against sockets); it ends with its parent. It renders one picture at a time;
`messages` describes what it is asked.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import threading
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError
from landbridge.stac_api.sandbox.worker_process import (
    end_with_parent,
    leave_out_unused_libraries,
    limit_memory,
)

if __name__ == "__main__":
    leave_out_unused_libraries()

from landbridge.stac_api.sandbox import gdal_formats
from landbridge.stac_api.sandbox.kernel_limits import restrict
from landbridge.stac_api.tiles import messages
from landbridge.stac_api.tiles.messages import Failure

# GDAL's formats are limited before anything else may use GDAL.
if __name__ == "__main__":
    gdal_formats.limit_gdal(("GTiff", "MEM", "Memory"))

from landbridge.raster import CancelToken, PixelCache
from landbridge.raster.errors import RasterError, RenderCancelledError, RenderDeadlineError
from landbridge.raster.runtime.thread_pools import limit_worker_count
from landbridge.stac_api.tiles import encoding, pixel_statistics, warm_up
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.pixels import Scene, render
from landbridge.stac_api.tiles.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MAX_KNOWN_FILES = 100_000
# Kinds of errors by their class; the first that fits counts.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (RenderDeadlineError, Failure.DEADLINE),
    (RenderCancelledError, Failure.CANCELLED),
    (RasterError, Failure.FILE),
    (OSError, Failure.FILE),
    (LandbridgeError, Failure.REQUEST),
    (ValueError, Failure.REQUEST),
)


class Channel:
    """Frames from and to the pool; a thread of its own reads, so that a cancellation is seen at once."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = os.fdopen(writing, "wb", buffering=0)
        self.incoming: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._token: tuple[int, CancelToken] = (0, CancelToken())
        self._cancelled = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start to read frames."""
        threading.Thread(target=self._read_all, daemon=True).start()

    def _read_all(self) -> None:
        while True:
            text_size, body_size = messages.sizes(self._exactly(messages.HEADER_BYTES))
            frame = json.loads(self._exactly(text_size))
            self._exactly(body_size)
            if frame.get("cancel"):
                with self._lock:
                    self._cancelled = frame["id"]
                    if self._token[0] == frame["id"]:
                        self._token[1].cancel()
                # A request that waits for a page ends at once.
                frame["page"] = None
            self.incoming.put(frame)

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            if not (part := os.read(self._reading, size - len(parts))):
                os._exit(0)  # the server has ended
            parts += part
        return bytes(parts)

    def token(self, request: int, seconds: float) -> CancelToken:
        """Return the token that ends a request if the pool cancels it, or after a number of seconds."""
        token = CancelToken(seconds)
        with self._lock:
            self._token = (request, token)
            if self._cancelled == request:
                token.cancel()
        return token

    def send(self, document: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame."""
        for part in messages.pack(document, body):
            view = memoryview(part)
            while view:
                view = view[self._writing.write(view) or 0 :]


class Worker:
    """Renders what the pool asks for."""

    def __init__(self, channel: Channel, cache: PixelCache, folders: Sequence[str]) -> None:
        self._channel = channel
        self._cache = cache
        self._folders = folders
        self._tiffs: set[str] = set()

    def serve(self) -> None:
        """Answer requests for ever."""
        while True:
            request = self._channel.incoming.get()
            if "task" in request:  # otherwise a late cancellation
                document, body = self._answer(request)
                self._channel.send({"id": request["id"], **document}, body)

    def _answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        token = self._channel.token(request["id"], request["seconds"])
        limit_worker_count(request["threads"])
        try:
            ok, body = self._run(request, token)
        except Exception as error:  # noqa: BLE001 - reported to the server, which goes on
            if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
                self._cache.clear()
                return {"error": Failure.MEMORY}, b""
            kind = next((kind for class_, kind in _KINDS if isinstance(error, class_)), Failure.DEFECT)
            if kind == Failure.DEFECT:
                traceback.print_exc()
                return {"error": kind, "text": type(error).__name__}, b""
            return {"error": kind, "text": self._shown(error)}, b""
        return {"ok": ok}, body

    def _shown(self, error: Exception) -> str:
        """Return the text of an error without the server's folders."""
        text = str(error)
        for folder in self._folders:
            text = text.replace(f"{folder}/", "")
        return text

    def _run(self, request: dict[str, Any], token: CancelToken) -> tuple[dict[str, Any], bytes]:
        view = View.from_json(request["view"])
        grid = Grid(
            tuple(request["grid"]["bounds"]), *(request["grid"][key] for key in ("crs", "width", "height"))
        )
        scene = Scene(request["products"], self._pages(request, token), view.nodata)
        picture = render(view, grid, scene, self._cache, token)
        match request["task"]:
            case "render":
                body, media_type, is_empty = encoding.encode(view, picture)
                return {"media_type": media_type, "is_empty": is_empty, "items": scene.count}, body
            case "point":
                values = [
                    value.item() if valid else None
                    for value, valid in zip(picture.values[:, 0, 0], picture.valid[:, 0, 0], strict=True)
                ]
                return {"values": values}, b""
        options = request["options"]
        polygon = options.pop("polygon")
        within = None if polygon is None else pixel_statistics.inside(polygon, grid)
        return {"statistics": pixel_statistics.statistics(view.outputs, picture, within, **options)}, b""

    def _pages(self, request: dict[str, Any], token: CancelToken) -> Iterator[list[dict[str, Any]]]:
        """Yield the first page, and ask for the next ones."""
        page = request["page"]
        while page is not None:
            for record in page:
                self._check_files(record)
            yield page
            if not request["has_more"]:
                return
            token.check()
            self._channel.send({"id": request["id"], "more": True})
            answer = self._channel.incoming.get()
            token.check()
            page = answer["page"]

    def _check_files(self, record: dict[str, Any]) -> None:
        """Raise RasterError if a local file is no TIFF: other formats could refer to the files of others."""
        for file in record["files"]:
            if file.startswith("/") and file not in self._tiffs:
                try:
                    with Path(file).open("rb") as opened:
                        mark = opened.read(4)
                except OSError as error:
                    raise RasterError(
                        f"The file {file} of item {record['id']!r} cannot be opened: {error.strerror}."
                    ) from None
                if mark not in _TIFF_MARKS:
                    raise RasterError(f"The file {file} of item {record['id']!r} is no TIFF.")
                if len(self._tiffs) > _MAX_KNOWN_FILES:
                    self._tiffs.clear()
                self._tiffs.add(file)  # a stored file never changes


def main() -> None:
    """Serve the pool until it closes the pipe."""
    end_with_parent()
    channel = Channel(os.dup(0), os.dup(1))
    os.dup2(2, 1)  # the output of a library must not be mistaken for an answer
    warnings.simplefilter("ignore")
    limit_memory(int(os.environ[messages.MEMORY_VARIABLE]))
    folders = json.loads(os.environ[messages.FOLDERS_VARIABLE])
    sample = warm_up.write_sample(Path(os.environ[messages.SAMPLE_VARIABLE]))
    # Landlock and seccomp restrict the calling thread and those that it starts.
    if threading.active_count() > 1:
        raise RuntimeError("A thread was started before the process was restricted.")
    restrict([*folders, sample], has_network=os.environ.get(messages.NETWORK_VARIABLE) == "1")
    cache = PixelCache(int(os.environ[messages.CACHE_VARIABLE]))
    with contextlib.suppress(LandbridgeError):  # a tile may still be rendered
        warm_up.render_sample(sample)
    channel.start()
    channel.send({"ready": True})
    Worker(channel, cache, folders).serve()


if __name__ == "__main__":
    main()
