"""Keys of images: the `properties` of old Features, and the metadata that uploads took.

`key` is the full id, as `id`: old scripts give either of them to the Raster service.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyproj import CRS
from pyproj.exceptions import CRSError

from landbridge.porting.arguments.areas import to_geometry
from landbridge.porting.old_keys.table import Key, extra, read_keys, read_only, same
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from landbridge.catalog import Image

__all__ = ["ATTRIBUTES_OF_FILTERS", "IMAGE_KEYS", "image_feature", "image_record"]


class _System(NamedTuple):
    """Reference system as a PROJ string, or as it was given if it is not understood, and its name."""

    proj4: str | None = None
    name: str | None = None


@functools.lru_cache(maxsize=128)
def _described(system: str) -> _System:
    """Return the descriptions of a reference system; images of one search have few different ones."""
    try:
        parsed = CRS.from_user_input(system)
        with warnings.catch_warnings():
            # A PROJ string omits what it cannot express.
            warnings.simplefilter("ignore", UserWarning)
            return _System(parsed.to_proj4(), parsed.name)
    except CRSError:
        return _System(system)


def _system(image: Image) -> _System:
    system = image.cs_code or image.projection
    return _System() if system is None else _described(str(system))


def _size(image: Image) -> list[int] | None:
    return None if image.x_pixels is None or image.y_pixels is None else [image.x_pixels, image.y_pixels]


def _files(name: str) -> Any:
    """Return a function from an image to a member of each of its files; None if it has no files."""
    return lambda image: [getattr(file, name) for file in image.files or ()] or None


def _write_files(hrefs: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attribute `files` for addresses with the sizes and checksums beside them."""
    hrefs = [hrefs] if isinstance(hrefs, str) else list(hrefs)
    files: list[dict[str, Any]] = [{"href": href} for href in hrefs]
    for key, member in (("file_sizes", "size_bytes"), ("file_md5s", "hash")):
        for file, value in zip(files, values.get(key) or (), strict=False):
            file[member] = value
    return {"files": files}


def _ignored(_value: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return no attribute for a key that the row of `files` reads."""
    if not values.get("files"):
        raise ValueError("`file_sizes` and `file_md5s` need `files`, the addresses of these files.")
    return {}


IMAGE_KEYS: Final = (
    read_only("id"),
    read_only("key", "id"),
    read_only("product", "product_id"),
    Key("geometry", lambda image: image.geometry, lambda value, _: {"geometry": to_geometry(value)}),
    *map(same, ("acquired", "acquired_end", "published", "area", "azimuth_angle", "bits_per_pixel")),
    *map(same, ("bright_fraction", "brightness_temperature_k1_k2", "c6s_dlsr", "cloud_fraction")),
    Key(
        "cloud_fraction_0",
        lambda image: image.cloud_fraction if image.alt_cloud_fraction is None else image.alt_cloud_fraction,
        lambda value, _: {"alt_cloud_fraction": value},
    ),
    *map(same, ("confidence_dlsr", "cs_code", "fill_fraction")),
    Key("files", _files("href"), _write_files),
    Key("file_sizes", _files("size_bytes"), _ignored),
    Key("file_md5s", _files("hash"), _ignored),
    same("geotrans"),
    same("identifier", "provider_id"),
    *map(same, ("incidence_angle", "preview_file", "preview_url", "processing_pipeline_id")),
    read_only("processed", "created"),
    Key("proj4", lambda image: _system(image).proj4, lambda value, _: {"projection": value}),
    Key("projcs", lambda image: _system(image).name),
    Key("projection", lambda image: image.projection, lambda value, _: {"projection": value}),
    same("provider_url"),
    *map(same, ("radiance_gain_bias", "reflectance_gain_bias", "reflectance_scale", "roll_angle")),
    Key("raster_size", _size, lambda value, _: {"x_pixels": int(value[0]), "y_pixels": int(value[1])}),
    same("sat_id", "satellite_id"),
    *map(same, ("solar_azimuth_angle", "solar_elevation_angle", "storage_state", "temperature_gain_bias")),
    *map(same, ("view_angle", "tags", "extra_properties")),
    *map(
        extra,
        ("absolute_orbit", "cycle", "datum", "datastrip_id", "descartes_version", "geolocation_accuracy"),
    ),
    *map(extra, ("granule_id", "orbit", "pass", "relative_orbit", "row", "path", "shape", "sw_version")),
    *map(extra, ("terrain_correction", "tile_id", "vendor_id", "roll_angle_0")),
    read_only("created"),
    read_only("modified"),
    read_only("updated", "modified"),
)

# Names of old filters and orders, if they differ from those of the attributes.
ATTRIBUTES_OF_FILTERS: Final = {
    "cloud_fraction_0": "alt_cloud_fraction",
    "identifier": "provider_id",
    "key": "id",
    "processed": "created",
    "product": "product_id",
    "sat_id": "satellite_id",
    "updated": "modified",
}


def image_record(image: Image, bands: Iterable[str] | None, fields: Iterable[str] | None = None) -> DotDict:
    """Return the metadata of an image as one flat dict of old keys, with the names of its bands."""
    wanted = None if fields is None else list(fields)
    record = read_keys(image, IMAGE_KEYS, wanted)
    if bands is not None and (wanted is None or "bands" in wanted):
        record["bands"] = list(bands)
    return record


def image_feature(image: Image, bands: Iterable[str] | None, fields: Iterable[str] | None = None) -> DotDict:
    """Return an image as a GeoJSON Feature with properties of old keys."""
    properties = image_record(image, bands, fields)
    geometry = properties.pop("geometry", None)
    if geometry is None:
        geometry = read_keys(image, IMAGE_KEYS, ("geometry",)).get("geometry")
    return DotDict(
        {"type": "Feature", "id": image.id, "key": image.id, "geometry": geometry, "properties": properties}
    )
