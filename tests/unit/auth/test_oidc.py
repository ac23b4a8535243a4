"""Logins at an OpenID Connect provider (RFC 8628, RFC 6749 section 4.4): renewal and storage of tokens."""

import json
import logging
import os
import stat
import subprocess
import sys
import time
import traceback

import pytest

from landbridge.auth.oidc import OidcTokens
from landbridge.auth.token_store import Tokens, TokenStore
from landbridge.catalog import CatalogClient
from landbridge.exceptions import OauthError, ServerError, UnauthorizedError
from landbridge.profiles import OidcClient

SECRET = "s3cret+/ü"


@pytest.fixture
def person(place, provider):
    """The tokens of a client without a secret, whose user logs in."""
    return OidcTokens("work", OidcClient(provider.url, "person", grant="device"))


@pytest.fixture
def machine(place, provider):
    """The tokens of a client with a secret."""
    return OidcTokens("work", OidcClient(provider.url, "machine", SECRET, "client_credentials"))


def logged_in(tokens):
    waits = []
    tokens.login().wait(waits.append)
    return waits


def kept(tokens):
    return tokens._store.read()


def expire(tokens):
    """Let the stored token expire now."""
    now = kept(tokens)
    tokens._store.write(Tokens(now.access, now.refresh, time.time() - 1, now.lifetime))


def test_a_user_logs_in_by_a_code(provider, person):
    login = person.login()
    assert (login.verification_url, login.user_code) == (f"{provider.url}/activate", "ABCD-EFGH")
    assert login.verification_url_with_code == f"{provider.url}/activate?code=ABCD-EFGH"
    login.wait(lambda _: None)
    assert person.token() == provider.given[0]
    assert provider.asked[0] == ("/device", {"client_id": "person", "scope": "openid email offline_access"})


def test_waiting_keeps_the_interval_and_slows_down_if_the_provider_asks(provider, person):
    provider.interval = 7
    provider.answers = ["authorization_pending", "slow_down", "authorization_pending"]
    assert logged_in(person) == [7, 7, 12, 12]
    assert person.token() == provider.given[0]


@pytest.mark.parametrize("error", ["access_denied", "expired_token"])
def test_a_login_that_is_refused_ends(provider, person, error):
    provider.answers = ["authorization_pending", error]
    with pytest.raises(OauthError, match=error):
        logged_in(person)
    assert kept(person) is None


def test_a_login_that_takes_too_long_ends(provider, person):
    provider.expires_in = 4
    with pytest.raises(OauthError, match="ABCD-EFGH was not confirmed in time"):
        logged_in(person)


def test_an_unavailable_provider_is_polled_less_often(provider, person):
    login = person.login()
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        provider.down = len(waits) in (1, 2)

    # The discovery comes first, and once.
    login.wait(sleep)
    assert waits == [5, 10, 20]


def test_a_token_is_used_until_shortly_before_it_expires(provider, person):
    logged_in(person)
    assert [person.token() for _ in range(3)] == provider.given * 3
    assert OidcTokens("work", person._client).token() == provider.given[0], "another process reads the file"


def test_a_token_is_renewed_before_it_expires_with_the_current_refresh_token(provider, person):
    logged_in(person)
    for number in (1, 2, 3):
        now = kept(person)
        person._store.write(Tokens(now.access, now.refresh, time.time() + 59, now.lifetime))
        assert OidcTokens("work", person._client).token() == provider.given[number]
    assert len(provider.refreshers) == 1, "each was used once"


def test_a_short_lived_token_is_used_for_most_of_its_life(provider, person):
    provider.lifetime = 30
    logged_in(person)
    assert person.token() == person.token() == provider.given[0]


def test_the_refresh_token_stays_if_the_provider_issues_no_new_one(provider, person):
    provider.rotates = False
    logged_in(person)
    for _ in range(3):
        expire(person)
        assert OidcTokens("work", person._client).token() == provider.given[-1]
    assert len(provider.given) == 4


def test_the_error_of_an_ended_login_names_the_command_and_its_tokens_are_deleted(provider, person):
    logged_in(person)
    expire(person)
    provider.refreshers.clear()
    with pytest.raises(
        OauthError, match=r"has ended.*The session has ended.*landbridge auth login"
    ) as raised:
        OidcTokens("work", person._client).token()
    assert not person._store.path.exists()
    assert "refresh-" not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(OauthError, match="There is no login"):
        OidcTokens("work", person._client).token()


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
def test_a_machine_gets_tokens_by_its_secret(provider, machine, methods):
    provider.methods = methods
    assert machine.token() == provider.given[0]
    assert machine.token() == provider.given[0]
    expire(machine)
    assert OidcTokens("work", machine._client).token() == provider.given[1]


def test_scope_and_audience_are_requested(provider, place):
    client = OidcClient(provider.url, "machine", SECRET, "client_credentials", "catalog more", "the-api")
    OidcTokens("work", client).token()
    form = provider.asked[0][1]
    assert (form["scope"], form["audience"]) == ("catalog more", "the-api")


def test_the_error_of_a_wrong_secret_does_not_contain_it(provider, place):
    tokens = OidcTokens("work", OidcClient(provider.url, "machine", "wr0ng", "client_credentials"))
    with pytest.raises(OauthError, match="The client is not known") as raised:
        tokens.token()
    text = "".join(traceback.format_exception(raised.value)) + repr(tokens) + repr(tokens._client)
    assert "wr0ng" not in text


def test_an_unavailable_provider_is_a_server_error_unless_the_token_is_still_valid(provider, machine):
    first = machine.token()
    now = kept(machine)
    machine._store.write(Tokens(now.access, None, time.time() + 20, 3600))
    provider.down = True
    assert OidcTokens("work", machine._client).token() == first
    expire(machine)
    with pytest.raises(ServerError, match="503"):
        OidcTokens("work", machine._client).token()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"issuer": "https://evil.example.org"}, r"names the issuer 'https://evil\.example\.org'"),
        ({"without": ("token_endpoint",)}, "has no token_endpoint"),
    ],
)
def test_an_invalid_discovery_document_or_answer_is_refused(provider, machine, change, message):
    for name, value in change.items():
        setattr(provider, name, value)
    with pytest.raises(OauthError, match=message):
        machine.token()


def test_the_error_of_a_provider_without_logins_by_a_code_names_the_alternatives(provider, person):
    provider.without = ("device_authorization_endpoint",)
    with pytest.raises(OauthError, match="does not support logins by a code"):
        person.login()


def test_nothing_is_sent_to_an_endpoint_without_https(provider, machine, monkeypatch):
    monkeypatch.setattr(
        provider,
        "discovery",
        lambda: {"issuer": provider.url, "token_endpoint": "http://login.example.org/t"},
    )
    with pytest.raises(OauthError, match="must start with https://"):
        machine.token()


def test_only_the_user_can_read_the_stored_tokens(person):
    logged_in(person)
    path = person._store.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    assert kept(person) is None, "others could have read it"


def test_a_link_in_place_of_the_token_file_is_not_followed(person, place):
    logged_in(person)
    moved = place / "elsewhere.json"
    person._store.path.rename(moved)
    person._store.path.symlink_to(moved)
    assert kept(person) is None


def test_other_settings_have_another_token_file(provider, place):
    clients = [
        OidcClient(provider.url, "person", grant="device"),
        OidcClient(provider.url, "person", grant="device", scope="x"),
        OidcClient("https://login.example.org", "person", grant="device"),
    ]
    paths = {TokenStore("work", client).path for client in clients} | {TokenStore("home", clients[0]).path}
    assert len(paths) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"refresh": "x"}', '{"access": "x", "more": 1}'])
def test_an_unusable_token_file_is_ignored(provider, machine, content):
    machine.token()
    machine._store.path.write_text(content)
    assert OidcTokens("work", machine._client).token() == provider.given[1]


def test_a_failed_write_leaves_the_old_tokens(person, monkeypatch):
    logged_in(person)
    before = person._store.path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        person._store.write(Tokens("other"))
    assert person._store.path.read_bytes() == before
    assert [path.name for path in person._store.path.parent.iterdir() if path.suffix != ".lock"] == [
        person._store.path.name
    ]


def test_a_machine_gets_tokens_even_if_they_cannot_be_stored(provider, machine, place):
    (place / "state").write_text("in the way")
    assert machine.token() == provider.given[0]


RENEW = """
import json, sys
from landbridge.auth.oidc import OidcTokens
from landbridge.profiles import OidcClient
sys.stdin.readline()
print(OidcTokens("work", OidcClient(sys.argv[1], "person", grant="device")).token())
"""


def test_one_of_several_processes_renews(provider, person):
    """If refresh tokens are valid for one use, a second attempt would end the login."""
    logged_in(person)
    expire(person)
    command = [sys.executable, "-c", RENEW, provider.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=60) for process in running]
    assert {output.strip() for output, _ in ends} == {provider.given[1]}, ends
    assert len(provider.given) == 2


def test_a_logout_deletes_and_revokes_the_tokens(provider, person):
    logged_in(person)
    token = person.token()
    refresh = kept(person).refresh
    assert person.logout()
    assert provider.revoked == [refresh, token]
    assert not person._store.path.exists()
    with pytest.raises(OauthError, match="There is no login"):
        person.token()
    assert not person.logout()


@pytest.fixture
def machines_client(configure, provider, service):
    oidc = {"issuer": provider.url, "client_id": "machine", "client_secret": SECRET}
    configure(service.url, oidc=oidc)
    client = CatalogClient(retries=0)
    yield client
    client.close()


def bearers(service):
    return [seen[2].get("Authorization") for seen in service.seen]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_token_that_the_service_refuses_is_renewed_once(provider, service, machines_client, method):
    service.fail(401)
    assert machines_client.request(method, "/x", document={"a": 1}) == {"ok": True}
    assert bearers(service) == [f"Bearer {token}" for token in provider.given]
    assert len(provider.given) == 2


def test_requests_end_if_the_service_refuses_every_token(provider, service, machines_client):
    service.fail(*[401] * 9)
    with pytest.raises(UnauthorizedError, match="landbridge auth login --profile work") as raised:
        machines_client.get("/x")
    assert len(service.seen) == 2
    text = "".join(traceback.format_exception(raised.value))
    assert not any(token in text for token in provider.given)


def test_tokens_and_secrets_are_in_no_url_log_or_repr(provider, service, machines_client, caplog):
    caplog.set_level(logging.DEBUG)
    machines_client.get("/x", {"a": "b"})
    assert machines_client.auth.user == "local"
    secrets = [*provider.given, SECRET]
    text = (
        caplog.text
        + repr(machines_client)
        + repr(machines_client.auth)
        + str(vars(machines_client))
        + repr(machines_client._credentials)
    )
    text += "".join(seen[1] for seen in service.seen)
    assert not [secret for secret in secrets if secret in text]
    state = json.loads(machines_client._credentials._login_tokens()._store.path.read_text())
    assert state["access"] == provider.given[-1]
