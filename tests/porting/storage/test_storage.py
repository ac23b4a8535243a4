"""The Storage service: values by key."""

import io
import pickle
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.catalog import Blob
from landbridge.exceptions import BadRequestError, NotFoundError
from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.storage import Storage, default_client

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def storage(service):
    return Storage()


@pytest.fixture
def folder():
    return f"old/{uuid.uuid4().hex[:8]}"


def test_a_value_is_returned_as_it_was_set(storage, folder):
    storage.set(f"{folder}/text", '{"Grüße": 1}')
    assert storage.get(f"{folder}/text") == '{"Grüße": 1}'
    data = pickle.dumps({"a": 1})
    storage.set(f"{folder}/bytes", data, storage_type="data")
    assert storage.get(f"{folder}/bytes") == data
    assert Blob.get(name=f"{folder}/text").data() == '{"Grüße": 1}'.encode()
    with pytest.raises(TypeError, match="dict"):
        storage.set(f"{folder}/dict", {"a": 1})


@settings(max_examples=5)
@given(value=st.text() | st.binary())
def test_any_text_or_bytes_can_be_stored(storage, value):
    storage.set("old/generated", value)
    assert storage.get("old/generated") == value


def test_a_value_is_replaced(storage, folder):
    key = f"{folder}/key"
    storage.set(key, "first")
    storage.set(key, b"second")
    assert storage.get(key) == b"second"
    storage.set_file(key, io.BytesIO(b"third"))
    assert storage.get(key) == b"third"
    assert storage.list(folder) == [key]


def test_readers_of_a_value_find_it_while_it_is_replaced(storage, folder):
    key, done = f"{folder}/key", threading.Event()
    storage.set(key, "0")
    seen = []

    def read():
        while not done.is_set():
            seen.append((storage.exists(key), storage.get(key)))

    with ThreadPoolExecutor(1) as executor:
        reading = executor.submit(read)
        for number in range(1, 5):
            storage.set(key, str(number))
        done.set()
        reading.result()
    assert seen == sorted(seen)
    assert {found for found, _ in seen} == {True}


def test_a_value_stays_if_its_replacement_fails(storage, folder):
    key = f"{folder}/key"
    storage.set(key, "first")

    class Broken(io.BytesIO):
        def read(self, _size=-1):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        storage.set_file(key, Broken(b"second"))
    assert storage.get(key) == "first"


def test_files_are_stored(storage, folder, tmp_path):
    source, target = tmp_path / "model.h5", tmp_path / "copy.h5"
    source.write_bytes(b"\x89HDF" * 1000)
    for given_file in (str(source), source):
        storage.set_file(f"{folder}/model", given_file)
    storage.get_file(f"{folder}/model", str(target))
    assert target.read_bytes() == source.read_bytes()
    target.unlink()
    storage.get_file(f"{folder}/model", target)
    assert target.read_bytes() == source.read_bytes()
    with source.open("rb") as opened:
        storage.set_file(f"{folder}/other", opened)
        assert not opened.closed
    buffer = io.BytesIO()
    storage.get_file(f"{folder}/other", buffer)
    assert buffer.getvalue() == source.read_bytes()


def test_keys_are_listed_by_prefix(storage, folder):
    keys = [f"{folder}/{name}" for name in ("a", "b/1", "b/2")]
    for key in reversed(keys):
        storage.set(key, key)
    assert storage.list(folder) == keys
    assert storage.list(prefix=f"{folder}/b") == keys[1:]
    assert list(storage.iter_list(f"{folder}/b/2", storage_type="data")) == keys[2:]
    assert set(keys) <= set(storage.list())
    assert storage.list(f"{folder}/none") == []


def test_keys_are_deleted(storage, folder, tmp_path):
    key = f"{folder}/key"
    assert not storage.exists(key)
    storage.set(key, "value")
    assert storage.exists(key)
    storage.delete(key)
    assert not storage.exists(key)
    for call in (storage.get, storage.delete, lambda name: storage.get_file(name, str(tmp_path / "none"))):
        with pytest.raises(NotFoundError, match=key):
            call(key)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_stored_is_an_error(storage):
    with pytest.raises(UnsupportedArgumentError, match=r"'tmp'.*'data'"):
        storage.set("key", "value", storage_type="tmp")
    with pytest.raises(BadRequestError, match="printable"):
        storage.set("a,b", "value")
    with pytest.raises(UnknownArgumentError, match="Did you mean 'prefix'"):
        storage.list(prefx="a")


def test_the_default_client_is_one():
    assert default_client() is default_client()
    assert isinstance(Storage(url="https://example.com", auth=None, retries=3), Storage)
