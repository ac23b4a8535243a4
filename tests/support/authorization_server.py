"""An OpenID Connect provider on loopback that follows the RFCs strictly and records its requests."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Provider:
    """Clients, issued tokens and recorded requests; `answers` are the errors before a login is confirmed."""

    url: str = ""
    clients: dict[str, str | None] = field(default_factory=lambda: {"person": None, "machine": "s3cret+/ü"})
    methods: list[str] = field(default_factory=lambda: ["client_secret_basic"])
    lifetime: int | None = 3600
    interval: int = 5
    expires_in: int = 600
    answers: list[str] = field(default_factory=list)
    issuer: str | None = None
    without: tuple[str, ...] = ()
    down: bool = False
    rotates: bool = True
    signing: Callable[[str], str] | None = None  # returns the access token of a client
    keys: dict[str, Any] = field(default_factory=dict)  # public keys that verify the tokens
    codes: set[str] = field(default_factory=set)
    refreshers: set[str] = field(default_factory=set)
    given: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer or self.url,
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device",
            "revocation_endpoint": f"{self.url}/revoke",
            "jwks_uri": f"{self.url}/keys",
            "scopes_supported": ["openid", "email", "offline_access", "other"],
            "token_endpoint_auth_methods_supported": self.methods,
        }
        return {name: value for name, value in document.items() if name not in self.without}

    def answer(self, path: str, form: dict[str, str], client: str | None) -> tuple[int, Any]:
        """Return the answer to a POST of an authenticated client; None means not authenticated."""
        self.asked.append((path, form))
        if self.down:
            return 503, {"error": "temporarily_unavailable"}
        if client is None:
            return 401, {"error": "invalid_client", "error_description": "The client is not known."}
        if path == "/device":
            code = f"device-{next(self.numbers)}"
            self.codes.add(code)
            return 200, {
                "device_code": code,
                "user_code": "ABCD-EFGH",
                "verification_uri": f"{self.url}/activate",
                "verification_uri_complete": f"{self.url}/activate?code=ABCD-EFGH",
                "expires_in": self.expires_in,
                "interval": self.interval,
            }
        if path == "/revoke":
            self.revoked.append(form["token"])
            return 200, {}
        return self.token(form, client)

    def token(self, form: dict[str, str], client: str) -> tuple[int, Any]:  # noqa: PLR0911 - one for each answer
        grant = form.get("grant_type")
        if grant == "client_credentials":
            if self.clients[client] is None:
                return 400, {"error": "unauthorized_client"}
            return 200, self.give(client, refresh=False)
        if grant == "refresh_token":
            if form.get("refresh_token") not in self.refreshers:
                return 400, {"error": "invalid_grant", "error_description": "The session has ended."}
            if self.rotates:
                self.refreshers.discard(form["refresh_token"])
            return 200, self.give(client, refresh=self.rotates)
        if grant == DEVICE and form.get("device_code") in self.codes and form.get("client_id") == client:
            if self.answers:
                return 400, {"error": self.answers.pop(0)}
            self.codes.discard(form["device_code"])
            return 200, self.give(client, refresh=True)
        return 400, {"error": "unsupported_grant_type"}

    def give(self, client: str, *, refresh: bool) -> dict[str, Any]:
        access = f"access-{next(self.numbers)}" if self.signing is None else self.signing(client)
        self.given.append(access)
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "scope": "openid email"}
        if self.lifetime is not None:
            answer["expires_in"] = self.lifetime
        if refresh:
            answer["refresh_token"] = f"refresh-{next(self.numbers)}"
            self.refreshers.add(answer["refresh_token"])
        return answer


def _client(provider: Provider, headers: Any, form: dict[str, str]) -> str | None:
    """Return the client of a request by RFC 6749 section 2.3.1, or 3.2.1 for clients without a secret."""
    given = headers.get("Authorization", "")
    if given:
        if "client_secret_basic" not in provider.methods or "client_id" in form:
            return None
        name, _, secret = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        name, secret = unquote_plus(name), unquote_plus(secret)
    else:
        name, secret = form.get("client_id", ""), form.get("client_secret")
        if secret is not None and "client_secret_post" not in provider.methods:
            return None
    return name if name in provider.clients and provider.clients[name] == secret else None


@contextmanager
def serving() -> Iterator[Provider]:
    """Run the provider inside the `with` block."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            known = {"/.well-known/openid-configuration": provider.discovery(), "/keys": provider.keys}
            if path not in known:
                self.send(404, {})
            else:
                self.send(503 if provider.down else 200, known[path])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body, keep_blank_values=True))
            with provider.lock:
                self.send(*provider.answer(self.path, form, _client(provider, self.headers, form)))

        def send(self, status: int, document: Any) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
