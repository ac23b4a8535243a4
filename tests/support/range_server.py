"""HTTP server of a folder with range requests; it records requests and can misbehave."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Seen:
    """Recorded request: method, path and query as sent, range, and headers by their names in lower case."""

    method: str
    path: str
    query: str
    range: str | None
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


class Answer(BaseHTTPRequestHandler):
    """Request handler; a behaviour is a function that takes it and sends the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RangeServer

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, parts.path, parts.query, self.headers.get("Range"), headers)
        self.server.seen.append(seen)
        behave = self.server.behave
        act = None if behave is None else behave(seen)
        (act or serve)(self)

    def send(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


_used_ports: set[object] = set()


class RangeServer(ThreadingHTTPServer):
    """The server: `seen` are recorded requests; `behave` returns the behaviour of a request, or None."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.seen: deque[Seen] = deque()
        self.behave: Callable[[Seen], Callable[[Answer], None] | None] | None = None
        self.closing = threading.Event()

    def server_bind(self) -> None:
        """Bind a port that no server of this process had: GDAL keeps parts of files by their address."""
        super().server_bind()
        held = []
        while self.server_address[1] in _used_ports:
            held.append(self.socket)
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_address = ("127.0.0.1", 0)
            super().server_bind()
        _used_ports.add(self.server_address[1])
        for each in held:
            each.close()

    @property
    def url(self) -> str:
        """Base URL of the folder's files."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close their connection."""

    def gets(self, name: str = "") -> list[Seen]:
        """Return the GET requests of a file."""
        return [seen for seen in self.seen if seen.method == "GET" and seen.path.endswith(name)]


def serve(
    answer: Answer, *, ranges: bool = True, etag: bool = True, dated: bool = True, careless: bool = False
) -> None:
    """Send a file, or the requested range of it."""
    path = answer.server.folder / unquote(urlsplit(answer.path).path).lstrip("/")
    if not path.is_file():
        answer.send(404, b"there is no such file")
        return
    content = path.read_bytes()
    tag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    headers = {"ETag": tag} if etag else {}
    if dated:
        headers["Last-Modified"] = formatdate(path.stat().st_mtime, usegmt=True)
    if etag and not careless and answer.headers.get("If-Match") not in (None, tag):
        answer.send(412)
        return
    asked = _RANGE.fullmatch(answer.headers.get("Range") or "")
    if not ranges:
        answer.send(200, content, headers)
        return
    headers["Accept-Ranges"] = "bytes"
    if asked is None:
        answer.send(200, content, headers)
        return
    start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if start >= len(content):
        answer.send(416, headers={"Content-Range": f"bytes */{len(content)}"})
        return
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    answer.send(206, content[start : end + 1], headers)


def refuse(status: int) -> Callable[[Answer], None]:
    """Answer with an error."""
    return lambda answer: answer.send(status, b"something secret of the server's")


def redirect(url: str) -> Callable[[Answer], None]:
    """Redirect the client to another URL."""
    return lambda answer: answer.send(302, headers={"Location": url})


def without_ranges(answer: Answer) -> None:
    """Ignore ranges and send the whole file."""
    serve(answer, ranges=False)


def without_tags(answer: Answer) -> None:
    """Send no ETag, only the time of the last change."""
    serve(answer, etag=False)


def without_versions(answer: Answer) -> None:
    """Send neither an ETag nor the time of the last change."""
    serve(answer, etag=False, dated=False)


def careless(answer: Answer) -> None:
    """Ignore conditional headers."""
    serve(answer, careless=True)


def stall(answer: Answer) -> None:
    """Never answer."""
    answer.server.closing.wait(60)
    answer.close_connection = True


def cut_short(answer: Answer, *, etag: bool = True) -> None:
    """Close the connection in the middle of the body."""
    answer.close_connection = True
    answer.wfile = _Half(answer.wfile.write)
    serve(answer, etag=etag)


def cut_short_without_tags(answer: Answer) -> None:
    """Close the connection in the middle of the body, without an ETag to resume by."""
    cut_short(answer, etag=False)


class _Half:
    """Writer that passes on the headers and the first half of the body."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, data: bytes) -> None:
        self._write(data if data.startswith(b"HTTP/") else data[: len(data) // 2])

    def flush(self) -> None:
        """Do nothing: data are not buffered."""

    @property
    def closed(self) -> bool:
        return False

    def close(self) -> None:
        """Do nothing: the connection is closed by the handler."""


@contextmanager
def serving(folder: Path) -> Iterator[RangeServer]:
    """Run the server inside the `with` block."""
    server = RangeServer(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
