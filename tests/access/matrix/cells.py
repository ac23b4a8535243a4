"""The cells of the table: what each caller got, and what is wrong with that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from access.matrix.table import ROWS, Row
from access.matrix.world import CALLERS, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx
    from fastapi import FastAPI

    from access.matrix.calls import Case

METHODS = frozenset({"get", "head", "post", "put", "patch", "delete"})


@dataclass(frozen=True)
class Cell:
    """One caller's request; `wrong` is empty if all is as expected."""

    row: Row
    caller: str
    status: int
    wrong: str


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """The operations of the OpenAPI."""
    paths = app.openapi()["paths"]
    return {
        (method.upper(), path) for path, offered in paths.items() for method in offered if method in METHODS
    }


def cells(world: World, rows: Iterable[Row] = ROWS) -> Iterator[Cell]:
    """All cells; those that read first, since they see all that there is."""
    for row in rows:
        untouched: Case | None = None
        for caller in CALLERS:
            case = untouched or row.prepare(world)
            cell = cell_of(world, row, caller, case)
            yield cell
            # Making an object takes longer than the request. One that a refusal left as it was serves the
            # next caller too.
            refused = cell.status >= 400 and not cell.wrong
            untouched = case if refused and case.watched else None


def cell_of(world: World, row: Row, caller: str, case: Case | None = None) -> Cell:
    """One request, and what is wrong with its answer or with what it did."""
    case = case or row.prepare(world)
    before = _watched(world, case.watched)
    answer = world.ask(caller, row.method, row.path.format(**case.path), **case.options)
    wrong = _wrong(world, row, caller, answer)
    changed = _watched(world, case.watched) != before
    if not wrong and case.watched and changed != answer.is_success:
        wrong = f"{answer.status_code}, but {case.watched} {'changed' if changed else 'did not change'}"
    return Cell(row, caller, answer.status_code, wrong)


def _wrong(world: World, row: Row, caller: str, answer: httpx.Response) -> str:
    expected = row.expected[caller]
    if answer.status_code != expected:
        return f"{answer.status_code}, not {expected}: {answer.text[:200]}"
    if not answer.is_success or row.seen is None or row.visible is None:
        return ""
    seen, visible = row.seen(answer), row.visible(world, caller)
    if seen == visible:
        return ""
    return f"sees {sorted(seen - visible)} that it may not; misses {sorted(visible - seen)}"


def _watched(world: World, path: str | None) -> tuple[int, bytes] | None:
    if path is None:
        return None
    answer = world.ask("operator", "GET", path)
    return answer.status_code, answer.content
