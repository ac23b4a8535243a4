"""Chained comparisons of properties: `a < p.x < b` keeps both bounds, and `and` is refused.

Python evaluates `a < p.x < b` as `a < p.x and p.x < b`, with `p.x` read once: it asks for the truth of the
first comparison, and the second is the result. The code of the caller tells the two apart: only a chain
duplicates the middle operand, just before its first comparison (`SWAP 2`, `COPY 2`, in CPython from 3.11 on).

Between the two comparisons of a chain the first one waits, by the frame that runs the chain. No other frame,
thread or place in the code can meet it.
"""

from __future__ import annotations

import dis
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from landbridge.utils.expressions import Expression

__all__ = ["begin", "begun"]

# A chain that an error ended leaves its first comparison behind; so many of them are kept.
_MOST_WAITING = 64
# Instructions that may stand between a comparison and the jump that its truth decides.
_TESTS = frozenset({"COPY", "TO_BOOL", "NOT_TAKEN"})


class _Chain(NamedTuple):
    """The instructions of a chain after its first comparison: from `start`, before `end`."""

    start: int
    end: int


class _Waiting(threading.local):
    """The first comparisons of the chains that this thread is in, by the id of their frame."""

    def __init__(self) -> None:
        self.by_frame: dict[int, tuple[CodeType, _Chain, Expression]] = {}


_waiting = _Waiting()


def begin(expression: Expression, frame: FrameType) -> bool:
    """Keep the first comparison of a chain; False if the frame does not ask its truth for a chain."""
    chain = _chain_at(frame.f_code, frame.f_lasti)
    if chain is None:
        return False
    waiting = _waiting.by_frame
    waiting.pop(id(frame), None)
    waiting[id(frame)] = (frame.f_code, chain, expression)
    if len(waiting) > _MOST_WAITING:
        del waiting[next(iter(waiting))]
    return True


def begun(frame: FrameType) -> Expression | None:
    """Return the first comparison of the chain that this frame is at the next comparison of."""
    found = _waiting.by_frame.get(id(frame))
    if found is None:
        return None
    code, chain, expression = found
    if code is not frame.f_code or not chain.start <= frame.f_lasti < chain.end:
        return None
    del _waiting.by_frame[id(frame)]
    return expression


@lru_cache(maxsize=256)
def _chain_at(code: CodeType, offset: int) -> _Chain | None:
    """Return the rest of the chain whose first comparison is tested at an instruction; None: no chain is."""
    instructions = [one for one in dis.get_instructions(code) if one.opname not in {"CACHE", "EXTENDED_ARG"}]
    position = next((index for index, one in enumerate(instructions) if one.offset == offset), None)
    if position is None:
        return None
    done = instructions[: position + 1]
    while done and (done[-1].opname in _TESTS or "IF_FALSE" in done[-1].opname):
        done.pop()
    if [one.opname for one in done[-3:]] != ["SWAP", "COPY", "COMPARE_OP"] or done[-2].arg != 2:
        return None
    jump = next((one for one in instructions[position:] if "JUMP" in one.opname), None)
    if jump is None or "IF_FALSE" not in jump.opname:
        return None
    end = int(jump.argval)
    return _Chain(jump.offset, end if end > jump.offset else len(code.co_code))
