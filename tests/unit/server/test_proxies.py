"""Of what comes through proxies, that is believed which the first of the trusted ones has seen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from landbridge.stac_api.access.proxies import ForwardedHeaders

TRUSTED = ["10.0.0.0/8", "fd00::1"]
INNER = "http://inner:8000/search"
_proxies = st.one_of(st.integers(1, 200).map("10.0.0.{}".format), st.just("fd00::1"))
_strangers = st.one_of(st.integers(1, 200).map("203.0.113.{}".format), st.just("2001:db8::7"))
_words = st.sampled_from(
    ["http", "https", "evil.example", "public.example:8443", "198.51.100.1", "10.0.0.1", "-"]
)
_schemes = st.sampled_from(["http", "https"])


@dataclass(frozen=True)
class Seen:
    """The parts of a request that a proxy sees."""

    address: str
    proto: str
    host: str

    def element(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f'for="{address}";proto={self.proto};host="{self.host}"'


_first = st.builds(Seen, _strangers, _schemes, st.sampled_from(["a.example", "b.example:81"]))
_between = st.builds(Seen, _proxies, _schemes, st.sampled_from(["in.example", "mid.example:82"]))
_spoofed = st.builds(Seen, _words, _words, _words)


def followed(peer: str, headers: list[tuple[str, str]], path: str = "/search", **options: Any) -> Request:
    """Return the request as the application gets it."""
    got: list[Request] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(Request(scope))

    sent = [("host", "inner:8000"), *headers]
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "query_string": b"",
        "path": path,
        "raw_path": path.encode(),
        "client": (peer, 1234),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in sent],
    }
    asyncio.run(ForwardedHeaders(app, TRUSTED, **options)(scope, None, None))
    return got[0]


@given(
    first=_first,
    between=st.lists(_between, max_size=3),
    peer=_proxies,
    spoofed=st.lists(_spoofed, max_size=3),
    standard=st.booleans(),
)
def test_the_first_trusted_proxy_is_believed_and_nothing_before_it(
    first: Seen, between: list[Seen], peer: str, spoofed: list[Seen], standard: bool
) -> None:
    hops = [*spoofed, first, *between]
    if standard:
        headers = [("forwarded", ", ".join(hop.element() for hop in hops))]
    else:
        headers = [
            ("x-forwarded-for", ", ".join(hop.address for hop in hops)),
            ("x-forwarded-proto", ",".join(hop.proto for hop in hops)),
            ("x-forwarded-host", ", ".join(hop.host for hop in hops)),
        ]
    request = followed(peer, headers)
    assert request.client is not None
    assert request.client.host == first.address
    assert str(request.url) == f"{first.proto}://{first.host}/search"


@given(
    stranger=_strangers,
    name=st.sampled_from(
        ["forwarded", *(f"x-forwarded-{one}" for one in ("for", "host", "proto", "prefix"))]
    ),
    value=st.one_of(_words, st.just("for=1.2.3.4;host=evil.example;proto=https"), st.just("/evil")),
)
def test_a_stranger_is_never_believed(stranger: str, name: str, value: str) -> None:
    request = followed(stranger, [(name, value)])
    assert request.client is not None
    assert request.client.host == stranger
    assert str(request.url) == INNER


@pytest.mark.parametrize(
    "value",
    [
        "evil.example/path",
        "evil.example:99999999",
        "a b",
        "u@evil.example",
        "evil.example?x",
        "[::1",
        "\u00e9",
        ":80",
    ],
)
def test_a_host_that_is_none_is_passed_over(value: str) -> None:
    assert str(followed("10.0.0.1", [("x-forwarded-host", value)]).url) == INNER


@pytest.mark.parametrize(
    "value", ["evil", "//evil.example", "/a?x", "/a b", "http://evil.example/", "/", "/a//b"]
)
def test_a_prefix_that_is_none_is_passed_over(value: str) -> None:
    assert str(followed("10.0.0.1", [("x-forwarded-prefix", value)]).url) == INNER


@pytest.mark.parametrize("path", ["/search", "/stac/search"])
@pytest.mark.parametrize("options", [{"root_path": "/stac"}, {}])
def test_the_path_begins_with_the_prefix_once(path: str, options: dict[str, str]) -> None:
    headers = [] if options else [("x-forwarded-prefix", "/stac/")]
    request = followed("10.0.0.1", headers, path, **options)
    assert request.scope["path"] == "/stac/search"
    assert request.scope["raw_path"] == b"/stac/search"
    assert str(request.base_url) == "http://inner:8000/stac/"


def test_a_path_that_only_begins_like_the_prefix_is_not_in_it() -> None:
    assert followed("10.0.0.1", [], "/stacks", root_path="/stac").scope["path"] == "/stac/stacks"
