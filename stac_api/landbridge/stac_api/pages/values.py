"""Values of STAC documents of any origin, read with their types checked, and as texts for people."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeGuard
from urllib.parse import urlsplit

__all__ = [
    "Box",
    "as_text",
    "bbox",
    "box_text",
    "bytes_text",
    "integer",
    "interval",
    "is_number",
    "mapping",
    "mappings",
    "moment",
    "shortened",
    "text",
    "texts",
    "web_url",
]

Box: TypeAlias = tuple[float, float, float, float]
_LONGEST: Final = 500  # characters of a value of an image
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def text(value: Any) -> str:
    """Return a text; an empty one for any other value."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """Return the texts of a list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a finite number, and not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def integer(value: Any) -> int:
    """Return a whole number; 0 for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def as_text(value: Any) -> str:
    """Return any value as a text of limited length: numbers and texts as they are, others as JSON."""
    given = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(given, _LONGEST)


def shortened(given: str, length: int) -> str:
    """Return a text that is cut at a word if it is longer than `length`."""
    if len(given) <= length:
        return given
    whole, _, _ = given[:length].rpartition(" ")
    return f"{whole or given[:length]} …"


def web_url(value: Any) -> str | None:
    """Return the address of a web page or file; None for any other scheme, such as `javascript:`."""
    try:
        parts = urlsplit(text(value))
        return text(value) if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def bbox(document: dict[str, Any] | Any) -> Box | None:
    """Return the bounding box of an item, or the whole one of a collection; None if it has none."""
    given = document.get("bbox")
    if given is None:
        boxes = mapping(mapping(document.get("extent")).get("spatial")).get("bbox")
        given = boxes[0] if isinstance(boxes, list) and boxes else None
    if not isinstance(given, list) or len(given) not in (4, 6) or not all(map(is_number, given)):
        return None
    half = len(given) // 2
    return given[0], given[1], given[half], given[half + 1]


def box_text(box: Box) -> str:
    """Return a bounding box in degrees with the letters of the directions."""
    west, south, east, north = box
    longitudes = f"{_degrees(west, 'EW')} to {_degrees(east, 'EW')}"
    return f"{longitudes}, {_degrees(south, 'NS')} to {_degrees(north, 'NS')}"


def _degrees(value: float, letters: str) -> str:
    return f"{abs(value):.4g}° {letters[value < 0]}"


def interval(collection: dict[str, Any] | Any) -> str:
    """Return the dates of a collection, such as `2020-01-04 to now`; an empty text if both are open."""
    found = mapping(mapping(collection.get("extent")).get("temporal")).get("interval")
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, list) or len(first) != 2:
        return ""
    start, end = (_day(text(one)) for one in first)
    if not start and not end:
        return ""
    return start if start == end else f"{start or 'the beginning'} to {end or 'now'}"


def moment(properties: dict[str, Any]) -> str:
    """Return the time of an item: its datetime, or its start and end."""
    start = text(properties.get("datetime")) or text(properties.get("start_datetime"))
    end = text(properties.get("end_datetime"))
    if text(properties.get("datetime")) or not end:
        return _minute(start)
    return f"{_minute(start)} to {_minute(end)}"


def _day(given: str) -> str:
    return given[:10]


def _minute(given: str) -> str:
    try:
        return f"{datetime.fromisoformat(given):%Y-%m-%d %H:%M} UTC" if given.endswith("Z") else given
    except ValueError:
        return given


def bytes_text(size: float) -> str:
    """Return a number of bytes with a unit."""
    power = min(int(math.log(size, 1024)), len(_UNITS) - 1) if size >= 1 else 0
    return f"{size / 1024**power:.3g} {_UNITS[power]}" if power else f"{size:.0f} {_UNITS[0]}"
