"""The `landbridge` command itself: help, version, suggestions, completion, and the choice of a service."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from landbridge.catalog import CatalogClient
from landbridge.cli import main
from landbridge.config import get_settings


def run(*arguments, **options):
    return CliRunner().invoke(main, arguments, **options)


def test_the_version_is_that_of_the_distribution():
    assert run("--version").stdout == "landbridge 0.1.0\n"
    assert "landbridge-kernels 0.1.0" in run("version").stdout


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["imges"], "Did you mean 'images'?"),
        (["images", "serch"], "Did you mean 'search'?"),
        (["products", "lst"], "Did you mean 'list'?"),
        (["images", "search", "x", "--intersect", "y"], "--intersects"),
        (["blobs", "zzz"], "There are "),
    ],
)
def test_a_word_that_is_unknown_is_a_usage_error_with_a_suggestion(arguments, suggestion):
    result = run(*arguments)
    assert result.exit_code == 2
    assert suggestion in result.stderr


def commands(group, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_each_command_has_help_of_whole_sentences_for_itself_and_each_option():
    for path, command in commands(main):
        assert run(*path, "--help").exit_code == 0
        assert command.help is not None, path
        assert command.help.splitlines()[0].rstrip().endswith((".", ",")) or "\n" in command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)


def test_the_guide_names_each_command():
    # The reference is made from the help of all commands and options.
    page = (Path(__file__).parents[3] / "docs" / "guide" / "command-line.md").read_text()
    top = {path[0] for path, _ in commands(main)} - {"catalog"}
    assert [name for name in top if f"`{name}" not in page] == []
    objects = [path for path, _ in commands(main) if path[0] in ("products", "bands", "images", "blobs")]
    # Those of access lists are named by their pattern
    described = [path for path in objects if not path[-1].startswith(("add-", "remove-"))]
    assert [path for path in described if f"{path[-1]}`" not in page] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell):
    assert "_LANDBRIDGE_COMPLETE" in run("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("landbridge im", {"images", "import"}),
        ("landbridge images s", {"search", "show"}),
        ("landbridge images mosaic --me", {"--method"}),
        ("landbridge images mosaic --method me", {"mean", "median"}),
    ],
)
def test_words_are_completed_in_a_shell(words, expected):
    environment = {
        "_LANDBRIDGE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(shlex.split(words)) - 1),
    }
    result = run(prog_name="landbridge", env=environment)
    assert {line.partition(",")[2] for line in result.stdout.splitlines()} == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not on this machine")
def test_bash_accepts_the_completion_script():
    script = run("completion", "bash").stdout
    done = subprocess.run(
        ["bash", "-n"], input=script, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def settings(monkeypatch):
    """Run a command's options, and return the settings that it saw."""
    for name in ("LANDBRIDGE_URL", "LANDBRIDGE_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def seen(*arguments):
        found = []
        command = click.Command("probe", callback=lambda: found.append(get_settings()))
        monkeypatch.setattr(main, "commands", {**main.commands, "probe": command})
        result = run(*arguments, "probe", catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return found[0]

    return seen


def test_the_url_comes_before_the_environment_and_only_for_one_command(settings, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_URL", "https://one.example")
    assert settings("--url", "https://two.example").url == "https://two.example"
    assert os.environ["LANDBRIDGE_URL"] == "https://one.example"
    assert settings().url == "https://one.example"


def test_a_token_is_not_sent_to_another_service_than_its_own(settings, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "secret")
    # A token alone is meant for the service that is named.
    assert settings("--url", "https://two.example").token == "secret"
    monkeypatch.setenv("LANDBRIDGE_URL", "https://one.example")
    assert settings("--url", "https://one.example/").token == "secret"
    assert settings("--url", "https://two.example").token is None
    assert os.environ["LANDBRIDGE_TOKEN"] == "secret"


def test_a_profile_comes_before_the_environment(settings, monkeypatch, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[profiles.work]\nurl = "https://work.example"\ntoken = "of-work"\n')
    path.chmod(0o600)
    monkeypatch.setenv("LANDBRIDGE_CONFIG", str(path))
    monkeypatch.setenv("LANDBRIDGE_URL", "https://one.example")
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "of-one")
    found = settings("--profile", "work")
    assert (found.url, found.token) == ("https://work.example", "of-work")
    refused = run("--profile", "work", "--url", "https://two.example", "version")
    assert refused.exit_code == 1
    assert "its credentials go nowhere else" in " ".join(refused.stderr.split())
    assert "'none'" in run("--profile", "none", "version").stderr


def test_the_options_of_a_command_choose_its_service():
    CatalogClient.clear_all_default_clients()
    result = run("products", "list", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "could not be reached" in result.stderr
    assert "LANDBRIDGE_URL" not in os.environ


def test_help_and_completion_import_neither_the_object_api_nor_rich():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom landbridge.cli import main\n"
        "CliRunner().invoke(main, ['--help'])\nCliRunner().invoke(main, ['images', 'search', '--help'])\n"
        "print(sorted({'landbridge.catalog', 'rich', 'numpy', 'rasterio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "[]\n", done.stderr
