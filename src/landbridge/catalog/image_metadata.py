"""Metadata of images: their attributes, and the areas and grids that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from landbridge.catalog.enums import StorageState
from landbridge.catalog.model.attributes import EnumAttribute, TupleAttribute, TypedAttribute
from landbridge.catalog.model.containers import ListAttribute, ValueAttribute
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp, at_home, to_shape
from landbridge.catalog.model.values import File
from landbridge.catalog.product_member import NamedCatalogObject
from landbridge.catalog.stac.images import IMAGES

if TYPE_CHECKING:
    from landbridge.catalog.stac.resource import Resource
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

    SUPPORTED_DATATYPES = (
        *("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
        *("float16", "float32", "float64"),
    )

    geometry = GeometryAttribute(doc="Its footprint in longitude and latitude. *Filterable.*")
    cs_code = _text("Its coordinate reference system, as 'EPSG:32615'.")
    projection = _text("Its coordinate reference system as WKT or a PROJ string.")
    geotrans = TupleAttribute(
        float, coerce=True, min_length=6, max_length=6, doc="The affine transformation, in GDAL's order."
    )
    x_pixels = TypedAttribute(int, doc="Its width in pixels.")
    y_pixels = TypedAttribute(int, doc="Its height in pixels.")
    acquired = Timestamp(doc="When it was taken. *Filterable, sortable.*")
    acquired_end = Timestamp(doc="When taking it ended. *Filterable, sortable.*")
    published = Timestamp(doc="When its provider published it. *Filterable, sortable.*")
    storage_state = EnumAttribute(StorageState, doc="Whether its data is held here. *Filterable, sortable.*")
    files = ListAttribute(ValueAttribute(File), doc="The files with its data.")
    area = _number("The area it covers in square kilometers.")
    azimuth_angle = _number("The sensor's azimuth in degrees.")
    bits_per_pixel = _numbers("The bits that each band needs for a pixel.")
    bright_fraction = _number("The fraction of it that is bright, 0 to 1.")
    brightness_temperature_k1_k2 = _rows("The K1 and K2 constants of each thermal band.")
    c6s_dlsr = _rows("Coefficients of the 6S surface reflectance model.")
    cloud_fraction = _number("The fraction of it that is clouds, 0 to 1.")
    confidence_dlsr = _number("The confidence of its surface reflectance.")
    alt_cloud_fraction = _number("The fraction that is clouds by another measure, 0 to 1.")
    processing_pipeline_id = TypedAttribute(str, doc="What produced it. *Filterable, sortable.*")
    fill_fraction = _number("The fraction of it that has data, 0 to 1.")
    incidence_angle = _number("The incidence angle in degrees.")
    radiance_gain_bias = _rows("Gain and bias from pixel values to radiance, for each band.")
    reflectance_gain_bias = _rows("Gain and bias from pixel values to reflectance, for each band.")
    reflectance_scale = _numbers("The scale from radiance to reflectance, for each band.")
    roll_angle = _number("The satellite's roll in degrees.")
    solar_azimuth_angle = _number("The sun's azimuth in degrees.")
    solar_elevation_angle = _number("The sun's elevation in degrees.")
    temperature_gain_bias = _rows("Gain and bias from pixel values to temperature, for each band.")
    view_angle = _number("The view angle from nadir in degrees.")
    satellite_id = TypedAttribute(str, doc="The satellite. *Filterable, sortable.*")
    provider_id = TypedAttribute(str, doc="The provider's id of it. *Filterable, sortable.*")
    provider_url = _text("A page about it.")
    preview_url = _text("A picture of it.")
    preview_file = _text("The file of its picture.")

    @property
    def date(self) -> Any:
        """When it was taken: the same as `acquired`."""
        return self.acquired

    @property
    def geocontext(self) -> AOI:
        """The image's own grid: its bounds and shape in its own reference system, with its footprint."""
        if not hasattr(self, "_geocontext"):
            self._geocontext = _own_grid(self)
        return self._geocontext

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The footprint as GeoJSON."""
        return cast("dict[str, Any]", self.geometry.__geo_interface__)

    def coverage(self, geom: Any) -> float:
        """The part of a geometry that the footprint covers, 0 to 1, by areas in square degrees.

        Takes GeoJSON, shapely geometries and GeoContexts.
        """
        area = at_home(to_shape(geom))
        return float(area.intersection(at_home(self.geometry)).area / area.area)


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
