"""Homes that were moved, copied, made read-only or left by a killed process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from click.testing import CliRunner

from landbridge.catalog import Blob, CatalogClient
from landbridge.cli import main as landbridge
from landbridge.mappings import blob
from landbridge.stac_api.embedded import control, postmaster
from landbridge.stac_api.embedded import stack as embedded
from landbridge.stac_api.embedded.cluster import Cluster, open_cluster
from landbridge.stac_api.embedded.home_directory import Home, read_state, write_state
from landbridge.stac_api.embedded.versions import installed_version
from landbridge.stac_api.errors import StackError
from support.embedded_stack import copy_cluster, new_home
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def workspace() -> Iterator[Path]:
    """Folder of this module's homes. A home knows its path, so each test finds its copy at the same one."""
    made = new_home()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def stopped(workspace: Path, cluster_template: Path) -> Iterator[Path]:
    """Copy of a stopped home with a blob, which was made at the path of `original`."""
    home = Home(workspace / "original")
    home.create()
    copy_cluster(cluster_template, home.postgres)
    write_blob(embedded.up(home), "one")
    control.down(home)
    kept = new_home()
    home.root.rename(kept / "stopped")
    yield kept / "stopped"
    shutil.rmtree(kept)


@pytest.fixture
def folder(workspace: Path) -> Iterator[Path]:
    """Folder for homes, whose stacks are stopped at the end."""
    yield workspace
    for path in workspace.iterdir():
        with contextlib.suppress(StackError):
            control.down(Home(path))
        shutil.rmtree(path)


@pytest.fixture
def original(folder: Path, stopped: Path) -> Home:
    """Stopped home with a blob."""
    subprocess.run(["cp", "-a", stopped, folder / "original"], check=True)
    return Home(folder / "original")


def copied(home: Home, name: str) -> Home:
    target = home.root.with_name(name)
    subprocess.run(["cp", "-a", home.root, target], check=True)
    return Home(target)


def client(stack: Any) -> httpx.Client:
    headers = {"Authorization": f"Bearer {stack.token}"}
    return httpx.Client(base_url=stack.url, headers=headers, timeout=60)


def write_blob(stack: Any, name: str) -> None:
    with client(stack) as http:
        item = blob.to_stac({"storage_type": "data", "namespace": "local:homes", "name": name})
        url = http.post("/blobs", json={"item": item}).raise_for_status().json()["url"]
        http.put(url, content=name.encode()).raise_for_status()


def names(stack: Any) -> set[str]:
    with client(stack) as http:
        items = http.get("/collections/blobs:data/items").raise_for_status().json()["features"]
        return {http.get(item["assets"]["data"]["href"]).raise_for_status().text for item in items}


def service(home: Home) -> str:
    document = json.loads((home.root / "identity.json").read_text())
    assert document["root"] == str(home.root)
    return str(document["service"])


def test_a_copy_of_a_stopped_home_gets_a_database_of_its_own(original: Home) -> None:
    copy = copied(original, "copy")
    first, second = embedded.up(original), embedded.up(copy)
    assert first.token != second.token
    assert first.url != second.url
    write_blob(first, "original")
    write_blob(second, "copy")
    assert names(first) == {"one", "original"}
    assert names(second) == {"one", "copy"}
    assert service(original) != service(copy)
    control.down(copy)
    assert names(embedded.up(copy)) == {"one", "copy"}


def test_a_moved_home_keeps_its_identity_and_token(original: Home) -> None:
    before, token = service(original), (read_state(original) or {})["token"]
    moved = Home(original.root.with_name("moved"))
    original.root.rename(moved.root)
    stack = embedded.up(moved)
    assert names(stack) == {"one"}
    assert stack.token == token
    assert service(moved) == before


def test_a_copy_of_a_running_home_is_refused(original: Home) -> None:
    embedded.up(original)
    copy = copied(original, "torn")
    with pytest.raises(StackError, match=r"made while PostgreSQL ran .* `landbridge backup` on the original"):
        embedded.up(copy)


def test_a_copy_that_would_share_the_database_is_refused(original: Home, folder: Path) -> None:
    outside = folder / "outside"
    original.postgres.rename(outside)
    original.postgres.symlink_to(outside)
    try:
        embedded.up(original)
        control.down(original)
        copy = copied(original, "sharing")
        with pytest.raises(StackError, match=r"a copy of .*, and would share its database in .*outside"):
            embedded.up(copy)
        assert names(embedded.up(original)) == {"one"}
        control.down(original)
    finally:
        original.postgres.unlink()
        outside.rename(original.postgres)


def test_a_copy_that_would_share_the_object_store_is_refused(
    original: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDBRIDGE_STORE_URL", (folder / "shared").as_uri())
    embedded.up(original)
    control.down(original)
    copy = copied(original, "sharing")
    with pytest.raises(StackError, match=r"would share its object store .*shared"):
        embedded.up(copy)


def test_a_database_of_another_home_is_refused(original: Home) -> None:
    (original.root / "identity.json").write_text(
        json.dumps({"service": "another", "root": str(original.root)})
    )
    with pytest.raises(StackError, match=r"is of another service .* delete .*identity\.json"):
        embedded.up(original)


def test_a_killed_recovery_is_tried_again(original: Home) -> None:
    """PostgreSQL ends if the process that recovers its data is killed."""
    stack = embedded.up(original)
    write_blob(stack, "two")
    cluster = open_cluster(original)
    server = postmaster.running(cluster)
    assert server is not None
    os.kill(stack.pid, signal.SIGKILL)
    for process in [server.process, *server.process.children()]:
        process.kill()
    # A recovery begins by reading this file, if there is one; a pipe without a writer holds it there.
    os.mkfifo(held := cluster.data / "backup_label")
    command = [sys.executable, "-m", "landbridge.stac_api.embedded", "up", "--home", str(original.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as starting:
        wait_until(lambda: _recovery(cluster) is not None or starting.poll() is not None)
        recovery = _recovery(cluster)
        held.unlink()
        assert recovery is not None
        recovery.kill()
        assert starting.wait() == 0, starting.stderr and starting.stderr.read()
    assert names(embedded.up(original)) == {"one", "two"}


def _recovery(cluster: Cluster) -> psutil.Process | None:
    """Return the process that recovers the data, a child of PostgreSQL."""
    with contextlib.suppress(psutil.Error):
        server = postmaster.running(cluster)
        for process in server.process.children() if server else ():
            if " ".join(process.cmdline()).startswith(f"postgres: {cluster.name}: startup"):
                return process
    return None


def test_down_leaves_no_temporary_folders(original: Home) -> None:
    stack = embedded.up(original)
    abandoned = original.staging / f"landbridge-{os.uname().nodename}-{2**22 + 1}-x"
    abandoned.mkdir(parents=True)
    (abandoned / "file").write_bytes(b"x")
    os.kill(stack.pid, signal.SIGKILL)
    assert control.down(original)
    assert not original.staging.exists()


def test_a_home_on_a_file_system_that_is_read_only_is_an_error_that_says_so(small_disk: Path) -> None:
    home = Home(small_disk / "home")
    home.create()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for call in (embedded.up, control.down):
        with pytest.raises(StackError, match=r"Read-only file system.*LANDBRIDGE_HOME"):
            call(home)
    assert control.status(home)["running"] is False
    with pytest.raises(StackError, match=r"cannot be created: Read-only file system"):
        embedded.up(Home(small_disk / "other"))


@pytest.mark.parametrize("running", ["0.0.9", "99.0"])
def test_joining_a_stack_of_another_version_says_so_and_offers_the_restart(
    original: Home, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDBRIDGE_HOME", str(original.root))
    assert embedded.up(original).version == installed_version()
    state = read_state(original)
    assert state is not None
    write_state(original, state | {"landbridge": running})
    joined = CliRunner().invoke(landbridge, ["up"])
    assert f"is of Landbridge {running}, and {installed_version()} is installed" in joined.stderr
    with pytest.warns(UserWarning, match=rf"is of Landbridge {running}, .* landbridge up --restart"):
        assert CatalogClient().token == state["token"]
    again = CliRunner().invoke(landbridge, ["up", "--restart"])
    assert (again.exit_code, again.stderr) == (0, "")
    assert embedded.up(original).pid != state["pid"]


def test_a_token_of_the_environment_is_not_sent_to_the_embedded_stack(
    original: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDBRIDGE_HOME", str(original.root))
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "of another service")
    Blob(name="two", namespace="homes", client=CatalogClient()).upload_data(b"two")
    assert names(embedded.up(original)) == {"one", "two"}
