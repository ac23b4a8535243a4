"""`proj:epsg`, derived from `proj:code` when items are shown.

Version 2 of the projection extension has `proj:code` only, which older GDAL (STACIT) and stackstac do not
read. Version 1.2 has both, so an item that is shown with both names that one, and is stored with version 2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CODE", "EPSG", "NUMBER", "add_epsg", "drop_epsg"]

CODE: Final = "proj:code"
EPSG: Final = "proj:epsg"
NUMBER: Final = "^EPSG:([0-9]{1,9})$"
_NUMBER: Final = re.compile(NUMBER)
_URL: Final = "https://stac-extensions.github.io/projection/v{}/schema.json"
_BOTH, _CODE_ONLY = _URL.format("1.2.0"), _URL.format("2.0.0")


def add_epsg(item: dict[str, Any]) -> None:
    """Add `proj:epsg` to the properties and the assets of an item that have `proj:code` only, in place."""
    # A page has thousands of assets, and few of them have their own code.
    both = _add(item.get("properties"))
    for asset in (item.get("assets") or {}).values():
        if CODE in asset and _add(asset):
            both = True
    if both:
        _name_version(item, _CODE_ONLY, _BOTH)


def _add(holder: Any) -> bool:
    """Add `proj:epsg` to an object; return whether the object has both members then."""
    if not isinstance(holder, dict) or (code := holder.get(CODE)) is None:
        return False
    if EPSG in holder:
        return True
    number = _number(code) if isinstance(code, str) else None
    if number is None:
        return False
    holder[EPSG] = number
    return True


@lru_cache(maxsize=1024)
def _number(code: str) -> int | None:
    match = _NUMBER.match(code)
    return int(match[1]) if match else None


def drop_epsg(item: dict[str, Any], previous: Mapping[str, Any] | None = None) -> None:
    """Drop each `proj:epsg` that `add_epsg` added or would add, in place.

    Args:
        item: as it was sent, or patched.
        previous: the item as stored; a `proj:epsg` derived from it is dropped if only the code was changed.
    """
    before = dict(_holders(previous)) if previous else {}
    coded = False
    for name, holder in _holders(item):
        if CODE not in holder:
            continue
        coded = True
        given, was = holder.get(EPSG), before.get(name, {})
        if type(given) is not int:
            continue  # `add_epsg` writes integers only
        if given == _derived(holder) or (EPSG not in was and given == _derived(was)):
            del holder[EPSG]
    if coded:
        _name_version(item, _BOTH, _CODE_ONLY)


def _holders(item: Mapping[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    properties, assets = item.get("properties"), item.get("assets")
    if isinstance(properties, dict):
        yield None, properties
    for name, asset in assets.items() if isinstance(assets, dict) else ():
        if isinstance(asset, dict):
            yield name, asset


def _derived(holder: Mapping[str, Any]) -> int | None:
    code = holder.get(CODE)
    return _number(code) if isinstance(code, str) else None


def _name_version(item: dict[str, Any], old: str, new: str) -> None:
    listed = item.get("stac_extensions")
    if isinstance(listed, list) and old in listed:
        item["stac_extensions"] = list(dict.fromkeys(new if one == old else one for one in listed))
