"""Reader of a source's table from TOML.

A file describes one source::

    id = "earth-search"
    title = "Earth Search"
    url = "https://earth-search.aws.element84.com/v1"
    kind = "api"                       # or "catalog", "parquet"; "api" if it is missing
    rank = 10                          # sources with the same product are asked in this order

    [api]                              # only what the API declares wrongly or not at all
    page_size = 200

    [[access]]                         # files that need more than a plain request
    prefixes = ["s3://usgs-landsat/"]
    kind = "s3"
    region = "us-west-2"
    requester_pays = true

    [[products]]
    collection = "sentinel-2-c1-l2a"
    ids = ["esa:sentinel-2:l2a:v1"]    # ids of the old catalog that it stands for
    radiometry = "sentinel-2"
    display_bands = ["red", "green", "blue"]

    [products.bands.red]
    asset = "red"
    data_type = "UInt16"
    nodata = 0
    scale = 0.0001
    offset = -0.1
    unit = "reflectance"
    resolution = 10                    # meters
    display_range = [0, 4000]

    [products.bands.cloud_mask]
    asset = "scl"
    type = "mask"
    mask = { values = [3, 8, 9, 10] }  # or { bits = [1, 2, 3, 4] }

The keys are the fields of the classes of `landbridge.mappings.sources.model`, which explain them. A band's
other keys are attributes of the Catalog's bands; ``type`` is ``"spectral"`` if it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from landbridge.errors import LandbridgeError
from landbridge.mappings import band as band_mapping
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.sources.model import (
    AccessRule,
    ApiRules,
    BandRow,
    MaskRule,
    ProductRow,
    SourceTable,
)
from landbridge.mappings.sources.radiometry import RULES
from landbridge.mappings.tables import load as load_table

__all__ = ["SourceError", "parse", "parse_text"]

_KINDS = ("api", "catalog", "parquet")
_FILTERS = ("cql2-json", "cql2-text", "query", "none")
_ACCESS_KINDS = ("public", "bearer", "planetary-computer", "earthdata", "s3")
# Keys of a band's table that are not attributes of the Catalog's bands as they stand.
_BAND_KEYS = {"asset", "index", "scale", "offset", "unit", "mask", "resolution", "type"}


class SourceError(LandbridgeError, ValueError):
    """A source's table is invalid; the message names the file and the key."""


Check = Callable[[Any, str], Any]


def parse_text(text: str, file: str) -> SourceTable:
    """Parse a source's table from TOML text; ``file`` is its name in messages.

    Raises `SourceError` if the text is not TOML or a value is invalid.
    """
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{file} is not valid TOML: {error}") from error
    return parse(content, file)


def parse(content: Mapping[str, Any], file: str) -> SourceTable:
    """Make a source from a table's content. Raises `SourceError` as `parse_text`."""
    try:
        values = _checked(content, _SOURCE, "")
        _require(values, "", "id", "url")
        table = SourceTable(**values)
        _check_names(table)
    except _InvalidError as error:
        raise SourceError(f"{file}: {error}") from None
    return table


class _InvalidError(Exception):
    """A value is invalid; `parse` adds the file's name."""


def _checked(table: Any, checks: Mapping[str, Check], location: str) -> dict[str, Any]:
    """Return the checked values of a table; a key that is not known is an error."""
    if not isinstance(table, Mapping):
        raise _InvalidError(f"{location or 'the file'} must be a table, not {table!r}.")
    unknown = sorted(set(table) - set(checks))
    if unknown:
        raise _InvalidError(
            f"{_join(location, unknown[0])} is not a key of a source's table; the keys here are "
            f"{', '.join(sorted(checks))}."
        )
    return {key: checks[key](value, _join(location, key)) for key, value in table.items()}


def _join(location: str, key: str) -> str:
    return f"{location}.{key}" if location else key


def _require(values: Mapping[str, Any], location: str, *keys: str) -> None:
    for key in keys:
        if key not in values:
            raise _InvalidError(f"{_join(location, key)} is missing.")


def _of_type(kind: type, what: str) -> Check:
    def check(value: Any, location: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool) or value == "":
            raise _InvalidError(f"{location} must be {what}; it is {value!r}.")
        return value

    return check


_text = _of_type(str, "a text that is not empty")
_flag = _of_type(bool, "true or false")
_index = _of_type(int, "a whole number")


def _number(value: Any, location: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _InvalidError(f"{location} must be a number; it is {value!r}.")
    return float(value)


def _positive(value: Any, location: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _InvalidError(f"{location} must be a whole number above 0; it is {value!r}.")
    return value


def _one_of(*known: str) -> Check:
    def check(value: Any, location: str) -> str:
        if value not in known:
            raise _InvalidError(f"{location} is {value!r}; it must be one of {', '.join(known)}.")
        return str(value)

    return check


def _list_of(each: Check) -> Check:
    def check(value: Any, location: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _InvalidError(f"{location} must be a list; it is {value!r}.")
        return tuple(each(one, f"{location}[{position}]") for position, one in enumerate(value))

    return check


def _record(make: Callable[..., Any], checks: Mapping[str, Check], *required: str) -> Check:
    """Return a check that makes a frozen value from a table."""

    def check(value: Any, location: str) -> Any:
        values = _checked(value, checks, location)
        _require(values, location, *required)
        return make(**values)

    return check


def _where(value: Any, location: str) -> Mapping[str, tuple[Any, ...]]:
    if not isinstance(value, Mapping):
        raise _InvalidError(f"{location} must be a table of values by property; it is {value!r}.")
    known = {row.property_name for row in load_table("image").rows.values() if row.filter}
    if unknown := sorted(set(value) - known):
        raise _InvalidError(f"{_join(location, unknown[0])} is no property by which images are filtered.")
    return {
        name: tuple(allowed) if isinstance(allowed, list) else (allowed,) for name, allowed in value.items()
    }


def _mask(value: Any, location: str) -> MaskRule:
    rule: MaskRule = _record(MaskRule, {"values": _list_of(_index), "bits": _list_of(_index)})(
        value, location
    )
    if bool(rule.values) == bool(rule.bits):
        raise _InvalidError(f"{location} must have either values or bits.")
    return rule


def _bands(value: Any, location: str) -> tuple[BandRow, ...]:
    if not isinstance(value, Mapping):
        raise _InvalidError(f"{location} must have a table for each band; it is {value!r}.")
    return tuple(_band(name, cells, _join(location, name)) for name, cells in value.items())


def _band(name: str, cells: Any, location: str) -> BandRow:
    if not isinstance(cells, Mapping):
        raise _InvalidError(f"{location} must be a table; it is {cells!r}.")
    own = _checked(
        {key: value for key, value in cells.items() if key in _BAND_KEYS},
        {
            "asset": _text,
            "index": _index,
            "scale": _number,
            "offset": _number,
            "unit": _text,
            "mask": _mask,
            "resolution": _number,
            "type": _text,
        },
        location,
    )
    _require(own, location, "asset")
    attributes: dict[str, Any] = {"type": own.pop("type", "spectral")}
    if (resolution := own.pop("resolution", None)) is not None:
        attributes["resolution"] = {"value": resolution, "unit": "meters"}
    attributes |= {key: value for key, value in cells.items() if key not in _BAND_KEYS}
    known = load_table("band").rows
    if unknown := sorted(set(attributes) - set(known)):
        raise _InvalidError(
            f"{_join(location, unknown[0])} is neither a key of a source's table nor an attribute of bands."
        )
    try:
        band_mapping.to_stac({"name": name, "product_id": "check", **attributes})
    except InvalidDocument as error:
        raise _InvalidError(f"{location}: {error}") from error
    return BandRow(name=name, attributes=attributes, **own)


def _check_names(table: SourceTable) -> None:
    """Raise if two products have one id, or if a product displays a band that it does not have."""
    owners: dict[str, str] = {}
    for row in table.products:
        for identifier in row.ids:
            other = owners.setdefault(identifier, row.collection)
            if other != row.collection:
                raise _InvalidError(f"products {other} and {row.collection} both have the id {identifier!r}.")
        names = {band.name for band in row.bands}
        if row.bands and (missing := sorted(set(row.display_bands) - names)):
            raise _InvalidError(
                f"products.{row.collection}.display_bands names {missing[0]!r}, which is no band of it."
            )


_API: Mapping[str, Check] = {
    "page_size": _positive,
    "filter": _one_of(*_FILTERS),
    "filter_properties": _list_of(_text),
    "method": _one_of("GET", "POST"),
    **{
        each.name: _flag
        for each in fields(ApiRules)
        if each.name not in ("page_size", "filter", "filter_properties", "method")
    },
}
_ACCESS: Mapping[str, Check] = {
    "prefixes": _list_of(_of_type(str, "a text")),
    "kind": _one_of(*_ACCESS_KINDS),
    "region": _text,
    "endpoint": _text,
    "requester_pays": _flag,
    "alternate": _text,
}
_PRODUCT: Mapping[str, Check] = {
    "collection": _text,
    "ids": _list_of(_text),
    "name": _text,
    "description": _text,
    "where": _where,
    "bands": _bands,
    "exclude": _list_of(_text),
    "radiometry": _one_of(*RULES),
    "display_bands": _list_of(_text),
    "note": _text,
}
_SOURCE: Mapping[str, Check] = {
    "id": _text,
    "url": _text,
    "kind": _one_of(*_KINDS),
    "rank": _index,
    "title": _text,
    "documentation": _text,
    "api": _record(ApiRules, _API),
    "access": _list_of(_record(AccessRule, _ACCESS)),
    "products": _list_of(_record(ProductRow, _PRODUCT, "collection")),
}
