import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from landbridge.cli import COMMANDS, main
from landbridge.cli.stack import human

HEAVY = ("landbridge.catalog", "landbridge.stac_api", "rasterio", "numpy", "httpx", "pydantic")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_help_lists_every_command_without_importing_one():
    code = f"""
import sys
from landbridge.cli import main
main(["--help"], standalone_mode=False)
imported = {{name for name in sys.modules if name.startswith("landbridge.cli.")}}
assert imported == {{"landbridge.cli.groups"}}, imported
assert not {set(HEAVY)!r} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_every_command_can_be_imported():
    for name in COMMANDS:
        result = run(name, "--help")
        assert result.exit_code == 0, result.output
        assert f"main {name}" in result.output


def test_version_names_every_distribution():
    lines = run("version").output.splitlines()
    assert [line.split()[0] for line in lines] == [
        "landbridge",
        "landbridge-kernels",
        "landbridge-mappings",
        "landbridge-raster",
        "landbridge-stac-api",
        "landbridge-descarteslabs",
    ]


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_without_the_server_part_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, command: str
):
    for name in [name for name in sys.modules if name.startswith("landbridge.stac_api")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "landbridge.stac_api", None)
    result = run(command)
    assert result.exit_code == 1
    assert 'pip install "landbridge[server]"' in result.output


def test_without_a_running_stack_status_says_so_and_down_does_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("LANDBRIDGE_HOME", str(tmp_path / "none"))
    assert run("down").output == "was not running\n"
    assert "running   no" in run("status").output
    report = json.loads(run("status", "--json").output)
    assert (report["running"], report["pid"], report["home"]) == (False, None, str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (57_700_000, "57.7 MB"), (5e15, "5000.0 TB")]
)
def test_sizes_have_units(size: float, text: str):
    assert human(size) == text
