"""An OpenID Connect issuer on loopback with its own keys."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE = "https://catalog.test"


def rsa(kid: str | None) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid} if kid else None)


def ec(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


class Issuer:
    """Published documents and recorded requests of an issuer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.signing = rsa("first")
        self.published: list[dict[str, Any]] = [self.signing.as_dict(private=False)]
        self.described: dict[str, Any] = {"issuer": url, "jwks_uri": f"{url}/keys"}
        self.status = 200
        self.asked: list[str] = []

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a valid token; a change to None removes a claim."""
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ann",
            "exp": int(time.time()) + 300,
            "iat": int(time.time()),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token signed by the current key unless another is given."""
        key = key or self.signing
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        header = {"alg": algorithm, "kid": key.kid} if header is None else header
        return jwt.encode(header, self.claims(**changes), key, algorithms=["RS256", "ES256"])

    def rotate(self, key: Any) -> None:
        """Replace the signing key and publish only the new one."""
        self.signing = key
        self.published = [key.as_dict(private=False)]


@contextmanager
def serving() -> Iterator[Issuer]:
    """Run the issuer inside the `with` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            documents = {
                "/.well-known/openid-configuration": issuer.described,
                "/keys": {"keys": issuer.published},
            }
            content = json.dumps(documents.get(self.path)).encode()
            self.send_response(issuer.status if self.path in documents else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
