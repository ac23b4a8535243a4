"""Bands, scales and data types of the Raster service in the terms of the Catalog."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from landbridge.catalog import ImageCollection
from landbridge.porting.arguments.products import band_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from landbridge.catalog import Image

__all__ = ["ALPHA", "BandChoice", "Values", "chosen_bands", "chosen_values"]

ALPHA: Final = "alpha"


class BandChoice(NamedTuple):
    """Bands of a raster.

    Attributes
    ----------
    names : tuple of str
        Requested bands in order.
    read : tuple of str
        Bands to read: an alpha band that exists comes last, and one that does not exist is missing.
    """

    names: tuple[str, ...]
    read: tuple[str, ...]

    @property
    def has_alpha(self) -> bool:
        """True if alpha is requested."""
        return ALPHA in self.names


class Values(NamedTuple):
    """Scaling of each band that is read, and data type of the result; None leaves them to the Catalog."""

    scaling: list[Any] | None
    data_type: str | None


def chosen_bands(bands: Any, images: Sequence[Image]) -> BandChoice:
    """Return the bands of a raster of images, by default all bands of the first image's product.

    Raises
    ------
    ValueError
        If there is no band.
    """
    known: dict[str, list[str]] = {}
    products = list(dict.fromkeys(image.product_id for image in images))
    if bands is None:
        names = tuple(band_names(known, products[0]))
    else:
        names = tuple(bands.split()) if isinstance(bands, str) else tuple(map(str, bands))
    if not names:
        raise ValueError("`bands` is empty: give the names of bands.")
    others = tuple(name for name in names if name != ALPHA)
    if ALPHA not in names:
        return BandChoice(names, names)
    if all(ALPHA in band_names(known, product) for product in products):
        return BandChoice(names, (*others, ALPHA))
    return BandChoice(names, others or tuple(band_names(known, products[0])[:1]))


def chosen_values(
    choice: BandChoice,
    scales: Any,
    data_type: str | None,
    processing_level: str | None,
    images: Iterable[Image],
) -> Values:
    """Return the scaling and the data type for scales in the order of the requested bands.

    Raises
    ------
    ValueError
        If there is not one scale for each band, or a scale is not valid.

    Warns
    -----
    UserWarning
        If numbers are given as the scale of alpha.
    """
    given = list(scales) if scales is not None else [None] * len(choice.names)
    if len(given) != len(choice.names):
        raise ValueError(
            f"There are {len(given)} scales for {len(choice.names)} bands: give one for each band, and None "
            "for a band that is not scaled."
        )
    of_band = dict(zip(choice.names, given, strict=True))
    if not isinstance(of_band.get(ALPHA), (str, type(None))):
        # The range of other bands would make each 1 a 0, and with it the whole picture transparent.
        warnings.warn(
            f"{ALPHA!r} is a mask of 0 and 1 and is not scaled: give None as its scale.", stacklevel=5
        )
    of_band[ALPHA] = None
    scaling = [_scale(of_band.get(name)) for name in choice.read]
    if all(scale is None for scale in scaling):
        return Values(None, data_type)
    by_catalog = any(isinstance(scale, str) or scale == () for scale in scaling)
    if data_type is None and not by_catalog:
        _, data_type = ImageCollection(images).scaling_parameters(list(choice.read), processing_level)
    return Values(scaling, data_type)


def _scale(scale: Any) -> Any:
    """Return a scale for the Catalog: a mode, or four numbers.

    The output range of two numbers is 0 to 255, as that of `gdal_translate -scale`.
    """
    if scale is None or isinstance(scale, str):
        return scale
    numbers = tuple(scale)
    return (*numbers, 0, 255) if len(numbers) == 2 else numbers
