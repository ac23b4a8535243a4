"""A row of the table: a route in one case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from access.matrix.calls import Case

if TYPE_CHECKING:
    from access.matrix import calls, expected
    from access.matrix.seen import Seen, Visible

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """A route in one case. `seen` are the ids in an answer of success, which have to be those `visible`."""

    method: str
    path: str
    expected: expected.Expected
    case: str = ""
    prepare: calls.Prepare = lambda _: Case()
    seen: Seen | None = None
    visible: Visible | None = None

    @property
    def name(self) -> str:
        """Name in the table."""
        return f"{self.method} {self.path}{f' ({self.case})' if self.case else ''}"
