"""The hash of a blob, which the service may compute after the upload: reading it waits."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from landbridge.auth import Auth
from landbridge.catalog import Blob, CatalogClient
from landbridge.catalog.stac import blobs
from landbridge.mappings import blob as blob_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.scripted_server import ScriptedServer

MD5 = "0123456789abcdef" * 2
LARGE = blob_mapping.DEFERRED_HASH_BYTES + 1
HREF = "http://127.0.0.1/assets/blobs/data/one/data"
PENDING = {"hash": None, "pending": True}


@pytest.fixture
def asked(service: ScriptedServer) -> Iterator[CatalogClient]:
    made = CatalogClient(service.url, auth=Auth(user="local", org="local"), retries=0)
    yield made
    made.close()


@pytest.fixture
def uploaded(asked: CatalogClient) -> Callable[..., Blob]:
    """A blob as an upload returns it."""

    def make(**attributes: Any) -> Blob:
        known = {"storage_type": "data", "namespace": "local:local", "name": "b", "size_bytes": LARGE}
        return Blob._from_record(blob_mapping.to_stac({**known, "href": HREF, **attributes}), asked)

    return make


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "_PAUSE", 0.01)


def answering(service: ScriptedServer, *documents: Any, status: int = 200) -> None:
    service.answers += [(status, {}, document) for document in documents]


def test_a_hash_on_its_way_is_waited_for_once(service, uploaded):
    answering(service, PENDING, {"hash": MD5, "pending": False})
    blob = uploaded()
    assert blob.hash == MD5
    assert blob.hash == MD5
    assert [path.partition("?")[0] for _, path, _, _ in service.seen] == [
        f"/blobs/data/{blob_mapping.to_stac({'id': blob.id})['id']}/hash"
    ] * 2
    assert all("wait=" in path for _, path, _, _ in service.seen)
    assert (blob.state, blob.is_modified) == ("saved", False)
    assert blob.serialize()["hash"] == MD5
    assert blob == uploaded(hash=MD5)


@pytest.mark.parametrize(
    ("status", "document"),
    [(200, {"hash": None, "pending": False}), (404, {"code": "NotFoundError", "description": "no"})],
)
def test_a_service_that_works_nothing_out_is_asked_and_not_waited_for(service, uploaded, status, document):
    answering(service, document, status=status)
    assert uploaded().hash is None
    assert len(service.seen) == 1


def test_a_service_without_a_worker_is_not_waited_for_without_end(service, uploaded, monkeypatch):
    monkeypatch.setattr(blobs, "_BASE_TIMEOUT", 1)
    monkeypatch.setattr(blobs, "_MIN_THROUGHPUT", LARGE * 10)
    answering(service, *[PENDING] * 1000)
    assert uploaded().hash is None
    assert 1 < len(service.seen) < 1000


def test_nothing_else_asks_for_the_hash(service, uploaded):
    blob = uploaded()
    assert blob == uploaded()
    assert "hash" not in blob.serialize()
    assert "b" in repr(blob)
    assert not blob.is_modified
    blob.description = "new"
    assert blob.is_modified
    assert copy.copy(blob) == blob
    assert service.seen == []


@pytest.mark.parametrize("attributes", [{"size_bytes": LARGE - 1}, {"size_bytes": None}, {"hash": MD5}])
def test_the_hash_of_small_or_hashed_data_is_not_requested(service, uploaded, attributes):
    assert uploaded(**attributes).hash == attributes.get("hash")
    assert service.seen == []


def test_a_blob_that_is_not_saved_has_the_hash_that_it_was_given(service, asked, uploaded):
    new = Blob(name="b", size_bytes=LARGE, client=asked)
    assert new.hash is None
    new.hash = MD5
    assert new.hash == MD5
    gone = uploaded()
    gone._deleted = True
    assert gone.hash is None
    taken_away = uploaded()
    taken_away.hash = None
    assert taken_away.hash is None
    assert service.seen == []


@pytest.mark.parametrize(("attributes", "tag"), [({}, "one"), ({"hash": MD5}, MD5)])
def test_data_is_read_of_this_version_of_the_blob(service, uploaded, attributes, tag):
    uploaded(**attributes).data()
    ((_, path, headers, _),) = service.seen
    assert path.endswith("/data")
    assert {name.lower(): value for name, value in headers.items()}["if-match"] == f'"{tag}"'
