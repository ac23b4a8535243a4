"""Attributes of arrays by the CF conventions: what coordinates, bands and pixel values mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from landbridge.catalog.pixels.engine_inputs import bands_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xarray import DataArray, Dataset

    from landbridge.catalog.image_metadata import ImageMetadata

__all__ = ["describe_array", "describe_dataset"]

# Attributes of bands that are coordinates along the dimension "band": name, standard name and unit of CF.
_NUMBERS = {
    "wavelength_nm_center": ("wavelength", "sensor_band_central_radiation_wavelength", "nm"),
    "wavelength_nm_fwhm": ("wavelength_fwhm", None, "nm"),
    "frequency": ("frequency", "sensor_band_central_radiation_frequency", "GHz"),
}
_TEXTS = {"description": "description", "physical_range_unit": "unit"}
_TIME = {"standard_name": "time", "long_name": "time of acquisition", "axis": "T"}
_PROJECTED = {
    "x": {"standard_name": "projection_x_coordinate", "long_name": "x coordinate of projection", "axis": "X"},
    "y": {"standard_name": "projection_y_coordinate", "long_name": "y coordinate of projection", "axis": "Y"},
}
_GEOGRAPHIC = {
    "x": {"standard_name": "longitude", "long_name": "longitude", "axis": "X", "units": "degrees_east"},
    "y": {"standard_name": "latitude", "long_name": "latitude", "axis": "Y", "units": "degrees_north"},
}
_AXES = {"longitude": "x", "x": "x", "latitude": "y", "y": "y"}


def describe_array(array: DataArray, images: Iterable[ImageMetadata], scaling: Any) -> DataArray:
    """Return an array of bands with attributes, and with coordinates of its bands along "band".

    A coordinate is there if a band has a value; a value is there if the bands of that name in all products
    agree. `units` is set if all values are physical values of one unit.
    """
    names = [str(name) for name in array["band"].values]
    known = _bands(images, names)
    coordinates: dict[str, Any] = {}
    for attribute, (name, standard_name, unit) in _NUMBERS.items():
        numbers = [_number(each.get(attribute)) for each in known]
        if not all(map(math.isnan, numbers)):
            meaning = {"units": unit} | ({} if standard_name is None else {"standard_name": standard_name})
            coordinates[name] = ("band", numbers, meaning)
    for attribute, name in _TEXTS.items():
        texts = [str(each.get(attribute) or "") for each in known]
        if any(texts):
            coordinates[name] = ("band", texts)
    described = array.assign_coords(coordinates) if coordinates else array
    described.encoding = array.encoding
    units = {each.get("physical_range_unit") for each in known}
    if _is_physical(scaling) and len(units) == 1 and None not in units:
        described.attrs["units"] = str(units.pop())
    _describe_coordinates(described)
    return described


def describe_dataset(dataset: Dataset, images: Iterable[ImageMetadata]) -> Dataset:
    """Add attributes to a dataset of bands, in place, and return it."""
    names = [str(name) for name in dataset.data_vars]
    for name, band in zip(names, _bands(images, names), strict=True):
        attributes = dataset[name].attrs
        attributes.setdefault("long_name", str(band.get("description") or name))
        for attribute, (short, _, unit) in _NUMBERS.items():
            if not math.isnan(number := _number(band.get(attribute))):
                attributes.setdefault(f"{short}_{unit}", number)
    _describe_coordinates(dataset)
    return dataset


def _describe_coordinates(array: Any) -> None:
    """Add the attributes of time and place to coordinates, in place; those that are there stay."""
    if "time" in array.coords:
        array["time"].attrs = _TIME | array["time"].attrs
    for name, axis in _AXES.items():
        if name in array.coords:
            attributes = array[name].attrs
            is_geographic = str(attributes.get("units", "")).startswith("degree")
            meaning = (_GEOGRAPHIC if is_geographic else _PROJECTED)[axis]
            array[name].attrs = attributes | meaning


def _bands(images: Iterable[ImageMetadata], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the attributes of the bands of these names that are the same in all products."""
    products = {(id(image._client), image.product_id): image for image in images}
    found: dict[str, dict[str, Any]] = {}
    for image in products.values():
        for record in bands_of(image._client, image.product_id):
            name, attributes = record.attributes["name"], record.attributes
            same = found.get(name)
            found[name] = (
                dict(attributes)
                if same is None
                else {key: value for key, value in same.items() if attributes.get(key) == value}
            )
    return [found.get(name, {}) for name in names]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _is_physical(scaling: Any) -> bool:
    if isinstance(scaling, list | tuple):
        return bool(scaling) and all(map(_is_physical, scaling))
    return isinstance(scaling, str) and scaling == "physical"
