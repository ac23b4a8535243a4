"""Conditions on products and bands that the Metadata service had and the Catalog is not asked for."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, TypeVar

from landbridge.catalog import Product, properties
from landbridge.porting.arguments.products import product_list
from landbridge.porting.old_keys.bands import band_record
from landbridge.porting.old_keys.lookups import bands_in
from landbridge.porting.old_keys.products import product_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from landbridge.catalog import Band
    from landbridge.utils import DotDict

__all__ = [
    "NO_DERIVED_BANDS",
    "band_records",
    "has_all_bands",
    "is_selected",
    "limited",
    "product_records",
]

T = TypeVar("T")
NO_DERIVED_BANDS: Final = (
    "Derived bands such as NDVI no longer exist. Read the bands that they were computed from, and compute "
    "them with NumPy: (nir - red) / (nir + red)."
)


def product_records(bands: Any, owner: str | None, text: str | None) -> Iterator[DotDict]:
    """Yield the products with all of some bands, of an owner, or with a text in their name."""
    search = Product.search()
    if owner is not None:
        search = search.filter(properties.owners == owner)
    if text is not None:
        search = search.find_text(text)
    wanted = product_list(bands)
    return (product_record(each) for each in search if not wanted or has_all_bands(each, wanted))


def band_records(
    products: Any, wavelength: float | None, resolution: float | None, tags: Any, names: Any
) -> Iterator[DotDict]:
    """Return an iterator over the bands of products that meet all conditions that are given.

    Raises
    ------
    ValueError
        If no product is given.
    NotFoundError
        When iterated, if a product does not exist.
    """
    given = product_list(products)
    if not given:
        raise ValueError("Give `products`, the ids of the products whose bands to return.")
    return (
        band_record(band)
        for product_id in given
        for band in bands_in(product_id)
        if is_selected(band, wavelength, resolution, product_list(tags), product_list(names))
    )


def limited(found: Iterable[T], limit: int | None, offset: int | None) -> Iterator[T]:
    """Return at most `limit` values after the first `offset` ones."""
    first = offset or 0
    return itertools.islice(found, first, None if limit is None else first + limit)


def has_all_bands(product: Product, wanted: Iterable[str]) -> bool:
    """Return True if a product has bands with all of these names or ids."""
    there = {text for band in product.bands() for text in (band.name, band.id)}
    return there.issuperset(wanted)


def is_selected(
    band: Band, wavelength: float | None, resolution: float | None, tags: list[str], names: list[str]
) -> bool:
    """Return True if a band meets all conditions that are given.

    Parameters
    ----------
    band : Band
        Band.
    wavelength : float or None
        Wavelength in nm that lies within the band's limits.
    resolution : float or None
        Value of the band's resolution.
    tags : list of str
        Tags that the band has.
    names : list of str
        Names or ids, one of which is the band's.
    """
    return (
        (wavelength is None or _includes(band, wavelength))
        and (resolution is None or (band.resolution is not None and band.resolution.value == resolution))
        and set(tags) <= set(band.tags or ())
        and (not names or band.name in names or band.id in names)
    )


def _includes(band: Band, wavelength: float) -> bool:
    limits = [getattr(band, f"wavelength_nm_{name}", None) for name in ("min", "max")]
    least, most = limits
    return least is not None and most is not None and bool(least <= wavelength <= most)
