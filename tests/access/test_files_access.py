"""Files, uploads and deletions are of those who may read, or write, what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from access.people import BASE, WRITER, Caller, People, alike, share
from integration.conftest import stac_item
from landbridge.stac_api.access.signed_urls import Signer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from access.conftest import Service

READERS = "catalog:readers"


@pytest.fixture
def put(service: Service, tmp_path: Path) -> Callable[[str, str], str]:
    """Put a file of an image into the store; gives its address."""

    def store(product: str, name: str = "one/v1/red.tif") -> str:
        path = f"images/{product}/{name}"
        file = tmp_path / "file"
        file.write_bytes(b"pixels")
        service.run(service.app.state.store.put(path, file))
        return f"{BASE}assets/{path}"

    return store


def test_readers_of_a_product_read_its_files(people: People, product: str, put: Callable[..., str]) -> None:
    for name in ("one/v1/red.tif", "one/v1/thumbnail.png"):
        url = put(product, name)
        for caller in (people.owner, people.writer, people.reader, people.operator):
            answer = caller("GET", url)
            assert (answer.status_code, answer.content) == (200, b"pixels")
            assert answer.headers["Cache-Control"].startswith("private")
            assert caller("HEAD", url).status_code == 200
        for outsider in people.outsiders:
            for method in ("GET", "HEAD"):
                assert outsider(method, url, headers={"Range": "bytes=0-1"}).status_code == 404
            answer = alike(outsider, "GET", f"/assets/images/{{id}}/{name}", product)
            assert answer.status_code == 404


def test_only_a_public_file_may_be_kept_by_caches_that_are_shared(
    people: People, put: Callable[..., str]
) -> None:
    url = put(share(people, **{READERS: ["public"]}))
    for caller in (people.anybody, people.stranger):
        answer = caller("GET", url)
        assert (answer.status_code, answer.content) == (200, b"pixels")
        assert answer.headers["Cache-Control"].startswith("public")


@pytest.mark.parametrize(
    "path",
    [
        "images/{own}/../{hidden}/one/v1/red.tif",
        "images/{own}/..%2F{hidden}/one/v1/red.tif",
        "images/{own}/%2e%2e/{hidden}/one/v1/red.tif",
        "images//{hidden}/one/v1/red.tif",
        "images/./{hidden}/one/v1/red.tif",
        "images/{hidden}%2Fone/v1/red.tif",
        "/images/{hidden}/one/v1/red.tif",
    ],
)
def test_no_path_through_a_product_of_ones_own_leads_into_a_hidden_one(
    people: People, product: str, put: Callable[..., str], path: str
) -> None:
    put(product)
    own = share(people, **{READERS: ["user:dan"]})
    put(own)
    answer = people.stranger("GET", "/assets/" + path.format(own=own, hidden=product))
    assert answer.status_code == 404


def test_signed_urls_are_given_to_readers_and_work_for_every_caller(
    people: People, product: str, put: Callable[..., str]
) -> None:
    url = put(product)
    stored = "/assets/" + url.removeprefix(f"{BASE}assets/")
    foreign = "https://example.org/other.tif"
    signed = people.reader.ok("POST", "/assets/signatures", json={"hrefs": [url, foreign, stored]})
    assert signed["hrefs"][1] == foreign
    assert signed["expires"].endswith("Z")
    for one in (signed["hrefs"][0], signed["hrefs"][2]):
        assert one.startswith(f"{url}?expires=")
        answer = people.anybody("GET", one)
        assert (answer.status_code, answer.content) == (200, b"pixels")
        assert answer.headers["Cache-Control"].startswith("private")
        assert people.anybody("HEAD", one).status_code == 200


def test_a_signature_is_for_one_version_of_one_file_and_for_reading(
    people: People, product: str, put: Callable[..., str]
) -> None:
    url, newer = put(product), put(product, "one/v2/red.tif")
    (signed,) = people.reader.ok("POST", "/assets/signatures", json={"hrefs": [url]})["hrefs"]
    query = signed.partition("?")[2]
    assert people.anybody("GET", f"{newer}?{query}").status_code == 404
    assert people.anybody("GET", f"{url}?{query[:-1]}{'0' if query[-1] != '0' else '1'}").status_code == 404
    assert people.anybody("GET", f"{url}?{query.replace('expires=', 'expires=9')}").status_code == 404
    for method in ("PUT", "DELETE", "POST"):
        assert people.anybody(method, signed).status_code == 401
    elsewhere = f"/collections/{product}?{query}"
    assert people.anybody("GET", elsewhere).status_code == 404


def test_a_signature_ends(people: People, product: str, put: Callable[..., str], service: Service) -> None:
    url = put(product)
    path = url.removeprefix(BASE.rstrip("/"))
    signer = Signer(service.app.state.landbridge.token)
    assert people.anybody("GET", url + signer.query("GET", path, 60)).status_code == 200
    assert people.anybody("GET", url + signer.query("GET", path, -1)).status_code == 404
    assert people.anybody("GET", url + signer.query("PUT", path, 60)).status_code == 404


def test_signatures_are_refused_for_what_the_caller_may_not_read(
    people: People, product: str, put: Callable[..., str]
) -> None:
    hidden, mine = put(product), put(share(people, **{READERS: ["user:dan"]}))
    assert people.stranger("POST", "/assets/signatures", json={"hrefs": [mine]}).status_code == 200
    for outsider in people.outsiders:
        answer = outsider("POST", "/assets/signatures", json={"hrefs": [mine, hidden]})
        assert (answer.status_code, "signature=" in answer.text) == (404, False)
        body = {"hrefs": ["/assets/images/{id}/one/v1/red.tif"]}
        assert alike(outsider, "POST", "/assets/signatures", product, json=body).status_code == 404


@pytest.mark.parametrize("body", [{}, [], {"hrefs": "x"}, {"hrefs": [1]}, {"hrefs": ["/assets/x"] * 10_001}])
def test_a_malformed_request_for_signatures_is_refused(people: People, body: Any) -> None:
    assert people.reader("POST", "/assets/signatures", json=body).status_code == 400


def announced(caller: Caller, product: str, size: int = 6) -> dict[str, Any]:
    body = {"item": stac_item(product, "new"), "files": [{"name": "a.tif", "size": size}]}
    found: dict[str, Any] = caller.ok("POST", "/uploads", json=body)
    return found


def test_writers_of_a_product_see_and_continue_its_uploads(people: People, product: str) -> None:
    record = announced(people.writer, product)
    here = f"/uploads/{record['id']}"
    missing = {"code": "NotFound", "description": f"Upload {record['id']} does not exist."}
    for caller in (people.reader, people.stranger):
        for method, path in (
            ("GET", here), ("PUT", f"{here}/files/0"), ("POST", f"{here}/submit"), ("POST", f"{here}/cancel"),
        ):  # fmt: skip
            answer = caller(method, path)
            assert (answer.status_code, answer.json()) == (404, missing), (method, path)
    assert people.anybody("GET", here).json() == missing
    for caller in (people.owner, people.writer, people.operator):
        assert caller.ok("GET", here)["status"] == "transferring"
    assert people.owner("PUT", f"{here}/files/0", content=b"pixels").status_code == 204
    assert people.owner.ok("POST", f"{here}/cancel")["status"] == "canceled"


def test_uploads_are_listed_and_counted_for_writers_of_the_product(people: People, product: str) -> None:
    record = announced(people.owner, product)
    for params in ({}, {"product_id": product}, {"image_id": f"{product}:new"}, {"status": "transferring"}):
        for caller in (people.owner, people.writer, people.operator):
            assert record["id"] in {
                one["id"] for one in caller.ok("GET", "/uploads", params=params)["uploads"]
            }
        for caller in (people.reader, people.stranger, people.anybody):
            found = caller.ok("GET", "/uploads", params=params)
            assert (found["uploads"], found["numberMatched"]) == ([], 0)


def test_a_url_that_is_signed_for_a_file_of_an_upload_needs_nothing_else(
    people: People, product: str
) -> None:
    record, other = announced(people.writer, product), announced(people.writer, product)
    (url,), (second,) = record["resumable_urls"], other["resumable_urls"]
    moved = second.partition("?")[0] + "?" + url.partition("?")[2]
    assert people.anybody("PUT", moved, content=b"pixels").status_code == 401
    assert people.anybody("PUT", url, content=b"pixels").status_code == 204


def test_a_former_writer_does_not_see_the_upload(people: People, product: str) -> None:
    record = announced(people.writer, product)
    people.owner.ok("PATCH", f"/collections/{product}", json={"catalog:writers": []})
    assert people.writer("GET", f"/uploads/{record['id']}").status_code == 404
    assert people.writer("POST", f"/uploads/{record['id']}/submit").status_code == 404
    assert people.owner.ok("GET", f"/uploads/{record['id']}")["user"] == WRITER.user


def test_an_upload_to_a_hidden_product_is_one_to_none(people: People, product: str) -> None:
    body = {"item": stac_item("{id}", "one"), "files": [{"name": "a.tif", "size": 1}]}
    assert alike(people.stranger, "POST", "/uploads", product, json=body).status_code == 404
    assert (
        people.reader("POST", "/uploads", json={**body, "item": stac_item(product, "x")}).status_code == 403
    )


def test_a_deletion_is_begun_by_writers_and_seen_by_readers(
    people: People, product: str, database: str
) -> None:
    path = f"/collections/{product}/deletion"
    assert people.reader("POST", path).status_code == 403
    assert people.reader.ok("GET", path)["status"] == "NONE"
    for outsider in people.outsiders:
        assert alike(outsider, "GET", "/collections/{id}/deletion", product).status_code == 404
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO landbridge.deletions (product_id) VALUES (%s)", (product,))
    assert people.stranger("POST", path).status_code == 404
    assert people.writer("POST", path).status_code == 409
    assert people.reader.ok("GET", path)["status"] == "RUNNING"
