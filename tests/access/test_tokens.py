"""API tokens: who shows one is known by it, until it expires or is revoked."""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from access.conftest import ANN, OPERATOR
from integration.conftest import stac_collection
from landbridge.cli import main as command_line
from landbridge.mappings import blob
from landbridge.stac_api.__main__ import main
from landbridge.stac_api.access import tokens
from landbridge.stac_api.errors import InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

READ_ONLY = replace(ANN, rights=frozenset({"read"}))


def test_its_bearer_is_whom_it_was_made_for(service: Service, token: Callable[..., str]) -> None:
    assert service.request("GET", "/access/me", token()).json() == {
        "user": "ann",
        "org": "acme",
        "groups": ["flood"],
        "email": "ann@acme.test",
        "rights": ["read", "write"],
        "operator": False,
        "organizations": [],
        "any_organization": False,
    }


def test_the_service_token_is_the_operators(service: Service) -> None:
    caller = service.request("GET", "/access/me", OPERATOR).json()
    assert (caller["user"], caller["operator"]) == ("local", True)


def test_a_caller_without_a_token_is_anonymous_and_reads(service: Service) -> None:
    caller = service.request("GET", "/access/me").json()
    assert caller == {
        "user": None, "org": None, "groups": [], "email": None, "rights": ["read"], "operator": False,
        "organizations": [], "any_organization": False,
    }  # fmt: skip


def test_with_open_reads_an_anonymous_caller_is_an_operator_that_only_reads(
    serve: Callable[..., Any],
) -> None:
    with serve(open_reads=True) as service:
        caller = service.request("GET", "/access/me").json()
        assert (caller["operator"], caller["rights"]) == (True, ["read"])
        refused = service.request("POST", "/collections", json=stac_collection("local:open"))
        assert refused.status_code == 401


def test_a_write_without_a_token_is_refused_with_a_challenge(service: Service) -> None:
    answer = service.request("POST", "/collections", content=b"not even JSON")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="landbridge"'
    assert "Authorization: Bearer" in answer.json()["description"]


def test_a_token_that_may_only_read_writes_nothing(service: Service, token: Callable[..., str]) -> None:
    answer = service.request("DELETE", "/collections/nobody:knows", token(READ_ONLY))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert service.request("POST", "/search", token(READ_ONLY), json={}).status_code == 200


def _wrong(good: str) -> dict[str, str]:
    start, token_id, secret = good.split("_", 2)
    return {
        "another secret": f"{start}_{token_id}_{secret[::-1]}",
        "an id of nobody": f"{start}_{'0' * 16}_{secret}",
        "a secret too short": good[:-1],
        "more behind it": f"{good}x",
        "no token of ours": "secret",
        "a NUL": f"{good}\x00",
        "a JSON Web Token, where no issuer is known": "eyJhbGciOiJub25lIn0.e30.",
        "much": "lb_" + "0" * 60_000,
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("case", list(_wrong("lb_0_0")))
def test_what_proves_nothing_is_refused_for_reads_too(
    service: Service, token: Callable[..., str], case: str, method: str
) -> None:
    shown = _wrong(token())[case]
    answer = service.request(method, "/search", shown, **({"json": {}} if method == "POST" else {}))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="landbridge", error="invalid_token"'
    assert answer.json()["description"] == "The token is unknown."


@pytest.mark.parametrize("header", ["Basic YW5uOnNlY3JldA==", "Bearer", "Bearer ", "", "Bearer \xe9"])
def test_other_credentials_are_refused(service: Service, header: str) -> None:
    answer = service.request("GET", "/", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert "Bearer` and a token" in answer.json()["description"]


def test_two_credentials_at_once_are_refused(service: Service, token: Callable[..., str]) -> None:
    async def ask() -> Any:
        transport = httpx.ASGITransport(service.app)
        headers = [("Authorization", f"Bearer {token()}"), ("Authorization", f"Bearer {OPERATOR}")]
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
            return await client.get("/", headers=headers)

    assert service.run(ask()).status_code == 401


def test_an_expired_token_is_refused_with_the_reason(service: Service, token: Callable[..., str]) -> None:
    late = token(expires=datetime.now(UTC) - timedelta(seconds=1))
    answer = service.request("GET", "/", late)
    assert answer.status_code == 401
    assert "expired" in answer.json()["description"]
    assert late not in answer.text


def test_a_revoked_token_is_refused(service: Service, database: str, token: Callable[..., str]) -> None:
    shown = token()
    assert tokens.revoke_token(database, tokens.id_of(shown)) is not None
    answer = service.request("GET", "/", shown)
    assert answer.status_code == 401
    assert "revoked" in answer.json()["description"]


def test_a_revocation_takes_effect_within_seconds_in_caches(
    service: Service, database: str, token: Callable[..., str]
) -> None:
    now = [0.0]
    known = tokens.TokenCache(clock=lambda: now[0])
    shown, pool = token(), service.app.state.readpool
    assert service.run(known.principal(shown, pool)).user == "ann"
    tokens.revoke_token(database, tokens.id_of(shown))
    now[0] += 5.0
    with pytest.raises(InvalidCredentialError, match="revoked"):
        service.run(known.principal(shown, pool))


def test_a_token_is_known_whenever_what_is_remembered_of_it_ends(
    service: Service, token: Callable[..., str]
) -> None:
    ticks = itertools.count()  # seconds that pass with every look at the clock
    known = tokens.TokenCache(clock=lambda: next(ticks))
    shown, pool = token(), service.app.state.readpool
    for _ in range(20):
        assert service.run(known.principal(shown, pool)).user == "ann"


def test_a_token_expires_while_it_is_remembered(
    service: Service, token: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known, pool = tokens.TokenCache(clock=lambda: 0.0), service.app.state.readpool
    shown = token(expires=datetime.now(UTC) + timedelta(days=1))
    service.run(known.principal(shown, pool))
    later = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr(tokens, "datetime", type("Later", (), {"now": staticmethod(lambda _: later)}))
    with pytest.raises(InvalidCredentialError, match="expired"):
        service.run(known.principal(shown, pool))


def test_the_database_does_not_know_the_secret(database: str, token: Callable[..., str]) -> None:
    shown = token(label="a label")
    with psycopg.connect(database) as conn:
        rows = conn.execute("SELECT t::text FROM landbridge.tokens t").fetchall()
    assert any(tokens.id_of(shown) in row for (row,) in rows)
    secret = shown.rpartition(tokens.id_of(shown))[2].lstrip("_")
    assert not any(secret in row or secret.encode().hex() in row for (row,) in rows)


@pytest.fixture
def command(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `landbridge-server` and get its exit code, what it printed, and its complaints."""
    monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", database)
    monkeypatch.setenv("LANDBRIDGE_STORE_URL", tmp_path.as_uri())

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(arguments)
        return code, *capsys.readouterr()

    return run


def test_the_commands_make_list_and_revoke(
    service: Service, command: Callable[..., tuple[int, str, str]]
) -> None:
    arguments = ("--user", "bob", "--org", "acme", "--group", "a", "--group", "b", "--email", "bob@acme.test")
    code, shown, said = command("token", "create", *arguments, "--label", "of a test")
    assert code == 0
    shown = shown.strip()
    assert shown not in said
    caller = service.request("GET", "/access/me", shown).json()
    assert (caller["user"], caller["groups"], caller["email"]) == ("bob", ["a", "b"], "bob@acme.test")

    _, listed, _ = command("token", "list")
    (line,) = [line for line in listed.splitlines() if tokens.id_of(shown) in line]
    assert line.split()[1:5] == ["bob", "acme", "write", "valid"]
    assert line.endswith("of a test")
    assert shown.split("_", 2)[2] not in listed

    assert command("token", "revoke", shown)[0] == 0
    _, listed, _ = command("token", "list", "--json")
    (record,) = [one for one in map(json.loads, listed.splitlines()) if one["id"] == tokens.id_of(shown)]
    assert record["state"] == "revoked"
    assert "digest" not in record
    assert "token" not in record


def test_a_token_is_valid_for_as_long_as_was_said(command: Callable[..., tuple[int, str, str]]) -> None:
    _, said, _ = command("token", "create", "--user", "bob", "--days", "3", "--scope", "read", "--json")
    made = json.loads(said)
    until = datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created"])
    assert timedelta(days=2, hours=23) < until < timedelta(days=3, hours=1)
    assert made["rights"] == ["read"]
    assert made["token"].startswith(f"lb_{made['id']}_")
    assert (
        json.loads(command("token", "create", "--user", "bob", "--days", "0", "--json")[1])["expires"] is None
    )


def test_the_embedded_stack_has_tokens_too(stack: Any) -> None:
    """They are known by their bearer there, beside the operator's."""
    made = CliRunner().invoke(command_line, ["token", "create", "--user", "bob", "--json"])
    assert made.exit_code == 0, made.output
    header = {"Authorization": f"Bearer {json.loads(made.stdout)['token']}"}
    caller = httpx.get(f"{stack.url}/access/me", headers=header).json()
    assert (caller["user"], caller["operator"]) == ("bob", False)
    assert "bob" in CliRunner().invoke(command_line, ["token", "list"]).stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("create", "--user", "a b"), "no blanks"),
        (("create", "--user", "a:b"), "no colons"),
        (("create", "--user", "a", "--org", "a/b"), "letters, digits"),
        (("create", "--user", "a", "--email", "nobody"), "name@domain"),
        (("create", "--user", "a", "--days", "-1"), "--days is -1"),
        (("create", "--user", "a", "--days", "99999999"), "no calendar"),
        (("revoke", "0123456789abcdef"), "no token 0123456789abcdef"),
    ],
)
def test_invalid_arguments_are_explained(
    command: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], complaint: str
) -> None:
    code, said, complained = command("token", *arguments)
    assert (code, said) == (2, "")
    assert complaint in complained


def _announced(service: Service, shown: str, kind: str) -> str:
    """Return the signed URL of an upload that a token announces."""
    if kind == "blob":
        item = blob.to_stac({"storage_type": "data", "namespace": "acme:signed", "name": shown[:10]})
        return service.request("POST", "/blobs", shown, json={"item": item}).json()["url"]
    collection = f"acme:signed-{uuid.uuid4().hex[:8]}"
    service.request("POST", "/collections", shown, json=stac_collection(collection)).raise_for_status()
    item = {"type": "Feature", "id": "a", "properties": {"datetime": "2024-05-01T00:00:00Z"}}
    body = {"item": {**item, "collection": collection}, "files": [{"name": "a.tif", "size": 3}]}
    answer = service.request("POST", "/uploads", shown, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["resumable_urls"][0]


def _sent(service: Service, url: str, path: str | None = None) -> httpx.Response:
    parts = urlsplit(url)
    return service.request("PUT", f"{path or parts.path}?{parts.query}", content=b"abc")


@pytest.mark.parametrize("kind", ["image", "blob"])
def test_a_signed_put_ends_when_the_token_that_announced_it_expires(
    service: Service, token: Callable[..., str], kind: str
) -> None:
    end = datetime.now(UTC) + timedelta(minutes=10)
    url = _announced(service, token(expires=end), kind)
    assert int(parse_qs(urlsplit(url).query)["expires"][0]) <= end.timestamp()
    assert _sent(service, url).is_success
    lasting = _announced(service, token(), kind)
    assert int(parse_qs(urlsplit(lasting).query)["expires"][0]) > end.timestamp()


@pytest.mark.parametrize("kind", ["image", "blob"])
def test_a_signed_put_ends_when_the_token_that_announced_it_is_revoked(
    service: Service, serve: Callable[..., Any], database: str, token: Callable[..., str], kind: str
) -> None:
    shown = token()
    url = _announced(service, shown, kind)
    assert shown.split("_", 2)[2] not in url
    tokens.revoke_token(database, tokens.id_of(shown))
    with serve() as other:  # which remembers nothing of the token
        answer = _sent(other, url)
        assert answer.status_code == 401
        assert "token" in answer.json()["description"]
        forged = url.replace(tokens.id_of(shown), tokens.id_of(token()))
        assert _sent(other, forged).status_code == 401, "the signature is for this token only"
