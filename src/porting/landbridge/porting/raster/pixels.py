"""Pixels of the Raster service, read by the Catalog and finished as the service returned them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from landbridge.catalog import Image, ImageCollection
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.raster.grids import Grid, output_grid, own_grid
from landbridge.porting.raster.values import ALPHA, BandChoice, chosen_bands, chosen_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layer", "Reading", "arranged", "image_ids", "read_layers"]

ORDERS: Final = ("image", "gdal")


class Reading(NamedTuple):
    """Arguments for the pixels of a raster beside its inputs and grid."""

    bands: Any = None
    scales: Any = None
    data_type: str | None = None
    resampler: str | None = None
    processing_level: str | None = None
    masked: bool = False
    mask_nodata: bool = True
    mask_alpha: bool | str | None = None
    drop_alpha: bool = False


class Layer(NamedTuple):
    """Pixels (band, row, column) and the description of a raster."""

    pixels: NDArray[Any]
    info: dict[str, Any]
    names: tuple[str, ...]


def image_ids(inputs: Any) -> list[str]:
    """Return the ids of images, given as one id, several, or dicts with an `id` such as Features.

    Raises
    ------
    ValueError
        If there is none.
    TypeError
        If an input is neither an id nor a dict with an `id`.
    """
    given = [inputs] if isinstance(inputs, (str, Mapping)) else list(inputs or ())
    if not given:
        raise ValueError("`inputs` is empty: give the ids of images.")
    ids = [one.get("id") if isinstance(one, Mapping) else one for one in given]
    wrong = [one for one, identifier in zip(given, ids, strict=True) if not isinstance(identifier, str)]
    if wrong:
        raise TypeError(f"`inputs` are ids of images, such as 'product:name'; got {wrong[0]!r}.")
    return [str(identifier) for identifier in ids]


def read_layers(
    inputs: Sequence[Sequence[str]],
    grid: Grid,
    reading: Reading,
    *,
    progress: bool | None = None,
    max_workers: int | None = None,
) -> list[Layer]:
    """Return a layer for each group of image ids, all on one grid; several images become a mosaic.

    Raises
    ------
    NotFoundError
        If an image does not exist.
    ValueError
        If an argument is not valid.
    """
    found = {image.id: image for image in Image.get_many(list(dict.fromkeys(_flat(inputs))))}
    images = list(found.values())
    choice = chosen_bands(reading.bands, images)
    if choice.has_alpha and ALPHA not in choice.read and not reading.mask_nodata:
        raise UnsupportedArgumentError(
            "A product has no band 'alpha': it is computed from pixels without data, so that `mask_nodata` "
            "cannot be False. Leave 'alpha' out of `bands`, or `mask_nodata` out."
        )
    values = chosen_values(choice, reading.scales, reading.data_type, reading.processing_level, images)
    arguments: dict[str, Any] = {
        "mask_nodata": reading.mask_nodata,
        "mask_alpha": reading.mask_alpha,
        "raster_info": True,
        "resampler": reading.resampler or "near",
        "processing_level": reading.processing_level,
        "scaling": values.scaling,
        "data_type": values.data_type,
        "progress": progress,
    }
    bands = list(choice.read)
    if len(inputs) == 1 and (own := own_grid(grid, images)) is not None:
        layers = [images[0].ndarray(bands, **own, **arguments)]
    elif len(inputs) == 1:
        collection = ImageCollection([found[identifier] for identifier in inputs[0]])
        layers = [collection.mosaic(bands, output_grid(grid, images), bands_axis=0, **arguments)]
    else:
        members, numbers = _members(inputs, found)
        stack, infos = ImageCollection(members).stack(
            bands,
            output_grid(grid, images),
            flatten=lambda image: numbers[id(image)],
            max_workers=max_workers,
            **arguments,
        )
        layers = list(zip(stack, infos, strict=True))
    scaled = dict(zip(choice.read, values.scaling or [None] * len(bands), strict=True))
    return [_finished(pixels, info, choice, scaled, reading) for pixels, info in layers]


def _flat(inputs: Iterable[Iterable[str]]) -> list[str]:
    return [identifier for group in inputs for identifier in group]


def _members(
    inputs: Sequence[Sequence[str]], found: Mapping[str, Image]
) -> tuple[list[Image], dict[int, int]]:
    """Return an object for each input, and the number of its layer by the object's identity.

    An image in several layers is read from the service again for each: an object is in one layer only.
    """
    unused = dict(found)
    members, numbers = [], {}
    for number, group in enumerate(inputs):
        for identifier in group:
            image = unused.pop(identifier, None)
            if image is None:
                (image,) = Image.get_many([identifier])
            members.append(image)
            numbers[id(image)] = number
    return members, numbers


def _finished(
    pixels: NDArray[Any],
    info: Mapping[str, Any],
    choice: BandChoice,
    scaled: Mapping[str, Any],
    reading: Reading,
) -> Layer:
    """Return a layer with the requested bands in order, and the values of pixels without data."""
    described = dict(zip(choice.read, info["bands"], strict=True))
    planes = dict(zip(choice.read, np.ma.getdata(pixels), strict=True))
    masks = dict(zip(choice.read, np.ma.getmaskarray(pixels), strict=True))
    if choice.has_alpha and ALPHA not in planes:
        hidden = np.logical_and.reduce(list(masks.values()))
        planes[ALPHA] = (~hidden).astype(pixels.dtype)
        masks[ALPHA] = np.zeros_like(hidden)
        described[ALPHA] = _alpha_description(described[choice.read[0]]["type"])
    names = tuple(name for name in choice.names if not (reading.drop_alpha and name == ALPHA))
    bands = []
    for number, name in enumerate(names, start=1):
        band = {**described[name], "band": number}
        nodata = band["description"].get("nodata")
        if nodata is not None and scaled.get(name) is None and _fits(nodata, pixels.dtype):
            band["noDataValue"] = nodata
        bands.append(band)
    shape = (len(names), *pixels.shape[1:])
    result = np.empty(shape, pixels.dtype)
    for position, (name, band) in enumerate(zip(names, bands, strict=True)):
        fill = 0 if choice.has_alpha else band.get("noDataValue", 0)
        result[position] = np.where(masks[name], np.asarray(fill, pixels.dtype), planes[name])
    if reading.masked:
        result = np.ma.MaskedArray(result, mask=np.stack([masks[name] for name in names]))
    return Layer(result, {**info, "bands": bands}, names)


def _fits(value: Any, dtype: np.dtype[Any]) -> bool:
    """Return True if a data type has a value."""
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return bool(np.isfinite(value)) and value == int(value) and limits.min <= value <= limits.max


def _alpha_description(data_type: str) -> dict[str, Any]:
    description = {
        "name": ALPHA,
        "type": "mask",
        "data_type": data_type,
        "nodata": None,
        "data_range": (0, 1),
        "display_range": (0, 1),
        "physical_range": None,
    }
    return {"type": data_type, "description": description, "colorInterpretation": "Alpha"}


def arranged(pixels: NDArray[Any], order: str) -> NDArray[Any]:
    """Return pixels (…, band, row, column) in an order: "image" has the bands last, "gdal" before the rows.

    Raises
    ------
    ValueError
        If the order is another one.
    """
    if order not in ORDERS:
        raise ValueError(f"`order` is 'image' or 'gdal'; got {order!r}.")
    return np.moveaxis(pixels, -3, -1) if order == "image" else pixels
