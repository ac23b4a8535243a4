"""Blobs without a service: names, namespaces, states and checks of arguments."""

import io
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from landbridge.atomic_files import write_atomically
from landbridge.auth import Auth
from landbridge.catalog import (
    AttributeValidationError,
    Blob,
    BlobCollection,
    BlobDeletionTaskStatus,
    CatalogClient,
    DeletedObjectError,
    ImageUpload,
    Product,
    StorageState,
    StorageType,
    UnsavedObjectError,
)
from landbridge.catalog import properties as p
from landbridge.catalog.client.content import FileContent
from landbridge.catalog.transfer.blob_arguments import range_header
from landbridge.catalog.transfer.blob_content import split_lines
from landbridge.exceptions import BadRequestError, ServerError

URL = "http://127.0.0.1:9"
ORG = CatalogClient(URL, auth=Auth(user="me", org="acme"), retries=0)
ALONE = CatalogClient(URL, auth=Auth(user="me", org=None), retries=0)
# All checks without the service passed.
ASKED = pytest.raises(ServerError, match="could not be reached")


@pytest.fixture
def saved_blob(client):
    def make(**attributes):
        blob = Blob(id="data/local:local/b", **{"name": "b", **attributes}, client=client)
        blob._modified.clear()
        blob._saved = True
        return blob

    return make


@pytest.mark.parametrize(
    ("given", "of_an_organization", "of_a_user"),
    [
        (None, "acme:me", "me"),
        ("", "acme:me", "me"),
        ("acme", "acme", "me:acme"),
        ("acme:x", "acme:x", "me:acme:x"),
        ("x", "acme:x", "me:x"),
        ("acmex", "acme:acmex", "me:acmex"),
        ("me", "acme:me", "me"),
        ("me:x", "acme:me:x", "me:x"),
    ],
)
def test_namespaces_are_prefixed_and_by_default_the_users_own_3_5_13_3_13_13(
    given, of_an_organization, of_a_user
):
    assert Blob.namespace_id(given, client=ORG) == of_an_organization
    assert Blob.namespace_id(given, client=ALONE) == of_a_user


def test_a_blob_has_no_id_before_it_is_uploaded_3_5():
    assert Blob(name="a", namespace="acme:x", storage_type="data").id is None


@pytest.mark.parametrize("arguments", [{}, {"id": "data/a/b", "name": "b"}, {"namespace": "a"}])
def test_a_blob_is_looked_up_by_its_id_or_its_name_3_6_13_8(arguments):
    for lookup in (Blob.get, Blob.get_or_create, Blob.get_data):
        with pytest.raises(TypeError, match="either the id or the name"):
            lookup(**arguments)
    # The guide's `Product.get(name=...)` means a blob.
    with pytest.raises(TypeError):
        Product.get(name="b")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "id_"),
    [
        ({"id": "logs/any/thing"}, "logs/any/thing"),
        ({"name": "b"}, "data/acme:me/b"),
        ({"name": "b/c", "namespace": "x", "storage_type": "compute"}, "compute/acme:x/b/c"),
    ],
)
def test_a_name_takes_type_and_namespace_by_default_3_6(monkeypatch, arguments, id_):
    asked = []
    monkeypatch.setattr(Blob, "_resource", Answering(asked))
    assert Blob.get(**arguments, client=ORG) is None
    blob = Blob.get_or_create(**arguments, client=ORG, description="new")
    assert asked == [id_, id_]
    assert (blob.state, blob.description) == ("unsaved", "new")
    assert f"{blob.storage_type}/{blob.namespace}/{blob.name}" == id_
    assert blob.id == arguments.get("id")


class Answering:
    """A resource of blobs that has no blob."""

    kind = "blob"

    def __init__(self, asked):
        self.asked = asked

    def get(self, _client, id_, *_args):
        self.asked.append(id_)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("namespace", "sp ace"),
        ("namespace", "sla/sh"),
        ("namespace", "é"),
        ("name", "/start"),
        ("name", "end/"),
        ("name", "com,ma"),
        ("name", "new\nline"),
        ("name", "n" * 974),
        ("name", "é" * 487),
    ],
)
def test_names_that_cannot_be_are_refused_3_7(attribute, value):
    with pytest.raises(BadRequestError, match=attribute):
        Blob(**{"name": "b", "namespace": "acme:x"} | {attribute: value}, client=ORG).upload_data("")


@pytest.mark.parametrize("name", ["a", "a/b.c-d_e", "with space", "é", "n" * 973])
def test_names_of_printable_characters_up_to_the_limit_are_taken_3_7(name):
    with ASKED:
        Blob(name=name, namespace="acme", client=ORG).upload_data("")


def test_attributes_of_blobs_2_4_2_6():
    blob = Blob(
        name="b",
        storage_type=StorageType.DYNCOMP,
        storage_state="available",
        geometry=shapely.box(0, 0, 1, 1),
        size_bytes=3,
        hash="00",
        tags=["a"],
        expires="2030-01-01",
    )
    assert (blob.storage_type, blob.storage_state) == ("dyncomp", StorageState.AVAILABLE)
    document = blob.serialize(jsonapi_format=True)["data"]
    assert document["type"] == "storage"
    assert document["attributes"]["geometry"]["type"] == "Polygon"
    with pytest.raises(AttributeValidationError, match="storage_type"):
        Blob(storage_type="nonsense")
    with pytest.raises(AttributeValidationError, match="size_bytes"):
        Blob(size_bytes="3")


@pytest.mark.parametrize("kind", StorageType)
def test_storage_types_are_the_services_to_refuse_13_6(kind):
    blob = Blob(name="b", storage_type=kind)
    with ASKED:
        blob.upload_data("x")
    assert blob.storage_type == kind


def test_an_upload_sets_missing_attributes_11_1():
    blob = Blob(name="b", client=ORG)
    with ASKED:
        blob.upload_data(b"x")
    assert (blob.namespace, blob.storage_type, blob.storage_state) == ("acme:me", "data", "available")


def test_invalid_uploads_are_refused_11_1(saved_blob, tmp_path):
    with pytest.raises(ValueError, match="name"):
        Blob().upload_data("x")
    with pytest.raises(ValueError, match="is modified"):
        saved_blob().upload_data("x")
    for file in (Path("x"), io.StringIO("x"), 5, None, b"x"):
        with pytest.raises(ValueError, match="readable"):
            Blob(name="b").upload(file)
    with (tmp_path / "out").open("wb") as unreadable, pytest.raises(ValueError, match="readable"):
        Blob(name="b").upload(unreadable)
    for data in (5, None, Path("x"), io.StringIO("x")):
        with pytest.raises(ValueError, match="text or bytes"):
            Blob(name="b").upload_data(data)
    with pytest.raises(FileNotFoundError):
        Blob(name="b").upload(str(tmp_path / "missing"))


def test_only_a_saved_blob_has_data_11_3(saved_blob):
    uses = ("data", "iter_data", "iter_lines", lambda blob: blob.download("x"))
    for use in uses:
        call = use if callable(use) else lambda blob, name=use: getattr(blob, name)()  # type: ignore[misc]
        with pytest.raises(ValueError, match="is unsaved"):
            call(Blob(name="b"))
        with ASKED:
            call(saved_blob())
        deleted = saved_blob()
        deleted._deleted = True
        with pytest.raises(DeletedObjectError):
            call(deleted)


@pytest.mark.parametrize(
    ("given", "header"),
    [
        (None, None),
        ("bytes=0-4", "bytes=0-4"),
        ((0, 4), "bytes=0-4"),
        ([3, 3], "bytes=3-3"),
        ((-5,), "bytes=-5"),
        ((5,), "bytes=5-"),
        ((0,), "bytes=0-"),
    ],
)
def test_ranges_of_bytes_11_4(given, header):
    assert range_header(given) == header


@pytest.mark.parametrize("given", [(), (1, 2, 3), ("1", "2"), (1.0,), [[0, 4]], (5, 4), (-3, 4), 5])
def test_invalid_ranges_are_refused_11_4(saved_blob, given):
    for use in (saved_blob().data, saved_blob().iter_data):
        with pytest.raises(ValueError, match="range"):
            use(range=given)
    for use, argument in ((saved_blob().download, "x"), (Blob.get_data, "data/a/b")):
        with pytest.raises(ValueError, match="range"):
            use(argument, range=given)


def test_downloads_go_to_paths_and_files_of_bytes_11_3(saved_blob, tmp_path):
    for file in (io.StringIO(), 5, None):
        with pytest.raises(ValueError, match="writable"):
            saved_blob().download(file)
    target = tmp_path / "x"
    with ASKED:
        saved_blob().download(str(target))
    assert not target.exists()


def test_blob_operations_send_these_requests(saved_blob):
    changed = saved_blob()
    changed.description = "d"
    for use in (
        lambda: Blob.get("data/a/b"),
        lambda: Blob.get_many(["data/a/b"]),
        lambda: Blob.exists("data/a/b"),
        lambda: Blob.delete("data/a/b"),
        lambda: Blob.delete_many(["data/a/b"], wait_for_completion=True),
        lambda: Blob.get_data(name="b"),
        lambda: list(Blob.search()),
        Blob.search().count,
        Blob.search().collect,
        Blob.search().summary,
        Blob.search().summary_interval,
        saved_blob().reload,
        saved_blob().delete,
        changed.save,
        BlobDeletionTaskStatus(id="x", status="RUNNING").wait_for_completion,
    ):
        with ASKED:
            use()
    with pytest.raises(UnsavedObjectError):
        Blob(name="b").delete()


def test_blob_searches_are_free_intersect_and_collect_4_5_4_6_4_13():
    search = Blob.search().filter(p.namespace == "acme").intersects(shapely.box(0, 0, 1, 1))
    assert search._to_query().expression == {"eq": {"namespace": "acme"}}
    assert search._to_query().geometry["type"] == "Polygon"
    assert Blob._collection_type is BlobCollection
    assert BlobCollection([Blob(name="b")]).each.name.collect() == ["b"]
    with pytest.raises(ValueError, match="Blob"):
        BlobCollection([Product()])
    assert ImageUpload._collection_type.__name__ == "Collection"


@given(content=st.binary() | st.text("ab\r\n").map(str.encode), size=st.integers(1, 9))
def test_lines_do_not_depend_on_the_chunks_11_3(content, size):
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    assert list(split_lines(pieces)) == content.splitlines()


@given(content=st.text("ab;é"), size=st.integers(1, 9))
def test_lines_end_at_the_delimiter_11_3(content, size):
    raw = content.encode()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    expected = content.split(";;")
    if not expected[-1]:
        expected.pop()
    assert list(split_lines(pieces, decode=True, delimiter=";;")) == expected
    assert list(split_lines(pieces, delimiter=b";;")) == [line.encode() for line in expected]


def test_a_file_is_read_again_from_its_first_position():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    source = FileContent(file)
    assert source.size == 6
    assert [b"".join(source.chunks()) for _ in range(2)] == [b"456789", b"456789"]


def test_a_file_that_is_not_seekable_is_not_sent_twice():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    source = FileContent(Pipe(b"abc"))
    assert source.size is None
    assert b"".join(source.chunks()) == b"abc"
    with pytest.raises(ServerError, match="second time"):
        list(source.chunks())


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_file_that_changes_while_it_is_sent_is_an_error(size):
    file = io.BytesIO(b"0123456789")
    chunks = FileContent(file).chunks()
    file.seek(0)
    file.truncate(0)
    file.write(bytes(size))
    with pytest.raises(BadRequestError, match="had 10 bytes"):
        list(chunks)


def test_a_file_is_written_atomically_11_3(tmp_path):
    target = tmp_path / "file"

    def broken():
        yield b"half"
        raise ServerError

    for before in (None, b"old"):
        if before:
            target.write_bytes(before)
        with pytest.raises(ServerError):
            write_atomically(target, broken())
        assert [path.name for path in tmp_path.iterdir()] == (["file"] if before else [])
    write_atomically(target, [b"a", b"b"])
    assert target.read_bytes() == b"ab"
