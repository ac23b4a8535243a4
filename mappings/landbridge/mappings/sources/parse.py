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

    [products.common]                  # keys of each band that has no type of its own
    data_type = "UInt16"
    nodata = 0
    scale = 0.0001
    offset = -0.1
    unit = "reflectance"
    display_range = [1000, 5000]

    [products.bands.red]
    asset = "red"
    resolution = 10                    # meters

    [products.bands.scl]
    asset = "scl"
    type = "class"
    classes = { 0 = "no_data", 4 = "vegetation", 6 = "water" }

    [products.bands.cloud_mask]
    asset = "scl"
    type = "mask"
    mask = { values = [3, 8, 9, 10] }  # or { bits = [1, 2, 3, 4] }

The keys are the fields of the classes of `landbridge.mappings.sources.model`, which explain them. A band's
other keys are attributes of the Catalog's bands; ``type`` is ``"spectral"`` if it is missing, and ``classes``
gives the attribute ``class_labels`` by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from landbridge.mappings.sources.band_rows import bands, with_common_keys
from landbridge.mappings.sources.checks import (
    Check,
    SourceError,
    checked,
    flag,
    join,
    list_of,
    of_type,
    one_of,
    positive,
    record,
    require,
    text,
    whole,
)
from landbridge.mappings.sources.model import AccessRule, ApiRules, ProductRow, SourceTable
from landbridge.mappings.sources.radiometry import RULES
from landbridge.mappings.tables import load as load_table

__all__ = ["SourceError", "parse", "parse_text"]

_KINDS = ("api", "catalog", "parquet")
_FILTERS = ("cql2-json", "cql2-text", "query", "none")
_ACCESS_KINDS = ("public", "bearer", "planetary-computer", "earthdata", "s3")


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
        values = checked(content, _SOURCE, "")
        require(values, "", "id", "url")
        table = SourceTable(**values)
        _check_names(table)
    except SourceError as error:
        raise SourceError(f"{file}: {error}") from None
    return table


def _where(value: Any, location: str) -> Mapping[str, tuple[Any, ...]]:
    if not isinstance(value, Mapping):
        raise SourceError(f"{location} must be a table of values by property; it is {value!r}.")
    known = {row.property_name for row in load_table("image").rows.values() if row.filter}
    if unknown := sorted(set(value) - known):
        raise SourceError(f"{join(location, unknown[0])} is no property by which images are filtered.")
    return {
        name: tuple(allowed) if isinstance(allowed, list) else (allowed,) for name, allowed in value.items()
    }


def _product(value: Any, location: str) -> ProductRow:
    row: ProductRow = record(ProductRow, _PRODUCT, "collection")(with_common_keys(value, location), location)
    return row


def _check_names(table: SourceTable) -> None:
    """Raise if two products have one id, or if a product displays a band that it does not have."""
    owners: dict[str, str] = {}
    for row in table.products:
        for identifier in row.ids:
            other = owners.setdefault(identifier, row.collection)
            if other != row.collection:
                raise SourceError(f"products {other} and {row.collection} both have the id {identifier!r}.")
        names = {band.name for band in row.bands}
        if row.bands and (missing := sorted(set(row.display_bands) - names)):
            raise SourceError(
                f"products.{row.collection}.display_bands names {missing[0]!r}, which is no band of it."
            )


_API: Mapping[str, Check] = {
    "page_size": positive,
    "filter": one_of(*_FILTERS),
    "filter_properties": list_of(text),
    "method": one_of("GET", "POST"),
    **{
        each.name: flag
        for each in fields(ApiRules)
        if each.name not in ("page_size", "filter", "filter_properties", "method")
    },
}
_ACCESS: Mapping[str, Check] = {
    "prefixes": list_of(of_type(str, "a text")),
    "kind": one_of(*_ACCESS_KINDS),
    "region": text,
    "endpoint": text,
    "requester_pays": flag,
    "alternate": text,
}
_PRODUCT: Mapping[str, Check] = {
    "collection": text,
    "ids": list_of(text),
    "rank": whole,
    "name": text,
    "description": text,
    "where": _where,
    "bands": bands,
    "exclude": list_of(text),
    "radiometry": one_of(*RULES),
    "display_bands": list_of(text),
    "note": text,
}
_SOURCE: Mapping[str, Check] = {
    "id": text,
    "url": text,
    "kind": one_of(*_KINDS),
    "rank": whole,
    "title": text,
    "documentation": text,
    "api": record(ApiRules, _API),
    "access": list_of(record(AccessRule, _ACCESS)),
    "products": list_of(_product),
}
