"""`landbridge auth login`, `logout` and `status`: the login to the service of a profile."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from landbridge.config import Settings
from landbridge.exceptions import ClientError, ConfigError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.auth.oidc import OidcTokens

_profile = click.option(
    "--profile", help="The profile; by default that of LANDBRIDGE_PROFILE, or the default of config.toml."
)


@click.group()
def auth() -> None:
    """Log in to the service of a profile, log out, and show the login."""


@auth.command()
@_profile
def login(profile: str | None) -> None:
    """Get tokens for a profile, by a code to confirm in a browser or by the client's secret.

    They are stored in the user's state folder, readable by this user only, and renewed when they are used.
    """
    with _reported():
        tokens = _tokens(_settings(profile))
        if not tokens.interactive:
            tokens.token()
            click.echo("The provider gives tokens to this client; they are got and renewed by themselves.")
            return
        waiting = tokens.login()
        click.echo(f"Open   {waiting.verification_url}\nand confirm the code   {waiting.user_code}")
        if waiting.verification_url_with_code:
            click.echo(f"or open   {waiting.verification_url_with_code}")
        click.echo("Waiting …", err=True)
        waiting.wait()
    click.echo("Logged in.")


@auth.command()
@_profile
def logout(profile: str | None) -> None:
    """Delete the tokens of a profile, and revoke them if the provider can."""
    with _reported():
        there = _tokens(_settings(profile)).logout()
    click.echo("Logged out." if there else "Nobody was logged in.")


@auth.command()
@_profile
def status(profile: str | None) -> None:
    """Show the service, the credential, and the user that the service sees.

    The exit code is 1 if the service does not accept the credential.
    """
    from landbridge.auth import Auth
    from landbridge.catalog import CatalogClient

    with _reported():
        settings = _settings(profile)
        rows: dict[str, Any] = {"profile": settings.profile, "service": settings.url or "embedded"}
        if settings.oidc is not None:
            rows["issuer"] = settings.oidc.issuer
            rows["login"] = _login(_tokens(settings))
        else:
            rows["token"] = "given" if settings.token else "none"
        _print(rows)
        if settings.url is not None:
            token = settings.token if settings.oidc is None else _tokens(settings).token()
            client = CatalogClient(settings.url, auth=Auth(token=token))
            try:
                caller = client.auth
            finally:
                client.close()
            names = {"user": caller.user, "org": caller.org, "email": caller.email}
            _print({**names, "groups": ", ".join(caller.groups)})


def _login(tokens: OidcTokens) -> str:
    try:
        expires = tokens.expires()
    except LookupError:
        return "none yet" if tokens.interactive else "none yet; it is made when it is needed"
    if expires is None:
        return "there is one"
    when = datetime.fromtimestamp(expires, UTC)
    verb = "expired" if when < datetime.now(UTC) else "expires"
    return f"there is one; its access token {verb} {when:%F %T} UTC"


def _print(rows: dict[str, Any]) -> None:
    for name, value in rows.items():
        if value:
            click.echo(f"{name:<9} {value}")


def _settings(profile: str | None) -> Settings:
    return Settings.from_env(os.environ if profile is None else {**os.environ, "LANDBRIDGE_PROFILE": profile})


def _tokens(settings: Settings) -> OidcTokens:
    from landbridge.auth.oidc import OidcTokens

    if settings.oidc is None:
        if settings.profile is None:
            raise ConfigError("No profile is chosen: give --profile, or set LANDBRIDGE_PROFILE.")
        raise ConfigError(
            f"The profile {settings.profile!r} has no `oidc`, or LANDBRIDGE_TOKEN is set in its place: there "
            f"is nothing to log in to."
        )
    return OidcTokens(settings.profile or "", settings.oidc)


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Turn errors into a message and exit code 1."""
    try:
        yield
    except (ClientError, ConfigError, ServerError, OSError) as error:
        raise click.ClickException(str(error)) from error
