"""The order of a search's answers, and tokens for its pages.

A token is the sort key of the row a page begins after, so that the row may change or be gone by then.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import sql
from landbridge.stac_api.search.request import Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.stac_api.search.sql import Kind, Parameters

__all__ = ["Order", "Token"]

_DEFAULT = (Sort("datetime", descending=True),)
_TYPES: dict[Kind, str] = {
    "number": "double precision",
    "instant": "timestamptz",
    "string": "text",
    "json": "jsonb",
}
# Columns that every row has.
_ALWAYS = frozenset({"id", "collection", "datetime", "end_datetime"})


@dataclass(frozen=True, slots=True)
class _Key:
    text: str
    kind: Kind
    descending: bool


@dataclass(frozen=True, slots=True)
class Token:
    """Where a page begins: `values` are the key of the row before it, in the order named by `order`."""

    backwards: bool
    values: list[Any]
    order: str

    def encode(self) -> str:
        raw = orjson.dumps([self.order, *self.values])
        direction = "prev" if self.backwards else "next"
        return f"{direction}:{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"

    @classmethod
    def decode(cls, text: str) -> Token:
        """Raises `BadRequestError` for what is no token."""
        direction, _, body = text.partition(":")
        try:
            order, *values = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            well_formed = direction in ("next", "prev") and isinstance(order, str)
        except (ValueError, TypeError, binascii.Error):
            well_formed = False
        if not well_formed:
            raise _no_token(text)
        return cls(direction == "prev", values, order)


class Order:
    """A total order of rows: what was asked for, then collection and id."""

    def __init__(
        self, sortby: Sequence[Sort], last: Sequence[str] = ("collection", "id"), *, dehydrated: bool = True
    ) -> None:
        asked = sortby or _DEFAULT
        named = {one.field.removeprefix("properties.") for one in asked}
        ties = [Sort(name, asked[0].descending) for name in last if name not in named]
        self._keys = []
        for one in (*asked, *ties):
            typed = sql.typed(one.field, dehydrated=dehydrated)
            self._keys.append(_Key(typed.text, typed.kind, one.descending))
        self.unindexed = next(
            (one.field for one, key in zip(asked, self._keys, strict=False) if not _indexed(key)), None
        )
        text = ",".join(f"{key.text} {key.descending}" for key in self._keys)
        self.name = hashlib.sha256(text.encode()).hexdigest()[:8]

    def by(self, *, backwards: bool = False) -> str:
        """The ORDER BY."""
        return ", ".join(
            f"{key.text} {'DESC' if key.descending != backwards else 'ASC'}" for key in self._keys
        )

    def key(self) -> str:
        """The key of a row, as a JSON array."""
        return f"jsonb_build_array({', '.join(key.text for key in self._keys)})"

    def after(self, token: Token, parameters: Parameters) -> str:
        """The condition on the rows after a token's, or before it where that leads backwards."""
        if token.order != self.name or len(token.values) != len(self._keys):
            raise BadRequestError("The token belongs to a search with another sortby; use it with that one.")
        parts: list[str] = []
        equal: list[str] = []
        bound = ""
        for number, (key, value) in enumerate(zip(self._keys, token.values, strict=True)):
            down = key.descending != token.backwards
            if value is None:
                # Nulls come last going up, and first going down.
                beyond = f"{key.text} IS NOT NULL" if down else ""
                same = f"{key.text} IS NULL"
            else:
                place = self._place(key, value, parameters)
                nulls = "" if down or key.text in _ALWAYS else f" OR {key.text} IS NULL"
                beyond = f"({key.text} {'<' if down else '>'} {place}{nulls})"
                same = f"{key.text} = {place}"
                if number == 0 and not nulls:
                    # Says to the index where to begin, which a row of ORs does not.
                    bound = f"{key.text} {'<=' if down else '>='} {place} AND "
            if beyond:
                parts.append("(" + " AND ".join([*equal, beyond]) + ")")
            equal.append(same)
        return f"({bound}({' OR '.join(parts) or 'FALSE'}))"

    @staticmethod
    def _place(key: _Key, value: Any, parameters: Parameters) -> str:
        fits = {
            "number": isinstance(value, int | float) and not isinstance(value, bool),
            "instant": isinstance(value, str),
            "string": isinstance(value, str),
        }.get(key.kind, True)
        if not fits:
            raise _no_token(str(value))
        if key.kind == "instant":
            return f"{parameters.add(value, 'text')}::timestamptz"
        place = parameters.add(float(value) if key.kind == "number" else value, _TYPES[key.kind])
        return f'{place} COLLATE "C"' if key.kind == "string" and key.text not in _ALWAYS else place


def _indexed(key: _Key) -> bool:
    return key.text in _ALWAYS or key.text.startswith("to_float(")


def _no_token(text: str) -> BadRequestError:
    return BadRequestError(
        f"token {text!r:.200} is not one this API gave out; start the search again without it."
    )
