"""Metadata of images: their attributes, and the areas and grids that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from landbridge.catalog.enums import StorageState
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import ValueAttribute
from landbridge.catalog.model.attributes import EnumAttribute, TypedAttribute
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp, to_shape, within_world_bounds
from landbridge.catalog.model.tuple_attribute import TupleAttribute
from landbridge.catalog.model.values import File
from landbridge.catalog.product_member import NamedCatalogObject
from landbridge.catalog.stac.images import BASE_ITEM, IMAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Resource
    from landbridge.catalog.type_hints.attributes import (
        Files,
        Integer,
        Number,
        Numbers,
        RequiredGeometry,
        RequiredTime,
        Rows,
        Text,
        Time,
        Transform,
    )
    from landbridge.catalog.type_hints.keywords import ImageKeywords
    from landbridge.catalog.type_hints.values import GeometryLike
    from landbridge.geo import AOI

__all__ = ["ImageMetadata"]


def _number(doc: str) -> TypedAttribute:
    return TypedAttribute(float, coerce=True, doc=f"{doc} *Filterable, sortable.*")


def _text(doc: str) -> TypedAttribute:
    return TypedAttribute(str, doc=doc)


def _numbers(doc: str) -> ListAttribute:
    return ListAttribute(TypedAttribute(float, coerce=True), doc=doc)


def _rows(doc: str) -> ListAttribute:
    return ListAttribute(ListAttribute(TypedAttribute(float, coerce=True)), doc=doc)


class ImageMetadata(NamedCatalogObject):
    """The attributes of an image; `Image` adds uploads and pixels."""

    _resource: ClassVar[Resource] = IMAGES
    _keep_record = False
    _item: dict[str, Any] | None = None  # the Item that an unsaved image was made of

    SUPPORTED_DATATYPES = (
        *("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
        *("float16", "float32", "float64"),
    )

    geometry: RequiredGeometry = GeometryAttribute(
        doc="Footprint in longitude and latitude, as a shapely geometry; takes GeoJSON too. *Filterable.*"
    )
    cs_code: Text = _text('Coordinate reference system as an EPSG code, such as "EPSG:32615".')
    projection: Text = _text("Coordinate reference system as WKT or a PROJ string, if it has no EPSG code.")
    geotrans: Transform = TupleAttribute(
        float,
        coerce=True,
        min_length=6,
        max_length=6,
        doc="Affine transformation from pixels to the coordinate reference system: six floats in "
        "GDAL's order.",
    )
    x_pixels: Integer = TypedAttribute(int, doc="Width in pixels.")
    y_pixels: Integer = TypedAttribute(int, doc="Height in pixels.")
    acquired: RequiredTime = Timestamp(
        doc="Time at which the image was taken; the start if that took some time. *Filterable, sortable.*"
    )
    acquired_end: Time = Timestamp(doc="Time at which taking the image ended. *Filterable, sortable.*")
    published: Time = Timestamp(doc="Time at which the provider published the image. *Filterable, sortable.*")
    storage_state: Text = EnumAttribute(
        StorageState,
        doc='Place of the pixels: "available" in the service, or "remote". *Filterable, sortable.*',
    )
    files: Files = ListAttribute(
        ValueAttribute(File),
        doc="Files with the pixels, in the order of `Band.file_index`; a list of `File`.",
    )
    area: Number = _number("Area of the footprint in square kilometers.")
    azimuth_angle: Number = _number("Azimuth of the sensor in degrees.")
    bits_per_pixel: Numbers = _numbers("Average number of bits per pixel of each band.")
    bright_fraction: Number = _number("Fraction of the image that is bright, from 0 to 1.")
    brightness_temperature_k1_k2: Rows = _rows("Constants K1 and K2 of each thermal band, one pair per band.")
    c6s_dlsr: Rows = _rows("Coefficients of the 6S surface reflectance model, one list per band.")
    cloud_fraction: Number = _number("Fraction of the image that clouds cover, from 0 to 1.")
    confidence_dlsr: Number = _number("Confidence of the surface reflectance.")
    alt_cloud_fraction: Number = _number(
        "Fraction of the image that clouds cover by another method, from 0 to 1."
    )
    processing_pipeline_id: Text = TypedAttribute(
        str, doc="Id of the processing that produced the image. *Filterable, sortable.*"
    )
    fill_fraction: Number = _number("Fraction of the image that has data, from 0 to 1.")
    incidence_angle: Number = _number("Incidence angle of the sensor in degrees.")
    radiance_gain_bias: Rows = _rows("Gain and bias from pixel values to radiance, one pair per band.")
    reflectance_gain_bias: Rows = _rows("Gain and bias from pixel values to reflectance, one pair per band.")
    reflectance_scale: Numbers = _numbers("Factor from radiance to reflectance, one per band.")
    roll_angle: Number = _number("Roll angle of the satellite in degrees.")
    solar_azimuth_angle: Number = _number("Azimuth of the sun in degrees.")
    solar_elevation_angle: Number = _number("Elevation of the sun above the horizon in degrees.")
    temperature_gain_bias: Rows = _rows("Gain and bias from pixel values to temperature, one pair per band.")
    view_angle: Number = _number("Angle between the line of sight and nadir, in degrees.")
    satellite_id: Text = TypedAttribute(str, doc="Id of the satellite. *Filterable, sortable.*")
    provider_id: Text = TypedAttribute(
        str, doc="Id that the provider gives the image. *Filterable, sortable.*"
    )
    provider_url: Text = _text("Address of the provider's page about the image.")
    preview_url: Text = _text("Address of a thumbnail.")
    preview_file: Text = _text("Name of the file with a thumbnail.")

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[ImageKeywords]
        ) -> None: ...

        def update(  # type: ignore[override] # these names only
            self, ignore_errors: bool = False, **kwargs: Unpack[ImageKeywords]
        ) -> None: ...

        @classmethod
        def get_or_create(  # type: ignore[override] # these names only
            cls,
            id: str,
            client: CatalogClient | None = None,
            request_params: Mapping[str, Any] | None = None,
            headers: Mapping[str, str] | None = None,
            **kwargs: Unpack[ImageKeywords],
        ) -> Self: ...

    @property
    def date(self) -> datetime:
        """Time at which the image was taken; the same as `acquired`."""
        return self.acquired

    @property
    def geocontext(self) -> AOI:
        """Grid of the stored pixels: an AOI with the image's bounds, shape, reference system and footprint.

        It has no resolution but a shape, so a raster with it gives the pixels as they are stored. It is
        computed once; attributes that change later do not change it.
        """
        if not hasattr(self, "_geocontext"):
            self._geocontext = _own_grid(self)
        return self._geocontext

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """Footprint as a GeoJSON geometry, which `GeoDataFrame.from_features` takes for a Feature too."""
        from landbridge.catalog.tables.features import Footprint

        return Footprint(self.geometry.__geo_interface__, self)

    def _load(self, record: Any) -> None:
        super()._load(record)
        self._item = None

    def _identity(self) -> dict[str, Any]:
        return super()._identity() | ({} if self._item is None else {BASE_ITEM: self._item})

    def coverage(self, geom: GeometryLike) -> float:
        """Return the fraction of a geometry that the footprint covers.

        Parameters
        ----------
        geom : dict, shapely geometry or GeoContext
            Geometry in longitude and latitude, also as GeoJSON or with `__geo_interface__`.

        Returns
        -------
        float
            Fraction from 0 to 1, of areas in square degrees.

        Raises
        ------
        TypeError, ValueError
            If `geom` is not a geometry.

        Examples
        --------
        >>> image.coverage(area)
        1.0
        """
        area = within_world_bounds(to_shape(geom))
        return float(area.intersection(within_world_bounds(self.geometry)).area / area.area)


def _own_grid(image: ImageMetadata) -> AOI:
    """Return the grid of an image: the bounds of its pixels in its own reference system, and its shape."""
    from landbridge.geo import AOI

    crs = image.cs_code or image.projection
    if image.geotrans is None or crs is None:
        return AOI(geometry=image.geometry, crs=crs, align_pixels=False) if image.geometry or crs else AOI()
    x, width, row_rotation, y, column_rotation, height = image.geotrans
    if image.x_pixels is None or image.y_pixels is None:
        if abs(width) != abs(height):
            raise ValueError(
                f"Image {image.id} has no size, and pixels of {abs(width)} by {abs(height)} are not square; "
                "give a geocontext."
            )
        return AOI(geometry=image.geometry, crs=crs, resolution=abs(width), align_pixels=False)
    columns, rows = image.x_pixels, image.y_pixels
    if row_rotation or column_rotation:
        import warnings

        warnings.warn(
            f"Image {image.id} is rotated in its reference system; its geocontext encloses it.",
            stacklevel=3,
        )
    corners = [
        (x + column * width + row * row_rotation, y + column * column_rotation + row * height)
        for column in (0, columns)
        for row in (0, rows)
    ]
    return AOI(
        geometry=image.geometry,
        crs=crs,
        bounds=(
            min(corner[0] for corner in corners),
            min(corner[1] for corner in corners),
            max(corner[0] for corner in corners),
            max(corner[1] for corner in corners),
        ),
        bounds_crs=crs,
        shape=(rows, columns),
        align_pixels=False,
    )
