"""Auth and settings in the manner of the old clients."""

import pickle
from typing import Any

import pytest

import descarteslabs as dl
from descarteslabs.client.auth import Auth as OlderAuth
from landbridge.auth import Auth as CurrentAuth
from landbridge.catalog import CatalogClient
from landbridge.exceptions import ConfigError


@pytest.fixture
def caller(monkeypatch):
    """Identity that the environment gives."""
    monkeypatch.setenv("LANDBRIDGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LANDBRIDGE_USER", "ada")
    monkeypatch.setenv("LANDBRIDGE_ORG", "example")
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "secret-token")
    CatalogClient.clear_all_default_clients()
    yield
    CatalogClient.clear_all_default_clients()


def test_the_default_caller_is_the_configured_one(caller):
    assert dl.Auth is OlderAuth is dl.auth.Auth
    auth: Any
    for auth in (dl.Auth(), dl.Auth.get_default_auth(), dl.Auth.from_environment_or_token_json()):
        assert issubclass(type(auth), CurrentAuth)
        assert (auth.namespace, auth.token) == ("ada", "secret-token")
        assert auth.payload == {
            "org": "example", "sub": "ada", "userid": "ada", "name": "ada", "email": None, "groups": [],
        }  # fmt: skip
        assert auth.all_acl_subjects == auth.all_owner_acl_subjects == ["org:example", "user:ada"]


def test_a_token_is_neither_in_the_repr_nor_in_a_pickle(caller):
    auth = dl.Auth()
    assert "secret" not in repr(auth)
    content = pickle.dumps(auth)
    assert b"secret" not in content
    assert pickle.loads(content).user == "ada"


def test_the_default_caller_can_be_replaced(caller):
    dl.Auth.set_default_auth(CurrentAuth(user="grace", token="other"))
    assert dl.Auth.get_default_auth().namespace == "grace"


def test_logins_of_the_old_platform_are_refused_with_advice(caller):
    with pytest.raises(ConfigError, match=r"client_id, client_secret .*LANDBRIDGE_TOKEN") as raised:
        dl.Auth(client_id="id-of-client", client_secret="secret-of-client")
    assert "secret-of-client" not in str(raised.value)
    with pytest.raises(TypeError, match="jwt_tokens"):
        dl.Auth(jwt_tokens="x")
    assert dl.Auth(domain="https://accounts.example.org", retries=3).user == "ada"


def test_settings_name_one_environment_that_choosing_does_not_change(monkeypatch):
    monkeypatch.delenv("DESCARTESLABS_ENV", raising=False)
    settings = dl.config.select_env("testing")
    assert settings.current_env == dl.get_settings().current_env == dl.AWS_ENVIRONMENT
    assert pickle.loads(pickle.dumps(settings)).current_env == dl.AWS_ENVIRONMENT
    monkeypatch.setenv("DESCARTESLABS_ENV", "mine")
    assert dl.config.get_settings().current_env == "mine"
