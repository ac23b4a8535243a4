"""Serve byte ranges of a folder over HTTP, with a latency: python latency_server.py FOLDER SECONDS.

It prints its address and serves until it is terminated. Files stay open and nothing is worked out in Python
but the head of an answer, so that it is not the server that is measured.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from functools import lru_cache
from pathlib import Path

_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)
_LONGEST_HEAD = 2**16


@lru_cache(maxsize=1024)
def _opened(path: Path) -> tuple[int, int] | None:
    """A file's descriptor and size."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    return file, os.fstat(file).st_size


def _answer(folder: Path, head: bytes) -> bytes:
    method, target, _ = head.split(b" ", 2)
    found = _opened(folder / Path(target.decode().partition("?")[0]).name)
    if found is None:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    file, size = found
    asked = _RANGE.search(head)
    start = int(asked[1]) if asked else 0
    end = min(int(asked[2]), size - 1) if asked and asked[2] else size - 1
    status = f"206 Partial Content\r\nContent-Range: bytes {start}-{end}/{size}" if asked else "200 OK"
    content = b"" if method == b"HEAD" else os.pread(file, end - start + 1, start)
    return (
        f"HTTP/1.1 {status}\r\nContent-Length: {end - start + 1}\r\nAccept-Ranges: bytes\r\n"
        f'ETag: "{size}"\r\nContent-Type: image/tiff\r\n\r\n'
    ).encode() + content


async def _serve(folder: Path, latency: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(latency)
                writer.write(_answer(folder, head))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=_LONGEST_HEAD, backlog=256)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), float(sys.argv[2])))
