"""Security headers of responses, cross-origin rules, and accepted host names."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from access.conftest import OPERATOR
from integration.conftest import stac_collection
from landbridge.stac_api.access.headers import LOOPBACK_HOSTS, LOOPBACK_ORIGINS
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded import server_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

NO_PAGE = "default-src 'none'; frame-ancestors 'none'; sandbox"


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("GET", "/", None),
        ("GET", "/", OPERATOR),
        ("GET", "/", "guess"),
        ("POST", "/search", None),
        ("DELETE", "/collections/acme:x", None),
        ("GET", "/no/route", None),
        ("OPTIONS", "/", None),
        ("GET", "/assets/no/such", OPERATOR),
    ],
)
def test_every_answer_is_hardened(service: Service, method: str, path: str, shown: str | None) -> None:
    headers = service.request(method, path, shown).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == NO_PAGE


def test_the_page_of_the_documentation_may_do_what_it_has_to(service: Service) -> None:
    answer = service.request("GET", "/api.html")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "sandbox" not in policy
    loaded = [part.split('"')[0] for part in answer.text.replace('href="', 'src="').split('src="')[1:]]
    assert loaded
    allowed = " ".join(policy.values()).split()
    assert all(any(url.startswith(source) for source in allowed) for url in loaded)


@pytest.mark.parametrize(
    ("path", "shown", "kept"),
    [
        ("/collections", None, True),
        ("/collections", OPERATOR, False),
        ("/collections/acme:none", None, False),
        ("/", "guess", False),
        ("/access/me", None, False),
    ],
)
def test_what_is_one_callers_is_kept_by_no_cache(
    service: Service, path: str, shown: str | None, kept: bool
) -> None:
    headers = service.request("GET", path, shown).headers
    assert headers.get("Cache-Control") == (None if kept else "no-store")
    assert "Authorization" in headers["Vary"]


def allowed(service: Service, origin: str) -> tuple[bool, bool]:
    """Return whether a page may read a response, and whether it may send writes."""
    asking = {"Origin": origin}
    read = service.request("GET", "/", headers=asking).headers
    preflight = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    write = service.request("OPTIONS", "/", headers=asking | preflight)
    answers = {origin, "*"}
    return (
        read.get("Access-Control-Allow-Origin") in answers,
        write.status_code == 200 and write.headers.get("Access-Control-Allow-Origin") in answers,
    )


def test_pages_of_any_origin_can_read_a_service_by_default(serve: Callable[..., Any]) -> None:
    with serve() as service:
        assert allowed(service, "https://browser.test") == (True, True)
    with serve(cors_origins="https://browser.test, https://other.test") as service:
        assert allowed(service, "https://other.test") == (True, True)
        assert allowed(service, "https://evil.test") == (False, False)


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("https://[::1]:3000", True),
        ("https://browser.test", True),
        ("http://localhost.evil.test", False),
        ("http://localhost:80.evil.test", False),
        ("http://127.0.0.1.evil.test:80", False),
        ("http://127x0x0x1", False),
        ("https://evil.test", False),
        ("null", False),
    ],
)
def test_pages_of_this_machine_may_read_what_is_open_on_it(
    serve: Callable[..., Any], origin: str, may: bool
) -> None:
    with serve(cors_origins=("https://browser.test",), cors_origin_regex=LOOPBACK_ORIGINS) as service:
        assert allowed(service, origin) == (may, may)


def test_no_answer_lets_a_browser_send_credentials_of_its_own(service: Service) -> None:
    headers = service.request("GET", "/", headers={"Origin": "https://evil.test"}).headers
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:4000", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:4000", 200),
        ("evil.test", 421),
        ("evil.test:4000", 421),
        ("localhost.evil.test", 421),
        ("evil.test@localhost", 421),
        ("localhost@evil.test", 421),
        ("localhost/evil.test", 421),
        ("evil.test#localhost", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered_to(
    serve: Callable[..., Any], host: str, status: int
) -> None:
    with serve(allowed_hosts=LOOPBACK_HOSTS) as service:
        # What a proxy would say does not count.
        headers = {"Host": host, "X-Forwarded-Host": "localhost"}
        answer = service.request("GET", "/", headers=headers)
        assert answer.status_code == status
        if status == 421:
            assert "127.0.0.1, ::1, localhost" in answer.json()["description"]


def test_the_embedded_stack_answers_to_this_machine_only(stack: Any) -> None:
    def ask(**headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(urlsplit(stack.url).netloc)
        connection.request("GET", "/collections", headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    assert ask().status == 401
    assert ask(Authorization=f"Bearer {stack.token}").status == 200
    assert ask(Host="rebound.test").status == 421
    assert ask(Origin="http://localhost:8080").getheader("Access-Control-Allow-Origin") is not None
    foreign = ask(Origin="https://evil.test")
    assert foreign.getheader("Access-Control-Allow-Origin") is None
    assert foreign.getheader("Server") is None
    assert foreign.getheader("Cache-Control") == "no-store"


def test_the_embedded_stack_accepts_configured_origins_and_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDBRIDGE_CORS_ORIGINS", "https://browser.test, https://other.test,")
    monkeypatch.setenv("LANDBRIDGE_ALLOWED_HOSTS", "workstation")
    chosen = server_process._loopback_settings()
    assert chosen["cors_origins"] == ["https://browser.test", "https://other.test"]
    assert chosen["allowed_hosts"] == ["127.0.0.1", "localhost", "::1", "workstation"]


@pytest.mark.parametrize("name", server_process._OF_ONE_USER)
def test_variables_change_the_settings_of_the_embedded_stack(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = {"database_url": "postgresql://", "store_url": "memory://"}
    ours = server_process._OF_ONE_USER[name]
    text, other = {bool: ("true", True), int: ("7", 7), list: ("/data/", ("/data/",))}[type(ours)]
    variable = f"LANDBRIDGE_{name.upper()}"
    monkeypatch.delenv(variable, raising=False)
    unset = getattr(Settings(**server_process._loopback_settings(), **given), name)
    assert unset == (tuple(ours) if isinstance(ours, list) else ours)
    monkeypatch.setenv(variable, text)
    assert getattr(Settings(**server_process._loopback_settings(), **given), name) == other


def test_a_bad_expression_is_named() -> None:
    with pytest.raises(ValidationError, match="cors_origin_regex"):
        Settings(database_url="postgresql://", store_url="memory://", cors_origin_regex="(")


def test_an_answer_that_fails_is_still_json(service: Service) -> None:
    made = service.request("POST", "/collections", OPERATOR, json=stac_collection("acme:\x00"))
    assert made.status_code == 400
    assert made.headers["Content-Type"] == "application/json"
