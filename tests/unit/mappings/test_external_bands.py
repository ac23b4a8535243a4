"""Documents of other programs can be read as objects, and a save does not change them."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from landbridge.mappings import band, image, product
from landbridge.mappings.binding import Bindings, pack_assets, unpack_assets
from landbridge.mappings.diffs import json_equal
from landbridge.stac_api.documents import normalize

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "stac"
needs_real_documents = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real documents of ../shared are not here"
)

ITEMS = [
    "dea-ga-ls8c-ard-3.item.json",
    "planetary-computer-sentinel-2-l2a.item.json",
    "usgs-landsat-c2l2-sr.item.json",
    "planetary-computer-naip.items.ndjson",
]
COLLECTIONS = [
    "planetary-computer-landsat-c2-l2.collection.json",
    "planetary-computer-naip.collection.json",
    "planetary-computer-sentinel-2-l2a.collection.json",
]


def _read(name):
    text = (REAL / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if name.endswith("ndjson") else [json.loads(text)]


@needs_real_documents
@pytest.mark.parametrize("name", ITEMS)
def test_a_published_item_reads_as_an_image_and_a_save_keeps_it(name):
    for item in _read(name):
        before = copy.deepcopy(item)
        attributes = image.from_stac(item)
        assert attributes["name"] == item["id"]
        assert attributes["acquired"].startswith(item["properties"]["datetime"][:19])
        assert attributes["files"]
        assert attributes["cs_code"].startswith("EPSG:")
        assert {"geotrans", "x_pixels", "y_pixels", "geometry", "preview_url"} <= attributes.keys()
        assert json_equal(image.to_stac(attributes, base=item), before)
        assert image.patch(attributes, item) == {}
        assert item == before


@needs_real_documents
@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_published_collection_reads_as_a_product_and_a_save_keeps_it(name):
    (collection,) = _read(name)
    attributes = product.from_stac(collection)
    assert attributes["name"] == collection["title"]
    assert attributes["start_datetime"] == collection["extent"]["temporal"]["interval"][0][0].replace(
        "31.456Z", "31.456000Z"
    )
    assert json_equal(product.to_stac(attributes, base=collection), collection)
    assert product.patch(attributes, collection) == []


@needs_real_documents
def test_published_items_have_the_attributes_of_their_extensions():
    (usgs,) = _read("usgs-landsat-c2l2-sr.item.json")
    attributes = image.from_stac(usgs)
    assert attributes["cloud_fraction"] == 0.0818
    assert attributes["satellite_id"] == "LANDSAT_8"
    assert attributes["geotrans"] == [173085.0, 30.0, 0.0, 4904715.0, 0.0, -30.0]
    assert attributes["extra_properties"]["landsat:wrs_path"] == "028"
    assert len(attributes["files"][0]["hash"]) == 128
    (sentinel,) = _read("planetary-computer-sentinel-2-l2a.item.json")
    # Its grids are those of its assets; the finest is the image's.
    assert image.from_stac(sentinel)["geotrans"][1] == 10.0


@needs_real_documents
def test_published_collections_have_bands_with_ranges_units_and_locations():
    (landsat,) = _read("planetary-computer-landsat-c2-l2.collection.json")
    bands = {one["name"]: one for one in band.list_from_collection(landsat)}
    assert bands["red"]["type"] == "spectral"
    assert bands["red"]["data_type"] == "UInt16"
    assert bands["red"]["nodata"] == 0
    assert bands["red"]["physical_range"] == pytest.approx([-0.2, 1.6022125])
    assert bands["red"]["resolution"] == {"value": 30, "unit": "meters"}
    assert bands["coastal"]["wavelength_nm_center"] == 440.0
    assert bands["qa_pixel"]["type"] == "class"
    assert bands["lwir11"]["physical_range_unit"] == "kelvin"
    bindings = Bindings(band.entries(landsat), landsat["item_assets"])
    assert all(bindings.bands[name].asset == name for name in bands)
    (sentinel,) = _read("planetary-computer-sentinel-2-l2a.collection.json")
    names = [one["name"] for one in band.list_from_collection(sentinel)]
    assert len(names) == len(set(names)) == 18
    assert "visual_B04" in names
    (naip,) = _read("planetary-computer-naip.collection.json")
    assert [(one["name"], one["band_index"]) for one in band.list_from_collection(naip)] == [
        ("Red", 0), ("Green", 1), ("Blue", 2), ("NIR", 3)
    ]  # fmt: skip


@needs_real_documents
@pytest.mark.parametrize("name", ITEMS[:3])
def test_an_item_without_described_bands_has_one_band_per_data_asset(name):
    (item,) = _read(name)
    entries = band.entries({"id": "p"}, item)
    hrefs, others = Bindings(entries).resolve(unpack_assets(pack_assets(item["assets"])))
    assert hrefs == [file["href"] for file in image.from_stac(item)["files"]]
    assert not others


@needs_real_documents
@pytest.mark.parametrize("name", COLLECTIONS)
def test_normalization_keeps_members_of_other_programs(name):
    (collection,) = _read(name)
    before = copy.deepcopy(collection)
    done = normalize.collection(collection, now="2024", principal=["user:a"])
    assert collection == before
    for member, value in before.items():
        if member not in ("stac_version", "stac_extensions"):
            assert json_equal(done[member], value), member
    assert set(before["stac_extensions"]) <= set(done["stac_extensions"])
    assert {one["name"] for one in done["bands"]} == {
        one["name"] for one in band.list_from_collection(collection)
    }
    assert json_equal(normalize.collection(done, previous=done, now="2024"), done)


@needs_real_documents
@pytest.mark.parametrize("name", ITEMS)
def test_normalization_of_an_item_keeps_members_of_other_programs(name):
    for item in _read(name):
        done = normalize.item(item, {"id": item.get("collection", "p"), "bands": []}, now="2024")
        for member, value in item.items():
            if member not in ("stac_version", "stac_extensions", "properties"):
                assert json_equal(done[member], value), member
        assert json_equal({**done["properties"], **item["properties"]}, done["properties"])
        assert set(item["stac_extensions"]) <= set(done["stac_extensions"])


def _item(**members):
    return {
        "type": "Feature",
        "id": "i",
        "collection": "p",
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [],
        "assets": {},
        **members,
    }


def test_bands_are_read_from_every_member_that_stac_defines():
    newest = {"id": "p", "bands": [{"name": "red", "data_type": "uint8"}, {"name": "nir"}]}
    assert [one["name"] for one in band.list_from_collection(newest)] == ["red", "nir"]
    placed = {
        **newest,
        "item_assets": {
            "a": {"roles": ["data"], "bands": [{"name": "nir"}]},
            "b": {"roles": ["data"], "bands": [{}, {"name": "red"}]},
        },
    }
    assert [
        (one["name"], one["catalog:asset"], one["catalog:band_index"]) for one in band.entries(placed)
    ] == [
        ("red", "b", 1),
        ("nir", "a", 0),
    ]
    older = {
        "id": "p",
        "item_assets": {
            "B4": {
                "eo:bands": [{"name": "x", "common_name": "red", "center_wavelength": 0.65}],
                "raster:bands": [{"data_type": "uint16", "nodata": 0, "scale": 0.5, "offset": 1,
                                  "statistics": {"minimum": 1, "maximum": 9}}],
            },
            "ang": {"roles": ["metadata"], "type": "text/plain"},
        },
    }  # fmt: skip
    (red,) = band.list_from_collection(older)
    assert red["name"] == "B4"
    assert red["vendor_band_name"] == "x"
    assert red["wavelength_nm_center"] == 650.0
    assert red["display_range"] == [1.0, 9.0]
    assert red["data_range"] == [0.0, 65535.0]
    assert red["physical_range"] == [1.0, 32768.5]
    nothing = _item(
        assets={"b": {"href": "b.tif"}, "a": {"href": "a.tif", "roles": ["data"]}, "t": {"href": "t.txt"}}
    )
    assert [one["name"] for one in band.list_from_collection({"id": "p"}, nothing)] == ["a", "b"]


@pytest.mark.parametrize(
    ("asset", "type_"),
    [
        ({"eo:bands": [{"name": "x", "common_name": "red"}]}, "spectral"),
        ({"roles": ["data", "reflectance"]}, "spectral"),
        ({"bands": [{"classification:classes": [{"value": 0, "name": "a"}]}]}, "class"),
        ({"roles": ["data"], "classification:bitfields": []}, "generic"),
        ({"raster:bands": [{"classification:bitfields": [{}]}]}, "class"),
        ({"roles": ["data", "cloud"]}, "class"),
        ({"bands": [{"sar:center_frequency": 5.4}]}, "microwave"),
        ({"roles": ["data"]}, "generic"),
    ],
)
def test_the_type_of_a_band_follows_from_extensions_and_roles(asset, type_):
    (one,) = band.list_from_collection({"id": "p", "item_assets": {"k": {"type": "image/tiff", **asset}}})
    assert one["type"] == type_


def test_classes_become_labels():
    classes = [{"value": 0, "name": "water"}, {"value": 2, "title": "Forest", "name": "forest"}]
    collection = {
        "id": "p",
        "item_assets": {"lc": {"roles": ["data"], "bands": [{"classification:classes": classes}]}},
    }
    (one,) = band.list_from_collection(collection)
    assert one["class_labels"] == ["water", "", "Forest"]


def test_an_alpha_band_is_a_mask():
    collection = {"id": "p", "item_assets": {"k": {"eo:bands": [{"name": "red"}, {"name": "alpha"}]}}}
    alpha = band.list_from_collection(collection)[1]
    assert (alpha["type"], alpha["is_alpha"], alpha["band_index"]) == ("mask", True, 1)


def test_files_of_an_item_follow_the_assets_of_its_collection():
    collection = {"id": "p", "item_assets": {key: {"roles": ["data"]} for key in ("red", "blue", "nir")}}
    item = _item(
        assets={"red": {"href": "r.tif", "roles": ["data"]}, "nir": {"href": "n.tif", "roles": ["data"]}}
    )
    bindings = Bindings(band.entries(collection), collection["item_assets"])
    assert bindings.keys == ("blue", "nir", "red")
    assert bindings.resolve(unpack_assets(pack_assets(item["assets"]))) == (["", "n.tif", "r.tif"], {})


def test_properties_of_projection_version_1_stay_in_that_version():
    item = _item(properties={"datetime": "2020-01-01T00:00:00Z", "proj:epsg": 32615})
    assert image.from_stac(item)["cs_code"] == "EPSG:32615"
    assert image.patch({"cs_code": "EPSG:32616"}, item) == {"properties": {"proj:epsg": 32616}}
    assert image.patch({"cs_code": "ESRI:54009"}, item) == {
        "properties": {"proj:epsg": None, "proj:code": "ESRI:54009"}
    }


def test_an_interval_without_an_instant_is_an_acquisition():
    item = _item(
        properties={
            "datetime": None,
            "start_datetime": "2020-01-01T00:00:00Z",
            "end_datetime": "2020-02-01T00:00:00Z",
        }
    )
    attributes = image.from_stac(item)
    assert (attributes["acquired"], attributes["acquired_end"]) == (
        "2020-01-01T00:00:00Z",
        "2020-02-01T00:00:00Z",
    )


def test_one_bad_value_hides_its_attribute_only():
    item = _item(
        properties={
            "datetime": "2020-01-01T00:00:00Z",
            "eo:cloud_cover": "none",
            "platform": "x",
            "keywords": "k",
        }
    )
    attributes = image.from_stac(item)
    assert attributes["satellite_id"] == "x"
    assert "cloud_fraction" not in attributes
    assert "tags" not in attributes
    assert json_equal(image.to_stac(attributes, base=item), item)


def test_unmapped_properties_stay_in_properties():
    item = _item(properties={"datetime": "2020-01-01T00:00:00Z", "landsat:row": "030", "gsd": 30})
    attributes = image.from_stac(item)
    assert attributes["extra_properties"] == {"landsat:row": "030", "gsd": 30}
    changed = {"extra_properties": {"landsat:row": "031", "mine": 1}}
    assert image.patch(changed, item) == {
        "properties": {"landsat:row": "031", "gsd": None, "catalog:extra_properties": {"mine": 1}}
    }


def test_files_set_on_an_external_item_replace_its_data_assets():
    item = _item(
        assets={
            "red": {"href": "r.tif", "roles": ["data"], "x": 1},
            "nir": {"href": "n.tif", "roles": ["data"]},
            "info": {"href": "i.xml", "roles": ["metadata"]},
        }
    )
    new = image.to_stac({**image.from_stac(item), "files": [{"href": "r.tif", "size_bytes": 5}]}, base=item)
    assert new["assets"] == {
        "red": {"href": "r.tif", "roles": ["data"], "x": 1, "catalog:file_index": 0, "file:size": 5},
        "info": item["assets"]["info"],
    }


def test_a_huge_file_index_does_not_allocate_files():
    item = _item(assets={"a": {"href": "a.tif", "catalog:file_index": 10**12}})
    assert image.from_stac(item)["files"][-1] == {"href": "a.tif"}


def test_a_change_of_an_external_band_writes_all_bands_once():
    collection = {"id": "p", "item_assets": {"red": {"roles": ["data"]}, "nir": {"roles": ["data"]}}}
    (operation,) = band.patch({"description": "Red!"}, collection, "red")
    assert (operation["op"], operation["path"]) == ("add", "/bands")
    assert [one["name"] for one in operation["value"]] == ["nir", "red"]
    assert operation["value"][1]["description"] == "Red!"
    assert [one["name"] for one in band.remove_patch(collection, "red")[0]["value"]] == ["nir"]
    added = band.add_patch({"name": "new", "type": "generic"}, collection)
    assert [one["name"] for one in added[0]["value"]] == ["nir", "red", "new"]


@pytest.mark.parametrize(
    ("stac", "data_type", "nodata", "data_range"),
    [
        ("int8", "Int8", -128, [-128, 127]),
        ("int64", "Int64", -(2**63), [-(2.0**63), 2.0**63]),
        ("uint64", "UInt64", 2**64 - 1, [0, 2.0**64]),
        ("float16", "Float16", "nan", None),
    ],
)
def test_external_bands_of_int8_int64_and_float16_have_their_type(stac, data_type, nodata, data_range):
    described = {"href": "http://x/a.tif", "data_type": stac, "nodata": nodata, "roles": ["data"]}
    (one,) = band.list_from_collection({"id": "p", "item_assets": {"a": described}})
    assert (one["data_type"], one.get("data_range")) == (data_type, data_range)
    assert str(one["nodata"]) == str(nodata)
