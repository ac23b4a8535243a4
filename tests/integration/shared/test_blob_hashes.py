"""The MD5 of large blobs comes after them, whatever happens to them, and to the service, until then."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from landbridge.catalog import Blob, CatalogClient
from landbridge.mappings import blob as blob_mapping
from landbridge.stac_api.__main__ import doctor
from landbridge.stac_api.core.settings import Settings

from .conftest import OPERATOR, PEOPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA, OTHER = bytes(range(256)) * 8, bytes(2048)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the size from which checksums are deferred; client and services run in this process."""
    monkeypatch.setattr(blob_mapping, "DEFERRED_HASH_BYTES", 1000)


@pytest.fixture(scope="module")
def idle(serve: Any) -> Iterator[Any]:
    """A service whose jobs nobody runs."""
    with serve(worker=False) as running:
        yield running


@pytest.fixture
def client(idle: Any) -> Iterator[CatalogClient]:
    made = idle.client(PEOPLE["ann"])
    yield made
    made.close()


@pytest.fixture
def new(client: CatalogClient) -> Callable[..., Blob]:
    return lambda **known: Blob(**{"name": uuid.uuid4().hex, "client": client, **known})


@pytest.fixture
def work(idle: Any, serve: Any) -> Any:
    """A worker as long as it is entered."""
    return lambda **options: serve(beside=idle, alone=True, **options)


@pytest.fixture
def http(idle: Any) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    with httpx.Client(base_url=idle.url, headers=headers, timeout=60) as made:
        yield made


def place(blob: Blob) -> str:
    return f"/blobs/data/{blob_mapping.to_stac({'id': blob.id})['id']}"


def answer(http: httpx.Client, blob: Blob, wait: float = 0) -> Any:
    return http.get(f"{place(blob)}/hash", params={"wait": wait}).raise_for_status().json()


def hash_due(idle: Any, change: str = "") -> int:
    """Return the number of checksums that are due after a statement."""
    with psycopg.connect(
        idle.database, autocommit=True, options="-c search_path=procrastinate,public"
    ) as conn:
        if change:
            conn.execute(change)
        return conn.execute("SELECT count(*) FROM landbridge.blob_uploads WHERE hash_due").fetchone()[0]


def stuck(idle: Any, **options: Any) -> list[str]:
    settings = Settings(
        database_url=idle.database, store_url=idle.store.as_uri(), token=OPERATOR, worker=False
    )
    return [one.subject for one in asyncio.run(doctor(settings, late=0.0, **options)) if one.kind == "stuck"]


def test_a_large_blob_is_there_before_its_hash(new, http, work):
    blob = new().upload_data(DATA)
    assert (blob.state, blob.size_bytes, blob.storage_state) == ("saved", len(DATA), "available")
    assert blob._read(Blob.hash) is None
    assert blob.data() == DATA
    assert blob.data(range=(5, 9)) == DATA[5:10]
    assert answer(http, blob) == {"hash": None, "pending": True}
    before = blob.modified
    with work():
        assert blob.hash == md5(DATA)
    assert answer(http, blob) == {"hash": md5(DATA), "pending": False}
    again = Blob.get(blob.id, client=blob._client)
    assert again == blob
    assert again.modified == before
    assert (blob.data(), again.data()) == (DATA, DATA)


def test_an_entity_tag_seen_before_the_hash_is_good_after_it(new, http, work):
    blob = new().upload_data(DATA)
    seen = http.head(f"{place(blob)}/data").headers["ETag"]
    assert md5(DATA) not in seen
    assert http.get(f"{place(blob)}/data", headers={"If-Match": f'"{md5(DATA)}"'}).status_code == 412
    with work():
        assert blob.hash == md5(DATA)
    assert http.head(f"{place(blob)}/data").headers["ETag"] == f'"{md5(DATA)}"'
    for tag in (seen, f'"{md5(DATA)}"'):
        ranged = {"Range": "bytes=10-", "If-Range": tag, "If-Match": tag}
        answered = http.get(f"{place(blob)}/data", headers=ranged)
        assert (answered.status_code, answered.content) == (206, DATA[10:])
        assert http.get(f"{place(blob)}/data", headers={"If-None-Match": tag}).status_code == 304
    assert http.get(f"{place(blob)}/data", headers={"If-Match": '"other"'}).status_code == 412


def test_a_hash_that_was_given_is_compared_at_once(new, idle):
    due = hash_due(idle)
    assert new(hash=md5(DATA)).upload_data(DATA)._read(Blob.hash) == md5(DATA)
    before = {path for path in idle.store.rglob("*") if path.is_file()}
    with pytest.raises(Exception, match="hash is"):
        new(hash=md5(OTHER)).upload_data(DATA)
    assert {path for path in idle.store.rglob("*") if path.is_file()} == before
    assert hash_due(idle) == due


def test_a_blob_that_is_gone_or_made_anew_before_its_hash_is_left_alone(new, idle, http, work):
    gone, changed = new().upload_data(DATA), new().upload_data(DATA)
    deletions = [gone.delete(), changed.delete()]
    anew = new(name=changed.name).upload_data(OTHER)
    assert anew.id == changed.id
    with pytest.raises(Exception, match="entity tag"):
        Blob._from_record(changed._record, changed._client).data()
    with work():
        assert anew.hash == md5(OTHER)
        for deletion in deletions:
            deletion.wait_for_completion()
    assert http.get(f"{place(gone)}/hash").status_code == 404
    assert hash_due(idle) == 0
    assert anew.data() == OTHER


def test_what_others_write_meanwhile_stays_and_takes_nothing_away(new, http, work):
    blob = new().upload_data(DATA)
    item = f"/collections/blobs:data/items/{place(blob).rpartition('/')[2]}"
    early = http.get(item).json()
    forged = {"assets": {"data": {"file:checksum": "d50110" + md5(OTHER)}}}
    assert http.patch(item, json=forged).status_code == 400
    blob.tags = ["mine"]
    blob.save()
    with work():
        assert blob.hash == md5(DATA)
    assert list(Blob.get(blob.id, client=blob._client).tags) == ["mine"]
    early["properties"]["keywords"] = ["late"]
    assert http.put(item, json=early).status_code == 200
    assert Blob.get(blob.id, client=blob._client).hash == md5(DATA)
    assert list(Blob.get(blob.id, client=blob._client).tags) == ["late"]


def test_a_hash_whose_job_was_never_queued_comes_all_the_same(new, idle, work):
    """As a request leaves it that dies between its record and its job."""
    blob = new().upload_data(DATA)
    name = f"blobs:data/{place(blob).rpartition('/')[2]}"
    assert not [subject for subject in stuck(idle) if name in subject]
    hash_due(idle, "DELETE FROM procrastinate_jobs WHERE task_name = 'blob_hash'")
    assert [subject for subject in stuck(idle) if name in subject]
    with work():
        assert blob.hash == md5(DATA)
    other = new().upload_data(DATA)
    hash_due(idle, "DELETE FROM procrastinate_jobs WHERE task_name = 'blob_hash'")
    assert not stuck(idle, repair=True)
    with work():
        assert other.hash == md5(DATA)


def test_the_sweeper_keeps_what_a_hash_is_due_for(new, idle, work):
    blob = new().upload_data(DATA)
    hash_due(idle, "UPDATE landbridge.blob_uploads SET modified = now() - interval '2 days'")
    # Of one worker that does one thing at a time, the sweeper's turn is first.
    columns, values = "task_name, queue_name, priority, args", """'sweep', 'default', 9, '{"timestamp": 0}'"""
    hash_due(idle, f"INSERT INTO procrastinate_jobs ({columns}) VALUES ({values})")
    with work(worker_concurrency=1):
        assert blob.hash == md5(DATA)
    assert blob.data() == DATA


def test_lost_data_has_no_hash_and_no_pending_job(new, idle, http, work):
    blob = new().upload_data(DATA)
    (idle.store / blob.href.split("/assets/")[1]).unlink()
    with work():
        assert answer(http, blob, wait=50) == {"hash": None, "pending": False}
    assert blob.hash is None
