"""The server completes documents of any program, or refuses them with the attribute's name."""

from __future__ import annotations

import copy

import jsonpatch
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.mappings import InvalidDocument, band, image, product, schema
from landbridge.mappings.diffs import json_equal
from landbridge.stac_api.documents import normalize

NOW = "2024-01-02T03:04:05Z"
LATER = "2025-01-02T03:04:05Z"
URL = "https://api.example.org/schemas/catalog/v1.0.0/schema.json"
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 1], [0, 0]]]}


def spectral(name, **attributes):
    return {
        "name": name,
        "type": "spectral",
        "data_type": "UInt16",
        "data_range": [0.0, 10000.0],
        "display_range": [0.0, 4000.0],
        "band_index": 0,
        **attributes,
    }


def collection(*bands, **attributes):
    document = product.to_stac({"id": "o:p", "name": "P", **attributes})
    return {**document, "bands": [band.to_stac(one) for one in bands]}


def completed(*bands, **attributes):
    return normalize.collection(
        collection(*bands, **attributes), now=NOW, principal=["user:a"], schema_url=URL
    )


def item(**attributes):
    return image.to_stac(
        {"name": "i", "product_id": "o:p", "acquired": "2020", "geometry": SQUARE, **attributes}
    )


def available(**attributes):
    files = [{"href": "http://x/a.tif", "size_bytes": 1, "hash": "0" * 32}]
    grid = {"cs_code": "EPSG:4326", "geotrans": [0, 1, 0, 0, 0, -1], "x_pixels": 2, "y_pixels": 1}
    return item(**{"files": files, **grid, **attributes})


def remote(**attributes):
    return item(storage_state="remote", **attributes)


RGB = [spectral(name, band_index=index) for index, name in enumerate(("red", "green", "blue"))]


# Products


def test_a_minimal_product_becomes_a_complete_collection():
    done = completed()
    assert done["stac_version"] == "1.1.0"
    assert done["license"] == "other"
    assert done["description"] == "P"
    assert done["extent"] == {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [[None, None]]},
    }
    assert (done["links"], done["bands"]) == ([], [])
    assert (done["created"], done["updated"]) == (NOW, NOW)
    assert (done["catalog:owners"], done["catalog:readers"], done["catalog:is_core"]) == (
        ["user:a"],
        [],
        False,
    )
    assert done["stac_extensions"] == [URL]


def test_a_minimal_external_collection_becomes_complete():
    done = normalize.collection({"id": "x"}, now=NOW)
    assert done["description"] == "x"
    assert done["extent"]["temporal"] == {"interval": [[None, None]]}
    assert done["bands"] == []


def test_normalization_does_not_change_its_arguments():
    document = collection(*RGB, default_display_bands=["red"], start_datetime="2020")
    before = copy.deepcopy(document)
    done = normalize.collection(document, now=NOW)
    again = copy.deepcopy(done)
    normalize.collection(done, previous=done, now=LATER)
    normalize.item(available(), done, now=NOW)
    assert document == before
    assert done == again


@given(data=st.data())
def test_normalization_is_idempotent_and_keeps_every_attribute(make, data):
    attributes = {**data.draw(make.product), "name": "P", "owners": ["user:a"]}
    attributes.pop("resolution_min", None)
    attributes.pop("resolution_max", None)
    if attributes.get("start_datetime", "") > attributes.get("end_datetime", "9999"):
        del attributes["start_datetime"]
    document = product.to_stac(attributes)
    done = normalize.collection(document, now=NOW)
    expected = {"is_core": False, "created": NOW, "modified": NOW, **attributes}
    assert json_equal(product.from_stac(done), expected)
    assert json_equal(normalize.collection(done, previous=done, now=done["updated"]), done)


def test_the_server_sets_created_and_modified():
    done = completed()
    later = normalize.collection({**done, "created": "1999-01-01T00:00:00Z"}, previous=done, now=LATER)
    assert (later["created"], later["updated"]) == (NOW, LATER)


def test_dates_of_a_product_are_its_extent():
    done = completed(start_datetime="2016", end_datetime="2017")
    assert done["extent"]["temporal"]["interval"] == [["2016-01-01T00:00:00Z", "2017-01-01T00:00:00Z"]]
    assert done["catalog:start_datetime"] == "2016-01-01T00:00:00Z"
    external = {
        "id": "x",
        "extent": {
            "temporal": {"interval": [["2016-01-01T00:00:00Z", None], ["2016-01-01T00:00:00Z", None]]}
        },
    }
    shown = normalize.collection(external, now=NOW)
    assert shown["catalog:start_datetime"] == "2016-01-01T00:00:00Z"
    assert "catalog:end_datetime" not in shown
    assert shown["extent"]["temporal"] == external["extent"]["temporal"]  # type: ignore[index]


def test_an_extent_that_follows_the_images_sets_no_attribute():
    done = completed()
    done["extent"] = {**done["extent"], "temporal": {"interval": [["2016-01-01T00:00:00Z", None]]}}
    again = normalize.collection(done, previous=done, now=LATER)
    assert again["extent"] == done["extent"]
    assert "start_datetime" not in product.from_stac(again)


def test_resolutions_of_a_product_are_those_of_its_bands():
    degree = {"value": 0.001, "unit": "degrees"}
    done = completed(
        spectral("a", resolution={"value": 60, "unit": "meters"}),
        spectral("b", band_index=1, resolution=degree),
        spectral("c", band_index=2),
    )
    assert (done["catalog:resolution_min"], done["catalog:resolution_max"]) == (60, 111.111)
    attributes = product.from_stac(done)
    assert attributes["resolution_min"] == {"value": 60, "unit": "meters"}
    assert attributes["resolution_max"] == degree
    done["bands"] = []
    assert "resolution_min" not in product.from_stac(normalize.collection(done, previous=done))


@pytest.mark.parametrize(
    ("attributes", "attribute"),
    [
        ({"name": None}, "name"),
        ({"name": "x" * 2001}, "name"),
        ({"tags": ["t"] * 33}, "tags"),
        ({"tags": [1]}, "tags"),
        ({"is_core": 1}, "is_core"),
        ({"owners": ["group:x"]}, "owners"),
        ({"readers": ["someone"]}, "readers"),
        ({"extra_properties": {str(n): n for n in range(51)}}, "extra_properties"),
        ({"description": "x" * 80001}, "description"),
        ({"revisit_period_minutes_min": -1}, "revisit_period_minutes_min"),
        ({"start_datetime": "2020", "end_datetime": "2019"}, "end_datetime"),
    ],
)
def test_an_invalid_product_is_refused_by_attribute(attributes, attribute):
    with pytest.raises(InvalidDocument, match=attribute) as raised:
        completed(**attributes)
    assert raised.value.attribute == attribute


# Bands


def test_bands_get_defaults_and_times():
    done = completed(
        spectral("red", sort_order=4),
        spectral("nir"),
        {"name": "alpha", "type": "mask", "data_type": "Byte", "band_index": 2},
    )["bands"]
    assert [one["catalog:sort_order"] for one in done] == [4, 5, 6]
    assert [one["catalog:file_index"] for one in done] == [0, 0, 0]
    assert done[2]["catalog:data_range"] == done[2]["catalog:display_range"] == [0, 1]
    assert all(one["catalog:created"] == one["catalog:modified"] == NOW for one in done)


def test_only_a_changed_band_is_modified():
    stored = completed(*RGB)
    changed = jsonpatch.apply_patch(stored, band.patch({"description": "new"}, stored, "green"))
    done = normalize.collection(changed, previous=stored, now=LATER)["bands"]
    assert [one["catalog:modified"] for one in done] == [NOW, LATER, NOW]
    assert [one["catalog:created"] for one in done] == [NOW, NOW, NOW]


def test_a_band_has_the_members_of_stac_extensions():
    labels = {
        "class_labels": ["water", "", "Forest, mixed"],
        "colormap": [[0, 0, 255, 255], [0] * 4, [0, 128, 0, 255]],
    }
    done = completed(
        spectral(
            "B4",
            physical_range=[-0.2, 0.8],
            wavelength_nm_center=655,
            resolution={"value": 30, "unit": "meters"},
        ),
        {**spectral("lc"), "type": "class", "band_index": 1, **labels},
    )["bands"]
    red, classes = done
    assert red["statistics"] == {"minimum": 0.0, "maximum": 4000.0}
    assert (red["raster:scale"], red["raster:offset"]) == (0.0001, -0.2)
    assert (red["gsd"], red["eo:common_name"]) == (30, "red")
    assert classes["classification:classes"] == [
        {"value": 0, "name": "water", "title": "water", "color_hint": "0000FF"},
        {"value": 2, "name": "Forest_mixed", "title": "Forest, mixed", "color_hint": "008000"},
    ]


def test_derived_members_follow_their_source_and_others_stay():
    stored = completed(spectral("red", physical_range=[0, 1]))
    stored["bands"][0]["statistics"]["mean"] = 5
    stored["bands"][0]["x:y"] = 1
    changes = {"physical_range": None, "display_range": [1.0, 2.0]}
    changed = jsonpatch.apply_patch(stored, band.patch(changes, stored, "red"))
    (done,) = normalize.collection(changed, previous=stored, now=LATER)["bands"]
    assert "raster:scale" not in done
    assert "raster:offset" not in done
    assert done["statistics"] == {"minimum": 1.0, "maximum": 2.0, "mean": 5}
    assert done["x:y"] == 1


def test_a_chosen_common_name_stays():
    document = collection(spectral("red"))
    document["bands"][0]["eo:common_name"] = "rededge"
    assert normalize.collection(document)["bands"][0]["eo:common_name"] == "rededge"


@pytest.mark.parametrize(
    ("bands", "attribute"),
    [
        ([spectral("a"), spectral("a")], "name"),
        ([spectral("a b")], "name"),
        ([spectral("a", data_range=None)], "a.data_range"),
        ([spectral("a", data_type=None)], "a.data_type"),
        ([spectral("a", band_index=None)], "a.band_index"),
        ([spectral("a", band_index=-1)], "a.band_index"),
        ([spectral("a", display_range=[1.0])], "a.display_range"),
        ([spectral("a", sort_order=True)], "a.sort_order"),
        ([spectral("a", tags=["x"] * 33)], "a.tags"),
        ([spectral("a", nodata="none")], "a.nodata"),
        ([spectral("a", type="colour")], "a.type"),
        ([spectral("a", processing_levels={"toa": 1})], "a.processing_levels"),
        ([spectral("a", derived_params={"function": "f"})], "a.derived_params"),
        ([{"name": "m", "type": "mask", "data_type": "Byte"}], "m.band_index"),
        ([{**spectral("c"), "type": "class", "colormap_name": "rainbow"}], "c.colormap_name"),
    ],
)
def test_an_invalid_band_is_refused_by_attribute(bands, attribute):
    with pytest.raises(InvalidDocument) as raised:
        completed(*bands)
    assert raised.value.attribute == attribute


# What readers find the bands by


def test_a_file_of_several_bands_is_one_asset_named_data():
    done = completed(*RGB)
    (key,) = done["item_assets"]
    assert key == "data"
    assert [one["name"] for one in done["item_assets"]["data"]["eo:bands"]] == ["red", "green", "blue"]
    assert [one["common_name"] for one in done["summaries"]["eo:bands"]] == ["red", "green", "blue"]


def test_files_of_one_band_are_assets_named_like_the_band():
    bands = [spectral(name, file_index=index) for index, name in enumerate(("red", "nir"))]
    mixed = [*bands, spectral("a", file_index=2), spectral("b", file_index=2, band_index=1)]
    assert list(completed(*bands)["item_assets"]) == ["red", "nir"]
    assert list(completed(*mixed)["item_assets"]) == ["red", "nir", "data-2"]


def test_a_band_s_index_in_its_asset_is_its_index_in_the_file():
    asset = completed(spectral("nir", band_index=2), spectral("red", band_index=0))["item_assets"]["data"]
    assert [one.get("name") for one in asset["bands"]] == ["red", None, "nir"]
    assert [one["name"] for one in asset["eo:bands"]] == ["red", "band-2", "nir"]
    assert len(asset["raster:bands"]) == 3


def test_item_assets_follow_the_bands_and_keep_other_members():
    stored = completed(*RGB)
    stored["item_assets"]["metadata"] = {"title": "M", "roles": ["metadata"]}
    stored["item_assets"]["data"]["x:y"] = 1
    fewer = jsonpatch.apply_patch(stored, band.remove_patch(stored, "red"))
    done = normalize.collection(fewer, previous=stored, now=LATER)
    assert done["item_assets"]["metadata"] == stored["item_assets"]["metadata"]
    assert done["item_assets"]["data"]["x:y"] == 1
    assert [one["name"] for one in done["item_assets"]["data"]["eo:bands"]] == ["band-1", "green", "blue"]
    none = normalize.collection({**done, "bands": []}, previous=done)
    assert list(none["item_assets"]) == ["metadata"]
    assert "eo:bands" not in none["summaries"]


def test_the_default_render_follows_the_display_bands():
    done = completed(*RGB, default_display_bands=["blue", "red"])
    assert done["renders"]["default"] == {
        "title": "blue, red",
        "assets": ["data"],
        "bidx": [3, 1],
        "rescale": [[0.0, 4000.0], [0.0, 4000.0]],
    }
    patched = jsonpatch.apply_patch(done, product.patch({"default_display_bands": ["red"]}, done))
    assert normalize.collection(patched, previous=done)["renders"]["default"]["bidx"] == [1]
    without = jsonpatch.apply_patch(done, product.patch({"default_display_bands": None}, done))
    assert "renders" not in normalize.collection(without, previous=done)
    own = {**done, "renders": {"default": {"assets": ["x"]}, "ndvi": {"assets": ["data"]}}}
    assert normalize.collection(own, previous=done)["renders"] == own["renders"]
    assert "renders" not in completed(*RGB, default_display_bands=["red", "swir"])


def test_extensions_are_listed_by_use():
    def names(document):
        return [url.split("/")[3] for url in document["stac_extensions"] if "stac-extensions" in url]

    assert names(completed(*RGB, default_display_bands=["red"])) == ["eo", "raster", "render"]
    labels = {**spectral("c"), "type": "class", "class_labels": ["a"]}
    assert names(completed(labels)) == ["eo", "raster", "classification"]
    done = normalize.item(
        available(cloud_fraction=0.5, published="2021", view_angle=4), completed(), schema_url=URL
    )
    assert names(done) == ["eo", "projection", "view", "file", "timestamps"]
    assert done["stac_extensions"][-1] == URL
    own = {**done, "stac_extensions": ["https://stac-extensions.github.io/eo/v1.0.0/schema.json"]}
    assert names(normalize.item(own, completed())).count("eo") == 1


# Images


def test_an_item_s_assets_are_named_and_described_by_their_bands():
    bands = [*RGB, {"name": "alpha", "type": "mask", "data_type": "Byte", "band_index": 0, "file_index": 1}]
    stored = completed(*bands)
    files = [{"href": f"http://x/{n}.tif", "size_bytes": n, "hash": "0" * 32} for n in (0, 1)]
    done = normalize.item(available(files=files), stored, now=NOW)
    assert set(done["assets"]) == {"data-0", "alpha"}
    asset = done["assets"]["data-0"]
    assert [one["name"] for one in asset["eo:bands"]] == ["red", "green", "blue"]
    assert asset["bands"] == stored["item_assets"]["data-0"]["bands"]
    assert (asset["roles"], asset["type"]) == (["data"], "image/tiff; application=geotiff")
    assert image.from_stac(done)["files"] == files
    assert json_equal(normalize.item(done, stored, previous=done, now=done["properties"]["updated"]), done)


def test_files_are_in_the_order_of_their_index_for_any_order_of_keys():
    files = [{"href": f"http://x/{n}.tif", "size_bytes": n, "hash": "0" * 32} for n in range(3)]
    bands = [spectral(name, file_index=index) for index, name in enumerate(("zero", "nir", "a"))]
    done = normalize.item(available(files=files), completed(*bands))
    assert set(done["assets"]) == {"zero", "nir", "a"}
    done["assets"] = {key: done["assets"][key] for key in ("a", "nir", "zero")}
    assert image.from_stac(done)["files"] == files


def test_a_media_type_that_was_given_stays():
    cog = "image/tiff; application=geotiff; profile=cloud-optimized"
    files = [{"href": "http://x/a.tif", "size_bytes": 1, "hash": "0" * 32, "media_type": cog}]
    done = normalize.item(available(files=files), completed(*RGB))
    assert done["assets"]["data"]["type"] == cog
    assert "media_type" not in image.from_stac(done)["files"][0]


def test_a_file_patched_without_the_item_replaces_the_stored_one():
    stored = normalize.item(available(), completed(spectral("red")))
    assert set(stored["assets"]) == {"red"}
    patch = available(files=[{"href": "http://x/new.tif", "size_bytes": 2, "hash": "1" * 32}])["assets"]
    done = normalize.item(
        {**stored, "assets": {**stored["assets"], **patch}}, completed(spectral("red")), stored
    )
    assert {key: asset["href"] for key, asset in done["assets"].items()} == {"red": "http://x/new.tif"}


def test_assets_of_other_programs_do_not_change():
    document = {
        **item(),
        "assets": {"red": {"href": "r.tif"}, "t": {"href": "t.png", "roles": ["thumbnail"]}},
    }
    document["properties"] = {"datetime": "2020-01-01T00:00:00Z"}
    done = normalize.item(document, completed(spectral("red")))
    assert done["assets"] == document["assets"]
    assert "catalog:storage_state" not in done["properties"]


def test_measured_statistics_of_an_asset_stay():
    stored = normalize.item(available(), completed(spectral("red")))
    measured = {"minimum": 1, "maximum": 2, "mean": 1.5}
    stored["assets"]["red"]["bands"][0]["statistics"] = measured
    stored["assets"]["red"]["raster:bands"][0]["histogram"] = {"count": 1}
    done = normalize.item(stored, completed(spectral("red")), stored)["assets"]["red"]
    assert done["bands"][0]["statistics"] == measured
    assert done["raster:bands"][0]["histogram"] == {"count": 1}


def test_derived_members_of_an_item_follow_their_source():
    stored = normalize.item(remote(acquired_end="2021", provider_url="http://a"), completed(), now=NOW)
    assert stored["links"] == [{"rel": "via", "href": "http://a"}]
    assert stored["bbox"] == [0, 0, 2, 1]
    properties = {**stored["properties"], "datetime": "2019-01-01T00:00:00Z", "created": LATER}
    del properties["catalog:provider_url"]
    point = {"type": "Point", "coordinates": [5, 6]}
    done = normalize.item({**stored, "properties": properties, "geometry": point}, completed(), stored, LATER)
    assert done["properties"]["start_datetime"] == "2019-01-01T00:00:00Z"
    assert done["links"] == []
    assert done["bbox"] == [5, 6, 5, 6]
    assert (done["properties"]["created"], done["properties"]["updated"]) == (NOW, LATER)


def test_width_and_height_written_separately_are_combined():
    stored = normalize.item(remote(x_pixels=3, y_pixels=4), completed())
    patch = image.patch({"x_pixels": 5})["properties"]
    done = normalize.item({**stored, "properties": {**stored["properties"], **patch}}, completed(), stored)
    assert done["properties"]["proj:shape"] == [4, 5]
    assert "catalog:x_pixels" not in done["properties"]


def test_an_image_is_available_by_default():
    assert normalize.item(available(), completed())["properties"]["catalog:storage_state"] == "available"
    assert normalize.item(remote(), completed())["properties"]["catalog:storage_state"] == "remote"


@pytest.mark.parametrize(
    ("make_item", "attribute"),
    [
        (lambda: available(files=None), "files"),
        (lambda: available(files=[{"href": "x.tif", "hash": "0"}]), "files[0].size_bytes"),
        (lambda: available(files=[{"href": "x.tif", "size_bytes": 1}]), "files[0].hash"),
        (lambda: available(files=[{"href": "x.tif", "size_bytes": "1", "hash": "0"}]), "files"),
        (lambda: available(geotrans=None), "geotrans"),
        (lambda: available(x_pixels=None), "x_pixels"),
        (lambda: available(y_pixels=None), "y_pixels"),
        (lambda: available(cs_code=None), "cs_code"),
        (lambda: available(geometry=None), "geometry"),
        (lambda: remote(geometry=None), "geometry"),
        (lambda: remote(cloud_fraction=1.5), "cloud_fraction"),
        (lambda: remote(fill_fraction=-0.1), "fill_fraction"),
        (lambda: remote(tags=["x" * 1001]), "tags"),
        (lambda: item(storage_state="lost"), "storage_state"),
        (lambda: remote(acquired_end="2019"), "acquired_end"),
        (lambda: remote(satellite_id=""), "satellite_id"),
        (lambda: remote(reflectance_gain_bias=[[1, "a"]]), "reflectance_gain_bias"),
        (lambda: remote(extra_properties={str(n): n for n in range(51)}), "extra_properties"),
        (lambda: {**remote(), "id": None}, "name"),
        (lambda: {**remote(), "assets": {"a": {"href": "x", "catalog:file_index": 1}}}, "files"),
        (lambda: {**remote(), "assets": {"a": {"href": "x", "catalog:file_index": "0"}}}, "assets"),
    ],
)
def test_an_invalid_image_is_refused_by_attribute(make_item, attribute):
    with pytest.raises(InvalidDocument) as raised:
        normalize.item(make_item(), completed(spectral("red")))
    assert raised.value.attribute == attribute


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Point", "coordinates": [0]},
        {"type": "Point", "coordinates": ["0", 1]},
        {"type": "LineString", "coordinates": [[0, 0]]},
        {"type": "Circle", "coordinates": [0, 0]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [None, 0]}]},
        {"type": "Feature", "geometry": None},
        [0, 0],
    ],
)
def test_an_invalid_geometry_is_refused(geometry):
    with pytest.raises(InvalidDocument, match="geometry"):
        normalize.item({**remote(), "geometry": geometry}, completed())


@given(data=st.data())
def test_normalization_keeps_every_attribute_of_an_image(make, data):
    attributes = {**data.draw(make.image), "storage_state": "remote", "geometry": SQUARE, "modified": NOW}
    attributes["files"] = [{"href": "x.tif"}]
    for name in ("satellite_id", "acquired_end"):
        attributes.pop(name, None)
    stored = completed(spectral("red"))
    done = normalize.item(image.to_stac(attributes), stored, now=NOW)
    assert json_equal(image.from_stac(done), {"created": NOW, **attributes})
    assert json_equal(normalize.item(done, stored, done, NOW), done)


# Junk


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


def _replaced(document, path, junk):
    document = copy.deepcopy(document)
    place = document
    for member in path[:-1]:
        place = place[member]
    place[path[-1]] = junk
    return document


@settings(max_examples=300)
@given(data=st.data())
def test_malformed_members_are_refused_or_kept(make, data):
    stored = completed(*RGB, default_display_bands=["red"], start_datetime="2020")
    kept = normalize.item(available(acquired_end="2021", provider_url="u", view_angle=-3), stored)
    junk = data.draw(make.json)
    document, finish = data.draw(
        st.sampled_from(
            [
                (stored, lambda one: normalize.collection(one, previous=stored)),
                (stored, normalize.collection),
                (kept, lambda one: normalize.item(one, stored, previous=kept)),
                (kept, lambda one: normalize.item(one, stored)),
            ]
        )
    )
    path = data.draw(st.sampled_from([path for path in _places(document) if path]))
    try:
        done = finish(_replaced(document, path, junk))
    except InvalidDocument:
        return
    read = product.from_stac if document is stored else image.from_stac
    assert read(done)


@settings(max_examples=300)
@given(data=st.data())
def test_documents_with_malformed_members_can_be_read(make, data):
    stored = completed(*RGB, default_display_bands=["red"], start_datetime="2020")
    kept = normalize.item(available(acquired_end="2021", provider_url="u", view_angle=-3), stored)
    read = {"product": product.from_stac, "image": image.from_stac, "bands": band.list_from_collection}
    kind = data.draw(st.sampled_from(sorted(read)))
    document = kept if kind == "image" else stored
    paths = [path for path in _places(document) if path and path not in (("id",), ("bands",))]
    assert read[kind](_replaced(document, data.draw(st.sampled_from(paths)), data.draw(make.json)))  # type: ignore[operator]


# The extension


def test_normalized_documents_are_valid_by_the_extension_s_schema():
    bands = [*RGB, {"name": "alpha", "type": "mask", "data_type": "Byte", "band_index": 0, "file_index": 1}]
    stored = completed(
        *bands, default_display_bands=["red"], start_datetime="2020", extra_properties={"a": None}
    )
    files = [{"href": f"http://x/{n}.tif", "size_bytes": n, "hash": "z"} for n in (0, 1)]
    done = normalize.item(available(files=files, acquired_end="2021", view_angle=-3), stored)
    for kind, document in (("product", stored), ("image", done)):
        for rules in (schema.catalog_extension(kind), schema.catalog_extension()):
            jsonschema.Draft202012Validator.check_schema(rules)
            jsonschema.Draft202012Validator(rules, format_checker=jsonschema.FormatChecker()).validate(
                document
            )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("properties", "catalog:storage_state"), "lost"),
        (("properties", "catalog:fill_fraction"), 2),
        (("assets", "red", "catalog:file_index"), -1),
    ],
)
def test_the_extension_s_schema_and_normalization_refuse_the_same(path, value):
    document = copy.deepcopy(normalize.item(available(), completed(spectral("red"))))
    place = document
    for member in path[:-1]:
        place = place[member]
    place[path[-1]] = value
    assert not jsonschema.Draft202012Validator(schema.catalog_extension()).is_valid(document)
