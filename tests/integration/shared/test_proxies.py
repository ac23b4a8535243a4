"""Behind a real nginx, which strips the prefix or keeps it, every address leads back through it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from integration.conftest import stac_collection, stac_item
from integration.shared.conftest import OPERATOR
from landbridge.stac_api.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from integration.shared.conftest import Serving

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed: scripts/apt-install nginx-light"
)

PREFIX = "/stac"
COLLECTION = "local:proxied"
_CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        location {prefix}/ {{
            proxy_pass {target};
            {headers}
        }}
    }}
}}
"""
_HOST = "proxy_set_header Host $http_host;"
_CLEARED = 'proxy_set_header Forwarded "";'


@contextmanager
def nginx(folder: Path, upstream: str, *, strip: bool, headers: str, prefix: str = PREFIX) -> Iterator[str]:
    """Start an nginx before a server and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    target = f"{upstream}/" if strip else upstream
    text = _CONF.format(folder=folder, user=user, port=port, target=target, headers=headers, prefix=prefix)
    (folder / "nginx.conf").write_text(text)
    assert NGINX is not None
    command = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            _await_port(process, port)
            yield f"http://127.0.0.1:{port}{prefix}/"
        finally:
            process.terminate()


def _await_port(process: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nginx does not listen on port {port}")


def addresses(document: Any, base: str) -> Iterator[str]:
    """Return every address of this API in a document: hrefs, URLs, identifiers of schemas."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name in ("href", "url", "$id") and isinstance(value, str):
                yield urljoin(base, value)
            else:
                yield from addresses(value, base)
    elif isinstance(document, list):
        for one in document:
            yield from addresses(one, base)


def fill(client: httpx.Client) -> None:
    """Make a collection of three items, with a file of the API's own store."""
    client.post("collections", json=stac_collection(COLLECTION))
    for number in range(3):
        client.post(f"collections/{COLLECTION}/items", json=stac_item(COLLECTION, f"i{number}"))


START = (
    *("", "conformance", "collections", "collections?limit=1", "collections?limit=1&offset=1"),
    *("search?limit=1", "queryables", "aggregate", "aggregations"),
    f"collections/{COLLECTION}",
    *(
        f"collections/{COLLECTION}/{rest}"
        for rest in ("items?limit=1", "items/i0", "queryables", "aggregate")
    ),
)


# Addresses that are asked by POST only.
_BY_POST = ("assets/signatures", "tiles/signatures", "searches/register", "uploads", "blobs")


def check_addresses(client: httpx.Client, shown: str | None = None) -> None:
    """Follow every address that the API gives out, from its pages on.

    `shown` is what they begin with if that is not where the client sends its requests.
    """
    base = str(client.base_url).rstrip("/") + "/"
    shown = shown or base
    waiting, seen = list(START), set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = client.get(path, follow_redirects=False)
        # The images of these tests have no pixels.
        expected = 422 if path.endswith("/preview.png") else 200
        assert answer.status_code == expected, (path, answer.status_code, answer.text[:300])
        if "json" not in answer.headers["content-type"]:
            continue
        document = answer.json()
        for address in addresses(document, shown):
            if urlsplit(address).hostname in ("stac-utils.github.io", "github.com"):
                continue
            assert address.startswith(shown.rstrip("/")), (path, address)
            inside = address[len(shown) :]
            if "{" in inside:
                continue  # the template of tiles
            if len(seen) < 30 and not inside.startswith(
                ("assets/signatures", "tiles/signatures", "searches/register", "uploads", "blobs")
            ):
                waiting.append(inside)
    assert len(seen) > len(START)


def check_writes(client: httpx.Client, shown: str | None = None) -> None:
    """Follow what answers to writes lead to: new things, pages of a POST, redirects, signed URLs."""
    base = str(client.base_url).rstrip("/") + "/"
    shown = shown or base

    def inside(address: str) -> str:
        assert address.startswith(shown), address
        return address[len(shown) :]

    page = client.post("search", json={"limit": 1}).json()
    link = next(one for one in page["links"] if one["rel"] == "next")
    assert client.post(inside(link["href"]), json=link["body"]).status_code == 200
    redirect = client.get("collections/")
    assert redirect.status_code == 307
    assert client.get(inside(redirect.headers["Location"])).status_code == 200
    item = stac_item(COLLECTION, f"new-{time.monotonic_ns()}")
    made = client.post(f"collections/{COLLECTION}/items", json=item)
    assert client.delete(inside(made.headers["Location"])).status_code == 204
    upload = client.post("uploads", json={"item": item, "files": [{"name": "a.tif", "size": 3}]})
    assert upload.status_code == 201, upload.text
    for url in upload.json()["resumable_urls"]:
        assert "signature=" in url
        # By its signature alone.
        with httpx.Client(base_url=base) as stranger:
            assert stranger.put(inside(url), content=b"abc").status_code == 204


@pytest.fixture(scope="module")
def server(serve: Callable[..., Any]) -> Iterator[Serving]:
    """A server under a prefix, which believes the proxies of this machine."""
    known = {"root_path": PREFIX, "trusted_proxies": "127.0.0.0/8"}
    with serve(worker=False, audit_stdout=False, **known) as server:
        yield filled(server)


@pytest.fixture(scope="module")
def unprefixed(serve: Callable[..., Any]) -> Iterator[Serving]:
    """A server that knows of no prefix, and believes the proxies of this machine."""
    with serve(worker=False, audit_stdout=False, trusted_proxies="127.0.0.1") as server:
        yield filled(server)


def filled(server: Serving) -> Serving:
    with client_of(server.url) as client:
        fill(client)
    return server


def client_of(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {OPERATOR}"}, timeout=60)


@contextmanager
def behind(server: Serving, folder: Path, headers: str, *, strip: bool) -> Iterator[httpx.Client]:
    with nginx(folder, server.url, strip=strip, headers=headers) as url, client_of(url) as client:
        yield client


SHAPES = pytest.mark.parametrize("strip", [True, False], ids=["stripped", "kept"])


@SHAPES
def test_every_address_keeps_the_prefix(server: Serving, tmp_path: Path, strip: bool) -> None:
    with behind(server, tmp_path / "nginx", _HOST, strip=strip) as client:
        check_addresses(client)
        check_writes(client)


def test_a_trusted_proxy_sets_the_prefix(unprefixed: Serving, tmp_path: Path) -> None:
    headers = f"{_HOST} {_CLEARED} proxy_set_header X-Forwarded-Prefix {PREFIX};"
    with behind(unprefixed, tmp_path / "nginx", headers, strip=True) as client:
        check_addresses(client)
        check_writes(client)


PORT = "https://public.example:8443/stac/"
NO_PORT = "https://public.example/stac/"
_CHAIN = (
    'X-Forwarded-Proto "https, http"; X-Forwarded-Host "public.example, inner"; '
    'X-Forwarded-For "198.51.100.7, 127.0.0.1"'
)
_ELEMENTS = (
    'Forwarded "for=198.51.100.7;proto=https;host=\\"public.example:8443\\", '
    'for=127.0.0.1;proto=http;host=in"'
)
TOLD = [
    ("X-Forwarded-Proto https; X-Forwarded-Host public.example", NO_PORT),
    ("X-Forwarded-Proto https; X-Forwarded-Host public.example; X-Forwarded-Port 8443", PORT),
    ("X-Forwarded-Proto https; X-Forwarded-Host public.example:8443", PORT),
    ("X-Forwarded-Proto https; Host public.example; X-Forwarded-Port 443", NO_PORT),
    ('X-Forwarded-Proto "https, http"; Host public.example', NO_PORT),
    (
        _CHAIN,
        NO_PORT,
    ),
    ('Forwarded "for=198.51.100.7;proto=https;host=public.example"', NO_PORT),
    (
        _ELEMENTS,
        PORT,
    ),
]


@pytest.mark.parametrize(("headers", "shown"), TOLD, ids=[headers for headers, _ in TOLD])
@SHAPES
def test_scheme_host_and_port_are_those_that_a_trusted_proxy_tells(
    server: Serving, tmp_path: Path, headers: str, shown: str, strip: bool
) -> None:
    text = " ".join(f"proxy_set_header {one.strip()};" for one in headers.split("; "))
    with behind(server, tmp_path / "nginx", text, strip=strip) as client:
        check_addresses(client, shown)
        check_writes(client, shown)


SPOOFED = {
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "203.0.113.9",
}


@pytest.mark.parametrize("trusted", ["", "192.0.2.1"], ids=["nobody is trusted", "another is trusted"])
def test_a_header_of_an_untrusted_client_changes_nothing(serve: Callable[..., Any], trusted: str) -> None:
    with serve(worker=False, audit_stdout=False, trusted_proxies=trusted) as server:
        filled(server)
        for name, value in SPOOFED.items():
            with client_of(server.url) as client:
                client.headers[name] = value
                check_addresses(client)
                check_writes(client)


def test_what_a_client_sends_through_a_trusted_proxy_changes_nothing(server: Serving, tmp_path: Path) -> None:
    """The proxy adds to the list that the client has begun, as RFC 7239 has it."""
    ours = "for=198.51.100.7;proto=http;host=$http_host"
    text = f'{_HOST} proxy_set_header Forwarded "$http_forwarded, {ours}";'
    with behind(server, tmp_path / "nginx", text, strip=False) as client:
        client.headers["Forwarded"] = SPOOFED["Forwarded"]
        check_addresses(client)
        check_writes(client)


def test_a_proxy_that_is_no_address_is_named() -> None:
    with pytest.raises(ValueError, match=r"'proxy\.internal' is no address"):
        Settings(database_url="", store_url="", trusted_proxies="proxy.internal")
