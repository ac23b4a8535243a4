"""Reader of the bands of a product in a source's table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table
from landbridge.mappings.codecs import DOCUMENT_CODECS
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.schema_check import fault, short
from landbridge.mappings.sources.checks import (
    Check,
    SourceError,
    checked,
    count,
    join,
    list_of,
    number,
    one_of,
    record,
    require,
    text,
    whole,
)
from landbridge.mappings.sources.model import BandRow, MaskRule
from landbridge.mappings.tables import BAND_TYPES
from landbridge.mappings.tables import load as load_table

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["bands", "with_common_keys"]

_LARGEST_CLASS = 65535
_LARGEST_BIT = 63
# Attributes that follow from the band's position in the table, or that `asset` and `index` give.
_DERIVED = {"file_index", "band_index", "sort_order"}


def with_common_keys(product: Any, location: str) -> Any:
    """Return a product's table in which each band without a type has the keys of ``common``."""
    if not isinstance(product, Mapping) or "common" not in product:
        return product
    common = product["common"]
    # Checked here, so that an error names the common keys rather than the first band.
    _band(
        "common", {"asset": "common", **_mapping(common, join(location, "common"))}, join(location, "common")
    )
    rest = {key: value for key, value in product.items() if key != "common"}
    if isinstance(own := rest.get("bands"), Mapping):
        rest["bands"] = {
            name: {**common, **cells} if isinstance(cells, Mapping) and "type" not in cells else cells
            for name, cells in own.items()
        }
    return rest


def bands(value: Any, location: str) -> tuple[BandRow, ...]:
    """Return the bands of a product."""
    return tuple(
        _band(name, cells, join(location, name)) for name, cells in _mapping(value, location).items()
    )


def _mapping(value: Any, location: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SourceError(f"{location} must be a table; it is {value!r}.")
    return value


def _bit(value: Any, location: str) -> int:
    bit: int = count(value, location)
    if bit > _LARGEST_BIT:
        raise SourceError(f"{location} must be a bit from 0 to {_LARGEST_BIT}; it is {value!r}.")
    return bit


def _mask(value: Any, location: str) -> MaskRule:
    rule: MaskRule = record(MaskRule, {"values": list_of(whole), "bits": list_of(_bit)})(value, location)
    if bool(rule.values) == bool(rule.bits):
        raise SourceError(f"{location} must have either values or bits.")
    return rule


def _classes(value: Any, location: str) -> list[str]:
    """Return the labels by value, from 0; values without a class have an empty label."""
    labels: dict[int, str] = {}
    for key, label in _mapping(value, location).items():
        if not key.isascii() or not key.isdecimal() or int(key) > _LARGEST_CLASS:
            raise SourceError(f"{join(location, key)}: a value must be from 0 to {_LARGEST_CLASS}.")
        labels[int(key)] = text(label, join(location, key))
    if not labels:
        raise SourceError(f"{location} must have a label for each value.")
    return [labels.get(value, "") for value in range(max(labels) + 1)]


# Keys of a band's table that are not attributes of the Catalog's bands as they stand.
_OWN: Mapping[str, Check] = {
    "asset": text,
    "index": count,
    "scale": number,
    "offset": number,
    "unit": text,
    "mask": _mask,
    "resolution": number,
    "type": one_of(*BAND_TYPES),
    "classes": _classes,
}


@cache
def _attributes() -> Mapping[str, Row]:
    """Return the rows of the attributes that a table may give."""
    return {
        name: row
        for name, row in load_table("band").rows.items()
        if name not in _DERIVED and row.codec != "identifier" and not row.readonly
    }


def _band(name: str, cells: Any, location: str) -> BandRow:
    cells = _mapping(cells, location)
    if unknown := sorted(set(cells) - set(_OWN) - set(_attributes())):
        raise SourceError(
            f"{join(location, unknown[0])} is neither a key of a source's table nor an attribute of bands."
        )
    own = checked({key: value for key, value in cells.items() if key in _OWN}, _OWN, location)
    require(own, location, "asset")
    attributes: dict[str, Any] = {"type": own.pop("type", "spectral")}
    if (resolution := own.pop("resolution", None)) is not None:
        attributes["resolution"] = {"value": resolution, "unit": "meters"}
    if (labels := own.pop("classes", None)) is not None:
        attributes["class_labels"] = labels
    attributes |= {key: value for key, value in cells.items() if key not in _OWN}
    _check_attributes(name, attributes, location)
    return BandRow(name=name, attributes=attributes, **own)


def _check_attributes(name: str, attributes: Mapping[str, Any], location: str) -> None:
    """Raise if the Catalog's bands cannot have the attributes."""
    rows = load_table("band").rows
    for key, value in {"name": name, **attributes}.items():
        row = rows[key]
        where = location if key == "name" else join(location, "classes" if key == "class_labels" else key)
        if row.types and attributes["type"] not in row.types:
            raise SourceError(f"{where} is no attribute of a band of type {attributes['type']}.")
        try:
            stac = _stac_value(row, value)
        except InvalidDocument as error:
            raise SourceError(f"{where}: {str(error).removeprefix(f'{error.attribute}: ')}.") from error
        why = fault(row.schema, stac)
        if key == "nodata" and isinstance(stac, str) and stac not in ("nan", "inf", "-inf"):
            why = "is no number"
        if why:
            raise SourceError(f"{where}: {short(value)} {why}.")


def _stac_value(row: Row, value: Any) -> Any:
    """Return the value of an attribute in STAC. Raises `InvalidDocument`."""
    if row.codec in DOCUMENT_CODECS:
        return value
    members: dict[str, Any] = {}
    compiled_table.write(row, value, members)
    return members[row.path[-1]]
