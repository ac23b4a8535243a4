"""The content of blobs as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["split_lines"]


def split_lines(
    chunks: Iterable[bytes], decode: bool = False, delimiter: str | bytes | None = None
) -> Iterator[Any]:
    """Yield the lines without their ends: as bytes or, with `decode`, as texts decoded from UTF-8.

    Lines end with a line feed, a carriage return or both, or with the delimiter if one is given.
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
        ends_in_return = rest and rest[-1].endswith(b"\r")
        if not ends_in_return and b"\n" not in chunk and b"\r" not in chunk:
            rest.append(chunk)
            continue
        lines = b"".join([*rest, chunk]).splitlines(keepends=True)
        # The last line may continue in the next chunk, and so may a line end, after its carriage return.
        rest = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        for line in lines:
            yield line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line[:-1]
    if rest:
        yield b"".join(rest).removesuffix(b"\r")
