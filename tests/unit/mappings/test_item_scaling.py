"""Scale and offset of Items by rule, by their own statements, and by those of their product."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path

import pytest

from landbridge.mappings import stored_pixels
from landbridge.mappings.sources import radiometry
from landbridge.mappings.sources.model import BandRow, MaskRule, ProductRow
from landbridge.mappings.sources.radiometry import corrected, item_scaling

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_real_documents = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real documents of ../shared are not here"
)

S2 = ProductRow(
    "sentinel-2-l2a",
    bands=(
        BandRow("red", "red", attributes={"type": "spectral"}, scale=1e-4, offset=-0.1, unit="reflectance"),
        BandRow("aot", "aot", attributes={"type": "generic"}, scale=1e-3),
        BandRow("scl", "scl", attributes={"type": "class"}),
        BandRow("cloud_mask", "scl", attributes={"type": "mask"}, mask=MaskRule(values=(3,))),
    ),
    radiometry="sentinel-2",
)
LANDSAT = ProductRow(
    "landsat-c2-l2",
    bands=(
        BandRow("red", "red", attributes={"type": "spectral"}, unit="reflectance"),
        BandRow("thermal", "lwir11", attributes={"type": "spectral"}, unit="kelvin"),
        BandRow("emis", "emis", attributes={"type": "generic"}, scale=1e-4),
    ),
    radiometry="landsat-c2-l2",
)
OLD_FORM = {"raster:bands": [{"scale": 1e-4, "offset": -0.1, "nodata": 0, "data_type": "uint16"}]}
NEW_FORM = {"bands": [{"name": "red", "raster:scale": 1e-4, "raster:offset": -0.1}]}
ASSET_FORM = {"raster:scale": 1e-4, "raster:offset": -0.1, "data_type": "uint16", "nodata": "nan"}


def item(properties=None, **assets):
    return {"properties": properties or {}, "assets": assets or {"red": {}, "aot": {}, "scl": {}}}


@pytest.fixture(autouse=True)
def _warns_again():
    radiometry._warn_of_unreliable_flag.cache_clear()


@pytest.mark.parametrize(
    ("properties", "offset"),
    [
        ({"s2:processing_baseline": "02.14"}, 0.0),
        ({"s2:processing_baseline": "03.01", "earthsearch:boa_offset_applied": False}, 0.0),
        ({"s2:processing_baseline": "04.00"}, -0.1),
        ({"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": True}, 0.0),
        ({"s2:processing_baseline": "05.11"}, -0.1),
        ({"processing:version": "05.00"}, -0.1),
        ({"processing:version": "02.00"}, 0.0),
    ],
)
@pytest.mark.parametrize("form", [{}, OLD_FORM, NEW_FORM, ASSET_FORM])
def test_the_rule_of_sentinel_2_takes_precedence_over_the_item(properties, offset, form):
    document = item(properties, red=form, aot={}, scl=form)
    before = copy.deepcopy(document)
    expected = {"red": (1e-4, offset), "aot": (1e-3, 0.0)}
    assert item_scaling(S2, document) == expected
    right = corrected(S2, document)
    assert document == before
    # What the corrected Item itself states, or else its product, is the same.
    documented = ProductRow(S2.collection, bands=S2.bands)
    assert item_scaling(documented, right) == expected
    assert corrected(S2, right) is right


def test_bands_that_are_no_reflectance_have_the_numbers_of_the_table():
    document = item({"processing:version": "05.00"}, aot=ASSET_FORM)
    assert item_scaling(S2, document) == {"aot": (1e-3, 0.0)}
    assert corrected(S2, document)["assets"]["aot"]["raster:scale"] == 1e-3


def test_an_item_without_a_baseline_is_as_documented():
    assert item_scaling(S2, item()) == {"red": (1e-4, -0.1), "aot": (1e-3, 0.0)}
    own = {"raster:bands": [{"scale": 1e-4, "offset": 0}]}
    assert item_scaling(S2, item(red=own))["red"] == (1e-4, 0.0)
    assert corrected(S2, document := item(red=own)) is document


def test_an_item_that_needs_no_correction_is_not_copied():
    for document in (item({"s2:processing_baseline": "05.11"}, red=OLD_FORM), item({}, red={})):
        assert corrected(S2, document) is document
    assert corrected(None, document) is corrected(ProductRow("c"), document) is document


def test_an_unreliable_flag_is_warned_of_once():
    document = item({"s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": False})
    with pytest.warns(UserWarning, match="boa_offset_applied false"):
        assert item_scaling(S2, document)["red"] == (1e-4, -0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        item_scaling(S2, document)


def test_the_rule_of_landsat_is_by_unit():
    wrong = {"raster:bands": [{"scale": 1, "offset": 5}]}
    document = item({}, red=wrong, lwir11={}, emis={})
    expected = {"red": (2.75e-5, -0.2), "thermal": (0.00341802, 149.0), "emis": (1e-4, 0.0)}
    assert item_scaling(LANDSAT, document) == expected
    right = corrected(LANDSAT, document)
    assert right["assets"]["red"]["raster:bands"] == [{"scale": 2.75e-5, "offset": -0.2}]
    assert right["assets"]["lwir11"] == {"raster:scale": 0.00341802, "raster:offset": 149.0}
    assert right["assets"]["emis"] is document["assets"]["emis"]


def test_bands_whose_asset_an_item_lacks_are_left_out():
    assert item_scaling(LANDSAT, item({}, red={})) == {"red": (2.75e-5, -0.2)}


@pytest.mark.parametrize("form", [OLD_FORM, NEW_FORM, ASSET_FORM])
def test_without_a_row_the_item_s_own_numbers_count(form):
    document = item({}, red={"type": "image/tiff", "roles": ["data"], **form}, blue={"roles": ["data"]})
    assert item_scaling(None, document) == {"red": (1e-4, -0.1)}


def test_each_band_of_an_asset_has_its_own_numbers():
    bands = [{"scale": 2}, {"offset": 3}, {}, {"scale": 4, "offset": 5}]
    row = ProductRow("c", bands=tuple(BandRow(f"b{n}", "image", n, {"type": "generic"}) for n in range(5)))
    expected = {"b0": (2.0, 0.0), "b1": (1.0, 3.0), "b3": (4.0, 5.0)}
    assert item_scaling(row, item({}, image={"raster:bands": bands})) == expected
    new = [{f"raster:{member}": value for member, value in band.items()} for band in bands]
    assert item_scaling(row, item({}, image={"bands": new})) == expected


@pytest.mark.parametrize("wrong", [None, "1", True, [1], {"a": 1}])
def test_malformed_numbers_are_as_if_not_stated(wrong):
    for form in (
        {"raster:bands": [{"scale": wrong, "offset": wrong}]},
        {"raster:bands": wrong},
        {"bands": wrong},
    ):
        assert item_scaling(S2, item({}, red=form))["red"] == (1e-4, -0.1)


# Statements that images keep
def test_statements_are_packed_once_for_equal_items():
    first, second = (stored_pixels.pack(copy.deepcopy({"red": OLD_FORM, "x": ASSET_FORM})) for _ in range(2))
    assert first is second
    red = stored_pixels.unpack(first, "red", 0)
    assert (red.scale, red.offset, red.nodata, red.data_type) == (1e-4, -0.1, 0, "UInt16")
    other = stored_pixels.unpack(first, "x", 3)
    assert other.nodata != other.nodata
    assert stored_pixels.unpack(first, "y", 0) is None


@pytest.mark.parametrize(
    "assets",
    [
        None,
        {},
        {"a": {"href": "x"}},
        {"a": None},
        {"a": {"bands": [{"name": "b"}]}},
        {"a": {**OLD_FORM, "catalog:file_index": 0}},
        {"a": {"raster:bands": [{"scale": None}], "data_type": "word"}},
    ],
)
def test_nothing_is_kept_of_items_that_state_nothing(assets):
    assert stored_pixels.pack(assets) == ()


# Real documents
def documents():
    for path in sorted((SHARED / "sources" / "documents").glob("*/*.json")):
        for found in json.loads(path.read_text())["items"]:
            yield path.parent.name, path.stem, found["document"]
    for path in sorted((SHARED / "stac").glob("*item*")):
        for line in path.read_text().splitlines() if path.suffix == ".ndjson" else [path.read_text()]:
            name = path.name.split(".")[0].removeprefix("planetary-computer-")
            yield path.name, name, json.loads(line)


def stated(asset, index):
    """Return what an asset's documents say, read naively."""
    for member, prefix in (("bands", "raster:"), ("raster:bands", "")):
        parts = asset.get(member) or []
        parts = [one for part in parts for one in (part if isinstance(part, list) else [part])]
        if index < len(parts) and not {f"{prefix}scale", f"{prefix}offset"}.isdisjoint(parts[index]):
            return (parts[index].get(f"{prefix}scale", 1), parts[index].get(f"{prefix}offset", 0))
    if "raster:scale" in asset:
        return asset["raster:scale"], asset.get("raster:offset", 0)
    return None


@needs_real_documents
def test_each_real_item_has_the_numbers_that_it_states():
    count = 0
    for _, _, document in documents():
        found = item_scaling(None, document)
        assets = document["assets"]
        names = {}
        for key, asset in assets.items():
            for index in range(max(len(asset.get("bands") or ()), len(asset.get("raster:bands") or ()), 1)):
                if (numbers := stated(asset, index)) is not None:
                    names.setdefault(tuple(map(float, numbers)), []).append(key)
        for name, numbers in found.items():
            assert numbers in names, (document["id"], name)
            count += 1
    assert count > 100


@needs_real_documents
def test_each_real_sentinel_2_item_has_the_offset_of_its_baseline():
    count = 0
    for provider, collection, document in documents():
        if "sentinel-2" not in collection and not collection.startswith("s2_"):
            continue
        properties = document["properties"]
        baseline = properties.get("s2:processing_baseline") or properties.get("processing:version")
        applied = properties.get("earthsearch:boa_offset_applied")
        red = next(key for key in ("red", "B04", "B04_10m") if key in document["assets"])
        row = ProductRow(
            collection, bands=(BandRow("red", red, scale=1e-4, unit="reflectance"),), radiometry="sentinel-2"
        )
        expected = (1e-4, -0.1 if float(baseline) >= 4 and not applied else 0.0)
        assert item_scaling(row, document) == {"red": expected}, (provider, document["id"])
        right = corrected(row, document)
        assert item_scaling(ProductRow(collection, bands=row.bands), right) == {"red": expected}
        count += 1
    assert count >= 11


@needs_real_documents
def test_each_real_landsat_item_has_the_documented_numbers():
    count = 0
    for provider, collection, document in documents():
        thermal = next((key for key in ("lwir11", "lwir") if key in document["assets"]), None)
        if "c2-l2" not in collection and "c2l2" not in collection:
            continue
        bands = [BandRow("red", "red", unit="reflectance")]
        bands += [BandRow("thermal", thermal, unit="kelvin")] if thermal else []
        row = ProductRow(collection, bands=tuple(bands), radiometry="landsat-c2-l2")
        expected = {"red": (2.75e-5, -0.2), "thermal": (0.00341802, 149.0)}
        found = item_scaling(row, document)
        assert found == {name: expected[name] for name in found}, (provider, document["id"])
        assert len(found) == sum(band.asset in document["assets"] for band in bands)
        # What providers state themselves agrees.
        own = item_scaling(ProductRow(collection, bands=tuple(bands)), document)
        assert own.items() <= expected.items()
        count += 1
    assert count >= 8
