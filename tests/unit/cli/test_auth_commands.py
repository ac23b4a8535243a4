"""`landbridge auth`, as a user runs it."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from landbridge.cli import main

from ..auth.conftest import configure, place, provider  # noqa: F401, TID252 - fixtures

ME = {"user": "ann", "org": "acme", "groups": ["flood"], "email": None, "rights": ["read"]}


def run(*arguments):
    return CliRunner().invoke(main, ["auth", *arguments])


@pytest.fixture
def person(configure, provider, service):  # noqa: F811
    provider.interval = 0
    configure(service.url, oidc={"issuer": provider.url, "client_id": "person"})


def test_a_login_prints_the_address_and_code_and_ends_with_tokens(person, provider, service):  # noqa: F811
    provider.answers = ["authorization_pending"]
    result = run("login")
    assert result.exit_code == 0, result.output
    assert f"Open   {provider.url}/activate\n" in result.output
    assert "ABCD-EFGH" in result.output
    assert "Logged in." in result.output

    service.answers.append((200, {}, ME))
    result = run("status")
    assert result.exit_code == 0, result.output
    for text in ("work", service.url, "ann", "acme", "flood", "its access token expires"):
        assert text in result.output
    assert service.seen[-1][2]["Authorization"] == f"Bearer {provider.given[-1]}"

    assert run("logout").output == "Logged out.\n"
    assert run("logout").output == "Nobody was logged in.\n"
    assert not any(token in result.output for token in provider.given)


def test_without_a_login_the_message_says_how_to_log_in(person):
    result = run("status")
    assert result.exit_code == 1
    assert "landbridge auth login --profile work" in result.output


def test_a_login_that_is_refused_is_a_message_and_exit_code_1(person, provider):  # noqa: F811
    provider.answers = ["access_denied"]
    result = run("login")
    assert result.exit_code == 1
    assert "Error: " in result.output
    assert "access_denied" in result.output


def test_a_machine_logs_in_by_itself(configure, provider, service):  # noqa: F811
    configure(
        service.url, oidc={"issuer": provider.url, "client_id": "machine", "client_secret": "s3cret+/ü"}
    )
    assert "gives tokens to this client" in run("login").output
    assert len(provider.given) == 1


def test_a_profile_with_a_token_has_nothing_to_log_in_to(configure, service):  # noqa: F811
    configure(service.url, token="lb_secret")
    result = run("login")
    assert result.exit_code == 1
    assert "has no `oidc`" in result.output
    service.answers.append((200, {}, ME))
    result = run("status")
    assert "token     given" in result.output
    assert "lb_secret" not in result.output


def test_a_profile_is_chosen_on_the_command_line(configure, service, monkeypatch):  # noqa: F811
    configure(service.url, token="t")
    monkeypatch.delenv("LANDBRIDGE_PROFILE")
    service.answers.append((200, {}, ME))
    assert "ann" in run("status", "--profile", "work").output
    assert "LANDBRIDGE_PROFILE" not in os.environ
    result = run("status", "--profile", "play")
    assert (result.exit_code, "profile 'play' does not exist" in result.output) == (1, True)


def test_importing_the_catalog_loads_nothing_of_logins():
    code = "import sys, landbridge.catalog; print({'oauthlib', 'filelock'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
