"""Bands: the planes of raster data that every image of a product has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.enums import BandType, Colormap, DataType
from landbridge.catalog.model.attributes import (
    Attribute,
    BooleanAttribute,
    EnumAttribute,
    TupleAttribute,
    TypedAttribute,
)
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.containers import ListAttribute, ValueAttribute
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.model.values import DerivedParamsAttribute, ProcessingLevelsAttribute, Resolution
from landbridge.catalog.product_member import NamedCatalogObject
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.bands import BANDS
from landbridge.utils.properties import properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.catalog_object import CatalogObject
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.bands import BandRecord
    from landbridge.catalog.stac.resource import Resource

__all__ = [
    "Band",
    "BandCollection",
    "ClassBand",
    "GenericBand",
    "MaskBand",
    "MicrowaveBand",
    "SpectralBand",
]


def _range(doc: str) -> TupleAttribute:
    return TupleAttribute(float, coerce=True, min_length=2, max_length=2, doc=doc)


def _physical_range() -> TupleAttribute:
    return _range("The physical values that the ends of data_range stand for.")


class Band(NamedCatalogObject):
    """What is common to the five kinds of bands; `Band.get` and `Band.search` give the kind that each is.

    Required are name, product, data_type, band_index and, except for a MaskBand, data_range and
    display_range.
    """

    _resource: ClassVar[Resource] = BANDS
    _doc_type = "band"
    _derived_type: ClassVar[BandType | None] = None

    description = Attribute(doc="What it shows. *Searchable.*")
    type = EnumAttribute(BandType, doc="Its kind, which its class says too. *Filterable.*")
    sort_order = TypedAttribute(int, doc="Its place among the bands; the last by default. *Sortable.*")
    vendor_order = TypedAttribute(int, doc="Its place among the provider's bands. *Sortable.*")
    data_type = EnumAttribute(DataType, doc="The type of its pixels.")
    nodata = Attribute(doc="The pixel value that means no data.")
    data_range = _range("The least and the greatest valid pixel value.")
    display_range = _range("The pixel values to show as black and as white.")
    resolution = ValueAttribute(Resolution, doc="The size of its pixels. *Filterable, sortable.*")
    band_index = TypedAttribute(int, doc="Its place in the file, from 0.")
    file_index = Attribute(doc="The place of its file among an image's files, from 0.")
    jpx_layer_index = TypedAttribute(int, doc="Its layer in a JPX file, from 0.")
    vendor_band_name = TypedAttribute(str, doc="The provider's name for it.")
    processing_levels = ValueAttribute(
        ProcessingLevelsAttribute, doc="How its pixels become other products, by processing level."
    )
    derived_params = ValueAttribute(DerivedParamsAttribute, doc="How it is computed from other bands.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Set by the class, so that it does not count as a change.
        self._values["type"] = str(self._derived_type)

    @classmethod
    def _is_abstract(cls) -> bool:
        return cls._derived_type is None

    @classmethod
    def _class_of(cls, record: BandRecord) -> Any:
        # The callers leave out bands of another kind than the class that they were called on.
        return _CLASSES.get(record.attributes["type"], GenericBand)

    def _read_reference(self) -> CatalogObject | None:
        if self._record is None:
            return super()._read_reference()
        known = {} if self._shared is None else self._shared
        if self.product_id not in known:
            known[self.product_id] = class_of("product")._from_record(self._record.collection, self._client)
        return known[self.product_id]  # type: ignore[no-any-return] # a Product

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Search[Self]:
        """A search for bands, of this kind where the class is of one; it must be filtered by product_id."""
        search = Search(cls, client, request_params=request_params, headers=headers)
        return search if cls._derived_type is None else search.filter(properties.type == cls._derived_type)


class SpectralBand(Band):
    """A band of visible, infrared or ultraviolet light."""

    _derived_type = BandType.SPECTRAL

    physical_range = _physical_range()
    physical_range_unit = Attribute(doc="The unit of the physical values.")
    wavelength_nm_center = Attribute(doc="The center wavelength in nm. *Filterable, sortable.*")
    wavelength_nm_min = Attribute(doc="The shortest wavelength in nm. *Filterable, sortable.*")
    wavelength_nm_max = Attribute(doc="The longest wavelength in nm. *Filterable, sortable.*")
    wavelength_nm_fwhm = Attribute(doc="The full width at half maximum in nm. *Filterable, sortable.*")


class MicrowaveBand(Band):
    """A band of microwaves, such as radar."""

    _derived_type = BandType.MICROWAVE

    frequency = Attribute(doc="The center frequency in GHz. *Filterable, sortable.*")
    bandwidth = Attribute(doc="The bandwidth in MHz. *Filterable, sortable.*")
    physical_range = _physical_range()
    physical_range_unit = Attribute(doc="The unit of the physical values.")


class MaskBand(Band):
    """A band of zeros and ones; with `is_alpha`, zeros make the pixels of all bands transparent."""

    _derived_type = BandType.MASK

    is_alpha = BooleanAttribute(doc="Whether rasters take it as their alpha channel.")
    data_range = TupleAttribute(mutable=False, doc="(0, 1), set by the service.")
    display_range = TupleAttribute(mutable=False, doc="(0, 1), set by the service.")


class ClassBand(Band):
    """A band of categories: each pixel value names a class."""

    _derived_type = BandType.CLASS

    colormap_name = EnumAttribute(Colormap, doc="The named colormap to show it with.")
    colormap = Attribute(doc="The color of each value: a list of (red, green, blue, alpha) texts or numbers.")
    class_labels = ListAttribute(TypedAttribute(str), doc="The label of each value.")


class GenericBand(Band):
    """A band of any other measure, such as heights or results of an analysis."""

    _derived_type = BandType.GENERIC

    physical_range = _physical_range()
    physical_range_unit = Attribute(doc="The unit of the physical values.")
    colormap_name = EnumAttribute(Colormap, doc="The named colormap to show it with.")
    colormap = Attribute(doc="The color of each value: a list of (red, green, blue, alpha) texts or numbers.")


_CLASSES: dict[str, type[Band]] = {
    str(band_class._derived_type): band_class
    for band_class in (SpectralBand, MicrowaveBand, MaskBand, ClassBand, GenericBand)
}


class BandCollection(Collection[Band]):
    """Bands, in a list-like collection."""

    _item_type = Band


Band._collection_type = BandCollection
