"""Bands: the planes of raster data that every image of a product has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from landbridge.catalog.enums import BandType, Colormap, DataType
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import ValueAttribute
from landbridge.catalog.model.attributes import (
    Attribute,
    BooleanAttribute,
    EnumAttribute,
    TypedAttribute,
)
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.model.tuple_attribute import TupleAttribute
from landbridge.catalog.model.values import DerivedParamsAttribute, ProcessingLevelsAttribute, Resolution
from landbridge.catalog.product_member import NamedCatalogObject
from landbridge.catalog.search.catalog_properties import properties
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.bands import BANDS, band_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.catalog_object import CatalogObject
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.bands import BandRecord
    from landbridge.catalog.stac.resource import Resource
    from landbridge.catalog.type_hints.attributes import (
        Colors,
        DerivedParams,
        Flag,
        Integer,
        NumberOrText,
        PlainNumber,
        ProcessingLevels,
        Range,
        RequiredText,
        SizeOfPixel,
        Text,
        Texts,
    )
    from landbridge.catalog.type_hints.keywords import (
        ClassBandKeywords,
        GenericBandKeywords,
        MaskBandKeywords,
        MicrowaveBandKeywords,
        SpectralBandKeywords,
    )

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
    """Base class of the five kinds of bands; it cannot be instantiated.

    `Band.get` and `Band.search` return each band as an instance of its own class. `name`, `product`,
    `data_type` and `band_index` are required, `data_range` and `display_range` too except for a MaskBand.

    Examples
    --------
    >>> from landbridge.catalog import Band
    >>> band = Band.get("local:docs-fields:red")
    >>> type(band).__name__, band.data_type, band.resolution.value
    ('SpectralBand', 'UInt16', 30)
    """

    _resource: ClassVar[Resource] = BANDS
    _doc_type = "band"
    _derived_type: ClassVar[BandType | None] = None

    description: Text = Attribute(doc="Description of the band. *Searchable.*")
    type: RequiredText = EnumAttribute(
        BandType, doc="Kind of the band, the same as its class: a `BandType`. *Filterable.*"
    )
    sort_order: Integer = TypedAttribute(
        int, doc="Position among the product's bands; by default the last. *Sortable.*"
    )
    vendor_order: Integer = TypedAttribute(int, doc="Position among the provider's bands. *Sortable.*")
    data_type: Text = EnumAttribute(DataType, doc="Type of the pixels: a `DataType`.")
    nodata: NumberOrText = Attribute(doc="Pixel value that means no data.")
    data_range: Range = _range("Smallest and greatest valid pixel value.")
    display_range: Range = _range("Pixel values that are displayed as black and as white.")
    resolution: SizeOfPixel = ValueAttribute(
        Resolution, doc='Size of a pixel: a `Resolution` such as "30m". *Filterable, sortable.*'
    )
    band_index: Integer = TypedAttribute(int, doc="Position of the band in its file, from 0.")
    file_index: Integer = Attribute(doc="Position of the band's file among an image's files, from 0.")
    jpx_layer_index: Integer = TypedAttribute(int, doc="Index of the layer in a JPX file, from 0.")
    vendor_band_name: Text = TypedAttribute(str, doc="Name that the provider gives the band.")
    processing_levels: ProcessingLevels = ValueAttribute(
        ProcessingLevelsAttribute,
        doc="Processing levels by name: each the steps from the stored pixels, or another level's name.",
    )
    derived_params: DerivedParams = ValueAttribute(
        DerivedParamsAttribute, doc="Function and bands that a derived band is computed from."
    )

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
        """Return a search for bands of this class; for bands of all classes if called on `Band`.

        The search must be filtered by `product_id`; `Product.bands` returns one that is.

        Parameters
        ----------
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        Search
            Search to filter, sort, limit, iterate or collect.

        Examples
        --------
        >>> search = SpectralBand.search().filter(p.product_id == "local:docs-fields")
        >>> search.count()
        4
        """
        search = Search(cls, client, request_params=request_params, headers=headers)
        return search if cls._derived_type is None else search.filter(properties.type == cls._derived_type)


class SpectralBand(Band):
    """Band of visible, infrared or ultraviolet light.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> band = SpectralBand(product=product, name="swir", band_index=4, data_type="UInt16")
    >>> band.id
    'local:docs-fields:swir'
    """

    _derived_type = BandType.SPECTRAL

    physical_range: Range = _physical_range()
    physical_range_unit: Text = Attribute(doc="Unit of the physical values.")
    wavelength_nm_center: PlainNumber = Attribute(
        doc="Center of the wavelengths in nm. *Filterable, sortable.*"
    )
    wavelength_nm_min: PlainNumber = Attribute(doc="Shortest wavelength in nm. *Filterable, sortable.*")
    wavelength_nm_max: PlainNumber = Attribute(doc="Longest wavelength in nm. *Filterable, sortable.*")
    wavelength_nm_fwhm: PlainNumber = Attribute(
        doc="Full width at half maximum in nm. *Filterable, sortable.*"
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            client: CatalogClient | None = None,
            id: str = ...,
            **kwargs: Unpack[SpectralBandKeywords],
        ) -> None: ...


class MicrowaveBand(Band):
    """Band of microwaves, such as radar.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.
    """

    _derived_type = BandType.MICROWAVE

    frequency: PlainNumber = Attribute(doc="Center frequency in GHz. *Filterable, sortable.*")
    bandwidth: PlainNumber = Attribute(doc="Bandwidth in MHz. *Filterable, sortable.*")
    physical_range: Range = _physical_range()
    physical_range_unit: Text = Attribute(doc="Unit of the physical values.")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            client: CatalogClient | None = None,
            id: str = ...,
            **kwargs: Unpack[MicrowaveBandKeywords],
        ) -> None: ...


class MaskBand(Band):
    """Band of zeros and ones.

    With `is_alpha`, pixels at which the band is 0 are transparent in all bands.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.
    """

    _derived_type = BandType.MASK

    is_alpha: Flag = BooleanAttribute(doc="True if the band is the alpha channel of its product's images.")
    data_range: Range = TupleAttribute(
        mutable=False, doc="Range of the pixel values: (0, 1), which the service sets."
    )
    display_range: Range = TupleAttribute(
        mutable=False, doc="Range to display: (0, 1), which the service sets."
    )

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[MaskBandKeywords]
        ) -> None: ...


class ClassBand(Band):
    """Band of categories: each pixel value stands for a class.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.
    """

    _derived_type = BandType.CLASS

    colormap_name: Text = EnumAttribute(
        Colormap, doc="Name of the colormap to display the band with: a `Colormap`."
    )
    colormap: Colors = Attribute(
        doc="Color of each pixel value: a list of (red, green, blue, alpha) as strings or numbers."
    )
    class_labels: Texts = ListAttribute(TypedAttribute(str), doc="Label of each pixel value, from 0.")

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[ClassBandKeywords]
        ) -> None: ...


class GenericBand(Band):
    """Band of any other quantity, such as heights or results of an analysis.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.
    """

    _derived_type = BandType.GENERIC

    physical_range: Range = _physical_range()
    physical_range_unit: Text = Attribute(doc="Unit of the physical values.")
    colormap_name: Text = EnumAttribute(
        Colormap, doc="Name of the colormap to display the band with: a `Colormap`."
    )
    colormap: Colors = Attribute(
        doc="Color of each pixel value: a list of (red, green, blue, alpha) as strings or numbers."
    )

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[GenericBandKeywords]
        ) -> None: ...


_CLASSES: dict[str, type[Band]] = {
    str(band_class._derived_type): band_class
    for band_class in (SpectralBand, MicrowaveBand, MaskBand, ClassBand, GenericBand)
}


def class_of_type(band_type: str) -> type[Band]:
    """Return the class of the bands of a type; GenericBand for a type that has none."""
    return _CLASSES.get(band_type, GenericBand)


def known_bands(product: CatalogObject) -> list[Band]:
    """Return the bands that the document of a product describes, as of when it was read, in their order."""
    document = product._record
    if not isinstance(document, dict):
        return []
    bands = [Band._from_record(record, product._client) for record in band_records(document)]
    return sorted(bands, key=lambda band: math.inf if band.sort_order is None else band.sort_order)


class BandCollection(Collection[Band]):
    """List of bands.

    Parameters
    ----------
    iterable : iterable of Band, optional
        Bands.
    item_type : type, optional
        Subclass of Band that all items must be of.

    Examples
    --------
    >>> list(product.bands().collect().each.name)
    ['red', 'green', 'blue', 'nir']
    """

    _item_type = Band


Band._collection_type = BandCollection
