"""Bands of an image or of a product as dicts of old keys, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.catalog import Band, Image, Product
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.products import missing_product
from landbridge.porting.old_keys.bands import band_record
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "bands_in",
    "bands_of_image",
    "bands_of_product",
    "existing_band",
    "existing_image",
    "existing_product",
]


def existing_image(image_id: str) -> Image:
    """Return an image; NotFoundError if it does not exist."""
    image = Image.get(image_id)
    if image is None:
        raise NotFoundError(f"Image {image_id!r} does not exist.")
    return image


def existing_product(product_id: str) -> Product:
    """Return a product; NotFoundError, which names what replaces it, if it does not exist."""
    product = Product.get(product_id)
    if product is None:
        raise missing_product(product_id)
    return product


def existing_band(band_id: str) -> Band:
    """Return a band; NotFoundError if it does not exist."""
    band = Band.get(band_id)
    if band is None:
        raise NotFoundError(f"Band {band_id!r} does not exist.")
    return band


def bands_in(product_id: str) -> Iterator[Band]:
    """Yield the bands of a product in order; NotFoundError if it does not exist."""
    yield from existing_product(product_id).bands()


def bands_of_product(product_id: str) -> DotDict:
    """Return the bands of a product by name; NotFoundError if it does not exist."""
    return DotDict({band.name: band_record(band) for band in bands_in(product_id)})


def bands_of_image(image_id: str) -> DotDict:
    """Return the bands of an image's product by name; NotFoundError if the image does not exist."""
    return bands_of_product(existing_image(image_id).product_id)
