"""Protocol of files that are read by byte ranges."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from landbridge.errors import LandbridgeError

ByteRange = tuple[int, int]
"""Offset and length in bytes."""


Key = tuple[object, ...]
"""Key of a version of a file, or of a tile of it."""


RangeReader = Callable[[Sequence[ByteRange]], Iterable[tuple[ByteRange, "bytes | memoryview"]]]
"""Function that reads the bytes of ranges."""


FILE_CHANGED = "the file was changed while it was being read"


class FileChangedError(LandbridgeError, OSError):
    """A file has changed since it was opened."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__(FILE_CHANGED)


class File(Protocol):
    """File that is read by byte ranges; a read fails if the file has changed since it was opened."""

    @property
    def key(self) -> Key:
        """Key of this version of the file."""
        ...

    @property
    def is_settled(self) -> bool:
        """True if `key` is sure to differ for another content, so that pixels may be kept under it."""
        ...

    @property
    def remote(self) -> bool:
        """True if a read sends a request."""
        ...

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    @property
    def head(self) -> bytes:
        """First bytes, as far as they are known already."""
        ...

    def read(self, ranges: Sequence[ByteRange]) -> Iterable[tuple[ByteRange, "bytes | memoryview"]]:
        """Yield the bytes of ranges as they arrive; they are valid until this thread's next read of any file.

        Raises:
            OSError: if the file cannot be read, or has changed since it was opened.
        """
        ...

    def confirm(self) -> None:
        """Raise StaleHeaderError if the file was opened by a kept header that is not the current one.

        Results that follow from a header alone need this; reads of pixels confirm the header themselves.
        """
        ...

    def check_current(self) -> None:
        """Raise FileChangedError, or StaleHeaderError by a kept header, if the file has another version."""
        ...

    def reader(self) -> AbstractContextManager[RangeReader]:
        """Return a context with `read` for many calls on one thread."""
        ...
