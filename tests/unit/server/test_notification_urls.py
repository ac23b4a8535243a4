"""Addresses of notifications: URLs that are refused, hosts that lead into private networks, redirects."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import httpcore
import pytest

from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.notifications import events
from landbridge.stac_api.notifications.sender import Sender
from landbridge.stac_api.notifications.url_policy import (
    CheckedBackend,
    RefusedAddressError,
    check_url,
    is_allowed,
    is_public,
)

if TYPE_CHECKING:
    from support.receiver import Receiver


@pytest.mark.parametrize(
    "url",
    [
        *(None, 5, "", "x" * 3000, "hooks.example/new", "ftp://hooks.example/", "file:///etc/passwd"),
        *(
            "https://",
            "https:///new",
            "https://:443/",
            "https://hooks.example:0/",
            "https://hooks.example:99999/",
        ),
        *("http://hooks.example/", "https://user:secret@hooks.example/", "https://user@hooks.example/"),
        *("https://hooks.example/#part", "https://hooks.example/%2e%2e/b"),
        *("https://hooks.example\\@127.0.0.1/", "https://hooks.exa\nmple/", "https://[::1/"),
        *(
            "https://localhost/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
        ),
        *(
            "https://10.0.0.1/",
            "https://169.254.169.254/latest",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
        ),
        *("https://metadata.google.internal/", "https://printer.local/", "https://[fd00::1]/", "https://0/"),
    ],
)
def test_such_a_url_is_refused(url: Any) -> None:
    with pytest.raises(BadRequestError):
        check_url(url, ())


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://hooks.example/new?a=b", "https://hooks.example/new?a=b"),
        ("HTTPS://Hooks.Example:8443", "https://hooks.example:8443"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://93.184.216.34/new", "https://93.184.216.34/new"),
    ],
)
def test_such_a_url_is_stored(url: str, stored: str) -> None:
    assert check_url(url, ()) == stored


def test_the_operator_allows_urls_by_origin_and_whole_segments() -> None:
    allowed = ("http://hooks.lan:8080/new", "http://other.lan")
    for url in (
        "http://hooks.lan:8080/new",
        "http://hooks.lan:8080/new/a?b",
        "http://other.lan/",
        "http://other.lan:80/x",
    ):
        assert is_allowed(url, allowed)
        assert check_url(url, allowed)
    for url in (
        *("http://hooks.lan:8080/newer", "http://hooks.lan/new", "https://hooks.lan:8080/new"),
        *("http://hooks.lan:8080.evil.example/new", "http://other.lan.evil.example/", "http://other.lan:81/"),
    ):
        assert not is_allowed(url, allowed)
    with pytest.raises(BadRequestError):
        check_url("http://hooks.lan:8080/new/../admin", allowed)
    assert is_allowed("http://anything/", ("*",))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *(("93.184.216.34", True), ("2606:2800:220:1::1", True), ("::ffff:93.184.216.34", True)),
        *(("64:ff9b::5db8:d822", True), ("64:ff9b::a00:1", False), ("64:ff9b:1::5db8:d822", False)),
        *(("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False), ("100.64.0.1", False)),
        *(("0.0.0.0", False), ("::", False), ("::1", False), ("fe80::1%eth0", False), ("fd00::1", False)),
        *(("::ffff:127.0.0.1", False), ("2002:7f00:1::", False), ("2001:0:4136:e378::1", False)),
        *(("224.0.0.1", False), ("ff02::1", False), ("192.168.0.1", False), ("198.18.0.1", False)),
    ],
)
def test_public_addresses(address: str, *, public: bool) -> None:
    assert is_public(address) is public


def _resolving(*addresses: str) -> Any:
    async def getaddrinfo(_self: Any, _host: Any, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", _resolving("93.184.216.34", "127.0.0.1"))
    with pytest.raises(RefusedAddressError):
        asyncio.run(CheckedBackend().connect_tcp("rebinding.example", 443))


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = []

    async def connect(_self: Any, host: str, port: int, *_: Any, **_options: Any) -> None:
        connected.append((host, port))
        if host == "93.184.216.34":
            raise httpcore.ConnectError

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", _resolving("93.184.216.34", "93.184.216.35"))
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    asyncio.run(CheckedBackend().connect_tcp("hooks.example", 443))
    assert connected == [("93.184.216.34", 443), ("93.184.216.35", 443)]


def _post(url: str, *allowed: str, timeout: float = 5.0) -> Any:
    settings = Settings(
        database_url="", store_url="", notification_urls=allowed, notification_timeout=timeout
    )

    async def run() -> Any:
        sender = Sender(settings)
        try:
            return await sender.post(url, {"X-A": "b"}, b"{}")
        finally:
            await sender.close()

    return asyncio.run(run())


def test_a_private_address_is_refused_when_it_is_used(receiver: Receiver) -> None:
    outcome = _post(receiver.url.replace("127.0.0.1", "localhost"))
    assert outcome.final
    assert "private network" in outcome.error
    assert receiver.events == []
    assert _post(receiver.url, receiver.url).delivered


@pytest.mark.parametrize(
    ("status", "final"), [(302, False), (404, False), (429, False), (503, False), (422, True)]
)
def test_only_success_counts_and_redirects_are_not_followed(
    receiver: Receiver, status: int, *, final: bool
) -> None:
    receiver.answer = lambda _: status
    outcome = _post(receiver.url, "*")
    assert (outcome.delivered, outcome.status, outcome.final) == (False, status, final)
    assert len(receiver.events) == 1


def test_what_does_not_answer_in_time_or_is_no_http_has_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert _post(url, "*", timeout=0.1).error == "There was no answer within 0.1 seconds."
    assert "connection failed" in _post(url, "*").error


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of https://github.com/standard-webhooks/standard-webhooks, with its key.
    import base64
    from datetime import UTC, datetime

    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = events.signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        secret,
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert events.written_secret(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
