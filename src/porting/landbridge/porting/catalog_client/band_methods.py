"""Methods of the old Catalog client for bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import MaskBand
from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.catalog_client.documents import (
    document,
    existing_band,
    existing_product,
    replace,
    update,
)
from landbridge.porting.catalog_client.product_methods import own_products
from landbridge.porting.old_keys.bands import band_attributes, band_class, band_record
from landbridge.utils import DotDict, DotList

if TYPE_CHECKING:
    from landbridge.catalog import Band

__all__ = ["BandMethods"]

_GONE: Final = {"set_global_permissions": "Bands have the access lists of their product."}
_REQUIRED: Final = ("srcband", "dtype", "type")
_ALPHA: Final = "alpha"


class BandMethods:
    """Methods of `Catalog` for bands."""

    @old_method("Product.bands()")
    def own_bands(self) -> DotList:
        """Return the bands of the products that you own."""
        return DotList(band_record(band) for product in own_products() for band in product.bands())

    @old_method("Product.get_band()")
    def get_band(self, product_id: str, name: str, add_namespace: bool = False) -> DotDict:
        """Return a band.

        Raises
        ------
        NotFoundError
            If the product or the band does not exist.
        """
        del add_namespace
        return _document(existing_band(product_id, name))

    @old_method("SpectralBand(...).save() or another class of bands", gone=_GONE)
    def add_band(
        self,
        product_id: str,
        name: str,
        add_namespace: bool = False,
        srcband: int | None = None,
        dtype: str | None = None,
        nbits: int | None = None,
        data_range: Any = None,
        type: str | None = None,
        **keywords: Any,
    ) -> DotDict:
        """Create a band.

        Parameters
        ----------
        product_id : str
            Id of the product.
        name : str
            Name of the band.
        add_namespace : bool, default False
            No effect.
        srcband : int
            Position of the band in its file, from 1.
        dtype : str
            Data type, such as "UInt16".
        nbits : int, optional
            Number of bits that are used.
        data_range : tuple of float, optional
            Smallest and greatest value.
        type : str
            "spectral", "class", "mask", "microwave", "derived" or "other".
        **keywords
            `default_range`, `physical_range`, `description`, `nodata`, `resolution`, `resolution_unit`,
            `srcfile`, `wavelength_min`, `wavelength_unit`, `color`, `colormap`, `colormap_name`,
            `data_unit`, `tags` and other keys of bands.

        Raises
        ------
        UnknownArgumentError
            If `srcband`, `dtype` or `type` is missing, or a keyword is no key of a band.
        ConflictError
            If the band exists.
        """
        del add_namespace
        own = {"srcband": srcband, "dtype": dtype, "nbits": nbits, "data_range": data_range, "type": type}
        values = {**own, **keywords}
        missing = [key for key in _REQUIRED if values[key] is None]
        if missing:
            raise UnknownArgumentError(f"Catalog.add_band() needs `{missing[0]}`.")
        kind = band_class(type)
        attributes = band_attributes("Catalog.add_band", values, kind)
        if kind is MaskBand:
            attributes.setdefault("is_alpha", name == _ALPHA)
        elif data_range is not None:
            attributes.setdefault("display_range", data_range)
        band = kind(product=existing_product(product_id), name=name, **attributes)
        band.save()
        return _document(band)

    @old_method("Band.update() and save()", gone=_GONE)
    def change_band(
        self, product_id: str, name: str, add_namespace: bool = False, **keywords: Any
    ) -> DotDict:
        """Change some attributes of a band; the keywords are those of `add_band`.

        Raises
        ------
        NotFoundError
            If the product or the band does not exist.
        UnsupportedArgumentError
            If `type` is another one than the band's.
        """
        del add_namespace
        band = existing_band(product_id, name)
        update(band, _changes("Catalog.change_band", band, keywords))
        return _document(band)

    @old_method("Band.update() and save()", gone=_GONE)
    def replace_band(
        self,
        product_id: str,
        name: str,
        srcband: int | None = None,
        dtype: str | None = None,
        nbits: int | None = None,
        data_range: Any = None,
        add_namespace: bool = False,
        type: str | None = None,
        **keywords: Any,
    ) -> DotDict:
        """Change a band, and unset its other attributes; the keywords are those of `add_band`.

        Raises
        ------
        NotFoundError
            If the product or the band does not exist.
        UnsupportedArgumentError
            If `type` is another one than the band's.
        """
        del add_namespace
        own = {"srcband": srcband, "dtype": dtype, "nbits": nbits, "data_range": data_range, "type": type}
        band = existing_band(product_id, name)
        replace(band, _changes("Catalog.replace_band", band, {**own, **keywords}))
        return _document(band)

    @old_method("Band.delete()")
    def remove_band(self, product_id: str, name: str, add_namespace: bool = False) -> None:
        """Delete a band.

        Raises
        ------
        NotFoundError
            If the product or the band does not exist.
        """
        del add_namespace
        existing_band(product_id, name).delete()


def _changes(method: str, band: Band, keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that keywords set in a band that exists."""
    if keywords.get("type") is not None and not isinstance(band, band_class(keywords["type"])):
        raise UnsupportedArgumentError(
            f"Band {band.id!r} is a {type(band).__name__}: delete it and add another one to change its type."
        )
    return band_attributes(method, keywords, type(band))


def _document(band: Band) -> DotDict:
    return document("band", band_record(band))
