"""Pages for people: who gets one, and texts of users that stay texts."""

from __future__ import annotations

import ast
import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from conftest import LONG
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pages import connect, models, static_files, values
from landbridge.stac_api.pages.bands import bands_of
from landbridge.stac_api.pages.content import Context, Page
from landbridge.stac_api.pages.negotiation import wants_html
from landbridge.stac_api.pages.rendering import render
from support.html_pages import PageReader

CONTEXT = Context(base="https://catalog.test/api/", title="A catalog", documentation="/api.html")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def request(accept: str | None, query: str = "") -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "headers": headers, "query_string": query.encode(), "method": "GET"})


@pytest.mark.parametrize(
    ("accept", "query", "html"),
    [
        (None, "", False),
        ("*/*", "", False),
        ("text/*", "", False),
        ("application/json", "", False),
        ("application/json, text/plain, */*", "", False),
        ("application/geo+json", "", False),
        (BROWSER, "", True),
        ("text/html", "", True),
        ("TEXT/HTML; charset=utf-8", "", True),
        ("text/html;q=0", "", False),
        ("text/html;q=0.000", "", False),
        ("text/html;q=high", "", False),
        ("text/html;q=2", "", False),
        ("application/json, text/html", "", False),
        ("application/json;q=0.5, text/html", "", True),
        ("application/json, text/html;q=0.5", "", False),
        ("application/geo+json;q=0.9, text/html;q=0.8", "", False),
        ("text/html;level=1;q=0.4, */*", "", True),
        (", ,;q=1", "", False),
        ("*/*", "f=html", True),
        (None, "f=HTML", True),
        (None, "f=text/html", True),
        (BROWSER, "f=json", False),
        (BROWSER, "f=application/geo%2Bjson", False),
        (BROWSER, "limit=1", True),
    ],
)
def test_html_is_sent_on_an_explicit_wish_only(accept: str | None, query: str, html: bool) -> None:
    assert wants_html(request(accept, query)) is html


@pytest.mark.parametrize("query", ["f=xml", "f=", "f=html&f=json", "f=html&f=html"])
def test_another_form_is_refused_with_those_that_there_are(query: str) -> None:
    with pytest.raises(BadRequestError, match="json or html"):
        wants_html(request(BROWSER, query))


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "'><svg onload=alert(1)>",
            "</title><script>",
            "[a](javascript:alert(1))",
            "javascript:alert(1)",
            "{{ 7 * 7 }}{% raw %}",
            "&lt;b&gt;",
            "\u202e\u2028\x7f",
            "--><!--",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=30),
)
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 10**20), st.floats(), HOSTILE),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner, max_size=3)),
    max_leaves=6,
)


def mixed(*names: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some members of the right type and others of any."""
    members = {name: st.one_of(HOSTILE, ANY) for name in names}
    return st.fixed_dictionaries({}, optional={**members, **{n: st.one_of(s, ANY) for n, s in known.items()}})


LINKS = st.lists(mixed("rel", "href", "title"), max_size=3)
BANDS = st.lists(
    mixed("name", "data_type", "gsd", "nodata", "catalog:display_range", "eo:center_wavelength"), max_size=3
)
EXTENT = mixed(
    spatial=mixed(bbox=st.lists(st.lists(st.floats(), max_size=6), max_size=2)),
    temporal=mixed(interval=st.lists(st.lists(st.one_of(st.none(), HOSTILE), max_size=2), max_size=2)),
)
ASSETS = st.dictionaries(
    HOSTILE, st.one_of(ANY, mixed("href", "title", "type", "roles", "file:size")), max_size=3
)
COLLECTION = st.builds(
    lambda name, rest: {**rest, "id": name},
    HOSTILE,
    mixed(
        "title", "description", "license", "keywords", "sci:doi", "summaries",
        links=LINKS, bands=BANDS, extent=EXTENT, item_assets=ASSETS, assets=ASSETS,
        providers=st.lists(mixed("name", "roles", "url"), max_size=2),
    ),
)  # fmt: skip
ITEM = st.builds(
    lambda name, collection, rest: {**rest, "id": name, "collection": collection},
    HOSTILE,
    HOSTILE,
    mixed(
        links=LINKS,
        assets=ASSETS,
        bbox=st.lists(st.floats(), max_size=6),
        properties=mixed(
            "title", "description", "datetime", "start_datetime", "end_datetime", "eo:cloud_cover"
        ),
    ),
)


def read(page: Page) -> PageReader:
    """Return a page whose addresses are all of web pages."""
    found = PageReader(render(page))
    for url in found.links:
        assert url.startswith(("https://", "http://", "#")), url
    for url in found.loaded:
        assert url.startswith(CONTEXT.base), url
    return found


@given(COLLECTION, st.lists(ITEM, max_size=2))
@settings(max_examples=2000 if LONG else 40)
def test_any_text_of_a_product_is_text(document: dict[str, Any], items: list[Any]) -> None:
    page = models.product(document, items, len(items), CONTEXT)
    found = read(page)
    for text in (document["id"], values.text(document.get("description"))):
        assert text in found.text
    assert len(found.cards) == len(items)


@given(ITEM)
@settings(max_examples=2000 if LONG else 40)
def test_any_text_of_an_image_is_text(document: dict[str, Any]) -> None:
    found = read(models.image(document, CONTEXT))
    assert document["id"] in found.text
    for key in values.mapping(document.get("assets")):
        assert key in found.text


@given(st.lists(COLLECTION, max_size=3), HOSTILE, COLLECTION, st.lists(ITEM, max_size=2))
@settings(max_examples=1000 if LONG else 20)
def test_any_text_in_a_list_is_text(
    collections: list[Any], asked: str, collection: dict[str, Any], items: list[Any]
) -> None:
    document = {"collections": collections, "numberMatched": len(collections), "links": []}
    shown = [one for one in collections if not one["id"].startswith("blobs:")]
    assert len(read(models.products(document, CONTEXT, {"q": asked})).cards) == len(shown)
    assert len(read(models.landing({"title": asked}, document, CONTEXT)).cards) == len(shown)
    found = {"features": items, "numberMatched": len(items), "links": []}
    assert len(read(models.images(found, collection, CONTEXT)).cards) == len(items)
    assert asked in read(models.missing(asked, CONTEXT)).text


@given(HOSTILE, HOSTILE)
def test_lines_to_copy_hold_an_id_as_one_literal(product: str, image: str) -> None:
    for snippet in (
        *connect.to_product(CONTEXT.base, product, None),
        *connect.to_image(CONTEXT.base, product, image, None),
    ):
        if snippet.client in ("Landbridge", "pystac-client"):
            tree = ast.parse(snippet.text)
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert names <= {"Product", "Image", "Client", "product", "images", "image", "client", "os"}
            literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            assert {product, f"{product}:{image}"} & literals
        if snippet.client == "curl":
            assert len(shlex.split(snippet.text)) == 2


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "http:", 1, "https://[x"]
)
def test_addresses_other_than_of_the_web_are_no_links(url: Any) -> None:
    assert values.web_url(url) is None


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        (["2020-01-04T17:40:00Z", "2020-10-07T17:40:48Z"], "2020-01-04 to 2020-10-07"),
        (["2020-01-04T00:00:00Z", None], "2020-01-04 to now"),
        ([None, "2020-10-07T17:40:48Z"], "the beginning to 2020-10-07"),
        (["2020-10-07T01:00:00Z", "2020-10-07T17:40:48Z"], "2020-10-07"),
        ([None, None], ""),
    ],
)
def test_dates_are_read_by_people(interval: list[Any], shown: str) -> None:
    assert values.interval({"extent": {"temporal": {"interval": [interval]}}}) == shown


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 bytes"), (1023, "1023 bytes"), (3051102, "2.91 MiB"), (2**40, "1 TiB")]
)
def test_sizes_have_a_unit(size: float, shown: str) -> None:
    assert values.bytes_text(size) == shown


def test_a_bounding_box_has_directions() -> None:
    document = {"extent": {"spatial": {"bbox": [[-108.2562, -38.735, 10, 0]]}}}
    assert values.box_text(values.bbox(document)) == "108.3° W to 10° E, 38.73° S to 0° N"
    assert values.bbox({"bbox": [1, 2, 0, 3, 4, 9]}) == (1, 2, 3, 4)


def test_bands_of_other_programs_are_shown_too() -> None:
    collection = {
        "bands": [],
        "item_assets": {
            "B04": {"eo:bands": [{"name": "red", "center_wavelength": 0.665}]},
            "B08": {"bands": [{"name": "nir", "eo:center_wavelength": 0.842, "gsd": 10}]},
            "preview": {},
        },
    }
    assert [(band.name, band.wavelengths, band.resolution) for band in bands_of(collection)] == [
        ("red", "", ""),
        ("nir", "842 nm", "10 m"),
    ]


def test_links_between_pages_keep_the_form_that_was_asked_for() -> None:
    asked = Context(base=CONTEXT.base, title="A catalog", keeps_format=True)
    found = read(models.products({"collections": [{"id": "a"}], "links": []}, asked, {"q": "a"}))
    pages = [url for url in found.links if url.startswith(CONTEXT.base) and "f=json" not in url]
    assert [url for url in pages if not url.endswith("f=html")] == [f"{CONTEXT.base}collections"]  # the form


def test_files_of_pages_have_addresses_that_change_with_their_content() -> None:
    url = static_files.static_url(CONTEXT.base, "page.css")
    assert url.startswith(f"{CONTEXT.base}pages/")
    assert url == static_files.static_url(CONTEXT.base, "page.css")
    assert (
        len({static_files.static_url(CONTEXT.base, name).split("/")[-2] for name in ("map.js", "land.json")})
        == 1
    )
