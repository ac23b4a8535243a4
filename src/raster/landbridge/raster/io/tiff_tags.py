"""Tags of TIFF and BigTIFF files of either byte order, read with bounds on every count and offset."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landbridge.errors import LandbridgeError
from landbridge.raster.io.file_protocol import ByteRange, RangeReader

__all__ = ["Directory", "FileBytes", "Integers", "UnsupportedTiffError", "read_directories"]

Integers = np.ndarray[Any, np.dtype[np.int64]]

# Files with more are left to GDAL.
_MAX_DIRECTORIES, _MAX_TAGS = 64, 512
# Largest value of a tag: the offsets of eight million tiles.
_MAX_VALUE_BYTES = 64 * 2**20
# Fewest bytes of a read; the directories of most files lie together.
_READ_BYTES = 32 * 2**10
# Size in bytes of the types of tags, and numpy's codes of the unsigned integers among them.
_TYPE_SIZES: Mapping[int, int] = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
_INTEGER_CODES: Mapping[int, str] = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_SHORT_CODES = frozenset({1, 3, 4, 13})  # types of one to four bytes, of which one fits in its entry
_ASCII, _DOUBLE = 2, 12


class UnsupportedTiffError(LandbridgeError):
    """A file is no TIFF, is malformed, or has a feature that only GDAL reads."""


class FileBytes:
    """Bytes of a file, of which few parts are read at a time."""

    def __init__(self, read: RangeReader, size: int, head: bytes = b"") -> None:
        """Take a function that reads ranges, the size of the file, and its first bytes if they are known."""
        self._read = read
        self._size = size
        self._parts: list[tuple[int, bytes]] = [(0, head)]

    def get(self, offset: int, length: int) -> bytes:
        """Return the bytes of a range.

        Raises:
            UnsupportedTiffError: if it does not lie in the file.
            OSError: if the file cannot be read.
        """
        found = self._find(offset, length)
        if found is None:
            self.fetch([(offset, min(max(length, _READ_BYTES), self._size - offset))])
            found = self._find(offset, length)
        if found is None:
            raise UnsupportedTiffError("the file ends in a tag")
        return found

    def fetch(self, ranges: Iterable[ByteRange]) -> None:
        """Read ranges that are not in memory yet, at once."""
        missing = {(offset, length) for offset, length in ranges if self._find(offset, length) is None}
        if any(offset < 0 or length < 0 or offset + length > self._size for offset, length in missing):
            raise UnsupportedTiffError("a tag lies outside the file")
        if missing:
            self._parts += [(offset, bytes(data)) for (offset, _), data in self._read(sorted(missing))]

    def _find(self, offset: int, length: int) -> bytes | None:
        for start, data in self._parts:
            if start <= offset and offset + length <= start + len(data):
                return data[offset - start : offset - start + length]
        return None


@dataclass(frozen=True, slots=True)
class _Entry:
    """Type and number of a tag's values; `inline` holds them if they fit, else `offset` is their place."""

    type: int
    count: int
    inline: bytes
    offset: int

    @property
    def size(self) -> int:
        return _TYPE_SIZES[self.type] * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """Tags of a page; `byte_order` is "<" or ">"."""

    byte_order: str
    entries: Mapping[int, _Entry] = field(repr=False)
    _bytes: FileBytes = field(repr=False)

    def __contains__(self, tag: int) -> bool:
        return tag in self.entries

    def ranges(self, tags: Iterable[int]) -> list[ByteRange]:
        """Return the byte ranges of the values of tags that do not lie in the directory itself."""
        return [
            (entry.offset, _checked_size(entry))
            for tag in tags
            if (entry := self.entries.get(tag)) is not None and not entry.inline
        ]

    def integers(self, tag: int) -> Integers:
        """Return the values of a tag of unsigned integers; none if the directory lacks it."""
        entry = self.entries.get(tag)
        if entry is None:
            return np.empty(0, np.int64)
        if entry.type not in _INTEGER_CODES:
            raise UnsupportedTiffError(f"tag {tag} has no integers")
        values = np.frombuffer(self._value(entry), self.byte_order + _INTEGER_CODES[entry.type])
        if values.dtype.itemsize == 8 and values.size and int(values.max()) > np.iinfo(np.int64).max:
            raise UnsupportedTiffError(f"tag {tag} has a value beyond 2**63")
        return values.astype(np.int64)

    def number(self, tag: int, default: int | None = None) -> int:
        """Return the value of a tag of one integer, or of several equal ones.

        Raises:
            UnsupportedTiffError: if the values differ, or if the tag is missing and there is no default.
        """
        entry = self.entries.get(tag)
        if entry is not None and entry.count == 1 and entry.type in _SHORT_CODES:
            # Most tags of a header: an array for each would take a third of the time to parse it.
            stored = entry.inline[: _TYPE_SIZES[entry.type]]
            return int.from_bytes(stored, "little" if self.byte_order == "<" else "big")
        values = self.integers(tag)
        if not len(values) and default is not None:
            return default
        if not len(values) or (values != values[0]).any():
            raise UnsupportedTiffError(f"tag {tag} has not one value")
        return int(values[0])

    def doubles(self, tag: int) -> tuple[float, ...] | None:
        """Return the values of a tag of 64-bit floats; None if the directory lacks it."""
        entry = self.entries.get(tag)
        if entry is None:
            return None
        if entry.type != _DOUBLE:
            raise UnsupportedTiffError(f"tag {tag} has no 64-bit floats")
        return tuple(np.frombuffer(self._value(entry), f"{self.byte_order}f8").tolist())

    def text(self, tag: int) -> str | None:
        """Return the value of a tag of text; None if the directory lacks it."""
        entry = self.entries.get(tag)
        if entry is None:
            return None
        if entry.type != _ASCII:
            raise UnsupportedTiffError(f"tag {tag} has no text")
        # The text ends at the first NUL, as in GDAL.
        data = self._value(entry).partition(b"\0")[0]
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def _value(self, entry: _Entry) -> bytes:
        size = _checked_size(entry)
        return entry.inline[:size] if entry.inline else self._bytes.get(entry.offset, size)


def _checked_size(entry: _Entry) -> int:
    if entry.size > _MAX_VALUE_BYTES:
        raise UnsupportedTiffError("a tag is larger than any that is expected")
    return entry.size


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of a file's directory: struct's codes of the number of entries, an entry, and an offset."""

    byte_order: str
    number: str
    entry: str
    offset: str


def read_directories(source: FileBytes) -> Sequence[Directory]:
    """Return the directories of a TIFF in their order; the values of tags are read when they are needed.

    Raises:
        UnsupportedTiffError: if the file is no TIFF, or its directories are malformed or too many.
        OSError: if the file cannot be read.
    """
    layout, offset = _header(source)
    directories: list[Directory] = []
    seen: set[int] = set()
    while offset:
        if offset in seen or len(directories) >= _MAX_DIRECTORIES:
            raise UnsupportedTiffError("the directories form a circle, or are too many")
        seen.add(offset)
        directory, offset = _read_directory(source, layout, offset)
        directories.append(directory)
    return directories


def _header(source: FileBytes) -> tuple[_Layout, int]:
    """Return the layout of a file and the offset of its first directory."""
    head = source.get(0, 8)
    byte_order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if byte_order is None:
        raise UnsupportedTiffError("the file is no TIFF")
    (version,) = struct.unpack(f"{byte_order}H", head[2:4])
    if version == 42:
        (offset,) = struct.unpack(f"{byte_order}I", head[4:])
        return _Layout(byte_order, "H", "HHI4s", "I"), offset
    if version == 43 and struct.unpack(f"{byte_order}HH", head[4:]) == (8, 0):
        (offset,) = struct.unpack(f"{byte_order}Q", source.get(8, 8))
        return _Layout(byte_order, "Q", "HHQ8s", "Q"), offset
    raise UnsupportedTiffError(f"the file has version {version} of TIFF")


def _read_directory(source: FileBytes, layout: _Layout, offset: int) -> tuple[Directory, int]:
    """Return the directory at an offset, and the offset of the next one; 0 if it is the last."""
    order = layout.byte_order
    number, entry, pointer = (
        struct.Struct(order + code) for code in (layout.number, layout.entry, layout.offset)
    )
    (count,) = number.unpack(source.get(offset, number.size))
    if not 0 < count <= _MAX_TAGS:
        raise UnsupportedTiffError(f"a directory has {count} tags")
    end = number.size + count * entry.size
    data = source.get(offset, end + pointer.size)
    entries: dict[int, _Entry] = {}
    for tag, kind, values, stored in entry.iter_unpack(data[number.size : end]):
        if tag in entries:
            raise UnsupportedTiffError(f"a directory has tag {tag} twice")
        # Readers ignore tags of types that they do not know.
        if kind not in _TYPE_SIZES:
            continue
        is_inline = _TYPE_SIZES[kind] * values <= len(stored)
        place = 0 if is_inline else pointer.unpack(stored)[0]
        entries[tag] = _Entry(kind, values, stored if is_inline else b"", place)
    return Directory(order, entries, source), pointer.unpack(data[end:])[0]
