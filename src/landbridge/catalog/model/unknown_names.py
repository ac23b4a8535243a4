"""Errors for names of attributes that a class does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["unknown_attribute"]

# Names of STAC, GDAL and xarray for the attributes of images, products and bands.
_OTHER_NAMES = {
    "assets": "files",
    "cloud_cover": "cloud_fraction",
    "cloudcover": "cloud_fraction",
    "collection": "product",
    "collection_id": "product_id",
    "crs": "cs_code",
    "date": "acquired",
    "datetime": "acquired",
    "dtype": "data_type",
    "end_datetime": "acquired_end",
    "epsg": "cs_code",
    "eo:cloud_cover": "cloud_fraction",
    "footprint": "geometry",
    "gsd": "resolution",
    "height": "y_pixels",
    "no_data": "nodata",
    "platform": "satellite_id",
    "start_datetime": "acquired",
    "sun_azimuth": "solar_azimuth_angle",
    "sun_elevation": "solar_elevation_angle",
    "thumbnail": "preview_url",
    "title": "name",
    "transform": "geotrans",
    "width": "x_pixels",
}


def unknown_attribute(cls: type, name: str, known: Iterable[str]) -> AttributeError:
    """Return the error for an attribute that a class does not have, with the name that was probably meant."""
    hint = did_you_mean(name, known, _OTHER_NAMES)
    return AttributeError(f"{cls.__name__} has no attribute {name}{'.' if hint else ''}{hint}")
