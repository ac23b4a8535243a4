"""Bindings of bands to assets and indexes, in documents of all programs."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.mappings import band, ids, image, product
from landbridge.mappings.binding import Bindings, pack_assets, unpack_assets
from landbridge.stac_api.documents import normalize

TIFF = "image/tiff; application=geotiff"


def bindings_of(collection, item=None):
    return Bindings(band.entries(collection, item), collection.get("item_assets"))


def places(collection, item):
    """Return {band: (href, index)} of an Item; None: the Item lacks the band."""
    bindings = bindings_of(collection)
    hrefs, others = bindings.resolve(unpack_assets(pack_assets(item["assets"])))
    found = {}
    for name in bindings.bands:
        place = others.get(name, bindings.location(name))
        found[name] = (hrefs[place.file], place.band) if place and hrefs[place.file] else None
    return found


def asset(href, *names, **members):
    listed = {"eo:bands": [{"name": name} for name in names]} if names else {}
    return {"href": href, "type": TIFF, "roles": ["data"], **listed, **members}


def stored(collection):
    """Return the Collection as our server stores it after an import."""
    return normalize.collection({"description": "d", **collection}, now="2024")


NAMES = st.text("abcdefgh", min_size=1, max_size=3)


@st.composite
def data_sets(draw):
    """Draw a Collection whose assets have one or several bands, and an Item with some, in another order."""
    keys = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    shared, own, truth = {}, {}, {}
    for number, key in enumerate(keys):
        count = draw(st.integers(1, 4))
        bands = [f"{key}-{number}-{index}" for index in range(count)]
        shared[key] = asset("", *bands)
        del shared[key]["href"]
        present = draw(st.booleans())
        order = draw(st.permutations(bands))
        if present:
            own[key] = asset(f"{key}.tif", *order)
        for name in bands:
            shown = key if count == 1 else name
            truth[shown] = (f"{key}.tif", order.index(name)) if present else None
    for key in draw(st.lists(NAMES, max_size=4)):
        # Assets that the Collection doesn't know, before, between and behind the others.
        own.setdefault(key, asset(f"other-{key}.tif")) if key not in shared else None
    own = {key: own[key] for key in draw(st.permutations(list(own)))}
    return {"id": "p", "item_assets": shared}, {"assets": own}, truth


@given(data_sets(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_bands_are_found_by_asset_key_and_by_the_item_s_own_list_in_any_order(data, imported):
    collection, item, truth = data
    assert places(stored(collection) if imported else collection, item) == truth


@given(data_sets())
@settings(max_examples=100, deadline=None)
def test_data_of_earlier_versions_is_read_right_and_repaired_by_the_next_write(data):
    collection, item, truth = data
    old = stored(collection)
    # Earlier versions gave a file_index to bands of other programs, which counted the Collection's assets.
    for entry in old["bands"]:
        entry["catalog:file_index"] = sorted(collection["item_assets"]).index(entry["catalog:asset"])
    assert places(old, item) == truth
    again = normalize.collection(copy.deepcopy(old), previous=old, now="2025")
    assert not any("catalog:file_index" in entry for entry in again["bands"])
    assert again["item_assets"] == collection["item_assets"]
    assert places(again, item) == truth


def uploaded_product(*bands):
    """Return the stored Collection of a product with bands (name, file_index, band_index)."""
    document = product.to_stac({"id": "org:p", "name": "P"})
    document["bands"] = [
        band.to_stac({"name": name, "type": "spectral", "data_type": "Byte", "data_range": [0, 255],
                      "display_range": [0, 255], "file_index": file_index, "band_index": band_index})
        for name, file_index, band_index in bands
    ]  # fmt: skip
    return normalize.collection(document, now="2024")


def of_ours(collection, *hrefs):
    """Return a stored Item of these files."""
    item = image.to_stac(
        {"name": "i", "acquired": "2020-01-01T00:00:00Z", "storage_state": "remote",
         "geometry": {"type": "Point", "coordinates": [0, 0]}, "files": [{"href": href} for href in hrefs]}
    )  # fmt: skip
    return normalize.item(item, collection, now="2024")


@given(st.permutations(range(4)), st.data())
@settings(max_examples=60, deadline=None)
def test_bands_of_uploaded_files_are_bound_to_the_assets_of_their_items(order, data):
    layout = [(f"b{number}", data.draw(st.integers(0, 2)), number) for number in range(4)]
    collection = uploaded_product(*(layout[number] for number in order))
    last = max(file for _, file, _ in layout)
    item = of_ours(collection, *(f"{index}.tif" for index in range(last + 1)))
    assert places(collection, item) == {name: (f"{file}.tif", index) for name, file, index in layout}
    # As another client finds them: by what is stored.
    for entry in collection["bands"]:
        found = item["assets"][entry["catalog:asset"]]
        assert found["href"] == f"{entry['catalog:file_index']}.tif"
        assert collection["item_assets"][entry["catalog:asset"]]["roles"] == ["data"]


def test_files_of_items_from_before_a_band_was_added_or_moved_are_found_by_their_label():
    before = uploaded_product(("a", 0, 0), ("b", 1, 0))
    item = of_ours(before, "0.tif", "1.tif")
    assert set(item["assets"]) == {"a", "b"}
    grown = uploaded_product(("a", 0, 0), ("b", 1, 0), ("c", 1, 1))
    assert places(grown, item) == {"a": ("0.tif", 0), "b": ("1.tif", 0), "c": ("1.tif", 1)}
    # Asset `a` has file 0, whatever band is called `a` now.
    swapped = uploaded_product(("a", 1, 0), ("b", 0, 0))
    assert places(swapped, item) == {"a": ("1.tif", 0), "b": ("0.tif", 0)}


def test_bands_without_catalog_asset_are_read_by_file_index():
    collection = uploaded_product(("a", 0, 0), ("b", 1, 0))
    for entry in collection["bands"]:
        del entry["catalog:asset"]
    assert places(collection, of_ours(collection, "0.tif", "1.tif")) == {"a": ("0.tif", 0), "b": ("1.tif", 0)}


def test_a_band_named_thumbnail_is_not_read_from_the_thumbnail():
    collection = uploaded_product(("thumbnail", 0, 0))
    item = of_ours(collection, "0.tif")
    item["assets"] = {"thumbnail": {"href": "small.png", "roles": ["thumbnail"]}, **item["assets"]}
    item["assets"]["thumbnail_"] = asset("0.tif", **{"catalog:file_index": 0})
    assert places(collection, item) == {"thumbnail": ("0.tif", 0)}


def test_an_external_item_in_a_catalog_product_is_read_by_key_or_not_at_all():
    collection = uploaded_product(("a", 0, 0), ("b", 1, 0))
    item = {"assets": {"b": asset("b.tif"), "0": asset("zero.tif")}}
    assert places(collection, item) == {"a": None, "b": ("b.tif", 0)}


def test_an_item_s_own_order_of_bands_takes_precedence():
    collection = {"id": "p", "item_assets": {"image": asset("", "Red", "Green", "Blue", "NIR")}}
    item = {"assets": {"image": asset("i.tif", "NIR", "Red", "Green", "Blue")}}
    assert places(collection, item) == {
        "Red": ("i.tif", 1), "Green": ("i.tif", 2), "Blue": ("i.tif", 3), "NIR": ("i.tif", 0)
    }  # fmt: skip


def test_a_band_that_an_item_does_not_list_is_missing_in_it():
    collection = {"id": "p", "item_assets": {"image": asset("", "Red", "Green", "Blue", "NIR")}}
    item = {"assets": {"image": asset("i.tif", "Red", "Green", "Blue")}}
    assert places(collection, item)["NIR"] is None
    assert places(collection, item)["Blue"] == ("i.tif", 2)


def test_a_band_that_a_table_names_is_found_by_the_name_that_the_collection_and_the_item_have():
    collection = {
        "id": "p",
        "item_assets": {"image": asset("", "Red", "Green")},
        "bands": [
            {"name": name, "catalog:asset": "image", "catalog:band_index": index}
            for index, name in enumerate(("red", "green"))
        ],
    }
    same, other = (
        {"assets": {"image": asset("i.tif", *names)}} for names in (("Red", "Green"), ("Green", "Red"))
    )
    # Items state other members than the Collection, so that their lists differ.
    same["assets"]["image"]["eo:bands"][0]["common_name"] = "red"
    assert places(collection, same) == {"red": ("i.tif", 0), "green": ("i.tif", 1)}
    assert places(collection, other) == {"red": ("i.tif", 1), "green": ("i.tif", 0)}


def test_bands_of_other_names_are_matched_by_their_common_names():
    listed = [{"name": "OLI_B4", "common_name": "red"}, {"name": "OLI_B3", "common_name": "green"}]
    own = [{"name": "B2", "common_name": "green"}, {"name": "B3", "common_name": "red"}]
    collection = {"id": "p", "item_assets": {"sr": {"type": TIFF, "eo:bands": listed}}}
    item = {"assets": {"sr": {"href": "i.tif", "type": TIFF, "eo:bands": own}}}
    assert places(collection, item) == {"OLI_B4": ("i.tif", 1), "OLI_B3": ("i.tif", 0)}


def test_bands_that_a_table_renames_are_found_by_the_collection_s_names():
    """Some Items of NAIP name Red, Green, Blue and NIR, and a table names the bands otherwise."""
    shared = {
        "image": {"eo:bands": [{"name": "Red", "common_name": "red"}, {"name": "NIR", "common_name": "nir"}]}
    }
    entries = [
        {"name": name, "catalog:asset": "image", "catalog:band_index": index, "catalog:type": "spectral"}
        for index, name in enumerate(("red", "nir"))
    ]
    bindings = Bindings(entries, shared)
    item = {"image": {"href": "x.tif", "roles": ["data"], "eo:bands": [{"name": "Red"}, {"name": "NIR"}]}}
    assert bindings.resolve(unpack_assets(pack_assets(item))) == (["x.tif"], {})
    fewer = {"image": {**item["image"], "eo:bands": [{"name": "Red"}]}}
    assert bindings.resolve(unpack_assets(pack_assets(fewer)))[1] == {"nir": None}


def test_an_asset_under_another_name_is_found_by_its_list_of_bands_if_only_one_has_it():
    collection = {"id": "p", "item_assets": {"B04": asset("", "B04"), "B03": asset("", "B03")}}
    item = {"assets": {"red": asset("r.tif", "B04"), "B03": asset("g.tif", "B03"),
                       "visual": asset("v.tif", "B04", "B03")}}  # fmt: skip
    assert places(collection, item) == {"B04": ("r.tif", 0), "B03": ("g.tif", 0)}
    item["assets"]["red-jp2"] = asset("r.jp2", "B04")
    assert places(collection, item) == {"B04": None, "B03": ("g.tif", 0)}


def test_of_two_assets_with_the_same_band_the_finest_single_band_is_used():
    collection = {"id": "p", "bands": [{"name": "B04"}, {"name": "B03"}]}
    item = {
        "assets": {
            "A_TCI": asset("tci.tif", "B04", "B03", gsd=10),
            "B04_20m": asset("r20.tif", "B04", gsd=20),
            "B04_10m": asset("r10.tif", "B04", gsd=10),
            "B03": asset("g.tif", "B03", gsd=60),
            "preview": {**asset("p.jpg", "B03", gsd=10), "roles": ["overview"]},
        }
    }
    wanted = {"B04": ("r10.tif", 0), "B03": ("g.tif", 0)}
    assert places(collection, item) == wanted
    shared = {key: {k: v for k, v in one.items() if k != "href"} for key, one in item["assets"].items()}
    assert places({**collection, "item_assets": shared}, item) == wanted
    assert places(stored({**collection, "item_assets": shared}), item) == wanted


def test_imported_bands_are_stored_with_asset_and_index():
    collection = {"id": "p", "bands": [{"name": "x"}], "item_assets": {"k": asset("", "y", "x")}}
    (entry,) = stored(collection)["bands"]
    assert (entry["catalog:asset"], entry["catalog:band_index"]) == ("k", 1)


@pytest.mark.parametrize(
    "assets", [None, [], {"a": None}, {"a": {"href": None, "bands": "x"}}, {"a": {"bands": [1]}}]
)
def test_malformed_assets_have_no_bands(assets):
    collection = {"id": "p", "item_assets": {"a": asset("", "a"), "b": 5}}
    assert places(collection, {"assets": assets}) == {"a": None}


def test_unlabelled_item_assets_do_not_unbind_bands_of_uploaded_files():
    before = uploaded_product(("a", 0, 0), ("b", 1, 0))
    plain = {
        key: {name: value for name, value in one.items() if name != "catalog:file_index"}
        for key, one in before["item_assets"].items()
    }
    after = normalize.collection({**before, "item_assets": plain}, previous=before, now="2025")
    assert [entry["catalog:file_index"] for entry in after["bands"]] == [0, 1]
    assert places(after, of_ours(before, "0.tif", "1.tif")) == {"a": ("0.tif", 0), "b": ("1.tif", 0)}


@given(st.lists(st.text("a /_é", max_size=4), min_size=1, max_size=6, unique=True))
@settings(max_examples=100, deadline=None)
def test_bands_have_unique_names_after_these_are_made_valid(keys):
    collection = {"id": "p", "item_assets": {key: asset("") for key in keys}}
    item = {"assets": {key: asset(f"{number}.tif") for number, key in enumerate(keys)}}
    found = places(stored(collection), item)
    assert sorted(href for href, _ in found.values()) == [f"{number}.tif" for number in range(len(keys))]
    assert all(ids.name_problem(name) is None for name in found)
