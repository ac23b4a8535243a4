"""Atomic writing of files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(
    path: Path, chunks: Iterable[bytes | memoryview], *, mode: int = 0o666, is_durable: bool = False
) -> None:
    """Write a file atomically: the path has either the whole content or its former content.

    The umask applies to `mode`. With `is_durable` the content is on the disk before the path has it.
    """
    # Not a temporary file of `tempfile`: that is private, whatever the umask allows.
    part = path.with_name(f".{path.name[:100]}.{os.urandom(8).hex()}")
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.writelines(chunks)
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
