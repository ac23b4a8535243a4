"""Conditions on products and bands that the Metadata service had and the Catalog is not asked for."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from landbridge.catalog import Band, Product

__all__ = ["has_all_bands", "is_selected", "limited"]

T = TypeVar("T")


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
