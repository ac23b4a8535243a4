"""A service is backed up while clients write, and restored elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import shutil
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psycopg
import pytest
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from conftest import LONG
from integration.conftest import stac_collection
from integration.test_server_uploads import draft
from landbridge.mappings import blob
from landbridge.stac_api.__main__ import doctor, main
from landbridge.stac_api.admin.backup import manifest as manifests
from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded import control
from landbridge.stac_api.embedded import stack as embedded
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.pgstac import partitioning
from support.embedded_stack import empty_database, new_home, running_stack
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRITERS = 4
ROUNDS = 8 if LONG else 1  # backups while the clients write, before the one that is restored
PRODUCT = "local:scenes"


def http_of(stack: Any) -> httpx.Client:
    return httpx.Client(
        base_url=stack.url,
        headers={"Authorization": f"Bearer {stack.token}"},
        timeout=60,
        follow_redirects=True,
    )


def scene(value: int) -> bytes:
    """Return a GeoTIFF of two bands, all of whose pixels have one value."""
    profile = {"driver": "GTiff", "count": 2, "height": 64, "width": 64, "dtype": "uint16"}
    with MemoryFile() as memory:
        with memory.open(crs="EPSG:32621", transform=from_origin(600000, 4200000, 30, 30), **profile) as file:
            file.write(np.full((2, 64, 64), value, "uint16"))
        return bytes(memory.read())


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Writer(threading.Thread):
    """A client that makes one write after another to objects of its own.

    `states` has the content of its objects after each write; `begun` is the number of writes that began.
    """

    def __init__(self, stack: Any, number: int) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.states: list[dict[str, str]] = [{}]
        self.begun = 0
        self.error: BaseException | None = None
        self._http = http_of(stack)
        self._random = random.Random(number)
        self._stopping = threading.Event()
        self._value = 0

    @property
    def acknowledged(self) -> int:
        return len(self.states) - 1

    def run(self) -> None:
        writes: list[Callable[[], tuple[str, str | None]]] = [self.put_blob] * 5 + [self.delete_blob] * 3
        writes += [self.upload_image] * 2 + [self.delete_image]
        try:
            while not self._stopping.is_set():
                self._value += 1
                write = self._random.choice(writes)
                self.begun += 1
                name, content = write()
                state = {**self.states[-1]}
                state.pop(name, None)
                if content is not None:
                    state[name] = content
                self.states.append(state)
        except BaseException as error:  # noqa: BLE001 - the test raises it
            self.error = error

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self._http.close()
        if self.error is not None:
            raise self.error

    def put_blob(self) -> tuple[str, str]:
        name = f"w{self.number}-{self._random.randrange(4)}"
        data = self._random.randbytes(self._random.randrange(1, 200_000))
        item = blob.to_stac({"storage_type": "data", "namespace": "local:model", "name": name})
        answer = self._http.post("/blobs", json={"item": item, "overwrite": True}).raise_for_status().json()
        self._http.put(answer["url"], content=data).raise_for_status()
        return f"blob {name}", digest(data)

    def delete_blob(self) -> tuple[str, None]:
        name = f"w{self.number}-{self._random.randrange(4)}"
        body = {"ids": [f"data/local:model/{name}"]}
        self._http.post("/blobs/deletions", json=body).raise_for_status()
        return f"blob {name}", None

    def upload_image(self) -> tuple[str, str]:
        name = f"w{self.number}-{self._random.randrange(2)}"
        data = scene(self._value)
        files = [{"name": "scene.tif", "size": len(data)}]
        body = {"item": draft(PRODUCT, name), "files": files, "overwrite": True}
        record = self._http.post("/uploads", json=body).raise_for_status().json()
        self._http.put(record["resumable_urls"][0], content=data).raise_for_status()
        self._http.post(f"/uploads/{record['id']}/submit").raise_for_status()
        while record["status"] not in ("success", "failure"):
            record = self._http.get(f"/uploads/{record['id']}", params={"wait": 50}).json()
        assert record["status"] == "success", record
        return f"image {name}", str(self._value)

    def delete_image(self) -> tuple[str, None]:
        name = f"w{self.number}-{self._random.randrange(2)}"
        answer = self._http.delete(f"/collections/{PRODUCT}/items/{name}")
        assert answer.status_code in (204, 404), answer.text
        return f"image {name}", None


def contents(stack: Any) -> dict[str, str]:
    """Return the content of each object of a service, as the writers note it."""
    found = {}
    with http_of(stack) as http:
        uploads = {"status": "pending"}, {"status": "running"}
        wait_until(lambda: not any(http.get("/uploads", params=one).json()["uploads"] for one in uploads))
        for item in http.get("/collections/blobs:data/items", params={"limit": 1000}).json()["features"]:
            data = http.get(item["assets"]["data"]["href"]).raise_for_status().content
            found[f"blob {blob.from_stac(item)['name']}"] = digest(data)
        for item in http.get(f"/collections/{PRODUCT}/items", params={"limit": 1000}).json()["features"]:
            data = http.get(item["assets"]["data"]["href"]).raise_for_status().content
            with MemoryFile(data) as memory, memory.open() as file:
                pixels = file.read()
            assert (pixels == pixels[0, 0, 0]).all()
            found[f"image {item['id']}"] = str(pixels[0, 0, 0])
    return found


def findings(stack: Any) -> list[str]:
    settings = Settings(
        database_url=stack.database, store_url=stack.store.as_uri(), token=stack.token, worker=False
    )
    return [str(finding) for finding in asyncio.run(doctor(settings))]


@pytest.fixture
def elsewhere() -> Iterator[Home]:
    """Home that does not exist yet."""
    home = Home(new_home() / "home")
    try:
        yield home
    finally:
        control.remove(home)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command for a home and return its exit code, what it printed and its messages."""

    def run(home: Home | Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("LANDBRIDGE_HOME", str(home.root if isinstance(home, Home) else home))
        capsys.readouterr()
        code = main(list(arguments))
        return code, *capsys.readouterr()

    return run


def test_what_clients_wrote_before_and_during_a_backup_is_restored_elsewhere(
    cluster_template: Path, elsewhere: Home, tmp_path: Path, command: Callable[..., Any]
) -> None:
    """The restored objects of each client are as they were after one of its writes during the backup."""
    place = str(tmp_path / "place")
    with running_stack(cluster_template) as stack:
        with http_of(stack) as http:
            http.post("/collections", json=stac_collection(PRODUCT)).raise_for_status()
        partitioning.divide(stack.database, PRODUCT, "year")
        writers = [Writer(stack, number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(ROUNDS):
                start = [writer.acknowledged for writer in writers]
                wait_until(
                    lambda: all(
                        writer.error or writer.acknowledged >= before + 3
                        for writer, before in zip(writers, start, strict=True)  # noqa: B023
                    )
                )
                code, _, messages = command(stack.home, "backup", place, "--json")
                assert code == 0, messages
            before = [writer.acknowledged for writer in writers]
            code, printed, messages = command(
                stack.home, "backup", place, "--json", "--verify", "--keep", "1"
            )
            assert code == 0, messages
            after = [writer.begun for writer in writers]
        finally:
            for writer in writers:
                writer.stop()
    assert any(end > begin for begin, end in zip(before, after, strict=True))
    code, restored, messages = command(elsewhere, "restore", place, "--json")
    assert code == 0, messages
    assert json.loads(restored)["id"] == json.loads(printed)["id"]

    again = embedded.up(elsewhere)
    found = contents(again)
    for writer, begin, end in zip(writers, before, after, strict=True):
        own = {name: content for name, content in found.items() if f" w{writer.number}-" in name}
        assert own in writer.states[begin : end + 1], (begin, end)
    assert findings(again) == []
    with http_of(again) as http:  # it takes writes
        item = blob.to_stac({"storage_type": "data", "namespace": "local:model", "name": "after"})
        url = http.post("/blobs", json={"item": item}).json()["url"]
        assert http.put(url, content=b"after").status_code == 201


@pytest.fixture(scope="module")
def backed_up(cluster_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """A stack with a blob, and a place with a backup of it."""
    place = tmp_path_factory.mktemp("backups") / "place"
    with running_stack(cluster_template) as stack, pytest.MonkeyPatch.context() as patch:
        with http_of(stack) as http:
            item = blob.to_stac({"storage_type": "data", "namespace": "local:kept", "name": "one"})
            url = http.post("/blobs", json={"item": item}).json()["url"]
            http.put(url, content=b"content").raise_for_status()
        patch.setenv("LANDBRIDGE_HOME", str(stack.home))
        assert main(["backup", str(place)]) == 0
        yield stack, place


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


def test_a_backup_is_private_and_has_no_token(backed_up: tuple[Any, Path]) -> None:
    stack, place = backed_up
    assert modes(place) == {0o600}
    assert place.stat().st_mode & 0o777 == 0o700
    text = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert stack.token.encode() not in text


def test_a_second_backup_copies_only_what_is_new(
    backed_up: tuple[Any, Path], command: Callable[..., Any]
) -> None:
    stack, place = backed_up
    before = {path: path.stat().st_ino for path in (place / "store").rglob("data")}
    code, printed, _ = command(stack.home, "backup", str(place), "--json")
    assert code == 0
    made = json.loads(printed)
    assert made["objects"] == 1
    assert {path: path.stat().st_ino for path in (place / "store").rglob("data")} == before
    code, printed, _ = command(stack.home, "backup", str(place), "--list")
    assert printed.count(" as of ") == 2


def test_a_restore_never_overwrites(backed_up: tuple[Any, Path], command: Callable[..., Any]) -> None:
    stack, place = backed_up
    code, _, messages = command(stack.home, "restore", str(place))
    assert (code, "Stop it first: landbridge down" in messages) == (2, True), messages
    control.down(Home(stack.home))
    try:
        code, _, messages = command(stack.home, "restore", str(place))
    finally:
        embedded.up(Home(stack.home))
    assert code == 2
    assert "into an empty service only, and here are 1 images and blobs, " in messages
    assert "1 objects in file://" in messages


def test_a_place_inside_the_service_is_refused(
    backed_up: tuple[Any, Path], command: Callable[..., Any]
) -> None:
    stack, _ = backed_up
    for inside in (stack.store / "backups", stack.home, stack.home.parent):
        code, _, messages = command(stack.home, "backup", str(inside))
        assert (code, "the service's own files are in" in messages) == (2, True), messages


def test_a_place_of_another_service_is_refused(
    stack: Any, backed_up: tuple[Any, Path], command: Callable[..., Any]
) -> None:
    _, place = backed_up
    with psycopg.connect(stack.database) as conn:  # copies of one cluster have one id
        conn.execute("UPDATE landbridge.service SET id = gen_random_uuid()")
    code, _, messages = command(stack.home, "backup", str(place))
    assert (code, "has backups of another service" in messages) == (2, True), messages


@pytest.fixture
def server(
    backed_up: tuple[Any, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., tuple[int, str]]]:
    """Run a command of `landbridge-server` for an empty database and an empty store."""
    with empty_database(backed_up[0].database, "restored") as url:
        monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", url)
        monkeypatch.setenv("LANDBRIDGE_STORE_URL", (tmp_path / "empty").as_uri())

        def run(*arguments: str) -> tuple[int, str]:
            capsys.readouterr()
            return main(list(arguments)), capsys.readouterr().err

        yield run


def broken(place: Path, spoil: Callable[[Path], object], tmp_path: Path) -> Path:
    """Return a copy of a place after one of its files was spoilt."""
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    spoil(copy)
    return copy


def one_file(place: Path, pattern: str) -> Path:
    return max(place.glob(pattern))


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place: flip(one_file(place, "store/**/data")), "is damaged: blobs/data/.* differs"),
        (lambda place: one_file(place, "store/**/data").unlink(), "is damaged: blobs/data/.* is missing"),
        (lambda place: flip(one_file(place, "backups/*/database.dump")), "database.dump differs"),
        (lambda place: shorten(one_file(place, "backups/*/objects.jsonl.gz")), "another checksum"),
        (lambda place: flip(one_file(place, "backups/*/manifest.json")), "manifest of the backup .* damaged"),
        (lambda place: one_file(place, "backups/*/manifest.json").unlink(), "is partial"),
    ],
)
def test_a_broken_backup_is_not_restored(
    backed_up: tuple[Any, Path],
    tmp_path: Path,
    server: Callable[..., tuple[int, str]],
    spoil: Callable[[Path], object],
    said: str,
) -> None:
    _, place = backed_up
    copy = broken(place, lambda folder: [keep_newest(folder), spoil(folder)], tmp_path)
    code, messages = server("restore", str(copy))
    assert code == 2
    assert re.search(said, messages), messages


def keep_newest(place: Path) -> None:
    for folder in sorted((place / "backups").iterdir())[:-1]:
        shutil.rmtree(folder)


def test_a_restore_that_failed_is_refused_until_it_is_run_again(
    backed_up: tuple[Any, Path], tmp_path: Path, server: Callable[..., tuple[int, str]]
) -> None:
    _, place = backed_up
    copy = broken(place, lambda folder: flip(one_file(folder, "store/**/data")), tmp_path)
    assert server("restore", str(copy))[0] == 2
    for command in ("doctor", "migrate"):
        code, messages = server(command)
        assert (code, "was interrupted. Run it again" in messages) == (2, True), messages
    code, messages = server("restore", str(place))
    assert code == 0, messages
    (data,) = (path for path in (tmp_path / "empty").rglob("data") if path.is_file())
    assert data.read_bytes() == b"content"
    assert server("doctor")[0] == 0


def test_a_backup_of_a_newer_version_is_refused(
    backed_up: tuple[Any, Path], tmp_path: Path, server: Callable[..., tuple[int, str]]
) -> None:
    _, place = backed_up

    async def change(folder: Path) -> None:
        store = AssetStore(folder.as_uri())
        found = await manifests.choose(store)
        newer = replace(found, migrations=[*found.migrations, "9999_future.sql"])
        await manifests.write(store, newer)

    copy = broken(place, lambda folder: asyncio.run(change(folder)), tmp_path)
    code, messages = server("restore", str(copy))
    assert (code, "newer version of Landbridge" in messages) == (2, True), messages


def test_objects_that_the_store_lacks_are_named(
    cluster_template: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    with running_stack(cluster_template) as stack:
        with http_of(stack) as http:
            item = blob.to_stac({"storage_type": "data", "namespace": "local:lost", "name": "one"})
            url = http.post("/blobs", json={"item": item}).json()["url"]
            http.put(url, content=b"content").raise_for_status()
        (data,) = (file for file in (stack.store / "blobs").rglob("data") if file.is_file())
        data.unlink()
        code, _, messages = command(stack.home, "backup", str(tmp_path / "place"))
        assert code == 1
        assert f"missing in the object store: {data.relative_to(stack.store)}" in messages
