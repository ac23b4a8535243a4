"""Sort orders of searches, and tokens of their pages.

A token holds the sort key of the last row of a page, so the row itself may change or be deleted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import sql_builder
from landbridge.stac_api.pgstac.sql_builder import is_indexed
from landbridge.stac_api.search.request import Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.stac_api.pgstac.sql_builder import Kind, Parameters

__all__ = ["Order", "Token"]

_DEFAULT = (Sort("datetime", descending=True),)
_TYPES: dict[Kind, str] = {
    "number": "double precision",
    "timestamp": "timestamptz",
    "string": "text",
    "json": "jsonb",
}
# Columns that are never null.
_ALWAYS = frozenset({"id", "collection", "datetime", "end_datetime"})


@dataclass(frozen=True, slots=True)
class _Key:
    text: str
    kind: Kind
    descending: bool


@dataclass(frozen=True, slots=True)
class Token:
    """Start of a page: `values` is the sort key of the row before it, in the order called `order`."""

    backwards: bool
    values: list[Any]
    order: str

    def encode(self) -> str:
        """Return the token as text."""
        raw = orjson.dumps([self.order, *self.values])
        direction = "prev" if self.backwards else "next"
        return f"{direction}:{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"

    @classmethod
    def decode(cls, text: str) -> Token:
        """Read a token.

        Raises:
            BadRequestError: if the text is not a token of this API.
        """
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
    """A total order of rows: the sort keys asked for, then collection and id."""

    def __init__(
        self, sortby: Sequence[Sort], last: Sequence[str] = ("collection", "id"), *, dehydrated: bool = True
    ) -> None:
        asked = sortby or _DEFAULT
        named = {one.field.removeprefix("properties.") for one in asked}
        ties = [Sort(name, asked[0].descending) for name in last if name not in named]
        self._keys = []
        for one in (*asked, *ties):
            typed = sql_builder.typed(one.field, dehydrated=dehydrated)
            self._keys.append(_Key(typed.text, typed.kind, one.descending))
        self.unindexed = next(
            (one.field for one, key in zip(asked, self._keys, strict=False) if not _indexed(key)), None
        )
        text = ",".join(f"{key.text} {key.descending}" for key in self._keys)
        self.name = hashlib.sha256(text.encode()).hexdigest()[:8]

    def by(self, *, backwards: bool = False) -> str:
        """Return the ORDER BY."""
        return ", ".join(
            f"{key.text} {'DESC' if key.descending != backwards else 'ASC'}" for key in self._keys
        )

    def key(self) -> str:
        """Return the SQL of a row's sort key, as a JSON array."""
        return f"jsonb_build_array({', '.join(key.text for key in self._keys)})"

    def after(self, token: Token, parameters: Parameters) -> str:
        """Return the condition on the rows after a token's row, or before it if the token leads backwards."""
        if token.order != self.name or len(token.values) != len(self._keys):
            raise BadRequestError("The token belongs to a search with another sortby; use it with that one.")
        parts: list[str] = []
        equal: list[str] = []
        bound = ""
        for number, (key, value) in enumerate(zip(self._keys, token.values, strict=True)):
            down = key.descending != token.backwards
            if value is None:
                # Nulls come last in ascending order and first in descending order.
                beyond = f"{key.text} IS NOT NULL" if down else ""
                same = f"{key.text} IS NULL"
            else:
                place = self._place(key, value, parameters)
                nulls = "" if down or key.text in _ALWAYS else f" OR {key.text} IS NULL"
                beyond = f"({key.text} {'<' if down else '>'} {place}{nulls})"
                same = f"{key.text} = {place}"
                if number == 0 and not nulls:
                    # Tells the index its starting point, which the chain of ORs does not.
                    bound = f"{key.text} {'<=' if down else '>='} {place} AND "
            if beyond:
                parts.append("(" + " AND ".join([*equal, beyond]) + ")")
            equal.append(same)
        return f"({bound}({' OR '.join(parts) or 'FALSE'}))"

    @staticmethod
    def _place(key: _Key, value: Any, parameters: Parameters) -> str:
        fits = {
            "number": isinstance(value, int | float) and not isinstance(value, bool),
            "timestamp": isinstance(value, str),
            "string": isinstance(value, str),
        }.get(key.kind, True)
        if not fits:
            raise _no_token(str(value))
        if key.kind == "timestamp":
            return f"{parameters.add(value, 'text')}::timestamptz"
        place = parameters.add(float(value) if key.kind == "number" else value, _TYPES[key.kind])
        return f'{place} COLLATE "C"' if key.kind == "string" and key.text not in _ALWAYS else place


def _indexed(key: _Key) -> bool:
    return key.text in _ALWAYS or is_indexed(key.text)


def _no_token(text: str) -> BadRequestError:
    return BadRequestError(
        f"token {text!r:.200} was not issued by this API; start the search again without it."
    )
