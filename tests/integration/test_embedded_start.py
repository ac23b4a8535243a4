"""Starting, joining and ending an embedded stack of its own."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from click.testing import CliRunner

from landbridge.cli import main
from landbridge.private_addresses import private_url
from landbridge.stac_api.embedded import control, home_directory, organizations, postmaster, stack
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.postgres_programs import Installation
from support.embedded_stack import new_home
from support.wait import wait_until

pytestmark = pytest.mark.usefixtures("installation")

COMMAND = (sys.executable, "-m", "landbridge.stac_api.embedded")


def command(home: Home, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"LANDBRIDGE_HOME": str(home.root)} | variables
    return subprocess.Popen(
        [*COMMAND, *arguments], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and postmaster.alive(psutil.Process(pid))


def outcome(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def own() -> Iterator[Home]:
    """A stack of this module's own, started by three processes at once where a start was interrupted."""
    folder = new_home()
    home = Home(folder / "home")
    half = home.root / "postgres.new-half"
    half.mkdir(parents=True)
    home.root.chmod(0o711)
    (half / "PG_VERSION").write_text("15\n")
    try:
        starters = [command(home, "up") for _ in range(3)]
        outcomes = [outcome(starter) for starter in starters]
        state = home_directory.read_state(home)
        assert state is not None, outcomes
        address = private_url(state["url"], home.private_key)
        assert outcomes == [(0, address + "\n", "")] * 3
        assert not half.exists()
        yield home
    finally:
        control.remove(home)
        folder.rmdir()


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = new_home()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def test_starters_at_the_same_time_share_one_stack(own: Home):
    state = home_directory.read_state(own)
    assert state is not None
    servers = [
        process.pid
        for process in psutil.process_iter(["status", "cmdline"])  # leaves out those that end meanwhile
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(own.root) in (process.info["cmdline"] or ())
    ]
    assert servers == [state["pid"]]
    assert own.api_log.read_text().count("Serving ") == 1


def test_later_starters_join(own: Home):
    first = stack.up(own)
    result = stack.start_or_join(own)
    assert not result.started
    assert result.stack == first
    assert httpx.get(first.private_url).json()["type"] == "Catalog"


def test_joining_imports_neither_the_server_nor_an_http_client(own: Home):
    code = """
import sys
from landbridge.stac_api.embedded.stack import start_or_join
assert not start_or_join().started
heavy = {"psutil", "pydantic", "fastapi", "uvicorn", "httpx", "http.client", "psycopg", "asyncio"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    environment = os.environ | {"LANDBRIDGE_HOME": str(own.root)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_nothing_in_the_home_is_open_to_others(own: Home):
    for path in own.root.rglob("*"):
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path
    assert stat.S_IMODE(own.state.stat().st_mode) == 0o600


def test_the_token_is_long_and_in_no_output(own: Home):
    token = stack.up(own).token
    assert len(token) >= 43
    assert token not in repr(stack.up(own))
    code, output, errors = outcome(command(own, "status"))
    assert (code, errors) == (0, "")
    assert token not in output
    for log in own.logs.iterdir():
        assert token not in log.read_text()
    state = home_directory.read_state(own)
    assert state is not None
    assert token not in " ".join(psutil.Process(state["pid"]).cmdline())


def test_the_database_has_no_network_address_and_knows_one_role(own: Home):
    import psycopg

    with psycopg.connect(stack.up(own).database) as connection:
        one = connection.execute("SHOW listen_addresses").fetchone()
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin").fetchall()
    assert one == ("",)
    assert ("landbridge",) in roles
    with pytest.raises(psycopg.OperationalError, match=r"(?i)peer|role"):
        psycopg.connect(stack.up(own).database.replace("//landbridge@", "//somebody@"))


def test_status_describes_the_stack(own: Home):
    state = home_directory.read_state(own)
    report = control.status(own)
    assert state is not None
    assert report["running"]
    assert (report["url"], report["pid"]) == (state["url"], state["pid"])
    assert psutil.Process(report["postgres_pid"]).name() == "postgres"
    assert report["bytes"]["database"] > 1_000_000
    assert report["versions"]["postgres"] >= 14


def test_after_down_all_is_quiet_and_up_brings_back_the_same_address_and_token(own: Home):
    before = stack.up(own)
    server = control.status(own)["postgres_pid"]
    assert control.down(own)
    assert not alive(before.pid)
    assert not alive(server)
    assert not control.down(own)
    assert outcome(command(own, "down")) == (0, "", "")
    assert not control.status(own)["running"]
    after = stack.start_or_join(own)
    assert after.started
    assert (after.stack.url, after.stack.token) == (before.url, before.token)


def test_an_empty_organization_is_none_and_the_running_stack_follows_its_organizations(own: Home):
    control.down(own)
    code, url, errors = outcome(command(own, "up", LANDBRIDGE_ORG=""))
    assert (code, errors) == (0, "")

    def me() -> dict[str, Any]:
        return dict(httpx.get(f"{url.strip()}access/me").json())

    assert (me()["user"], me()["org"], me()["any_organization"]) == ("local", None, True)
    environment = {**os.environ, "LANDBRIDGE_HOME": str(own.root)}
    for name in ("earthrise", ""):
        done = CliRunner().invoke(main, ["up", "--org", name], env=environment)
        assert (done.exit_code, done.output) == (0, url)
        found = organizations.read(own)
        assert (found.default, found.names) == (name or None, ("local", "earthrise"))
        assert me()["organizations"] == ["local", "earthrise"]
        assert me()["org"] is None  # what was set for the server takes precedence
    refused = CliRunner().invoke(main, ["up", "--org", "a b"], env=environment)
    assert refused.exit_code == 1
    assert "'a b' has other characters" in refused.output
    assert control.status(own)["organizations"] == {"default": None, "names": ["local", "earthrise"]}


def test_variables_meant_for_other_databases_change_nothing_and_open_reads_opens_reads(own: Home):
    control.down(own)
    code, output, errors = outcome(
        command(
            own,
            "up",
            PGPORT="1",
            PGHOST="nowhere.invalid",
            PGUSER="nobody",
            PGDATABASE="none",
            PGDATA="/none",
            LANDBRIDGE_OPEN_READS="true",
        )
    )
    assert (code, errors) == (0, "")
    assert httpx.get(stack.up(own).url).json()["type"] == "Catalog"
    assert stack.up(own).private_url == output.strip()


@pytest.mark.parametrize("at_start", [True, False])
def test_the_workers_of_tiles_start_with_the_stack_if_that_is_set(own: Home, at_start: bool):
    def workers() -> int:
        pid = control.status(own)["pid"]
        lines = [
            " ".join(one.cmdline())
            for one in psutil.Process(pid).children(recursive=True)
            if one.is_running()
        ]
        return sum("tiles.worker_process" in line for line in lines)

    control.down(own)
    setting = {"LANDBRIDGE_TILE_WORKERS_AT_START": "true"} if at_start else {}
    # The variable of the tests themselves says that none start.
    assert outcome(command(own, "up", **setting))[0] == 0
    if at_start:
        wait_until(lambda: workers() == 2)
    else:
        assert workers() == 0


def test_a_home_with_a_long_and_odd_name_works(folder: Path):
    home = Home(folder / ('it\'s, a "long" \\ name ' + "x" * 100))
    try:
        found = stack.up(home)
        assert httpx.get(f"{found.url}/_mgmt/health").status_code == 200
        assert not (home.root / "run").exists()
    finally:
        control.remove(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_as_root_a_home_that_postgres_cannot_reach_works(folder: Path):
    (folder / "closed").mkdir(mode=0o700)
    home = Home(folder / "closed" / "home")
    found = stack.up(home)
    data = home.postgres.readlink()
    try:
        assert httpx.get(f"{found.url}/_mgmt/health").status_code == 200
        assert data.is_dir()
        assert data.stat().st_uid != 0
    finally:
        control.remove(home)
    assert not data.parent.exists()


def test_without_postgis_up_fails_with_the_install_lines(folder: Path):
    home = Home(folder / "home")
    (folder / "bin").mkdir()
    code, output, errors = outcome(command(home, "up", LANDBRIDGE_PG_BIN=str(folder / "bin")))
    assert (code, output) == (1, "")
    assert f"{folder}/bin has no postgres" in errors
    for line in ("sudo apt-get install ", "sudo dnf install ", "brew install ", "conda install "):
        assert line in errors
    assert "Traceback" not in errors
    assert json.loads(outcome(command(home, "status"))[1])["pid"] is None


def test_a_cluster_of_another_version_is_not_touched(folder: Path, installation: Installation):
    home = Home(folder / "home")
    home.create()
    home.postgres.mkdir()
    (home.postgres / "PG_VERSION").write_text(f"{installation.major + 90}\n")
    if os.geteuid() == 0:
        shutil.chown(home.postgres, "nobody")
    code, _, errors = outcome(command(home, "up"))
    assert code == 1
    assert f"this cluster needs {installation.major + 90}" in errors
