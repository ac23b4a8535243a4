"""Nothing of the server's own files comes out by a path, a link or an item, whoever asks."""

from __future__ import annotations

import contextlib
import functools
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from support.wait import wait_until

from ..conftest import stac_collection, stac_item  # noqa: TID252
from .conftest import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANARY = b"root:x:0:0: the canary"


@pytest.fixture
def store(service: Any) -> Path:
    folder: Path = service.store
    return folder


@pytest.fixture
def canary(store: Path) -> Iterator[Path]:
    """A file beside the store, and one in the part of it that is not served."""
    beside, inside = store.parent / "canary.txt", store / "uploads" / "canary.txt"
    kept = store / "images" / "acme:p" / "kept.txt"
    for path, content in ((beside, CANARY), (inside, CANARY), (kept, b"keeps its folder")):
        wait_until(functools.partial(is_written, path, content))
    yield beside
    for path in (beside, inside, kept):
        path.unlink()


def is_written(path: Path, content: bytes) -> bool:
    """Write a file; return False if the service removes its folder, which is empty, at the same time."""
    with contextlib.suppress(FileNotFoundError):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.write_bytes(content) > 0
    return False


def asked(service: Any, method: str, path: str) -> httpx.Response:
    """A request with the path as it is, which httpx would tidy up."""
    with httpx.Client(headers={"Authorization": f"Bearer {OPERATOR}"}) as client:
        request = client.build_request(method, service.url)
        request.url = request.url.copy_with(raw_path=path.encode())
        return client.send(request)


PATHS = {
    "dots": "images/../../canary.txt",
    "dots inside": "images/acme:p/../../uploads/canary.txt",
    "encoded dots": "images/%2e%2e/%2e%2e/canary.txt",
    "mixed dots": "images/.%2e/%2E./canary.txt",
    "twice encoded dots": "images/%252e%252e/%252e%252e/canary.txt",
    "encoded slashes": "images%2f..%2f..%2fcanary.txt",
    "twice encoded slashes": "images%252f..%252f..%252fcanary.txt",
    "backslashes": "images\\..\\..\\canary.txt",
    "encoded backslashes": "images%5c..%5c..%5ccanary.txt",
    "overlong dots": "images/%c0%ae%c0%ae/%c0%ae%c0%ae/canary.txt",
    "absolute": "/etc/passwd",
    "absolute inside": "images//etc/passwd",
    "encoded absolute": "%2fetc%2fpasswd",
    "encoded absolute inside": "images/%2fetc/passwd",
    "not served": "uploads/canary.txt",
    "NUL": "images/acme:p/%00",
    "NUL at the end": "../canary.txt%00.tif",
    "newline": "images/acme:p/%0a",
    "a folder": "images/acme:p",
    "the root": "",
    "a URL": "file:///etc/passwd",
    "very long": "images/" + "a/" * 2000 + "b",
    "a long name": "images/" + "a" * 5000,
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", PATHS)
def test_no_path_leads_out_of_what_is_served(service: Any, canary: Path, method: str, name: str) -> None:
    answer = asked(service, method, f"/assets/{PATHS[name]}")
    assert answer.status_code in (400, 404), answer.text
    assert CANARY not in answer.content
    assert str(canary.parent) not in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", ["file", "folder", "loop", "relative"])
def test_a_link_in_the_stores_folder_is_not_followed_out_of_it(
    service: Any, store: Path, canary: Path, method: str, target: str
) -> None:
    link = store / "images" / "acme:p" / f"link-{uuid.uuid4().hex}"
    places = {"file": canary, "folder": canary.parent, "loop": link, "relative": "../../../canary.txt"}
    link.symlink_to(places[target])
    path = link.relative_to(store).as_posix() + ("/canary.txt" if target == "folder" else "")
    try:
        answer = asked(service, method, f"/assets/{path}")
        assert answer.status_code == 404, answer.text
        assert CANARY not in answer.content
    finally:
        link.unlink()


def test_a_file_that_is_there_is_served(service: Any, store: Path, canary: Path) -> None:
    """So that the tests above are of what they say."""
    (store / "images" / "acme:p" / "there.txt").write_bytes(CANARY)
    answer = asked(service, "GET", "/assets/images/acme:p/there.txt")
    assert (answer.status_code, answer.content) == (200, CANARY)


@pytest.fixture
def http(service: Any) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    with httpx.Client(base_url=service.url, headers=headers) as client:
        yield client


@pytest.fixture
def collection(http: httpx.Client) -> str:
    name = f"acme:h-{uuid.uuid4().hex[:8]}"
    http.post("/collections", json=stac_collection(name)).raise_for_status()
    return name


HREFS = [
    "file:///etc/passwd", "/etc/passwd", "/vsicurl/http://x/y", "http://127.0.0.1/x", "http://[::1]/x",
    "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/x.tif", "/assets/../../canary.txt",
    "/assets/images/%2e%2e/%2e%2e/canary.txt", "/assets/uploads/canary.txt",
]  # fmt: skip


@pytest.mark.parametrize("href", HREFS)
def test_no_way_of_writing_takes_an_href_of_a_machine(http: httpx.Client, collection: str, href: str) -> None:
    bad, good = stac_item(collection, "bad"), stac_item(collection, "good")
    bad["assets"] = {"data": {"href": href}}
    good["assets"] = {"data": {"href": "https://example.org/x.tif"}}
    items = f"/collections/{collection}/items"
    http.post(items, json=good).raise_for_status()
    pointing = {**good, "assets": bad["assets"]}
    operation = {"op": "replace", "path": "/assets/data/href", "value": href}
    linked = stac_collection(f"{collection}-2", links=[{"rel": "via", "href": href}])
    writes = [
        http.post(items, json=bad),
        http.post(items, json={"type": "FeatureCollection", "features": [bad]}),
        http.post(f"/collections/{collection}/bulk_items", json={"items": {"bad": bad}}),
        http.put(f"{items}/good", json=pointing),
        http.patch(f"{items}/good", json={"assets": bad["assets"]}),
        http.patch(
            f"{items}/good", json=[operation], headers={"Content-Type": "application/json-patch+json"}
        ),
        http.post("/collections", json=linked),
        http.patch(f"/collections/{collection}", json={"assets": {"thumbnail": {"href": href}}}),
        http.post("/uploads", json={"item": bad, "files": [{"name": "x.tif", "size": 1}]}),
    ]
    assert [answer.status_code for answer in writes] == [400] * len(writes)
    assert all("href" in answer.text for answer in writes)
    found = http.get(items).json()["features"]
    assert [item["id"] for item in found] == ["good"]
    assert found[0]["assets"]["data"]["href"] == "https://example.org/x.tif"


def test_an_operator_may_allow_what_hrefs_begin_with(
    serve: Any, service: Any, http: httpx.Client, collection: str
) -> None:
    item = stac_item(collection, "local")
    item["assets"] = {"data": {"href": "file:///data/x.tif"}}
    with serve(service, allowed_hrefs=["file:///data/"], worker=False) as running:
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        answer = httpx.post(f"{running.url}/collections/{collection}/items", json=item, headers=headers)
        assert answer.status_code == 201, answer.text
    # Where it is no longer allowed, what is there stays, and can be changed otherwise.
    path = f"/collections/{collection}/items/local"
    changed = http.patch(path, json={"properties": {"eo:cloud_cover": 3}})
    assert changed.status_code == 200, changed.text
