"""Tells a chained comparison, `a < p.x < b`, from two comparisons joined by `and`.

Python evaluates `a < p.x < b` as `a < p.x and p.x < b`, with `p.x` evaluated once: it calls `bool()` on the
first comparison and returns the second one. So `__bool__` of an expression must answer True in a chain, and
must raise everywhere else: `p.x > a and p.y < b` would otherwise lose its first half silently.

`__bool__` cannot see which of the two it is called for, but the bytecode of the calling frame can. Only a
chain duplicates its middle operand, immediately before the first comparison: `SWAP 2`, `COPY 2`,
`COMPARE_OP` in CPython from 3.11 on. The tests run every form of chain on each supported Python version.

The first comparison is kept until the second one is evaluated, under the frame that evaluates the chain, and
is only returned inside the instructions of that chain. No other frame, thread or line of code can get it.
"""

from __future__ import annotations

import dis
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import CodeType, FrameType

__all__ = ["keep_first", "take_first"]

# A chain that an exception ended leaves its first comparison behind; of more than this the oldest is dropped.
_MAX_KEPT = 64
# Instructions that may stand between a comparison and the jump on its truth value.
_TRUTH_TESTS = frozenset({"COPY", "TO_BOOL", "NOT_TAKEN"})


class _Chain(NamedTuple):
    """Bytecode offsets of the part of a chain after its first comparison: `start` to `end`, exclusive."""

    start: int
    end: int


class _KeptComparisons(threading.local):
    """First comparisons of this thread's unfinished chains, by the id of their frame."""

    def __init__(self) -> None:
        self.by_frame: dict[int, tuple[CodeType, _Chain, object]] = {}


_kept = _KeptComparisons()


def keep_first(comparison: object, frame: FrameType) -> bool:
    """Keep a comparison if the frame evaluates its truth value as the first one of a chain.

    Returns
    -------
    bool
        True if it was kept, False if the frame is not in a chain.
    """
    chain = _find_chain(frame.f_code, frame.f_lasti)
    if chain is None:
        return False
    kept = _kept.by_frame
    kept.pop(id(frame), None)
    kept[id(frame)] = (frame.f_code, chain, comparison)
    if len(kept) > _MAX_KEPT:
        del kept[next(iter(kept))]
    return True


def take_first(frame: FrameType) -> object | None:
    """Return the kept first comparison if the frame is at the next comparison of that chain, else None."""
    found = _kept.by_frame.get(id(frame))
    if found is None:
        return None
    code, chain, comparison = found
    if code is not frame.f_code or not chain.start <= frame.f_lasti < chain.end:
        return None
    del _kept.by_frame[id(frame)]
    return comparison


@lru_cache(maxsize=256)
def _find_chain(code: CodeType, offset: int) -> _Chain | None:
    """Return the rest of the chain whose first comparison is tested at `offset`; None if it is no chain."""
    instructions = [one for one in dis.get_instructions(code) if one.opname not in {"CACHE", "EXTENDED_ARG"}]
    position = next((index for index, one in enumerate(instructions) if one.offset == offset), None)
    if position is None:
        return None
    before = instructions[: position + 1]
    while before and (before[-1].opname in _TRUTH_TESTS or "IF_FALSE" in before[-1].opname):
        before.pop()
    if [one.opname for one in before[-3:]] != ["SWAP", "COPY", "COMPARE_OP"] or before[-2].arg != 2:
        return None
    jump = next((one for one in instructions[position:] if "JUMP" in one.opname), None)
    if jump is None or "IF_FALSE" not in jump.opname:
        return None
    end = int(jump.argval)
    return _Chain(jump.offset, end if end > jump.offset else len(code.co_code))
