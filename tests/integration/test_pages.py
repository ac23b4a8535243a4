"""Pages for people over HTTP: when they are sent, what they hold, and where their links lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access.headers import PAGE_POLICY
from support.html_pages import PageReader

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = '<script>alert(1)</script> "quoted" & [a](javascript:alert(1))'


@pytest.fixture
def filled(http: httpx.Client, collection: str) -> str:
    """The id of a collection with an item, whose texts are those of an attacker."""
    patch = {"title": HOSTILE, "description": HOSTILE, "keywords": [HOSTILE]}
    http.patch(f"/collections/{collection}", json=patch).raise_for_status()
    item = stac_item(collection, "one", title=HOSTILE)
    item["assets"] = {HOSTILE: {"href": "https://elsewhere.test/a.tif", "title": HOSTILE}}
    item["links"] = [{"rel": "about", "href": "javascript:alert(1)"}]
    http.post(f"/collections/{collection}/items", json=item).raise_for_status()
    return collection


def paths(collection: str) -> list[str]:
    here = f"/collections/{collection}"
    return ["/", "/collections", here, f"{here}/items", f"{here}/items/one"]


def test_json_is_sent_unless_html_is_asked_for(http: httpx.Client, filled: str) -> None:
    for path in paths(filled):
        for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json, text/plain, */*"}):
            answer = http.get(path, headers=headers)
            assert answer.json()["links"]
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert "Accept" in answer.headers["Vary"].split(", ")
        for options in ({"headers": BROWSER}, {"params": {"f": "html"}}):
            answer = http.get(path, **options)
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
            assert "Accept" in answer.headers["Vary"].split(", ")
        assert http.get(path, headers=BROWSER, params={"f": "json"}).json()["links"]
        assert http.get(path, params={"f": "xml"}).status_code == 400


def test_a_page_has_no_script_but_files_of_the_server(http: httpx.Client, filled: str) -> None:
    for path in paths(filled):
        found = PageReader(http.get(path, headers=BROWSER).text)
        assert all(url.startswith(str(http.base_url)) for url in found.loaded), found.loaded
        assert not [url for url in found.links if not url.startswith(("http://", "https://", "#"))]
        if path != "/collections":
            assert HOSTILE in found.text or path == "/"


def test_each_link_of_a_page_leads_somewhere(http: httpx.Client, filled: str) -> None:
    known: dict[str, int] = {}
    for path in paths(filled):
        found = PageReader(http.get(path, headers=BROWSER).text)
        for url in {*found.links, *found.loaded}:
            if url.startswith(str(http.base_url)) and url not in known:
                known[url] = http.get(url, headers=BROWSER).status_code
    # The images of many tests have no files of which the server could show a preview.
    previews = {url for url in known if "/preview.png?" in url}
    assert {known[url] for url in previews} <= {200, 422}
    assert {status for url, status in known.items() if url not in previews} == {200}, known
    assert len(known) > 20


def test_an_etag_answers_a_second_request(http: httpx.Client, filled: str) -> None:
    for path in paths(filled):
        first = http.get(path, headers=BROWSER)
        tag = first.headers["ETag"]
        again = http.get(path, headers={**BROWSER, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert "Accept" in again.headers["Vary"].split(", ")
        # The document as JSON is another representation.
        assert http.get(path, headers={"If-None-Match": tag}).status_code == 200
        other = http.get(path).headers.get("ETag")
        assert other != tag
        if other is not None:
            assert http.get(path, headers={**BROWSER, "If-None-Match": other}).status_code == 200
        head = http.head(path, headers=BROWSER)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "ETag", "Content-Security-Policy", "Allow"):
            assert head.headers.get(name) == first.headers.get(name)
        assert head.headers.get("Allow") == http.head(path).headers.get("Allow")


def test_a_change_changes_the_page_and_its_tag(http: httpx.Client, filled: str) -> None:
    path = f"/collections/{filled}"
    before = http.get(path, headers=BROWSER)
    http.post(f"{path}/items", json=stac_item(filled, "two")).raise_for_status()
    after = http.get(path, headers={**BROWSER, "If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "All 2 images" in PageReader(after.text).text


def test_what_is_missing_has_a_page_too(http: httpx.Client, filled: str) -> None:
    for path in (
        "/collections/local:missing",
        "/collections/local:missing/items",
        f"/collections/{filled}/items/missing",
        f"/collections/{quote('<script>')}",
    ):
        answer = http.get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert "does not exist" in PageReader(answer.text).text
        assert http.get(path).json()["code"] == "NotFound"


def test_products_are_found_by_their_text(http: httpx.Client, collection: str) -> None:
    word = f"quokka{collection[-6:]}"
    http.patch(
        f"/collections/{collection}", json={"description": f"Habitats of the {word}"}
    ).raise_for_status()
    found = PageReader(http.get("/collections", params={"q": word}, headers=BROWSER).text)
    assert found.cards == [str(http.base_url.join(f"/collections/{collection}"))]
    assert word in found.text
    assert PageReader(http.get("/collections", params={"q": f"un{word}"}, headers=BROWSER).text).cards == []


def test_pages_of_images_follow_one_another(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    add_items(*({"datetime": f"2024-01-01T00:{n:02}:00Z"} for n in range(30)))
    seen: list[str] = []
    url: str | None = f"/collections/{collection}/items?f=html"
    pages = 0
    while url is not None:
        found = PageReader(http.get(url).text)
        seen += found.cards
        pages += 1
        url = next((link for link in found.links if "token=next" in link), None)
    assert pages == 2
    assert len(set(seen)) == len(seen) == 30
    assert all(link.endswith("?f=html") for link in seen)


def test_files_of_the_pages_are_kept_for_a_year(http: httpx.Client, filled: str) -> None:
    loaded = PageReader(http.get(f"/collections/{filled}", headers=BROWSER).text).loaded
    files = [url for url in loaded if "/pages/" in url]
    assert {url.rpartition("/")[2] for url in files} >= {"leaflet.js", "leaflet.css", "map.js", "page.css"}
    for url in files:
        assert "immutable" in http.get(url).headers["Cache-Control"]
    version = files[0].split("/")[-2]
    assert http.get(f"/pages/{version}/images/layers.png").headers["Content-Type"] == "image/png"
    for path in (f"/pages/0{version}/page.css", f"/pages/{version}/client.py", f"/pages/{version}/map"):
        assert http.get(path).status_code == 404


def test_the_openapi_describes_the_form(http: httpx.Client) -> None:
    document = http.get("/api").json()
    for path in ("/", "/collections", "/collections/{collection_id}", "/collections/{collection_id}/items"):
        operation = document["paths"][path]["get"]
        assert [one for one in operation["parameters"] if one["name"] == "f"]
        assert {"application/json", "text/html"} & operation["responses"]["200"]["content"].keys() >= {
            "text/html"
        }


def test_a_collection_of_another_program_has_a_page(http: httpx.Client, collection: str) -> None:
    document = {
        **stac_collection(f"{collection}-other"),
        "license": "various",
        "providers": [{"name": "Somebody", "roles": ["producer", "host"], "url": "https://somebody.test"}],
        "bands": [],
        "item_assets": {"B04": {"bands": [{"name": "B04", "eo:common_name": "red"}]}},
        "extent": {
            "spatial": {"bbox": [[170, -50, -170, -30]]},
            "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]},
        },
    }
    http.post("/collections", json=document).raise_for_status()
    text = PageReader(http.get(f"/collections/{collection}-other", headers=BROWSER).text).text
    for shown in (
        "Somebody (producer, host)",
        "B04",
        "2015-01-01 to now",
        "170° E to 170° W",
        "There are no images",
    ):
        assert shown in text
