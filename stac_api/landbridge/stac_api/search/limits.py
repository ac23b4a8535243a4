"""Limits of one search.

PostgreSQL's statement timeout does not interrupt the planner, so the parts of a search are counted before its
SQL is built. Each limit was measured: the largest request that it allows is answered within two seconds on an
empty database (tests/access/test_request_limits.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from landbridge.stac_api.documents.positions import MOST_POSITIONS, check_positions
from landbridge.stac_api.errors import BadRequestError

__all__ = [
    "MOST_COLLECTIONS",
    "MOST_DEPTH",
    "MOST_FIELDS",
    "MOST_IDS",
    "MOST_PARTS",
    "MOST_POSITIONS",
    "MOST_SORTED",
    "MOST_SQL",
    "MOST_TEXT",
    "MOST_VALUES",
    "MOST_WORDS",
    "check_count",
    "check_filter",
    "check_positions",
    "too_large",
]

MOST_PARTS: Final = 1_000  # operators and properties of a filter; a comparison has two
MOST_VALUES: Final = 20_000  # values of all lists of a filter
MOST_DEPTH: Final = 128  # nested operators
MOST_TEXT: Final = 500_000  # characters of a filter in text
MOST_SQL: Final = 500_000  # characters of a filter's SQL
MOST_IDS: Final = 10_000
MOST_COLLECTIONS: Final = 10_000
MOST_SORTED: Final = 20
MOST_FIELDS: Final = 500
MOST_WORDS: Final = 100  # texts of `q`

_GEOMETRY: Final = frozenset({"coordinates", "geometries"})


def check_count(name: str, given: Any, most: int) -> None:
    """Raise `BadRequestError` if a member of a search has more than `most` entries."""
    if given is not None and len(given) > most:
        raise BadRequestError(
            f"{name} has {len(given):,} entries; {most:,} are the most of one request. Ask in several."
        )


def check_filter(tree: Any) -> Any:
    """Return a filter in CQL2 JSON if it is small enough to be answered.

    Raises:
        BadRequestError: if it has too many parts, values or positions, or is nested too deeply.
    """
    stack = [(tree, 1)]
    parts = values = 0
    geometries = []
    while stack:
        node, depth = stack.pop()
        if isinstance(node, Mapping):
            if node.keys() & _GEOMETRY:
                geometries.append(node)
                continue
            parts += 1
            children: Any = node.values()
        elif isinstance(node, list):
            children = node
        else:
            values += 1
            continue
        if depth > MOST_DEPTH * 2 or parts > MOST_PARTS or values > MOST_VALUES:
            raise too_large()
        stack += [(child, depth + 1) for child in children]
    check_positions("The filter", geometries)
    return tree


def too_large(what: str = "") -> BadRequestError:
    """Return the error for a filter that is too large."""
    return BadRequestError(
        f"The filter is too large{what}: {MOST_PARTS:,} operators and properties are the most, with "
        f"{MOST_VALUES:,} values, nested {MOST_DEPTH} deep. Use `in` for many values of one property, or ask "
        f"in several requests."
    )
