"""Items like those of Landsat Collection 2: its properties, and an asset with a checksum for each band."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

COLLECTION = "local:landsat"
_BATCH = 1000
_BANDS = (
    # name, common name, center wavelength and width in micrometers
    ("coastal", "coastal", 0.44, 0.02),
    ("blue", "blue", 0.48, 0.06),
    ("green", "green", 0.56, 0.06),
    ("red", "red", 0.65, 0.04),
    ("nir08", "nir08", 0.86, 0.03),
    ("swir16", "swir16", 1.6, 0.08),
    ("swir22", "swir22", 2.2, 0.2),
    ("lwir11", "lwir11", 10.9, 0.59),
)
_MASKS = ("qa_pixel", "qa_radsat")


def load(api: httpx.Client, count: int) -> None:
    """Make the collection and put `count` items into it."""
    api.post("/collections", json=collection()).raise_for_status()
    for start in range(0, count, _BATCH):
        batch = {item["id"]: item for item in items(start, min(start + _BATCH, count))}
        answer = api.post(f"/collections/{COLLECTION}/bulk_items", json={"items": batch})
        answer.raise_for_status()


def collection() -> dict[str, Any]:
    """Return the Collection, with one file for each band."""
    bands: list[dict[str, Any]] = [
        {
            "name": name,
            "description": f"Collection 2 Level-2 {name} band",
            "data_type": "uint16",
            "nodata": 0,
            "eo:common_name": common,
            "eo:center_wavelength": center,
            "eo:full_width_half_max": width,
            "raster:spatial_resolution": 30,
            "catalog:type": "spectral",
            "catalog:data_range": [1, 65455],
            "catalog:display_range": [7273, 18000],
            "catalog:physical_range": [-0.1999725, 1.6],
        }
        for name, common, center, width in _BANDS
    ]
    bands += [
        {
            "name": name,
            "data_type": "uint16",
            "catalog:type": "class",
            "catalog:data_range": [0, 65535],
            "catalog:display_range": [0, 65535],
            "raster:spatial_resolution": 30,
        }
        for name in _MASKS
    ]
    places = [{"catalog:file_index": index, "catalog:band_index": 0} for index in range(len(bands))]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": COLLECTION,
        "title": "Landsat-like scenes",
        "description": "Scenes for benchmarks",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2013-01-01T00:00:00Z", None]]},
        },
        "links": [],
        "catalog:class": "Product",
        "bands": [band | place for band, place in zip(bands, places, strict=True)],
    }


def items(start: int, stop: int) -> Iterator[dict[str, Any]]:
    """Return the items from number `start` to before `stop`."""
    for number in range(start, stop):
        yield _item(number)


def _item(number: int) -> dict[str, Any]:
    path, row = 1 + number % 233, 10 + number * 7 % 100
    moment = datetime(2013, 4, 1, 10, 30, tzinfo=UTC) + timedelta(hours=9 * number, seconds=number % 3600)
    name = f"LC08_L2SP_{path:03}{row:03}_{moment:%Y%m%d}_{number:06}_02_T1"
    west, south = -170 + number * 1.37 % 330, -60 + number * 0.71 % 120
    ring = [
        [west + 0.4873121, south],
        [west + 2.2410034, south + 0.3871264],
        [west + 1.8022361, south + 1.9317255],
        [west, south + 1.5402171],
        [west + 0.4873121, south],
    ]
    folder = f"https://landsat.example.org/collection02/level-2/standard/oli-tirs/{moment:%Y}/{path:03}/{row:03}/{name}"
    names = [band[0] for band in _BANDS] + list(_MASKS)
    cover = round(number * 37.31 % 100, 2)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": COLLECTION,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, west + 2.2410034, south + 1.9317255],
        "properties": {
            "datetime": f"{moment:%Y-%m-%dT%H:%M:%S}.732651Z",
            "created": "2021-07-23T22:39:42.962Z",
            "updated": "2021-07-23T22:39:42.962Z",
            "published": "2021-07-24T22:39:42Z",
            "platform": "landsat-8",
            "instruments": ["oli", "tirs"],
            "keywords": ["landsat", "surface reflectance", f"path {path}"],
            "eo:cloud_cover": cover,
            "view:sun_azimuth": round(number * 1.7 % 360, 8),
            "view:sun_elevation": round(number * 0.9 % 90, 8),
            "view:off_nadir": 0,
            "proj:code": f"EPSG:{32601 + number % 60}",
            "proj:shape": [7771 + number % 200, 7651 + number % 200],
            "proj:transform": [30, 0, 300000 + 30 * (number % 5000), 0, -30, 4904715 - 30 * (number % 5000)],
            "landsat:cloud_cover_land": cover,
            "landsat:wrs_type": "2",
            "landsat:wrs_path": f"{path:03}",
            "landsat:wrs_row": f"{row:03}",
            "landsat:scene_id": f"LC8{path:03}{row:03}{moment:%Y%j}LGN00",
            "landsat:collection_category": "T1",
            "landsat:collection_number": "02",
            "landsat:correction": "L2SP",
            "catalog:class": "Image",
            "catalog:storage_state": "available",
            "catalog:provider_id": name,
            "catalog:fill_fraction": round(number * 0.0137 % 1, 4),
        },
        "assets": {
            band: {
                "href": f"{folder}/{name}_{band.upper()}.TIF",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "file:size": 60_000_000 + number * 7919 % 40_000_000,
                "file:checksum": "1220" + hashlib.sha256(f"{name}{band}".encode()).hexdigest(),
                "catalog:file_index": index,
            }
            for index, band in enumerate(names)
        },
        "links": [],
    }
