"""Entity tags of collections and items, and writes and reads on condition of them (RFC 9110, section 13)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.conftest import stac_collection, stac_item
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(params=["collection", "item", "blob"])
def path(request: pytest.FixtureRequest, http: httpx.Client, collection: str) -> str:
    """The path of a fresh document of each kind."""
    if request.param == "collection":
        return f"/collections/{collection}"
    if request.param == "blob":
        item = stac_item("blobs:data", ids.blob_item_id("local", collection))
        made = http.post(
            "/blobs", json={"item": {**item, "properties": {"datetime": "2024-01-01T00:00:00Z"}}}
        )
        assert made.status_code == 201, made.text
        stored = http.put(made.json()["url"], content=b"data").json()
        return f"/collections/{stored['collection']}/items/{stored['id']}"
    http.post(f"/collections/{collection}/items", json=stac_item(collection, "one")).raise_for_status()
    return f"/collections/{collection}/items/one"


def tag(http: httpx.Client, path: str) -> str:
    return str(http.get(path).headers["ETag"])


def retitled(path: str, title: str) -> dict[str, Any]:
    return {"properties": {"description": title}} if "/items/" in path else {"description": title}


def test_a_tag_is_strong_and_stays_while_nothing_changes(http: httpx.Client, path: str) -> None:
    assert re.fullmatch(r'"[0-9a-f]+(-br)?"', tag(http, path))
    assert tag(http, path) == tag(http, path)


def test_a_compressed_answer_has_a_tag_of_its_own(http: httpx.Client, path: str) -> None:
    plain = http.get(path, headers={"Accept-Encoding": "identity"})
    packed = http.get(path, headers={"Accept-Encoding": "br"})
    if packed.headers.get("Content-Encoding") != "br":
        pytest.skip("it is too small to be compressed")
    assert packed.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-br"'
    assert http.get(path, headers={"If-None-Match": packed.headers["ETag"]}).status_code == 304
    answer = http.patch(path, json=retitled(path, "x"), headers={"If-Match": packed.headers["ETag"]})
    assert answer.status_code == 200


def test_a_known_entity_tag_gives_304(http: httpx.Client, path: str) -> None:
    known = tag(http, path)
    for header in (known, f"W/{known}", f'"other", {known}', f'W/"x",W/{known}', "*"):
        for method in ("GET", "HEAD"):
            answer = http.request(method, path, headers={"If-None-Match": header})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["ETag"].startswith(known[:-4])
    for header in ('"other"', 'W/"other"', known[1:-1], ""):
        assert http.get(path, headers={"If-None-Match": header}).status_code == 200


def test_answers_to_writes_have_the_tag_that_is_read_next(http: httpx.Client, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    document = http.get(path).json()
    whole = document if "/items/" in path else {**document, "title": "b"}
    for method, body in (("PATCH", retitled(path, "a")), ("PUT", whole)):
        answer = http.request(method, path, json=body, headers=plain)
        assert answer.status_code == 200, answer.text
        assert answer.headers["ETag"] == http.get(path, headers=plain).headers["ETag"]


def test_answers_to_a_post_have_the_tag_that_is_read_next(http: httpx.Client, collection: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    for where, body in (
        ("/collections", stac_collection(f"{collection}-new")),
        (f"/collections/{collection}/items", stac_item(collection, "new")),
    ):
        made = http.post(where, json=body, headers=plain)
        assert made.status_code == 201
        assert made.headers["ETag"] == http.get(made.headers["Location"], headers=plain).headers["ETag"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_is_refused_if_the_document_has_changed(http: httpx.Client, path: str, method: str) -> None:
    old, document = tag(http, path), http.get(path).json()
    http.patch(path, json=retitled(path, "changed")).raise_for_status()
    body = {"PUT": document, "PATCH": retitled(path, "mine"), "DELETE": None}[method]
    for header in (
        {"If-Match": old},
        {"If-Match": f"W/{tag(http, path)}"},
        {"If-Match": ""},
        {"If-None-Match": "*"},
    ):
        answer = http.request(method, path, json=body, headers=header)
        assert answer.status_code == 412, (header, answer.text)
        assert answer.headers["ETag"] == tag(http, path).replace("-br", "")
    now = http.get(path).json()
    assert now.get("properties", now)["description"] == "changed"
    if method == "DELETE" and "/items/" not in path:
        http.patch(path, json={"bands": []}).raise_for_status()
    current = tag(http, path)
    answer = http.request(method, path, json=body, headers={"If-Match": f'"other", {current}'})
    assert answer.is_success, answer.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_any_version_that_is_there_will_do_for_a_star(http: httpx.Client, path: str, method: str) -> None:
    document = http.get(path).json()
    if method == "DELETE" and "/items/" not in path:
        http.patch(path, json={"bands": []}).raise_for_status()
    body = {"PUT": document, "PATCH": retitled(path, "mine"), "DELETE": None}[method]
    assert http.request(method, path, json=body, headers={"If-Match": "*"}).is_success
    assert http.request(method, f"{path}-missing", json=body, headers={"If-Match": "*"}).status_code == 404


def test_of_writers_at_once_with_one_tag_one_writes(http: httpx.Client, path: str) -> None:
    for _ in range(3):
        known = tag(http, path)

        def write(number: int, known: str = known) -> int:
            headers = {**http.headers, "If-Match": known}
            with httpx.Client(base_url=http.base_url, headers=headers, timeout=60) as client:
                return client.patch(path, json=retitled(path, f"writer {number}")).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(write, range(8)))
        assert statuses == [200, *[412] * 7]


def test_a_collection_has_another_tag_as_soon_as_its_items_cover_more(
    http: httpx.Client, collection: str
) -> None:
    path = f"/collections/{collection}"
    seen = {tag(http, path)}
    for number in range(3):
        item = stac_item(collection, f"i{number}", corner=(10.0 * number, 5.0))
        http.post(f"{path}/items", json=item).raise_for_status()
        seen.add(tag(http, path))
    http.delete(f"{path}/items/i2").raise_for_status()
    seen.add(tag(http, path))
    assert len(seen) >= 4


_changes = st.lists(
    st.sampled_from(
        [
            ("PATCH", {"properties": {"title": "a"}}),
            ("PATCH", {"properties": {"title": "b"}}),
            ("PATCH", {"properties": {"x:list": [1, None, {"y": 1.5}]}}),
            ("PATCH", {"properties": {"x:list": None}}),
            ("PATCH", [{"op": "add", "path": "/assets/a", "value": {"href": "https://a.example/b.tif"}}]),
            ("bulk", {}),
            ("bands", {}),
        ]
    ),
    min_size=1,
    max_size=5,
)


def test_the_tag_changes_with_the_answer(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    @settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(changes=_changes)
    def check(changes: list[tuple[str, Any]]) -> None:
        body = {"items": {"one": stac_item(collection, "one")}, "method": "upsert"}
        http.post(f"/collections/{collection}/bulk_items", json=body).raise_for_status()
        path, seen = f"/collections/{collection}/items/one", {}
        for number, (method, change) in enumerate([("none", {}), *changes]):
            if method == "PATCH":
                http.patch(path, json=change).raise_for_status()
            elif method == "bulk":
                again = {"one": stac_item(collection, "one", **{"x:number": number})}
                http.post(
                    f"/collections/{collection}/bulk_items", json={"items": again, "method": "upsert"}
                ).raise_for_status()
            elif method == "bands":
                http.patch(f"/collections/{collection}", json={"item_assets": {"a": {"title": str(number)}}})
            answer = http.get(path)
            known = seen.setdefault(answer.headers["ETag"], answer.content)
            assert known == answer.content

    check()
