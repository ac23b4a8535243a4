"""Each row of the shipped tables against the documents that its provider publishes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from landbridge.mappings.sources import shipped, shipped_texts
from landbridge.mappings.sources.radiometry import item_scaling
from support.source_documents import (
    MISSING,
    SHARED,
    differences,
    documents,
    fact_differences,
    facts,
    selected,
    unbound,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.mappings.sources.model import ProductRow

needs_documents = pytest.mark.skipif(not (SHARED / "sources").exists(), reason=MISSING)

ROWS = [
    pytest.param(source, row, id=f"{source}-{row.ids[0] if row.where else row.collection}")
    for source in shipped_texts()
    for row in shipped(source).products
]
# Rows of collections whose documents are not kept: the facts say what these documents show.
BY_FACTS = {
    ("earth-search", "cop-dem-glo-90"),
    ("earth-search", "sentinel-2-l1c"),
    ("planetary-computer", "sentinel-1-rtc"),
    ("dea", "ga_s2am_ard_3"),
}
# Products without an Item of their own: another sensor's have the same assets, as the Collection shows.
SIBLINGS = {("usgs", "usgs:landsat:tm:c2:l2:v0"): "usgs:landsat:etm:c2:l2:v0"}
# Collections without a document of their own: another provider describes the same files.
SAME_FILES = {("lpcloud", "HLSS30_2.0"): ("planetary-computer", "hls2-s30")}
# What the tables do not take over from documents: source, collection, band and attribute, or patterns.
DEVIATIONS = {
    ("*", "*", "*-probability", "nodata"): "0 is a probability of 0 %",
    ("cdse", "sentinel-2-l2a", "aot", "scale"): "copied from reflectance until 2024",
    ("cdse", "sentinel-2-l2a", "aot", "offset"): "copied from reflectance until 2024",
    ("cdse", "sentinel-2-l2a", "wvp", "scale"): "copied from reflectance until 2024",
    ("cdse", "sentinel-2-l2a", "wvp", "offset"): "copied from reflectance until 2024",
    ("earth-search", "sentinel-2-l2a", "*", "offset"): "the radiometry rule decides for each Item",
    (
        "planetary-computer",
        "sentinel-2-l2a",
        "*",
        "resolution",
    ): "an old Collection says 60 m for bands of 20 m",
    ("*", "landsat-*", "cloud_mask", "mask of the whole collection"): "TM and ETM+ never set bit 2",
    ("planetary-computer", "hls2-l30", "coastal-aerosol", "wavelength_nm_center"): "exchanged with blue",
    ("planetary-computer", "hls2-l30", "blue", "wavelength_nm_center"): "exchanged with coastal-aerosol",
    ("planetary-computer", "modis-09A1-061", "nir2", "common_name"): "1240 nm is not lwir12",
    ("planetary-computer", "landsat-c2-l1", "*", "scale"): "of each scene",
    ("planetary-computer", "landsat-c2-l1", "*", "offset"): "of each scene",
}
# Bands that some Items lack.
OPTIONAL = {
    ("cdse", "sentinel-2-l2a"): {"cloud-probability", "snow-probability"},
    # Scenes L2SR have no surface temperature.
    ("planetary-computer", "landsat-c2-l2"): {
        *("thermal", "emis", "emsd", "atran", "cdist", "drad", "urad", "trad", "st-qa")
    },
    # An older Collection names the assets AOT-10m and so on; the Items do not.
    ("planetary-computer", "sentinel-2-l2a"): {"aot", "wvp", "scl", "cloud_mask"},
    # Items of cultivated land and of frequencies.
    ("planetary-computer", "usda-cdl"): {"class", "confidence"},
}
WHOLE_LANDSAT = "Landsat 4-9 Collection 2 Level-2"
# Bands of one sensor, in rows of a whole collection of several.
OF_ONE_SENSOR = {"coastal-aerosol", "thermal", "thermal-tm", "qa_aerosol", "cloud_qa", "atmos-opacity"}
# Data assets that are no bands of the row.
LEFT_OUT = {
    ("cdse", "sentinel-2-l2a"): ["TCI_*", "*_60m", "AOT_20m", "WVP_20m", "B01_20m", "B0[234]_20m"],
    ("dea", "ga_ls8c_ard_3"): ["oa_*"],
    ("deafrica", "s2_l2a_c1"): ["visual"],
    ("earth-search", "sentinel-2-c1-l2a"): ["visual"],
    ("earth-search", "sentinel-2-pre-c1-l2a"): ["visual"],
    # The probabilities are JPEG 2000 files in another bucket.
    ("earth-search", "sentinel-2-l2a"): ["visual", "*-jp2", "cloud", "snow"],
    # Assets of the other sensors.
    ("earth-search", "landsat-c2-l2"): ["atmos_opacity", "cloud_qa", "lwir*", "coastal", "qa_aerosol"],
    ("lpcloud", "HLSL30_2.0"): ["browse"],
    ("planetary-computer", "sentinel-2-l2a"): ["visual*", "AOT-*", "SCL-*", "WVP-*"],
    ("planetary-computer", "landsat-c2-l2"): ["atmos_opacity", "cloud_qa", "lwir*", "coastal", "qa_aerosol"],
    ("lpcloud", "HLSS30_2.0"): ["SAA", "SZA", "VAA", "VZA"],
    ("planetary-computer", "hls2-l30"): ["SAA", "SZA", "VAA", "VZA"],
    ("planetary-computer", "hls2-s30"): ["SAA", "SZA", "VAA", "VZA"],
    ("planetary-computer", "usda-cdl"): ["corn", "cotton", "cultivated", "soybeans", "wheat"],
    ("planetary-computer", "esa-worldcover"): ["input_quality"],
    ("planetary-computer", "modis-09A1-061"): ["hdf", "sur_refl_raz", "sur_refl_szen", "sur_refl_vzen"],
    ("planetary-computer", "modis-13A1-061"): ["hdf", "*_angle"],
    # Of years with other polarizations.
    ("planetary-computer", "alos-palsar-mosaic"): ["VH", "VV"],
}


def is_deviation(source: str, collection: str, band: str, attribute: str) -> bool:
    return any(
        all(
            fnmatchcase(mine, pattern)
            for mine, pattern in zip((source, collection, band, attribute), patterns, strict=True)
        )
        for patterns in DEVIATIONS
    )


def assets_of(source: str, row: ProductRow) -> Iterator[tuple[str, dict[str, dict[str, object]]]]:
    """Yield the id and the assets of each document of a product."""
    if (source, row.collection) in SAME_FILES:
        assert documents(source, row.collection) == ([], [])
    collections, items = documents(*SAME_FILES.get((source, row.collection), (source, row.collection)))
    sibling = SIBLINGS.get((source, row.ids[0])) if row.ids else None
    if sibling is not None:
        assert selected(row, items) == []
        row = next(one for one in shipped(source).products if sibling in one.ids)
    for collection in collections:
        if collection.get("item_assets"):
            yield f"Collection {collection['id']}", collection["item_assets"]
    for item in selected(row, items):
        yield item["id"], item["assets"]


def problems(source: str, row: ProductRow) -> list[str]:
    optional = OPTIONAL.get((source, row.collection), set())
    if row.name == WHOLE_LANDSAT:
        optional = optional | OF_ONE_SENSOR
    found, seen = [], set()
    for name, described in assets_of(source, row):
        for band in row.bands:
            if (asset := described.get(band.asset)) is None:
                if band.name not in optional:
                    found.append(f"{name}: no asset {band.asset} of {band.name}")
                continue
            seen.add(band.name)
            of_whole = " of the whole collection" if row.name == WHOLE_LANDSAT else ""
            found += [
                f"{name}: {attribute} of {band.name}"
                for attribute in differences(band, asset)
                if not is_deviation(source, row.collection, band.name, attribute)
                and not is_deviation(source, row.collection, band.name, f"{attribute}{of_whole}")
            ]
        left = unbound(row, described, LEFT_OUT.get((source, row.collection), ()))
        found += [f"{name}: no band has {key}" for key in left]
    return found + [f"no document has {band.name}" for band in row.bands if band.name not in seen]


@needs_documents
@pytest.mark.parametrize(("source", "row"), ROWS)
def test_a_row_is_what_the_documents_say(source: str, row: ProductRow) -> None:
    if (source, row.collection) in BY_FACTS:
        assert list(assets_of(source, row)) == []
        shown = facts(source)[row.collection]
        assert [
            f"{band.name}: {attribute}"
            for band in row.bands
            for attribute in fact_differences(band, shown.get(band.name), shown)
        ] == []
    else:
        assert problems(source, row) == []


@needs_documents
@pytest.mark.parametrize("source", list(shipped_texts()))
def test_regions_and_payers_are_those_of_the_items(source: str) -> None:
    table, checked = shipped(source), 0
    for row in table.products:
        for item in documents(source, row.collection)[1]:
            for asset in item["assets"].values():
                said = {**item["properties"], **asset}
                rule = table.access_rule(asset["href"])
                # Digital Earth Africa's Item has the region of the Item at Earth Search that it was made of.
                if asset["href"].startswith("s3://deafrica-") or "storage:region" not in said:
                    continue
                if not asset["href"].startswith("s3://"):
                    continue
                assert rule is not None, asset["href"]
                assert rule.region == said["storage:region"]
                assert rule.requester_pays is said["storage:requester_pays"]
                checked += 1
    assert checked > 0 or source != "earth-search"


@needs_documents
@pytest.mark.parametrize(
    ("source", "collection", "kind"),
    [
        ("planetary-computer", "sentinel-2-l2a", "planetary-computer"),
        ("planetary-computer", "landsat-c2-l2", "planetary-computer"),
        ("planetary-computer", "naip", "planetary-computer"),
        ("usgs", "landsat-c2l2-sr", "s3"),
        ("usgs", "landsat-c2l2-st", "s3"),
        ("cdse", "sentinel-2-l2a", "s3"),
        ("lpcloud", "HLSL30_2.0", "earthdata"),
    ],
)
def test_each_file_of_a_product_has_the_access_rule_of_its_provider(
    source: str, collection: str, kind: str
) -> None:
    table, checked = shipped(source), 0
    for row in table.products:
        if row.collection != collection:
            continue
        for item in documents(source, collection)[1]:
            for band in row.bands:
                href = item["assets"].get(band.asset, {}).get("href", "")
                if "://" in href:
                    rule = table.access_rule(href)
                    assert rule is not None, href
                    assert rule.kind == kind
                    if rule.alternate is not None:
                        assert rule.alternate in item["assets"][band.asset]["alternate"]
                    checked += 1
    assert checked > 0


@needs_documents
@pytest.mark.parametrize(("source", "row"), ROWS)
def test_the_scaling_of_each_item_is_the_documented_one(source: str, row: ProductRow) -> None:
    for item in selected(row, documents(source, row.collection)[1]):
        properties, scaling = item["properties"], item_scaling(row, item)
        is_old = float(properties.get("s2:processing_baseline", 9)) < 4
        unshifted = is_old or properties.get("earthsearch:boa_offset_applied", False)
        for band in row.bands:
            if band.asset not in item["assets"] or band.mask is not None:
                continue
            if row.radiometry == "sentinel-2" and band.unit == "reflectance" and unshifted:
                assert scaling[band.name] == (1e-4, 0), (item["id"], band.name)
            elif band.scale is not None:
                assert scaling[band.name] == (band.scale, band.offset or 0), (item["id"], band.name)
