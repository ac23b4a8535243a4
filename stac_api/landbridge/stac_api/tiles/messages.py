"""Messages between the pool and its worker processes: frames of JSON and bytes through a pipe.

A frame is two sizes, the JSON and the bytes. Nothing else crosses: a worker that a file has taken over can
make the server parse JSON, and nothing more.

The pool sends a request, `{"id", "task", …}`, then a page `{"id", "page": [...] or null}` for each
`{"id", "more": true}` of the worker, and `{"id", "cancel": true}` if nobody waits any more. The worker ends
each request with `{"id", "ok": …}` and bytes, or `{"id", "error": kind, "text"}`.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

__all__ = [
    "CACHE_VARIABLE",
    "FOLDERS_VARIABLE",
    "HEADER_BYTES",
    "MAX_FRAME",
    "MEMORY_VARIABLE",
    "NETWORK_VARIABLE",
    "SAMPLE_VARIABLE",
    "Failure",
    "pack",
    "sizes",
]

MEMORY_VARIABLE: Final = "LANDBRIDGE_TILE_PROCESS_MEMORY"
"""Environment variable of a worker: its limit on private memory, in bytes."""
CACHE_VARIABLE: Final = "LANDBRIDGE_TILE_PROCESS_CACHE"
"""Environment variable of a worker: size of its cache of decoded pixels, in bytes."""
FOLDERS_VARIABLE: Final = "LANDBRIDGE_TILE_PROCESS_FOLDERS"
"""Environment variable of a worker: the folders that it may read, as a JSON array."""
NETWORK_VARIABLE: Final = "LANDBRIDGE_TILE_PROCESS_NETWORK"
"""Environment variable of a worker: `1` if it may open connections."""
SAMPLE_VARIABLE: Final = "LANDBRIDGE_TILE_PROCESS_SAMPLE"
"""Environment variable of a worker: an empty folder for the sample that it renders first."""

_SIZES = struct.Struct(">II")
HEADER_BYTES: Final = _SIZES.size
MAX_FRAME: Final = 256 * 2**20
"""Largest size of a frame in bytes."""


class Failure:
    """Kinds of errors of a worker."""

    REQUEST: Final = "request"
    FILE: Final = "file"
    MEMORY: Final = "memory"
    DEADLINE: Final = "deadline"
    CANCELLED: Final = "cancelled"
    DEFECT: Final = "defect"


def pack(document: dict[str, Any], body: bytes | memoryview = b"") -> list[bytes | memoryview]:
    """Return the parts of a frame, to be written one after the other."""
    text = json.dumps(document, separators=(",", ":")).encode()
    return [_SIZES.pack(len(text), len(body)) + text, body]


def sizes(header: bytes) -> tuple[int, int]:
    """Return the sizes of a frame's JSON and bytes; raise ValueError if they are larger than allowed."""
    text, body = _SIZES.unpack(header)
    if text + body > MAX_FRAME:
        raise ValueError(f"a frame of {text + body} bytes is larger than {MAX_FRAME}")
    return text, body
