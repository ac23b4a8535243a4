"""Logins from end to end: a provider gives tokens to the client, and the service takes them by its keys."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import RSAKey

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Product
from landbridge.cli import main
from support import authorization_server

from .conftest import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.authorization_server import Provider

AUDIENCE = "catalog"
CLAIMS = {
    "person": {"sub": "pat", "org": "delta", "groups": ["flood"]},
    "machine": {"sub": "robot", "org": "delta", "groups": []},
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider whose access tokens are signed JSON Web Tokens."""
    key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    numbers = itertools.count()
    with authorization_server.serving() as running:

        def sign(client: str) -> str:
            now = int(time.time())
            claims = {
                **CLAIMS[client], "iss": running.url, "aud": AUDIENCE, "iat": now, "exp": now + 3600,
                "jti": str(next(numbers)),
            }  # fmt: skip
            return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)

        running.interval = 0
        running.signing = sign
        running.keys = {"keys": [key.as_dict(private=False)]}
        yield running


@pytest.fixture
def trusting(serve: Any, provider: Provider) -> Iterator[Any]:
    """A service that takes the provider's tokens."""
    with serve(oidc_issuers=[provider.url], oidc_audience=[AUDIENCE], worker=False) as running:
        yield running


@pytest.fixture
def configured(
    trusting: Any, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A user's profiles: one to log in with, one of a machine."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'[profiles.person]\nurl = "{trusting.url}"\n'
        f'oidc = {{ issuer = "{provider.url}", client_id = "person", audience = "{AUDIENCE}" }}\n'
        f'[profiles.machine]\nurl = "{trusting.url}"\n'
        f'oidc = {{ issuer = "{provider.url}", client_id = "machine", client_secret = "s3cret+/ü" }}\n'
    )
    path.chmod(0o600)
    monkeypatch.setenv("LANDBRIDGE_CONFIG", str(path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    CatalogClient.clear_all_default_clients()
    yield
    CatalogClient.clear_all_default_clients()


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(("profile", "user"), [("person", "pat"), ("machine", "robot")])
def test_a_login_makes_the_catalog_the_users_own(
    configured: None, provider: Provider, monkeypatch: pytest.MonkeyPatch, profile: str, user: str
) -> None:
    done = run("auth", "login", "--profile", profile)
    assert done.exit_code == 0, done.output
    monkeypatch.setenv("LANDBRIDGE_PROFILE", profile)
    status = run("auth", "status")
    assert status.exit_code == 0, status.output
    assert f"user      {user}" in status.output
    assert "org       delta" in status.output

    product = Product(id=f"p-{uuid.uuid4().hex[:8]}", name="P")
    product.save()
    assert product.id.startswith("delta:")
    assert set(product.owners) == {f"user:{user}", "org:delta"}
    assert product.user_is_owner()
    assert run("auth", "logout").exit_code == 0
    assert provider.revoked


def test_a_token_that_the_service_takes_no_longer_is_renewed_in_the_call(
    configured: None, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDBRIDGE_PROFILE", "machine")
    good, provider.signing = provider.signing, lambda _: "not a token of anybody's"
    client = CatalogClient()
    assert client.token == "not a token of anybody's"
    provider.signing = good
    assert client.auth.user == "robot"
    assert client.get("/access/me")["org"] == "delta"
    assert len(provider.given) == 2
    client.close()


def test_an_api_token_of_the_command_line_is_one_of_its_user(service: Any) -> None:
    environ = {**os.environ, "LANDBRIDGE_DATABASE_URL": service.database, "LANDBRIDGE_STORE_URL": "memory://"}
    command = [sys.executable, "-m", "landbridge.cli", "token", "create", "--user", "dan", "--org", "delta"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    (token,) = [word for word in done.stdout.split() if word.startswith("lb")]
    client = CatalogClient(service.url, auth=Auth(token=token))
    assert (client.auth.user, client.auth.org) == ("dan", "delta")
    client.close()


def test_the_status_of_a_token_in_the_environment(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = service.token(PEOPLE["ann"])
    monkeypatch.setenv("LANDBRIDGE_URL", service.url)
    monkeypatch.setenv("LANDBRIDGE_TOKEN", token)
    status = run("auth", "status")
    assert status.exit_code == 0, status.output
    assert "user      ann" in status.output
    assert token not in status.output
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "unknown")
    refused = run("auth", "status")
    assert refused.exit_code == 1
    assert "LANDBRIDGE_TOKEN" in refused.output
