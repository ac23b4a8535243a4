"""The file of a stack's organizations and the commands that change it; no stack is started."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conftest import LONG
from landbridge.cli import main
from landbridge.config import Settings
from landbridge.exceptions import ConfigError
from landbridge.organizations import read_organizations
from landbridge.stac_api.embedded import organizations
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.errors import StackError


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """The home of a stack that was never started."""
    monkeypatch.setenv("LANDBRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANDBRIDGE_CONFIG", str(tmp_path / "config.toml"))
    return Home(tmp_path / "home")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["org", *arguments])


def test_a_new_stack_has_the_organization_local(home: Home):
    assert run("list").output == "local (default)\n"
    assert not home.root.exists()


def test_organizations_are_added_listed_and_removed(home: Home):
    assert run("add", "earthrise").output == "The organizations are local, earthrise.\n"
    assert run("add", "earthrise").exit_code == 0
    assert run("add", "acme", "--default").exit_code == 0
    assert run("list").output == "local\nearthrise\nacme (default)\n"
    assert json.loads(run("list", "--json").output) == {
        "default": "acme",
        "organizations": ["local", "earthrise", "acme"],
    }
    assert read_organizations(home.root) == organizations.read(home)
    assert stat.S_IMODE(home.organizations.stat().st_mode) == 0o600
    assert run("remove", "local").output == "The organizations are earthrise, acme.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("remove", "local"), "'local' prefixes new ids; choose another default first"),
        (("remove", "nowhere"), "'nowhere' is not among the organizations local"),
        (("add", "a:b"), "'a:b' has other characters than letters"),
        (("add", "blobs"), "'blobs' is reserved for the collections of blobs"),
    ],
)
def test_an_impossible_change_is_refused_and_changes_nothing(
    home: Home, arguments: tuple[str, ...], message: str
):
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert run("list").output == "local (default)\n"


def test_an_invalid_file_is_named_by_clients_and_commands_and_never_replaced(home: Home):
    home.create()
    home.organizations.write_text('{"version": 1, "default": "x", "names": []}')
    for command in (("list",), ("add", "acme")):
        result = run(*command)
        assert result.exit_code == 1
        assert str(home.organizations) in result.output
    with pytest.raises(ConfigError, match=r"organizations\.json"):
        Settings.from_env({"LANDBRIDGE_HOME": str(home.root)})
    assert '"default": "x"' in home.organizations.read_text()


def test_a_command_says_if_the_environment_or_the_configuration_takes_precedence(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "config.toml").write_text('org = "configured"\n')
    assert "config.toml is 'configured' and takes precedence" in run("list").output
    monkeypatch.setenv("LANDBRIDGE_ORG", "set")
    assert "LANDBRIDGE_ORG is 'set' and takes precedence" in run("add", "acme", "--default").output
    monkeypatch.setenv("LANDBRIDGE_ORG", "acme")
    assert "precedence" not in run("list").output


def test_changes_at_the_same_time_are_all_kept(home: Home):
    names = [f"org-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: organizations.add(home, name), names))
    assert sorted(organizations.read(home).names) == sorted([*names, "local"])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: organizations.remove(home, name), names[:20]))
    assert sorted(organizations.read(home).names) == sorted([*names[20:], "local"])
    assert {path.name for path in home.root.iterdir()} == {
        "organizations.json", "organizations.lock", "store", "logs"
    }  # fmt: skip


@pytest.mark.skipif(not LONG, reason="starts many processes: make test-long")
def test_changes_of_processes_at_the_same_time_are_all_kept(home: Home):
    command = [sys.executable, "-m", "landbridge.cli", "org", "add"]
    adding = [subprocess.Popen([*command, f"org-{number}"]) for number in range(12)]
    assert [process.wait(120) for process in adding] == [0] * 12
    assert len(organizations.read(home).names) == 13


def test_a_home_of_another_kind_is_an_error(home: Home):
    home.root.write_text("a file")
    with pytest.raises(StackError, match="home"):
        organizations.add(home, "acme")
