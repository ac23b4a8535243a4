"""Fixtures: a provider, and a user with configuration and state folders of the test."""

import json

import pytest

from support import authorization_server

CATALOG = "http://127.0.0.1:9"


@pytest.fixture
def provider():
    with authorization_server.serving() as running:
        yield running


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of the user, without the settings of the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    names = ("URL", "TOKEN", "USER", "ORG", "PROFILE", "CONFIG", "CLIENT_SECRET")
    for name in names:
        monkeypatch.delenv(f"LANDBRIDGE_{name}", raising=False)
    return tmp_path


@pytest.fixture
def configure(place, monkeypatch):
    """Write `config.toml` with one profile, and choose it."""

    def write(url=CATALOG, name="work", **members):
        lines = ["[profiles.work]".replace("work", name), f'url = "{url}"']
        for key, value in members.items():
            if isinstance(value, dict):
                pairs = ", ".join(f"{one} = {json.dumps(other)}" for one, other in value.items())
                lines.append(f"{key} = {{ {pairs} }}")
            else:
                lines.append(f"{key} = {json.dumps(value)}")
        path = place / "config.toml"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)
        monkeypatch.setenv("LANDBRIDGE_CONFIG", str(path))
        monkeypatch.setenv("LANDBRIDGE_PROFILE", name)
        return path

    return write
