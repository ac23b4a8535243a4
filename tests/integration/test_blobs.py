"""Blobs in the object API on a running stack (semantics section 11, and other sections about blobs)."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import threading
import tracemalloc
import uuid
from concurrent.futures import TimeoutError as FuturesTimeoutError
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from shapely.geometry import mapping

from landbridge.catalog import (
    Blob,
    BlobCollection,
    BlobDeletionTaskStatus,
    CatalogClient,
    DeletedObjectError,
    Product,
    StorageType,
)
from landbridge.catalog import properties as p
from landbridge.exceptions import (
    BadRequestError,
    ClientError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from landbridge.stac_api.embedded import stack as embedded

_numbers = itertools.count(1)
TEXT = b"first line\nsecond line\r\nlast"
GEOMETRIES = {
    "Point": shapely.Point(1, 2),
    "MultiPoint": shapely.MultiPoint([(1, 2), (3, 4)]),
    "LineString": shapely.LineString([(1, 2), (3, 4)]),
    "MultiLineString": shapely.MultiLineString([[(1, 2), (3, 4)], [(5, 6), (7, 8)]]),
    "Polygon": shapely.box(1, 2, 3, 4),
    "MultiPolygon": shapely.MultiPolygon([shapely.box(1, 2, 3, 4), shapely.box(5, 6, 7, 8)]),
    "GeometryCollection": shapely.GeometryCollection([shapely.Point(1, 2), shapely.box(1, 2, 3, 4)]),
}


@pytest.fixture(autouse=True)
def client(stack: embedded.Stack) -> Iterator[CatalogClient]:
    """Default client, which finds the running stack by its state file."""
    CatalogClient.clear_all_default_clients()
    made = CatalogClient.get_default_client()
    yield made
    made.close()
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def namespace() -> str:
    return f"local:{uuid.uuid4().hex}"


@pytest.fixture
def new(namespace: str) -> Callable[..., Blob]:
    """Unsaved blob in a namespace of the test's own."""

    def make(**attributes: Any) -> Blob:
        return Blob(**{"namespace": namespace, "name": f"blob/{next(_numbers)}", **attributes})

    return make


@pytest.fixture
def text(new: Callable[..., Blob]) -> Blob:
    """Saved blob of a few lines."""
    return new().upload_data(TEXT)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


# Uploading data
def test_an_upload_gives_the_blob_saved_and_complete_3_5_11_1_14_1(new, namespace):
    blob = new(name="some/näme, é".replace(",", ";"), tags=["t"], description="d", extra_properties={"a": 1})
    assert blob.id is None
    assert blob.upload_data("text é") is blob
    assert blob.state == "saved"
    assert blob.id == f"data/{namespace}/some/näme; é"
    assert (blob.storage_type, blob.storage_state, blob.namespace) == ("data", "available", namespace)
    assert blob.size_bytes == 7
    assert blob.hash == md5("text é".encode())
    assert (list(blob.tags), blob.description, dict(blob.extra_properties)) == (["t"], "d", {"a": 1})
    assert blob.created.tzinfo is not None
    assert blob.geometry is None
    assert list(blob.owners) == ["user:local", "org:local"]
    assert blob.user_is_owner()
    assert Blob.get(blob.id) == blob
    assert Blob.get(name=blob.name, namespace=namespace) == blob


def test_the_default_namespace_is_the_users_own_3_5_13_3():
    name = uuid.uuid4().hex
    blob = Blob(name=name).upload_data("x")
    assert blob.namespace == Blob.namespace_id(None)
    assert Blob.get(name=name).id == blob.id
    assert Blob.get_data(name=name) == b"x"
    blob.delete()


def test_a_file_is_sent_by_path_or_opened_11_1(new, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    assert new().upload(str(path)).data() == TEXT
    with path.open("rb") as file:
        assert new().upload(file).data() == TEXT
        assert not file.closed
        file.seek(6)
        assert new().upload(file).data() == TEXT[6:]
    assert new().upload(io.BytesIO(TEXT)).data() == TEXT
    assert new().upload_data(io.BytesIO(TEXT)).data() == TEXT
    assert new().upload_data(b"").data() == b""


def test_an_existing_id_is_an_error_11_1(text):
    again = Blob(name=text.name, namespace=text.namespace)
    with pytest.raises(ConflictError, match="exists already"):
        again.upload_data("other")
    assert again.state == "unsaved"
    assert text.data() == TEXT
    with pytest.raises(ValueError, match="saved"):
        text.upload_data("other")


@pytest.mark.parametrize(
    "known", [{"size_bytes": 1}, {"size_bytes": 10**9}, {"hash": md5(b"x")}, {"hash": "no md5"}]
)
def test_data_other_than_announced_fails_and_leaves_nothing_11_2(new, known):
    blob = new(**known)
    with pytest.raises(BadRequestError, match=next(iter(known))):
        blob.upload_data(TEXT)
    assert blob.state == "unsaved"
    assert Blob.get(name=blob.name, namespace=blob.namespace) is None
    # The right data can be uploaded afterwards.
    assert Blob(name=blob.name, namespace=blob.namespace).upload_data(TEXT).data() == TEXT


def test_data_as_announced_is_accepted_11_2_14_10(new):
    assert new(size_bytes=len(TEXT), hash=md5(TEXT)).upload_data(TEXT).data() == TEXT


@pytest.mark.parametrize("kind", [StorageType.COMPUTE, StorageType.LOGS])
def test_read_only_types_are_refused_11_6_13_6(new, kind):
    with pytest.raises(ForbiddenError, match="read-only"):
        new(storage_type=kind).upload_data("x")


def test_dynamic_compute_may_be_written_11_6_13_6(new):
    blob = new(storage_type=StorageType.DYNCOMP).upload_data("x")
    assert blob.id.startswith("dyncomp/")
    assert Blob.get_data(blob.id) == b"x"


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_every_geometry_comes_back_14_8(new, kind):
    blob = new(geometry=GEOMETRIES[kind]).upload_data("x")
    assert mapping(Blob.get(blob.id).geometry) == mapping(GEOMETRIES[kind])


def test_a_save_changes_metadata_only_11_6(text):
    before = text.modified
    text.description, text.tags, text.geometry = "new", ["a"], shapely.Point(1, 2)
    text.save()
    assert text.state == "saved"
    found = Blob.get(text.id)
    assert (found.description, list(found.tags), found.geometry) == ("new", ["a"], shapely.Point(1, 2))
    assert found.modified > before
    assert found.data() == TEXT
    found.geometry = None
    found.save()
    assert Blob.get(text.id).geometry is None
    for name, value in (("size_bytes", 1), ("hash", md5(b"")), ("href", "http://x/"), ("name", "other")):
        changed = Blob.get(text.id)
        setattr(changed, name, value)
        with pytest.raises(BadRequestError):
            changed.save()
    assert text.data() == TEXT


# Reading data
def test_data_is_read_whole_in_chunks_in_lines_and_to_files_11_3(text, tmp_path):
    assert text.data() == TEXT
    pieces = list(text.iter_data(chunk_size=5))
    assert b"".join(pieces) == TEXT
    assert [len(piece) for piece in pieces[:-1]] == [5] * (len(pieces) - 1)
    assert b"".join(text.iter_data()) == TEXT
    assert list(text.iter_lines()) == [b"first line", b"second line", b"last"]
    assert list(text.iter_lines(decode_unicode=True)) == ["first line", "second line", "last"]
    assert list(text.iter_lines(delimiter=b"line")) == [b"first ", b"\nsecond ", b"\r\nlast"]
    path = str(tmp_path / "x")
    assert text.download(path) == path
    with (tmp_path / "x").open("rb") as file:
        assert file.read() == TEXT
    with (tmp_path / "y").open("wb") as file:
        assert text.download(file, range=(0, 4)) == file.name
    assert (tmp_path / "y").read_bytes() == TEXT[:5]
    target = io.BytesIO()
    text.download(target)
    assert target.getvalue() == TEXT


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("bytes=0-4", TEXT[:5]),
        ("bytes=-4", TEXT[-4:]),
        ((6, 9), TEXT[6:10]),
        ([6, 10**6], TEXT[6:]),
        ((-4,), TEXT[-4:]),
        ((6,), TEXT[6:]),
        ((0,), TEXT),
    ],
)
def test_every_range_of_data_11_4(text, given, expected, tmp_path):
    assert text.data(range=given) == expected
    assert b"".join(text.iter_data(range=given)) == expected
    assert Blob.get_data(text.id, range=given) == expected
    assert Blob.get_data(name=text.name, namespace=text.namespace, range=given) == expected
    text.download(str(tmp_path / "x"), range=given)
    assert (tmp_path / "x").read_bytes() == expected


def test_a_range_beyond_the_data_is_refused_11_4(text):
    with pytest.raises(ClientError):
        text.data(range=(10**6, 10**7))


def test_data_without_the_blob_11_3_3_6(text):
    assert Blob.get_data(text.id) == TEXT
    pieces = Blob.get_data(text.id, stream=True, chunk_size=7)
    assert next(pieces) == TEXT[:7]
    assert b"".join(pieces) == TEXT[7:]
    for missing in ("data/local:x/none", "nonsense"):
        with pytest.raises(NotFoundError, match=missing):
            Blob.get_data(missing)


def test_only_a_saved_blob_has_data_11_3(text):
    text.description = "changed"
    with pytest.raises(ValueError, match="modified"):
        text.data()


def test_data_of_an_earlier_blob_is_not_mistaken_for_its_data_11_2(text):
    Blob.delete(text.id)
    Blob(name=text.name, namespace=text.namespace).upload_data("other")
    with pytest.raises(ClientError):
        text.data()
    text.reload()
    assert text.data() == b"other"


def test_an_interrupted_download_is_continued(new, client, monkeypatch):
    import httpx

    data = bytes(range(256)) * 20_000
    blob = new().upload_data(data)
    original, broken = httpx.Response.iter_bytes, []

    def breaking(self, size=None):
        for number, chunk in enumerate(original(self, size)):
            if number == 2 and len(broken) < 2:
                broken.append(size)
                raise httpx.ReadError("the connection broke")
            yield chunk

    monkeypatch.setattr(httpx.Response, "iter_bytes", breaking)
    assert b"".join(blob.iter_data(chunk_size=2**20)) == data
    assert len(broken) == 2
    broken.clear()
    assert b"".join(blob.iter_data(chunk_size=2**20, range=(5, len(data) - 7))) == data[5:-6]


# Deleting
def test_a_deletion_is_a_task_11_5_12_1_1_17(text):
    task = text.delete()
    assert isinstance(task, BlobDeletionTaskStatus)
    assert task
    assert task.ids == [text.id]
    assert text.state == "deleted"
    task.wait_for_completion(timeout=60)
    assert task.status == "SUCCESS"
    assert task.objects_deleted == 1
    assert task.errors is None
    assert "SUCCESS" in repr(task)
    assert Blob.get(text.id) is None
    assert not Blob.exists(text.id)
    with pytest.raises(DeletedObjectError):
        text.delete()


def test_the_class_deletes_by_id_11_5_1_17(text):
    task = Blob.delete(text.id)
    task.wait_for_completion(timeout=60)
    assert task.status == "SUCCESS"
    assert Blob.delete(text.id) is None
    assert Blob.delete("nonsense") is None


def test_a_missing_blob_counts_as_deleted_11_5_1_16(text):
    uses = ("delete", "data", "iter_data", "iter_lines", "reload")
    copies = [Blob.get(text.id) for _ in uses]
    changed = Blob.get(text.id)
    text.delete()
    for copy, name in zip(copies, uses, strict=True):
        with pytest.raises(DeletedObjectError):
            getattr(copy, name)()
        assert copy.state == "deleted"
    changed.description = "x"
    with pytest.raises(DeletedObjectError):
        changed.save()


def test_several_blobs_are_deleted_at_once_11_5(new):
    ids = [new().upload_data("x").id for _ in range(3)]
    with pytest.raises(NotFoundError, match="missing"):
        Blob.delete_many([*ids, "data/local:x/missing"], raise_on_missing=True)
    assert all(Blob.exists(one) for one in ids)
    assert Blob.delete_many([ids[0], "data/local:x/missing", "foreign", ids[0]]) == [ids[0]]
    assert Blob.delete_many(ids, wait_for_completion=True) == ids[1:]
    assert Blob.delete_many(ids) == []
    assert Blob.delete_many([]) == []


def test_an_id_can_be_used_again_at_once_11_5(text):
    """The race that semantics 11.5 describes cannot happen here."""
    tasks, id_ = [], text.id
    for number in range(10):
        tasks.append(Blob.delete(id_))
        Blob(name=text.name, namespace=text.namespace).upload_data(str(number))
    for task in tasks:
        task.wait_for_completion(timeout=60)
        assert task.status == "SUCCESS"
    assert Blob.get_data(id_) == b"9"


def test_a_reader_of_a_deleted_blob_gets_all_or_an_error(new):
    data = bytes(2**20)
    blob = new().upload_data(data)
    stop = threading.Event()
    wrong: list[int] = []

    def read() -> None:
        while not stop.is_set():
            try:
                if len(found := Blob.get_data(blob.id)) != len(data):
                    wrong.append(len(found))
            except NotFoundError:
                continue

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(5):
            Blob.delete(blob.id)
            Blob(name=blob.name, namespace=blob.namespace).upload_data(data)
    finally:
        stop.set()
        reader.join()
    assert wrong == []


def test_waiting_ends_with_the_timeout_12_1(monkeypatch, text):
    task = text.delete()
    running = BlobDeletionTaskStatus(id=task.id, status="RUNNING")
    monkeypatch.setattr(BlobDeletionTaskStatus, "_read", lambda _: {"id": task.id, "status": "RUNNING"})
    with pytest.raises(FuturesTimeoutError):
        running.wait_for_completion(timeout=0)


# Searching
def test_get_or_create_3_6_1_20(new, namespace):
    made = Blob.get_or_create(name="n", namespace=namespace, tags=["a"])
    assert (made.state, made.storage_type, made.namespace, made.name) == ("unsaved", "data", namespace, "n")
    made.upload_data("x")
    again = Blob.get_or_create(f"data/{namespace}/n", tags=["a"])
    assert again.state == "saved"
    assert Blob.get_or_create(made.id, tags=["b"]).state == "modified"
    by_id = Blob.get_or_create(f"data/{namespace}/other/name")
    assert by_id.upload_data("y").id == f"data/{namespace}/other/name"


def test_several_blobs_are_read_in_the_given_order_1_19(new):
    blobs = [new().upload_data("x") for _ in range(3)]
    ids = [blob.id for blob in reversed(blobs)]
    assert [blob.id for blob in Blob.get_many(ids)] == ids
    with pytest.raises(NotFoundError, match="none"):
        Blob.get_many([*ids, "data/local:x/none"])
    assert [blob.id for blob in Blob.get_many(["x", *ids], ignore_missing=True)] == ids


@pytest.fixture
def found(new: Callable[..., Blob], namespace: str) -> Callable[[Any], list[str]]:
    """Return the names of the test's own blobs in a search."""
    for name, attributes in {
        "a/1": {"tags": ["x", "y"], "geometry": shapely.Point(10, 10), "description": "Red soil"},
        "a/2": {"tags": ["y"], "geometry": shapely.box(20, 20, 30, 30), "expires": "2100-01-01"},
        "b_%1": {"description": "red water"},
    }.items():
        new(name=name, **attributes).upload_data(name * 3)

    def run(search: Any) -> list[str]:
        return sorted(blob.name for blob in search.filter(p.namespace == namespace))

    return run


def test_filters_of_blobs_14_7_14_8_4_9(found, namespace):
    search = Blob.search()
    assert found(search) == ["a/1", "a/2", "b_%1"]
    for condition, names in (
        (p.name.prefix("a/"), ["a/1", "a/2"]),
        (p.name.prefix("b_%"), ["b_%1"]),
        (p.name == "a/1", ["a/1"]),
        (p.namespace.prefix("local:"), ["a/1", "a/2", "b_%1"]),
        (p.id == f"data/{namespace}/a/2", ["a/2"]),
        (p.id.prefix(f"data/{namespace}/a"), ["a/1", "a/2"]),
        (p.tags == "y", ["a/1", "a/2"]),
        (p.tags.isnull, ["b_%1"]),
        (p.size_bytes > 9, ["b_%1"]),
        (p.expires > "2099-01-01", ["a/2"]),
        (p.expires.isnull, ["a/1", "b_%1"]),
        (p.storage_type == "data", ["a/1", "a/2", "b_%1"]),
        (p.storage_type == "logs", []),
        (p.storage_state == "available", ["a/1", "a/2", "b_%1"]),
        (p.owners == "user:local", ["a/1", "a/2", "b_%1"]),
        (p.created > "2020-01-01", ["a/1", "a/2", "b_%1"]),
        (p.modified < "2020-01-01", []),
    ):
        assert found(search.filter(condition)) == names, condition


def test_searches_by_geometry_4_13_14_8(found):
    near, far = shapely.box(9, 9, 11, 11), shapely.box(-60, -60, -50, -50)
    assert found(Blob.search().intersects(near)) == ["a/1"]
    assert found(Blob.search().intersects(near, match_null_geometry=True)) == ["a/1", "b_%1"]
    assert found(Blob.search().intersects(far)) == []
    assert found(Blob.search().intersects(far, match_null_geometry=True)) == ["b_%1"]


def test_searches_by_text_4_14_14_8(found):
    assert found(Blob.search().find_text("RED")) == ["a/1", "b_%1"]
    assert found(Blob.search().find_text("red soil")) == ["a/1"]
    assert found(Blob.search().find_text("a/2")) == ["a/2"]
    assert found(Blob.search().find_text("_%")) == ["b_%1"]


def test_order_limit_count_and_collections_4_3_4_4_4_5(found, namespace):
    search = Blob.search().filter(p.namespace == namespace)
    assert [blob.name for blob in search.sort("size_bytes", ascending=False).limit(1)] == ["b_%1"]
    assert [blob.name for blob in search.sort("name")] == ["a/1", "a/2", "b_%1"]
    assert search.limit(1).count() == 3
    collection = search.collect()
    assert isinstance(collection, BlobCollection)
    assert len(collection) == 3


def test_summaries_of_blobs_4_15_4_16_14_9(found, namespace):
    search = Blob.search().filter(p.namespace == namespace)
    summary = search.summary()
    assert (summary.count, summary.bytes, summary.namespaces) == (3, 9 + 9 + 12, [namespace])
    (interval,) = search.summary_interval(interval="year")
    assert (interval.count, interval.bytes) == (3, 30)


def test_blobs_are_no_products_4_5(text):
    assert all(not product.id.startswith("blobs:") for product in Product.search())
    assert Product.get("blobs:data") is None
    assert Product.get_many(["blobs:data"], ignore_missing=True) == []


def test_a_remote_blob_is_metadata_only_11_6(new):
    blob = new(href="https://example.com/data", storage_state="remote")
    blob.save()
    assert blob.state == "saved"
    found = Blob.get(blob.id)
    assert (found.storage_state, found.href) == ("remote", "https://example.com/data")
    with pytest.raises(ClientError, match="example"):
        found.data()
    with pytest.raises(BadRequestError, match="href"):
        new().save()


def test_the_guide_works(namespace):
    data = json.dumps({"key": "some-key"})
    blob = Blob(namespace=namespace.removeprefix("local:"), name="mydata", size_bytes=len(data))
    assert repr(blob.upload_data(data)).splitlines()[:2] == ["Blob: mydata", f"  id: data/{namespace}/mydata"]
    blob.delete().wait_for_completion(timeout=60)
    Blob(storage_type="data", namespace=namespace, name="mydata").upload_data("some new data")
    assert Blob.get_data(f"data/{namespace}/mydata") == b"some new data"


# Size
class Zeros(io.RawIOBase):
    """File of zeros of any size, without using memory."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._size if whence == io.SEEK_END else 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        count = min(size, self._size - self._at)
        self._at += count
        return bytes(count)


def test_large_data_takes_constant_memory(new, stack):
    size = 200 * 2**20
    blob = new()
    Blob(name="warm", namespace=blob.namespace).upload_data("x").data()
    before = _peak(stack)
    tracemalloc.start()
    try:
        blob.upload(Zeros(size))
        read = sum(len(piece) for piece in blob.iter_data(chunk_size=2**20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (blob.size_bytes, read) == (size, size)
    assert peak < 16 * 2**20
    assert _peak(stack) - before < size / 2
    blob.delete().wait_for_completion(timeout=60)


def _peak(stack: embedded.Stack) -> int:
    """Return the peak memory of the server's process, in bytes."""
    with open(f"/proc/{stack.pid}/status") as status:  # noqa: PTH123 - no file
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
