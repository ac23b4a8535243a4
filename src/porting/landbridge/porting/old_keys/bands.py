"""Keys of bands. `srcband` counts from 1, the Catalog's `band_index` from 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import ClassBand, GenericBand, MaskBand, MicrowaveBand, Resolution, SpectralBand
from landbridge.porting.old_keys.table import (
    Key,
    attributes_by_key,
    extra,
    merged,
    read_keys,
    read_only,
    same,
    to_plain,
)
from landbridge.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog import Band
    from landbridge.utils import DotDict

__all__ = ["BAND_KEYS", "band_attributes", "band_class", "band_record"]

_CLASSES: Final[dict[str, type[Band]]] = {
    "class": ClassBand,
    "derived": GenericBand,
    "generic": GenericBand,
    "mask": MaskBand,
    "microwave": MicrowaveBand,
    "other": GenericBand,
    "spectral": SpectralBand,
}
# Types that have no class of their own are kept under this key of `extra_properties`.
_OLD_TYPE: Final = "old_type"
# Units of resolutions without their plural.
_UNITS: Final = {
    "m": "meters",
    "meter": "meters",
    "metre": "meters",
    "deg": "degrees",
    "degree": "degrees",
    "°": "degrees",
}
_NANOMETERS: Final = {
    "nm": 1.0,
    "nanometer": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "micrometer": 1e3,
    "micron": 1e3,
    "m": 1e9,
}


def band_class(band_type: str | None) -> type[Band]:
    """Return the class of bands of an old type; without a type, SpectralBand.

    Raises
    ------
    ValueError
        If the type is unknown.
    """
    found = _CLASSES.get(str(band_type or "spectral").lower())
    if found is None:
        raise ValueError(
            f"The type of a band is one of {', '.join(_CLASSES)}; got {band_type!r}."
            f"{did_you_mean(str(band_type), _CLASSES)}"
        )
    return found


def _write_type(value: str, _: Mapping[str, Any]) -> dict[str, Any]:
    name = value.lower()
    return {"extra_properties": {_OLD_TYPE: name}} if name in {"derived", "other"} else {}


def _position(shift: int, attribute: str) -> Key:
    """Return the row of `srcband` or `srcfile`, whose first number is `shift`."""

    def read(band: Band) -> int | None:
        index = getattr(band, attribute)
        return None if index is None else int(index) + shift

    def write(value: Any, _: Mapping[str, Any]) -> dict[str, Any]:
        number = int(value)
        if number < shift or number != value:
            raise ValueError(f"The first one is {shift}; got {value!r}.")
        return {attribute: number - shift}

    return Key(
        {"band_index": "srcband", "file_index": "srcfile", "jpx_layer_index": "jpx_layer"}[attribute],
        read,
        write,
    )


def _resolution(band: Band) -> Any:
    return None if band.resolution is None else band.resolution.value


def _resolution_unit(band: Band) -> str | None:
    return None if band.resolution is None else str(band.resolution.unit)


def _write_resolution(value: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, (int, float)):
        unit = str(values.get("resolution_unit") or "meters").lower()
        return {"resolution": Resolution(value=value, unit=_UNITS.get(unit.rstrip("s."), unit))}
    return {"resolution": value}


def _needs(name: str) -> Any:
    """Return a `write` of a key that describes another one."""

    def write(_value: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        if not any(key.startswith(name) and key != f"{name}_unit" for key in values):
            raise ValueError(f"`{name}_unit` needs `{name}` beside it.")
        return {}

    return write


def _wavelength(part: str) -> Key:
    attribute = f"wavelength_nm_{part}"

    def write(value: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        unit = str(values.get("wavelength_unit") or "nm").lower().rstrip("s")
        if unit not in _NANOMETERS:
            raise ValueError(f"`wavelength_unit` is one of {', '.join(_NANOMETERS)}; got {unit!r}.")
        return {attribute: float(value) * _NANOMETERS[unit]}

    return Key(f"wavelength_{part}", lambda band: getattr(band, attribute, None), write)


def _old_type(band: Band) -> str:
    return str((band.extra_properties or {}).get(_OLD_TYPE) or band.type)


_WAVELENGTHS: Final = tuple(map(_wavelength, ("center", "fwhm", "min", "max")))
BAND_KEYS: Final = (
    read_only("id"),
    read_only("product", "product_id"),
    read_only("name"),
    same("description"),
    Key("type", _old_type, _write_type),
    same("dtype", "data_type"),
    extra("nbits"),
    same("nodata"),
    same("data_range"),
    Key("default_range", lambda band: band.display_range, lambda value, _: {"display_range": value}),
    same("physical_range"),
    same("data_unit", "physical_range_unit"),
    extra("data_unit_description"),
    extra("data_description"),
    _position(1, "band_index"),
    _position(0, "file_index"),
    _position(0, "jpx_layer_index"),
    same("order", "sort_order"),
    same("vendor_order"),
    same("name_vendor", "vendor_band_name"),
    extra("name_common"),
    Key("resolution", _resolution, _write_resolution),
    Key("resolution_unit", _resolution_unit, _needs("resolution")),
    *_WAVELENGTHS,
    Key("wavelength_unit", lambda _: None, _needs("wavelength")),
    *map(same, ("class_labels", "colormap", "colormap_name")),
    extra("color"),
    extra("processing_level"),
    *map(same, ("processing_levels", "tags", "extra_properties")),
    read_only("created"),
    read_only("modified"),
)


def band_attributes(method: str, values: Mapping[str, Any], kind: type[Band]) -> dict[str, Any]:
    """Return the attributes of a band that old keys set.

    What bands of the kind have no attribute for is kept in `extra_properties`, under the old key.
    """
    parts = attributes_by_key(method, values, BAND_KEYS)
    return merged(_of_kind(name, part, kind) for name, part in parts.items())


def _of_kind(name: str, attributes: Mapping[str, Any], kind: type[Band]) -> dict[str, Any]:
    found = {attribute: value for attribute, value in attributes.items() if attribute in kind.ATTRIBUTES}
    kept = [value for attribute, value in attributes.items() if attribute not in kind.ATTRIBUTES]
    return merged([found, *({"extra_properties": {name: value}} for value in kept)])


def band_record(band: Band) -> DotDict:
    """Return a band as a dict of old keys."""
    record = read_keys(band, BAND_KEYS, keep_unset=True)
    for name, value in (band.extra_properties or {}).items():
        if name in record and record[name] is None:
            record[name] = to_plain(value)
    if any(record[key.name] is not None for key in _WAVELENGTHS):
        record["wavelength_unit"] = "nm"
    return record
