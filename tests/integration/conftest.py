"""Documents and rasters for tests against the live API."""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from support.embedded_stack import collections_removed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

_numbers = itertools.count(1)


def stac_collection(collection_id: str, data_type: str = "uint16", **members: Any) -> dict[str, Any]:
    """A small valid STAC Collection with the bands red and nir."""
    band = {
        "data_type": data_type,
        "catalog:type": "spectral",
        "catalog:data_range": [0, 10000],
        "catalog:display_range": [0, 4000],
    }
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": collection_id,
        "title": "A collection of tests",
        "description": "Made by a test",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [[None, None]]},
        },
        "links": [],
        "bands": [
            {"name": "red", "catalog:band_index": 0, "catalog:sort_order": 0, **band},
            {"name": "nir", "catalog:band_index": 1, "catalog:sort_order": 1, **band},
        ],
        **members,
    }


def stac_item(collection_id: str, item_id: str, **properties: Any) -> dict[str, Any]:
    """A small valid STAC Item: a square of one degree whose corner is at (10, 10)."""
    x, y = properties.pop("corner", (10.0, 10.0))
    ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": item_id,
        "collection": collection_id,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [x, y, x + 1, y + 1],
        "properties": {"datetime": "2024-05-01T00:00:00Z", "catalog:storage_state": "remote", **properties},
        "assets": {},
        "links": [],
    }


@pytest.fixture(autouse=True, scope="module")
def own_collections(pytestconfig: pytest.Config) -> Iterator[None]:
    """Remove the collections of a module after it."""
    with collections_removed(pytestconfig):
        yield


@pytest.fixture
def collection(http: httpx.Client) -> str:
    """The id of a fresh collection of the API."""
    collection_id = f"local:test-{next(_numbers)}-{uuid.uuid4().hex[:6]}"
    answer = http.post("/collections", json=stac_collection(collection_id))
    assert answer.status_code == 201, answer.text
    return collection_id


@pytest.fixture
def add_items(http: httpx.Client, collection: str) -> Callable[..., list[dict[str, Any]]]:
    """Bulk-load items into `collection`, one for each set of properties given."""

    def add(*properties: dict[str, Any]) -> list[dict[str, Any]]:
        items = [stac_item(collection, f"item-{n:04d}", **p) for n, p in enumerate(properties)]
        body = {"items": {item["id"]: item for item in items}}
        answer = http.post(f"/collections/{collection}/bulk_items", json=body)
        assert answer.status_code == 200, answer.text
        return items

    return add


@pytest.fixture
def geotiff(tmp_path: Path) -> Callable[..., Path]:
    """Write a GeoTIFF in UTM zone 21N: (bands, rows, columns) of uint16 unless an array is given."""

    def write(name: str = "scene.tif", array: np.ndarray | None = None, **profile: Any) -> Path:
        data = array if array is not None else np.arange(2 * 96 * 128, dtype="uint16").reshape(2, 96, 128) + 1
        options = {
            "driver": "GTiff",
            "crs": "EPSG:32621",
            "transform": from_origin(600000, 4200000, 30, 30),
            **profile,
        }
        path = tmp_path / name
        with rasterio.open(
            path,
            "w",
            count=data.shape[0],
            height=data.shape[1],
            width=data.shape[2],
            dtype=data.dtype,
            **options,
        ) as file:
            file.write(data)
        return path

    return write
