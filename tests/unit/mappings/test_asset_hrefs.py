"""Addresses of a source's files: which rule covers them, and which of an asset's is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings.sources.asset_hrefs import (
    asset_href,
    beginning_of,
    lies_below,
    names_host,
    with_read_hrefs,
)
from landbridge.mappings.sources.model import AccessRule, SourceTable

HOST = "https://data.example.org/"
ANY_ACCOUNT = "https://*.blob.core.windows.net/"


@pytest.mark.parametrize(
    ("href", "prefix", "below"),
    [
        ("https://data.example.org/a.tif", HOST, True),
        ("https://DATA.example.org/a.tif", HOST, True),
        ("https://data.example.org", HOST, True),
        ("https://data.example.org/a.tif", "https://data.example.org", True),
        ("https://data.example.org.evil.net/a.tif", "https://data.example.org", False),
        ("https://data.example.org@evil.net/a.tif", "https://data.example.org", False),
        ("https://user@data.example.org/a.tif", HOST, False),
        ("https://data.example.org:8443/a.tif", HOST, False),
        ("http://data.example.org/a.tif", HOST, False),
        ("https://evil.net/https://data.example.org/a.tif", HOST, False),
        ("https://data.example.org/private/a.tif", f"{HOST}private/", True),
        ("https://data.example.org/public/a.tif", f"{HOST}private/", False),
        ("https://naipeuwest.blob.core.windows.net/naip/a.tif", ANY_ACCOUNT, True),
        ("https://evil.net/.blob.core.windows.net/naip/a.tif", ANY_ACCOUNT, False),
        ("https://evil.net/x.blob.core.windows.net/naip/a.tif", ANY_ACCOUNT, False),
        ("https://a.b.blob.core.windows.net/naip/a.tif", ANY_ACCOUNT, False),
        ("https://evil.net:80@x.blob.core.windows.net/naip/a.tif", ANY_ACCOUNT, False),
        ("https://x.blob.core.windows.net.evil.net/naip/a.tif", ANY_ACCOUNT, False),
        ("s3://usgs-landsat/a.tif", "s3://usgs-landsat/", True),
        ("s3://usgs-landsat-evil/a.tif", "s3://usgs-landsat/", False),
        ("s3://deafrica-landsat/a.tif", "s3://deafrica-", True),
        ("s3://anything/a.tif", "s3://", True),
        ("https://anything/a.tif", "https://", True),
        ("gs://anything/a.tif", "", True),
    ],
)
def test_an_address_lies_below_another(href, prefix, below):
    assert lies_below(href, prefix) is below
    # The quick check excludes no address that lies below.
    assert beginning_of(["https://nowhere.example.org/", prefix]).match(href) or not below
    assert AccessRule(prefixes=("https://nowhere.example.org/", prefix)).covers(href) is below


@given(st.text(st.sampled_from("a.-:@/\\?#%*[]"), max_size=12))
def test_no_text_before_or_after_the_host_makes_another_host_the_same(text):
    for href in (f"https://{text}evil.net/data.example.org/a.tif", f"https://evil.net{text}data.example.org"):
        host = href.removeprefix("https://").split("/")[0].split("?")[0].split("#")[0]
        if lies_below(href, HOST):
            assert host.lower() == "data.example.org"


def test_a_prefix_names_a_host_or_not():
    assert [names_host(each) for each in ("", "https://", "s3://*/", HOST, ANY_ACCOUNT, "s3://a/")] == [
        False,
        False,
        False,
        True,
        True,
        True,
    ]


TABLE = SourceTable(
    "usgs",
    "https://landsatlook.usgs.gov/stac-server",
    access=(
        AccessRule(
            ("https://landsatlook.usgs.gov/data/", "s3://usgs-landsat/"),
            "s3",
            "us-west-2",
            requester_pays=True,
            alternate="s3",
        ),
    ),
)


def test_the_preferred_alternate_is_read():
    href = "https://landsatlook.usgs.gov/data/a.TIF"
    other = {"s3": {"href": "s3://usgs-landsat/a.TIF"}}
    assert asset_href({"href": href, "alternate": other}, TABLE.access_rule) == "s3://usgs-landsat/a.TIF"
    # Without it, and for files that no rule covers, the href stays.
    for asset in (
        {"href": href},
        {"href": href, "alternate": {"gs": {"href": "gs://b/a.TIF"}}},
        {"href": href, "alternate": None},
        {"href": href, "alternate": {"s3": {"href": None}}},
        {"href": "https://example.org/a.TIF", "alternate": other},
    ):
        assert asset_href(asset, TABLE.access_rule) == asset["href"]
    assert asset_href({}, TABLE.access_rule) == ""


@pytest.mark.parametrize(
    ("href", "base", "address"),
    [
        ("./B04.tif", "https://example.org/c/i/i.json", "https://example.org/c/i/B04.tif"),
        ("../B04.tif", "https://example.org/c/i/i.json", "https://example.org/c/B04.tif"),
        ("/pixels/B04.tif", "https://example.org/c/i/i.json", "https://example.org/pixels/B04.tif"),
        ("B04.tif", "s3://bucket/c/i/i.json", "s3://bucket/c/i/B04.tif"),
        ("../B 04.tif", "s3://bucket/c/i/i.json", "s3://bucket/c/B 04.tif"),
        ("./B04.tif", "/data/c/i.json", "/data/c/B04.tif"),
        ("/data/B04.tif", "/elsewhere/c/i.json", "/data/B04.tif"),
        ("s3://bucket/B04.tif", "https://example.org/i.json", "s3://bucket/B04.tif"),
        ("B04.tif", None, "B04.tif"),
    ],
)
def test_a_relative_address_is_one_of_the_item(href, base, address):
    links = [{"rel": "collection", "href": "https://example.org/c"}]
    links += [{"rel": "self", "href": base}] if base else []
    item: dict[str, Any] = {"id": "i", "links": links, "assets": {"B04": {"href": href, "roles": ["data"]}}}
    read = with_read_hrefs(item, TABLE.access_rule)
    assert read["assets"] == {"B04": {"href": address, "roles": ["data"]}}
    assert item["assets"]["B04"]["href"] == href


def test_the_rule_of_a_relative_address_is_that_of_the_file():
    asset = {"href": "../data/a.TIF", "alternate": {"s3": {"href": "s3://usgs-landsat/a.TIF"}}}
    base = "https://landsatlook.usgs.gov/stac-server/i"
    assert asset_href(asset, TABLE.access_rule, base) == "s3://usgs-landsat/a.TIF"
