"""Values of the Catalog's attributes are checked on every write route."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    Write = Callable[[httpx.Client, str, dict[str, Any]], httpx.Response]

MERGE, PATCH = "application/merge-patch+json", "application/json-patch+json"
RING = [[10, 10], [11, 10], [11, 11], [10, 11], [10, 10]]
STEP = {"function": "fun", "parameter": "reflectance_gain_bias", "index": 0}
DELETED = object()

# Invalid members of a band, and the attribute that the answer must name.
BAD_BANDS: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": "no spaces"}),
    ("name", {"name": "classes"}),
    ("type", {"catalog:type": "optical"}),
    ("data_type", {"data_type": "uint128"}),
    ("data_type", {"data_type": DELETED}),
    ("data_range", {"catalog:data_range": [0]}),
    ("data_range", {"catalog:data_range": ["low", "high"]}),
    ("data_range", {"catalog:data_range": DELETED}),
    ("display_range", {"catalog:display_range": [0, 1, 2]}),
    ("physical_range", {"catalog:physical_range": 1}),
    ("nodata", {"nodata": "none"}),
    ("band_index", {"catalog:band_index": -1}),
    ("band_index", {"catalog:band_index": DELETED}),
    ("file_index", {"catalog:file_index": "first"}),
    ("sort_order", {"catalog:sort_order": 1.5}),
    ("resolution", {"raster:spatial_resolution": 0}),
    ("resolution", {"raster:spatial_resolution": "30m"}),
    ("resolution", {"raster:spatial_resolution": 30, "catalog:resolution": {"value": 98, "unit": "feet"}}),
    ("wavelength_nm_center", {"eo:center_wavelength": -0.5}),
    ("wavelength_nm_center", {"catalog:wavelength_nm_center": "blue"}),
    ("wavelength_nm_min", {"catalog:wavelength_nm_min": "452"}),
    ("processing_levels", {"catalog:processing_levels": ["toa"]}),
    ("processing_levels", {"catalog:processing_levels": {"toa": 1}}),
    ("processing_levels", {"catalog:processing_levels": {"toa": ["step"]}}),
    ("processing_levels", {"catalog:processing_levels": {"toa": [{"function": "fun"}]}}),
    ("processing_levels", {"catalog:processing_levels": {"toa": [{**STEP, "index": "0"}]}}),
    ("processing_levels", {"catalog:processing_levels": {"toa": [{**STEP, "data_type": "Int24"}]}}),
    ("processing_levels", {"catalog:processing_levels": {"toa": [{**STEP, "data_range": [1]}]}}),
    ("derived_params", {"catalog:derived_params": {"function": "fun"}}),
    ("derived_params", {"catalog:derived_params": {"function": "fun", "bands": "red"}}),
    ("derived_params", {"catalog:derived_params": {"function": "fun", "bands": []}}),
    ("derived_params", {"catalog:derived_params": {"function": "f", "bands": ["a"], "source_type": "x"}}),
    ("class_labels", {"catalog:class_labels": "water"}),
    ("class_labels", {"catalog:class_labels": ["water", 1]}),
    ("colormap", {"catalog:colormap": "red"}),
    ("colormap", {"catalog:colormap": [[0, 0]]}),
    ("colormap", {"catalog:colormap": [[0, 0, 256]]}),
    ("colormap", {"catalog:colormap": [["red", "green", "blue"]]}),
    ("colormap_name", {"catalog:colormap_name": "rainbow"}),
    ("is_alpha", {"catalog:is_alpha": 1}),
    ("tags", {"keywords": ["t"] * 33}),
    ("extra_properties", {"catalog:extra_properties": [1]}),
    ("class_labels", {"catalog:type": DELETED, "catalog:class_labels": 1}),
]
BAD_COLLECTIONS: list[tuple[str, dict[str, Any]]] = [
    ("name", {"title": ""}),
    ("is_core", {"catalog:is_core": "yes"}),
    ("start_datetime", {"catalog:start_datetime": "yesterday"}),
    (
        "end_datetime",
        {"catalog:start_datetime": "2020-01-01T00:00:00Z", "catalog:end_datetime": "2019-01-01T00:00:00Z"},
    ),
    ("revisit_period_minutes_min", {"catalog:revisit_period_minutes_min": -1}),
    ("default_display_bands", {"catalog:default_display_bands": "red green blue"}),
    ("owners", {"catalog:owners": ["somebody"]}),
    ("owners", {"catalog:owners": ["group:nobody"]}),
    ("readers", {"catalog:readers": "user:a"}),
    ("writers", {"catalog:writers": [1]}),
    ("tags", {"keywords": "tag"}),
    ("extra_properties", {"catalog:extra_properties": {str(n): n for n in range(51)}}),
]
AVAILABLE = {"catalog:storage_state": "available"}
PROJECTED = {
    **AVAILABLE,
    "proj:code": "EPSG:32615",
    "proj:transform": [30, 0, 0, 0, -30, 0],
    "proj:shape": [2, 3],
}
BAD_PROPERTIES: list[tuple[str, dict[str, Any]]] = [
    ("storage_state", {"catalog:storage_state": "lost"}),
    ("acquired", {"datetime": "yesterday"}),
    ("acquired", {"datetime": None}),
    ("acquired_end", {"end_datetime": "2000-01-01T00:00:00Z"}),
    ("published", {"published": "soon"}),
    ("cs_code", {"proj:code": "32615"}),
    ("cs_code", {"proj:code": "EPSG:utm15"}),
    ("projection", {"proj:wkt2": 5}),
    ("geotrans", {"proj:transform": [1, 2, 3]}),
    ("geotrans", {"proj:transform": "north"}),
    ("pixels", {"proj:shape": [1]}),
    ("pixels", {"proj:shape": [-1, 5]}),
    ("x_pixels", {"catalog:x_pixels": 1.5}),
    ("cloud_fraction", {"eo:cloud_cover": 101}),
    ("cloud_fraction", {"catalog:cloud_fraction": "none"}),
    ("fill_fraction", {"catalog:fill_fraction": 1.1}),
    ("area", {"catalog:area": -1}),
    ("bits_per_pixel", {"catalog:bits_per_pixel": ["8"]}),
    ("reflectance_gain_bias", {"catalog:reflectance_gain_bias": [1, 2]}),
    ("solar_elevation_angle", {"view:sun_elevation": 91}),
    ("solar_azimuth_angle", {"view:sun_azimuth": "south"}),
    ("satellite_id", {"platform": 8}),
    ("provider_id", {"catalog:provider_id": 8}),
    ("tags", {"keywords": [8]}),
    ("extra_properties", {"catalog:extra_properties": "x"}),
]
# Members that only an available image needs; an upload determines them from its files.
INCOMPLETE: list[tuple[str, dict[str, Any]]] = [
    ("cs_code", {name: value for name, value in PROJECTED.items() if name != "proj:code"}),
    ("geotrans", {name: value for name, value in PROJECTED.items() if name != "proj:transform"}),
    ("pixels", {name: value for name, value in PROJECTED.items() if name != "proj:shape"}),
    ("files", PROJECTED),
]
BAD_ITEMS: list[tuple[str, dict[str, Any]]] = [
    ("geometry", {"geometry": None}),
    ("geometry", {"geometry": {"type": "Polygon", "coordinates": [RING[:-1]]}}),
    ("geometry", {"geometry": {"type": "Circle", "coordinates": [0, 0]}}),
    ("files", {"assets": {"data": {"href": "a.tif", "catalog:file_index": 1}}}),
    ("files", {"assets": {"data": {"href": "a.tif", "catalog:file_index": 0, "file:size": "big"}}}),
    ("files", {"assets": {"data": {"href": "a.tif", "catalog:file_index": 0, "file:checksum": 5}}}),
]


def names(cases: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{attribute}-{number}" for number, (attribute, _) in enumerate(cases)]


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = {**document, **changes}
    return {name: value for name, value in both.items() if value is not DELETED}


def bands() -> list[dict[str, Any]]:
    place = {"data_type": "uint8", "catalog:data_range": [0, 255], "catalog:display_range": [0, 255]}
    return [
        {"name": "red", "catalog:type": "spectral", "catalog:band_index": 0, **place},
        {"name": "classes", "catalog:type": "class", "catalog:band_index": 1, **place},
    ]


def collection_document(collection_id: str) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": collection_id,
        "title": "Validated",
        "description": "Of a test",
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
        "catalog:class": "Product",
        "bands": bands(),
    }


def item_document(collection_id: str, item_id: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": item_id,
        "collection": collection_id,
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "bbox": [10, 10, 11, 11],
        "properties": {
            "datetime": "2024-05-01T00:00:00Z",
            "catalog:class": "Image",
            "catalog:storage_state": "remote",
        },
        "assets": {},
        "links": [],
    }


@pytest.fixture(scope="module")
def stored(http: httpx.Client) -> Iterator[str]:
    """The id of a collection that holds the item `image`; no test may change either."""
    collection_id = f"local:validated-{uuid.uuid4().hex[:8]}"
    http.post("/collections", json=collection_document(collection_id)).raise_for_status()
    http.post(
        f"/collections/{collection_id}/items", json=item_document(collection_id, "image")
    ).raise_for_status()
    paths = f"/collections/{collection_id}", f"/collections/{collection_id}/items?limit=10"
    before = [http.get(path).json() for path in paths]
    yield collection_id
    assert [http.get(path).json() for path in paths] == before


def post_collection(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return http.post("/collections", json={**document, "id": f"{at}-new"})


def put_collection(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return http.put(f"/collections/{at}", json=document)


def merge_collection(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return http.patch(f"/collections/{at}", json=document, headers={"Content-Type": MERGE})


def patch_collection(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return patch(http, f"/collections/{at}", document)


def patch(http: httpx.Client, path: str, document: dict[str, Any]) -> httpx.Response:
    operations = [{"op": "add", "path": f"/{name}", "value": value} for name, value in document.items()]
    return http.patch(path, json=operations, headers={"Content-Type": PATCH})


COLLECTION_WRITES = [post_collection, put_collection, merge_collection, patch_collection]


def post_item(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return http.post(f"/collections/{at}/items", json={**document, "id": "new"})


def post_items(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    good = item_document(at, "good")
    body = {"type": "FeatureCollection", "features": [good, {**document, "id": "new"}]}
    return http.post(f"/collections/{at}/items", json=body)


def put_item(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return http.put(f"/collections/{at}/items/image", json=document)


def merge_item(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return http.patch(f"/collections/{at}/items/image", json=document, headers={"Content-Type": MERGE})


def patch_item(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    return patch(http, f"/collections/{at}/items/image", document)


def insert(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    items = {"good": item_document(at, "good"), "new": {**document, "id": "new"}}
    return http.post(f"/collections/{at}/bulk_items", json={"items": items, "method": "insert"})


def upsert(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    body = {"items": {"image": document}, "method": "upsert"}
    return http.post(f"/collections/{at}/bulk_items", json=body)


def upload(http: httpx.Client, at: str, document: dict[str, Any]) -> httpx.Response:
    body = {"item": {**document, "id": "new"}, "files": [{"name": "a.tif", "size": 1}]}
    return http.post("/uploads", json=body)


ITEM_WRITES = [post_item, post_items, put_item, merge_item, patch_item, insert, upsert]


def refused(answer: httpx.Response, attribute: str) -> None:
    assert answer.status_code == 400, f"{answer.status_code}: {answer.text[:500]}"
    assert attribute in answer.json()["description"], answer.text


@pytest.mark.parametrize("write", COLLECTION_WRITES)
@pytest.mark.parametrize(("attribute", "changes"), BAD_BANDS, ids=names(BAD_BANDS))
def test_a_bad_band_is_refused_by_name(
    http: httpx.Client, stored: str, write: Write, attribute: str, changes: dict[str, Any]
) -> None:
    document = collection_document(stored)
    document["bands"][0] = changed(document["bands"][0], changes)
    refused(write(http, stored, document), attribute)


@pytest.mark.parametrize("write", COLLECTION_WRITES)
@pytest.mark.parametrize(("attribute", "changes"), BAD_COLLECTIONS, ids=names(BAD_COLLECTIONS))
def test_a_bad_product_is_refused_by_name(
    http: httpx.Client, stored: str, write: Write, attribute: str, changes: dict[str, Any]
) -> None:
    refused(write(http, stored, changed(collection_document(stored), changes)), attribute)


@pytest.mark.parametrize("write", [*ITEM_WRITES, upload])
@pytest.mark.parametrize(("attribute", "changes"), BAD_PROPERTIES, ids=names(BAD_PROPERTIES))
def test_a_bad_property_of_an_image_is_refused_by_name(
    http: httpx.Client, stored: str, write: Write, attribute: str, changes: dict[str, Any]
) -> None:
    document = item_document(stored, "image")
    document["properties"] = changed(document["properties"], changes)
    refused(write(http, stored, document), attribute)


@pytest.mark.parametrize("write", ITEM_WRITES)
@pytest.mark.parametrize(("attribute", "properties"), INCOMPLETE, ids=names(INCOMPLETE))
def test_an_available_image_is_refused_without_its_required_members(
    http: httpx.Client, stored: str, write: Write, attribute: str, properties: dict[str, Any]
) -> None:
    document = item_document(stored, "image")
    document["properties"] |= properties
    refused(write(http, stored, document), attribute)


@pytest.mark.parametrize("write", ITEM_WRITES)
@pytest.mark.parametrize(("attribute", "changes"), BAD_ITEMS, ids=names(BAD_ITEMS))
def test_a_bad_part_of_an_image_is_refused_by_name(
    http: httpx.Client, stored: str, write: Write, attribute: str, changes: dict[str, Any]
) -> None:
    refused(write(http, stored, changed(item_document(stored, "image"), changes)), attribute)


def test_an_upload_may_leave_out_members_that_its_files_determine(http: httpx.Client, stored: str) -> None:
    document = item_document(stored, "new")
    document["geometry"] = None
    del document["properties"]["catalog:storage_state"]
    answer = upload(http, stored, document)
    assert answer.status_code == 201, answer.text
    assert http.post(f"/uploads/{answer.json()['id']}/cancel").status_code == 200


@pytest.mark.parametrize("write", COLLECTION_WRITES)
def test_labels_and_colors_become_classes_however_they_are_written(
    http: httpx.Client, stored: str, write: Write
) -> None:
    """`class_labels` and `colormap` in the classification extension's words."""
    other = f"{stored}-{write.__name__}"
    if write is not post_collection:
        http.post("/collections", json=collection_document(other)).raise_for_status()
    document = collection_document(other)
    document["bands"][1] |= {
        "catalog:class_labels": ["no data", "", "open water"],
        "catalog:colormap": [[0, 0, 0, 0], [1, 1, 1], [0, 0, 255, 255]],
    }
    answer = write(http, other, document)
    assert answer.is_success, answer.text
    shown = http.get(f"/collections/{answer.json()['id']}").json()
    classes = [
        {"value": 0, "name": "no_data", "title": "no data", "color_hint": "000000"},
        {"value": 2, "name": "open_water", "title": "open water", "color_hint": "0000FF"},
    ]
    assert shown["bands"][1]["classification:classes"] == classes
    assert shown["bands"][1]["catalog:class_labels"] == ["no data", "", "open water"]
    assert any("classification" in url for url in shown["stac_extensions"])


def test_levels_and_derivations_are_kept_as_they_are(http: httpx.Client, stored: str) -> None:
    document = collection_document(f"{stored}-levels")
    kept = {
        "catalog:processing_levels": {
            "default": "toa",
            "toa": [{**STEP, "data_type": "Float64", "data_range": [0, 1], "physical_range_unit": "unity"}],
            "raw": [],
        },
        "catalog:derived_params": {"function": "f", "bands": ["red"], "source_type": "UInt16"},
    }
    document["bands"][0] |= kept
    http.post("/collections", json=document).raise_for_status()
    entry = http.get(f"/collections/{document['id']}").json()["bands"][0]
    assert {name: entry[name] for name in kept} == kept


@pytest.mark.parametrize("write", ITEM_WRITES)
def test_a_remote_image_needs_a_time_and_a_place_only(http: httpx.Client, stored: str, write: Write) -> None:
    other = f"{stored}-remote-{write.__name__}"
    http.post("/collections", json={**collection_document(other), "bands": []}).raise_for_status()
    document = item_document(other, "image")
    if write not in (post_item, post_items, insert):
        http.post(f"/collections/{other}/items", json=document).raise_for_status()
    document = copy.deepcopy(document)
    document["assets"] = {"data": {"href": "https://example.com/a.zip", "catalog:file_index": 0}}
    answer = write(http, other, document)
    assert answer.is_success, answer.text
    found = http.get(f"/collections/{other}/items").json()["features"]
    item = next(item for item in found if item["id"] != "good")
    assert item["properties"]["catalog:storage_state"] == "remote"
    assert item["assets"]["data"]["href"] == "https://example.com/a.zip"
