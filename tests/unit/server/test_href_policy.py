"""Href policy: no hrefs of local files or private networks in items."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.stac_api.assets import href_policy
from landbridge.stac_api.errors import BadRequestError


def item(href: str, **asset: object) -> dict[str, object]:
    return {"assets": {"data": {"href": href, **asset}}, "links": []}


if TYPE_CHECKING:
    import ipaddress

REFUSED = [
    "file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", " file:///etc/passwd", "file://localhost/x",
    "/etc/passwd", "~/x.tif", "\\\\server\\share\\x.tif", "C:\\x.tif", "c:/x.tif",
    "/vsicurl/http://example.org/x.tif", "/vsitar//data/x.tar/x.tif", "/vsizip/vsicurl/https://example.org/x.zip",
    "vrt:///etc/passwd?bands=1", "GTI:/etc/passwd", "NETCDF:/data/x.nc:red", 'HDF5:"/data/x.h5"://red',
    "GTIFF_DIR:1:/etc/passwd", "zip+https://example.org/x.zip!x.tif", "data:image/tiff;base64,AAAA",
    "javascript:alert(1)",
    "http://localhost/x", "http://localhost:5432/x", "http://LOCALHOST./x", "http://a.localhost/x",
    "http://127.0.0.1/x", "http://127.1/x", "http://2130706433/x", "http://0x7f000001/x", "http://0177.0.0.1/x",
    "http://127.0.0.1:8000/x", "http://me:pw@127.0.0.1/x", "http://%31%32%37.0.0.1/x", "//127.0.0.1/x",
    "http://[::1]/x", "http://[::ffff:127.0.0.1]/x", "http://[2002:7f00:1::]/x", "http://[fe80::1%25eth0]/x",
    "http://0.0.0.0/x", "http://10.1.2.3/x", "http://172.16.0.1/x", "http://192.168.1.1/x", "http://[fd00::1]/x",
    "http://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/x", "http://100.64.0.1/x",
    "http://224.0.0.1/x", "http://printer.local/x", "ftp://10.1.2.3/x", "sftp://localhost/x",
    "http:/127.0.0.1/x", "http:127.0.0.1/x", "http:///x", "http:\\\\127.0.0.1\\x", "http://[::1/x",
    "http://example.org\\@127.0.0.1/", "ht\ntp://127.0.0.1/", "http://127.0.0.1\t/x",
    "/assets/../state.json", "/assets/images/../../etc/passwd", "/assets/images/%2e%2e/%2e%2e/etc/passwd",
    "/assets/images/%252e%252e/x", "/assets//etc/passwd", "/assets/uploads/1/0", "/assets/images/a%00b",
    "/assets/images/a%2f..%2f..%2fb", "/assets/images/a/%2fetc/passwd",
]  # fmt: skip
TAKEN = [
    "https://example.org/x.tif", "http://example.org:8080/x.tif?a=b#c", "HTTPS://EXAMPLE.ORG/x",
    "https://web.archive.org/web/2020/https://example.org/", "http://93.184.216.34/x", "http://[2606:4700::1]/x",
    "s3://bucket/x.tif", "gs://bucket/x.tif", "az://container/x.tif", "abfss://c@account/x", "doi:10.1/2",
    "mailto:ann@example.org", "x.tif", "./x.tif", "../x.json", "",
    "/assets/images/acme:p/i/1/0.tif", "/assets/blobs/data/0123/data", "https://locally.example.org/x",
    "https://internal.example.org/x",
]  # fmt: skip


@pytest.mark.parametrize("href", REFUSED)
def test_hrefs_of_files_and_private_networks_are_refused(href: str) -> None:
    with pytest.raises(BadRequestError, match="of asset 'data'"):
        href_policy.check(item(href), ())


@pytest.mark.parametrize("href", TAKEN)
def test_public_hrefs_are_accepted(href: str) -> None:
    href_policy.check(item(href), ())


def test_links_and_alternates_are_checked_too() -> None:
    with pytest.raises(BadRequestError, match="the link 'via'"):
        href_policy.check({"links": [{"rel": "via", "href": "file:///x"}]}, ())
    with pytest.raises(BadRequestError, match="asset 'data'"):
        href_policy.check(item("https://x.org/a", alternate={"local": {"href": "/data/a"}}), ())


def test_an_operator_allows_prefixes() -> None:
    allowed = ("file:///data/", "http://10.0.0.7/")
    href_policy.check(item("file:///data/x.tif"), allowed)
    href_policy.check(item("http://10.0.0.7/x.tif"), allowed)
    for other in ("file:///etc/passwd", "http://10.0.0.70/x", "http://10.0.0.8/"):
        with pytest.raises(BadRequestError):
            href_policy.check(item(other), allowed)
    href_policy.check(item("file:///etc/passwd"), ("*",))


def test_a_stored_href_does_not_block_other_changes() -> None:
    href_policy.check(item("file:///data/x.tif"), (), item("file:///data/x.tif"))
    with pytest.raises(BadRequestError):
        href_policy.check(item("file:///data/y.tif"), (), item("file:///data/x.tif"))


@pytest.mark.parametrize(
    "document",
    [
        {}, {"assets": 3, "links": 4}, {"assets": {"a": 5}, "links": [6]}, {"assets": {"a": {"href": 7}}},
        {"assets": {"a": {"alternate": 8}}}, {"links": [{"href": None}]},
    ],
)  # fmt: skip
def test_values_of_a_wrong_type_are_left_to_other_checks(document: dict[str, object]) -> None:
    href_policy.check(document, ())


@given(st.ip_addresses(), st.sampled_from(["http", "https", "ftp"]))
def test_no_private_address_is_accepted(address: ipaddress._BaseAddress, scheme: str) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    try:
        href_policy.check(item(f"{scheme}://{host}/x"), ())
    except BadRequestError:
        return
    assert address.is_global  # type: ignore[attr-defined]
    assert not address.is_multicast  # type: ignore[attr-defined]


@given(st.text(max_size=60))
def test_any_text_is_accepted_or_refused_with_a_reason(href: str) -> None:
    with contextlib.suppress(BadRequestError):
        href_policy.check(item(href), ())
