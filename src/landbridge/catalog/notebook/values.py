"""Texts of attribute values in views."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from landbridge.notebook.markup import Html, badge, short, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["attribute_pairs", "known", "label", "size_text", "state_badge", "value_text", "without_query"]

_STATES = {"saved": "good", "modified": "warn", "unsaved": "warn", "deleted": "bad"}
_MOST_ITEMS = 8
_SECRET = re.compile("secret|token|password|resumable_urls")


def state_badge(obj: Any) -> Html:
    """Return the state of an object as a badge."""
    state = str(obj.state)
    return badge(state, _STATES.get(state, ""))


def label(name: str) -> str:
    """Return the name of an attribute as words."""
    return name.replace("_", " ")


def known(obj: Any, name: str) -> Any:
    """Return the value of an attribute that the object holds; None if it would have to be asked for.

    Reading the attribute itself may make a request, such as for the object that it refers to.
    """
    attribute = obj._attribute_types.get(name)
    return None if attribute is None else obj._read(attribute)


def attribute_pairs(obj: Any, skipped: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the name and the text of each attribute that is set, without those that refer to objects."""
    for name in obj._set_names():
        hidden = name in skipped or _SECRET.search(name)
        text = None if hidden else value_text(known(obj, name))
        if text:
            yield label(name), text


def value_text(value: Any) -> str | None:
    """Return the text of a value: short, and without the content of mappings; None if there is none."""
    if value is None or value == "":
        return None
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    if hasattr(value, "geom_type"):
        return str(value.geom_type)
    if hasattr(value, "unit"):
        return resolution_text(value)
    return _items_text(value) if hasattr(value, "__iter__") else short(value)


def _moment_text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment.hour or moment.minute else f"{moment:%Y-%m-%d}"


def _items_text(value: Any) -> str | None:
    """Return the first items of a list; the number of entries of a mapping or of a list of other values."""
    items = list(value)
    if not items:
        return None
    if hasattr(value, "keys") or not all(isinstance(item, (str, int, float)) for item in items):
        return f"{len(items):,} {'entry' if len(items) == 1 else 'entries'}"
    texts = [short(f"{each:g}" if isinstance(each, float) else each, 60) for each in items[:_MOST_ITEMS]]
    more = f", … ({len(items):,} in total)" if len(items) > _MOST_ITEMS else ""
    return ", ".join(texts) + more


def resolution_text(resolution: Any) -> str | None:
    """Return a resolution as a number and its unit; None if it is not set."""
    if resolution is None or resolution.value is None:
        return None
    unit = {"meters": "m", "degrees": "°"}.get(str(resolution.unit), str(resolution.unit or ""))
    number = resolution.value
    return short(f"{number:g} {unit}" if isinstance(number, (int, float)) else f"{number} {unit}", 40)


def size_text(size: Any) -> str | None:
    """Return a number of bytes in a readable unit; None if it is not a number."""
    if not isinstance(size, (int, float)) or isinstance(size, bool):
        return None
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"


def without_query(address: Any) -> str:
    """Return an address without its query, which may hold a signature, and without a user's name."""
    text = str(address)
    try:
        parts = urlsplit(text)
    except ValueError:
        return short(text.partition("?")[0])
    if not parts.scheme:
        return short(text)
    return short(parts._replace(query="", fragment="", netloc=parts.netloc.rpartition("@")[2]).geturl())


def tags_of(obj: Any) -> Html | None:
    """Return the tags of an object as badges; None if it has none."""
    tags = list(known(obj, "tags") or ())
    if not tags:
        return None
    more = [badge(f"{len(tags) - _MOST_ITEMS} more")] if len(tags) > _MOST_ITEMS else []
    return tag(
        "span", *(part for each in tags[:_MOST_ITEMS] for part in (badge(short(each, 40)), " ")), *more
    )


# The first kind that a value is of counts: a bool is an int too.
_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (datetime, _moment_text),
    (bool, lambda value: "yes" if value else "no"),
    (float, lambda value: f"{value:g}"),
    (str, lambda value: without_query(value) if "://" in value[:20] else short(value)),
    (int, short),
)
