"""Reader of a source's table: what it accepts, and the file and key that its errors name."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings import band as band_mapping
from landbridge.mappings.sources import shipped, shipped_texts
from landbridge.mappings.sources.bands import band_entries
from landbridge.mappings.sources.model import AccessRule, ApiRules, BandRow, MaskRule
from landbridge.mappings.sources.parse import SourceError, parse, parse_text
from landbridge.stac_api.documents.normalize import check
from support.source_documents import differences, unbound

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = """
id = "mine"
title = "Mine"
url = "https://example.org/stac"
rank = 5
documentation = "https://example.org"

[api]
page_size = 50
filter = "query"
filter_properties = ["eo:cloud_cover"]
sort = false
fields = true
method = "GET"
requires_collections = true

[[access]]
prefixes = ["s3://mine/"]
kind = "s3"
region = "eu-west-1"
endpoint = "https://s3.example.org"
requester_pays = true
alternate = "s3"

[[products]]
collection = "scenes"
ids = ["mine:scenes:v1"]
rank = 3
name = "Scenes"
description = "Scenes of mine"
where = { platform = ["one", "two"] }
exclude = ["*-jp2"]
radiometry = "documented"
display_bands = ["red"]
note = "Only two."

[products.common]
data_type = "UInt16"
nodata = 0
scale = 0.0001
offset = -0.1
unit = "reflectance"
display_range = [0, 4000]

[products.bands]
red = { asset = "B04", index = 1, resolution = 10, wavelength_nm_min = 650, wavelength_nm_max = 680 }
mask = { asset = "SCL", type = "mask", mask = { values = [3, 8] } }
flags = { asset = "QA", type = "mask", mask = { bits = [1, 2] } }

[products.bands.scl]
asset = "SCL"
type = "class"
data_type = "Byte"
classes = { 0 = "none", 2 = "cloud" }
"""
VALID: dict[str, Any] = tomllib.loads(TEXT)
TABLE = parse(VALID, "mine.toml")


def test_a_table_has_the_values_of_its_file() -> None:
    assert (TABLE.id, TABLE.rank, TABLE.kind) == ("mine", 5, "api")
    assert TABLE.api == ApiRules(
        page_size=50,
        filter="query",
        filter_properties=("eo:cloud_cover",),
        sort=False,
        fields=True,
        method="GET",
        requires_collections=True,
    )
    assert TABLE.access == (
        AccessRule(
            prefixes=("s3://mine/",),
            kind="s3",
            region="eu-west-1",
            endpoint="https://s3.example.org",
            requester_pays=True,
            alternate="s3",
        ),
    )
    (row,) = TABLE.products
    assert (row.collection, row.ids, row.rank, dict(row.where)) == (
        "scenes",
        ("mine:scenes:v1",),
        3,
        {"platform": ("one", "two")},
    )


def test_common_keys_are_those_of_bands_without_a_type() -> None:
    red, mask, flags, scl = TABLE.products[0].bands
    assert (red.asset, red.index, red.scale, red.offset, red.unit) == ("B04", 1, 0.0001, -0.1, "reflectance")
    assert red.attributes == {
        "type": "spectral",
        "data_type": "UInt16",
        "nodata": 0,
        "display_range": [0, 4000],
        "resolution": {"value": 10, "unit": "meters"},
        "wavelength_nm_min": 650,
        "wavelength_nm_max": 680,
    }
    assert mask == BandRow("mask", "SCL", attributes={"type": "mask"}, mask=MaskRule(values=(3, 8)))
    assert flags.mask == MaskRule(bits=(1, 2))
    assert scl.scale is None
    assert scl.attributes["class_labels"] == ["none", "", "cloud"]


def test_a_type_in_common_is_the_type_of_the_bands() -> None:
    row = parse_text(
        'id = "a"\nurl = "b"\n[[products]]\ncollection = "c"\n[products.common]\ntype = "microwave"\n'
        '[products.bands]\nvv = { asset = "vv" }',
        "a.toml",
    ).products[0]
    assert row.bands == (BandRow("vv", "vv", attributes={"type": "microwave"}),)


@pytest.mark.parametrize(
    ("href", "covered"),
    [
        ("https://one.blob.example.net/a", True),
        ("https://one.blob.example.net.evil.org/a", False),
        ("http://one.blob.example.net/a", False),
    ],
)
def test_a_star_in_a_prefix_is_any_text(href: str, covered: bool) -> None:
    assert AccessRule(prefixes=("https://*.blob.example.net/",)).covers(href) is covered


def test_the_rank_of_a_product_goes_before_that_of_its_source() -> None:
    assert TABLE.rank_of("mine:scenes:v1") == 3
    assert replace(TABLE, products=(replace(TABLE.products[0], rank=None),)).rank_of("mine:scenes:v1") == 5
    assert TABLE.rank_of("other") is None


HEAD = 'id = "a"\nurl = "b"\n'
PRODUCT = f'{HEAD}[[products]]\ncollection = "c"\n'
BANDS = f"{PRODUCT}[products.bands]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id = ", "mine.toml is not valid TOML"),
        ('url = "b"', "mine.toml: id is missing"),
        ('id = "a"', "mine.toml: url is missing"),
        ('id = ""\nurl = "b"', "id must be a text that is not empty"),
        (f'{HEAD}kind = "ftp"', "kind is 'ftp'; it must be one of api, catalog, parquet"),
        (f"{HEAD}rank = 1.5", "rank must be a whole number"),
        (f"{HEAD}[api]\npage_size = 0", "api.page_size must be a whole number above 0"),
        (f"{HEAD}[api]\npages = 1", "api.pages is not a key of a source's table"),
        (f'{HEAD}[[access]]\nkind = "ssh"', "access[0].kind is 'ssh'"),
        (f'{HEAD}[[products]]\nids = ["x"]', "products[0].collection is missing"),
        (
            f'{PRODUCT}display_bands = ["red"]\n[products.bands]\nblue = {{ asset = "blue" }}',
            "products.c.display_bands names 'red', which is no band of it",
        ),
        (
            f'{PRODUCT}ids = ["x"]\n[[products]]\ncollection = "d"\nids = ["x"]',
            "products c and d both have the id 'x'",
        ),
        (f'{PRODUCT}[products.common]\nscale = "big"', "products[0].common.scale must be a number"),
        (f"{PRODUCT}common = 3", "products[0].common must be a table"),
        (f"{PRODUCT}bands = 3", "products[0].bands must be a table"),
        (f"{BANDS}red = 3", "products[0].bands.red must be a table"),
        (f"{BANDS}red = {{ index = 1 }}", "products[0].bands.red.asset is missing"),
        (f'{BANDS}red = {{ asset = "a", index = -1 }}', "products[0].bands.red.index must be a whole"),
        (f'{BANDS}red = {{ asset = "a", data_type = "Int" }}', "bands.red.data_type: 'Int' is invalid"),
        (f'{BANDS}red = {{ asset = "a", colour = "red" }}', "bands.red.colour is neither a key"),
        (f'{BANDS}red = {{ asset = "a", name = "blue" }}', "bands.red.name is neither a key"),
        (f'{BANDS}red = {{ asset = "a", type = "other" }}', "bands.red.type is 'other'"),
        (f'{BANDS}red = {{ asset = "a", nodata = "x" }}', "bands.red.nodata: 'x' is no number"),
        (f'{BANDS}red = {{ asset = "a", resolution = 0 }}', "bands.red.resolution: "),
        (f'{BANDS}red = {{ asset = "a", display_range = [1] }}', "bands.red.display_range: [1] has 1"),
        (f'{BANDS}red = {{ asset = "a", is_alpha = true }}', "bands.red.is_alpha is no attribute of a band"),
        (f'{BANDS}m = {{ asset = "a", type = "mask", mask = {{}} }}', "bands.m.mask must have either"),
        (f'{BANDS}m = {{ asset = "a", mask = {{ bits = [64] }} }}', "bands.m.mask.bits[0] must be a bit"),
        (
            f'{BANDS}s = {{ asset = "a", type = "class", classes = {{}} }}',
            "bands.s.classes must have a",
        ),
        (
            f'{BANDS}s = {{ asset = "a", type = "class", classes = {{ x = "y" }} }}',
            "products[0].bands.s.classes.x: a value must be from 0 to",
        ),
        (
            f'{BANDS}s = {{ asset = "a", classes = {{ 0 = "y" }} }}',
            "products[0].bands.s.classes is no attribute of a band of type spectral",
        ),
    ],
)
def test_an_error_names_the_file_and_the_key(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_text(text, "mine.toml")
    assert str(caught.value).startswith("mine.toml")
    assert message in str(caught.value)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every key of a table."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from paths(inner, (*path, position))


PATHS = list(paths(VALID))
OTHER_VALUES = st.one_of(
    st.integers(-3, 70000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=3),
    st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=2),
    st.dictionaries(
        st.text("ab0", min_size=1, max_size=2), st.integers(0, 3) | st.text(max_size=2), max_size=2
    ),
    st.datetimes(),
)


def parent_of(content: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        content = content[key]
    return content


def parsed_or_error(content: Any, key: Any) -> Any:
    """Return the table; None after an error, which must name the file and the key."""
    try:
        return parse(content, "mine.toml")
    except SourceError as error:
        message = str(error)
    assert message.startswith("mine.toml: ")
    assert str(key) in message
    return None


@given(path=st.sampled_from(PATHS))
def test_a_missing_key_is_a_default_or_an_error_that_names_it(path: tuple[Any, ...]) -> None:
    content = copy.deepcopy(VALID)
    del parent_of(content, path)[path[-1]]
    # Without its bands a product has no band to display.
    name = "red" if path[-1] in ("red", "bands") else path[-1]
    table = parsed_or_error(content, name)
    if path[-1] in ("id", "url", "collection", "asset"):
        assert table is None
    elif table is not None and path[0] != "products":
        assert table != TABLE
        assert replace(table, **{path[0]: getattr(TABLE, path[0])}) == TABLE


@given(path=st.sampled_from(PATHS), name=st.text("abcdefgh_", min_size=9, max_size=12))
def test_a_key_with_another_name_is_an_error_that_names_it(path: tuple[Any, ...], name: str) -> None:
    content = copy.deepcopy(VALID)
    parent = parent_of(content, path)
    parent[name] = parent.pop(path[-1])
    if path[-2:-1] in (("bands",), ("where",), ("classes",)):
        # These keys are names of the user's choice.
        return
    with pytest.raises(SourceError) as caught:
        parse(content, "mine.toml")
    assert name in str(caught.value)


@given(path=st.sampled_from(PATHS), value=OTHER_VALUES)
def test_another_value_is_used_or_an_error_that_names_the_key(path: tuple[Any, ...], value: Any) -> None:
    content = copy.deepcopy(VALID)
    parent_of(content, path)[path[-1]] = value
    table = parsed_or_error(content, path[-1])
    if table is not None and len(path) == 1:
        assert getattr(table, path[0]) == value or value in ({}, [])


@pytest.mark.parametrize("source", list(shipped_texts()))
def test_the_file_of_a_shipped_table_has_the_name_of_its_source(source: str) -> None:
    table = shipped(source)
    assert table.id == source
    assert table.title
    assert table.documentation
    assert table.url.startswith("https://")


@pytest.mark.parametrize("source", list(shipped_texts()))
def test_each_shipped_product_can_be_displayed(source: str) -> None:
    for row in shipped(source).products:
        assert row.name
        assert row.display_bands, row.collection
        bands = {band.name: band for band in row.bands}
        for name in row.display_bands:
            low, high = bands[name].attributes["display_range"]
            assert low < high


@pytest.mark.parametrize("source", list(shipped_texts()))
def test_our_own_service_can_store_the_bands_of_each_product(source: str) -> None:
    for row in shipped(source).products:
        for entry in band_entries(row.bands):
            check.members("band", entry)
            assert band_mapping.from_stac(entry, "local:copy")["name"] == entry["name"]


def test_no_two_sources_have_a_product_at_the_same_rank() -> None:
    tables = [shipped(source) for source in shipped_texts()]
    claimed: dict[str, list[int | None]] = {}
    for table in tables:
        for identifier in {one for row in table.products for one in row.ids}:
            claimed.setdefault(identifier, []).append(table.rank_of(identifier))
    assert {identifier for identifier, ranks in claimed.items() if len(ranks) > 1} >= {
        "esa:sentinel-2:l2a:v1",
        "usgs:landsat:oli-tirs:c2:l2:v0",
        "usda:naip:v1",
    }
    for identifier, ranks in claimed.items():
        assert len(set(ranks)) == len(ranks), identifier


@pytest.mark.parametrize(
    ("identifier", "source"),
    [
        ("esa:sentinel-2:l2a:v1", "earth-search"),
        ("esa:sentinel-2:l2a:c1:v1", "earth-search"),
        # Without an account before files that cost the reader.
        ("usgs:landsat:oli-tirs:c2:l2:v0", "planetary-computer"),
        ("usda:naip:v1", "planetary-computer"),
        ("nasa:hls:l30", "planetary-computer"),
        ("usda:cdl:v1", "planetary-computer"),
        ("copernicus:dem:glo30", "earth-search"),
    ],
)
def test_the_first_source_of_an_id_needs_no_account(identifier: str, source: str) -> None:
    ranks = {name: shipped(name).rank_of(identifier) for name in shipped_texts()}
    assert min((rank, name) for name, rank in ranks.items() if rank is not None)[1] == source


BAND = BandRow(
    "red",
    "B04",
    1,
    {
        "type": "spectral",
        "data_type": "UInt16",
        "nodata": 0,
        "resolution": {"value": 10, "unit": "meters"},
        "wavelength_nm_center": 665,
    },
    scale=0.0001,
    offset=-0.1,
    unit="reflectance",
)
SAID = {
    "data_type": "uint16",
    "nodata": 0,
    "scale": 0.0001,
    "offset": -0.1,
    "unit": "reflectance",
    "spatial_resolution": 10,
}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"data_type": "int16"}, ["data_type"]),
        ({"nodata": "nan"}, ["nodata"]),
        ({"scale": 0.01}, ["scale"]),
        ({"offset": 0}, ["offset"]),
        ({"unit": "%"}, ["unit"]),
        ({"spatial_resolution": 20}, ["resolution"]),
        ({"common_name": "blue"}, ["common_name"]),
        ({"center_wavelength": 0.49}, ["wavelength_nm_center"]),
    ],
)
def test_the_comparison_with_documents_finds_each_difference(
    changes: dict[str, Any], found: list[str]
) -> None:
    said: dict[str, Any] = {**SAID, **changes}
    spectral = {key: said.pop(key) for key in ("common_name", "center_wavelength") if key in said}
    old: dict[str, Any] = {"raster:bands": [{}, said], "eo:bands": [{}, {"name": "B04", **spectral}]}
    renamed: dict[str, Any] = {f"eo:{key}": value for key, value in spectral.items()}
    new = {"bands": [{}, {"name": "B04", **renamed, **said}]}
    assert list(differences(BAND, old)) == found
    assert list(differences(BAND, new)) == found


def test_the_comparison_finds_an_index_that_the_asset_does_not_have() -> None:
    assert list(differences(BAND, {"raster:bands": [SAID]})) == ["index"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (MaskRule(values=(3, 8)), []),
        (MaskRule(values=(3,)), ["mask"]),
        (MaskRule(values=(3, 4, 8)), ["mask"]),
        (MaskRule(bits=(3, 8)), ["mask"]),
    ],
)
def test_the_comparison_knows_the_masked_classes(rule: MaskRule, found: list[str]) -> None:
    classes = [
        {"value": value, "name": name} for value, name in [(3, "cloud_shadows"), (4, "water"), (8, "Cloud")]
    ]
    band = BandRow("cloud_mask", "scl", attributes={"type": "mask"}, mask=rule)
    assert list(differences(band, {"classification:classes": classes})) == found


def test_the_comparison_knows_labels_and_bits() -> None:
    labels = BandRow("scl", "scl", attributes={"type": "class", "class_labels": ["a", "", "c"]})
    classes = [{"value": 0, "description": "a"}, {"value": 2, "name": "c"}]
    assert list(differences(labels, {"classification:classes": classes})) == []
    assert list(differences(labels, {"classification:classes": classes[:1]})) == ["class_labels"]
    fields = [
        {"offset": 1, "length": 1, "name": "dilated_cloud"},
        {"offset": 5, "length": 1, "name": "snow"},
        {"offset": 8, "length": 2, "name": "cloud_confidence"},
    ]
    band = BandRow("cloud_mask", "qa", attributes={"type": "mask"}, mask=MaskRule(bits=(1,)))
    assert list(differences(band, {"classification:bitfields": fields})) == []
    wrong = replace(band, mask=MaskRule(bits=(1, 5)))
    assert list(differences(wrong, {"classification:bitfields": fields})) == ["mask"]


def test_the_comparison_finds_assets_without_a_band() -> None:
    cog = {"href": "a.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}
    row = replace(TABLE.products[0], bands=(BandRow("red", "red"),))
    assert unbound(row, {"red": cog, "blue": cog, "red-jp2": cog}, ["*-jp2"]) == ["blue"]
