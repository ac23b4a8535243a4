"""Profiles: the choice of one, and errors that are raised before anything is sent."""

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient
from landbridge.config import Settings, get_settings
from landbridge.exceptions import ConfigError

TWO = """
default_profile = "day"

[profiles.day]
url = "https://day.example.org/"
token = "secret of the day"

[profiles.night]
url = "https://night.example.org"
oidc = { issuer = "https://login.example.org/", client_id = "it" }
"""
OIDC = "[profiles.day]\nurl = 'https://x.org'\noidc = {issuer = 'https://y.org', client_id = 'c', "


@pytest.fixture
def file(place, monkeypatch):
    path = place / "config" / "landbridge" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(TWO)
    path.chmod(0o600)
    return path


def test_the_default_profile_names_service_and_token(file):
    settings = get_settings()
    assert (settings.profile, settings.url, settings.token) == (
        "day",
        "https://day.example.org",
        "secret of the day",
    )
    assert not settings.embedded
    assert "secret" not in repr(settings) + repr(CatalogClient()) + repr(Auth(token=settings.token))


def test_a_profile_is_chosen_by_the_environment(file):
    settings = Settings.from_env({"LANDBRIDGE_PROFILE": "night"})
    assert settings.url == "https://night.example.org"
    assert settings.oidc is not None
    assert (settings.oidc.issuer, settings.oidc.interactive) == ("https://login.example.org", True)


def test_without_a_file_or_a_profile_the_embedded_stack_serves(place):
    assert Settings.from_env({}).embedded


def test_an_empty_profile_name_chooses_no_profile(file):
    assert Settings.from_env({"LANDBRIDGE_PROFILE": ""}).embedded


def test_the_address_of_the_environment_wins_and_gets_no_token_of_a_profile(file):
    settings = Settings.from_env({"LANDBRIDGE_URL": "https://x.org"})
    assert (settings.url, settings.token, settings.profile) == ("https://x.org", None, None)


def test_the_credentials_of_a_profile_go_to_no_other_address(file):
    with pytest.raises(ConfigError, match=r"LANDBRIDGE_URL is https://x\.org.*night") as raised:
        Settings.from_env({"LANDBRIDGE_URL": "https://x.org", "LANDBRIDGE_PROFILE": "night"})
    assert "secret" not in str(raised.value)


def test_the_token_of_the_environment_wins(file):
    settings = Settings.from_env({"LANDBRIDGE_PROFILE": "night", "LANDBRIDGE_TOKEN": "t"})
    assert (settings.token, settings.oidc) == ("t", None)


def test_a_client_of_another_address_gets_no_token_of_a_profile(file):
    assert CatalogClient("https://x.org").token is None
    assert CatalogClient("https://day.example.org").token == "secret of the day"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_that_others_can_read_is_refused(file, mode):
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}") as raised:
        get_settings()
    assert "secret of" not in str(raised.value)


def test_a_file_without_secrets_may_be_read_by_others(file):
    file.write_text(TWO.replace('token = "secret of the day"', ""))
    file.chmod(0o644)
    assert get_settings().url == "https://day.example.org"


def test_the_secret_of_a_client_may_be_in_the_environment(file):
    environ = {"LANDBRIDGE_PROFILE": "night", "LANDBRIDGE_CLIENT_SECRET": "s"}
    oidc = Settings.from_env(environ).oidc
    assert (oidc.client_secret, oidc.grant, oidc.interactive) == ("s", "client_credentials", False)
    assert "'s'" not in repr(oidc)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profiles.day\n", "is not valid TOML"),
        ("profiles = 3", "must be a table, not int"),
        ("[profiles.night]\nurl = 'https://x.org'", r"profile 'day' does not exist.*'night'"),
        ("[profiles.day]\ntoken = 't'", "has no `url`"),
        ("[profiles.day]\nurl = 'x.org'", "must start with http"),
        ("[profiles.day]\nurl = 'https://me:pw@x.org'", "user name or a password"),
        ("[profiles.day]\nurl = 'https://x.org'\ntokn = 't'", "keys tokn; known are oidc, token, url"),
        ("[profiles.day]\nurl = 'https://x.org'\ntoken = 7", "token must be a string"),
        ("[profiles.day]\nurl = 'https://x.org'\ntoken = 't'\noidc = {}", "both `token` and `oidc`"),
        ("[profiles.day]\nurl = 'https://x.org'\noidc = {issuer = 'https://y'}", "must have `issuer` and"),
        (
            "[profiles.day]\nurl = 'https://x.org'\noidc = {issuer = 'http://y.org', client_id = 'c'}",
            "must start with https",
        ),
        (
            OIDC + "grant = 'password'}",
            "grant is 'password'",
        ),
        (
            OIDC + "grant = 'client_credentials'}",
            "Set `client_secret`",
        ),
    ],
)
def test_an_error_names_the_invalid_part_of_the_file(file, text, message):
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        Settings.from_env({"LANDBRIDGE_PROFILE": "day"})


def test_a_chosen_profile_without_a_file_is_an_error(place):
    with pytest.raises(ConfigError, match=r"config\.toml does not exist"):
        Settings.from_env({"LANDBRIDGE_PROFILE": "day"})
