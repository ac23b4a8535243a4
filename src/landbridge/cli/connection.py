"""Options that choose the service of a command: --url and --profile."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["connection_options", "use_connection"]

_URL, _PROFILE, _TOKEN = "LANDBRIDGE_URL", "LANDBRIDGE_PROFILE", "LANDBRIDGE_TOKEN"


def connection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --url and --profile to a command, which come before the variables of the environment."""

    @click.option(
        "--url", metavar="URL", help="STAC API to use; by default LANDBRIDGE_URL, else the embedded stack."
    )
    @click.option(
        "--profile", metavar="NAME", help="Profile of config.toml to use; by default LANDBRIDGE_PROFILE."
    )
    @functools.wraps(function)
    def connected(url: str | None, profile: str | None, **options: Any) -> Any:
        use_connection(click.get_current_context(), url, profile)
        return function(**options)

    return connected


def use_connection(ctx: click.Context, url: str | None, profile: str | None) -> None:
    """Use a service until the command ends.

    The token of the environment is not sent to another service than the one it was set for.

    Raises
    ------
    click.ClickException
        If the settings are invalid, or if `url` is not the address of `profile`.
    """
    if url is None and profile is None:
        return
    from landbridge.catalog import CatalogClient
    from landbridge.config import Settings
    from landbridge.exceptions import ConfigError

    try:
        try:
            before = Settings.from_env().url
        except ConfigError:
            before = ""  # another service than any
        environment = dict(os.environ)
        if url is not None and (profile is not None or url.rstrip("/") != before):
            environment |= {_URL: url, _PROFILE: profile or ""}
        elif profile is not None:
            environment = {name: value for name, value in environment.items() if name != _URL}
            environment[_PROFILE] = profile
        after = Settings.from_env(environment).url
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    if before is not None and after != before:
        environment.pop(_TOKEN, None)
    former = {name: os.environ.get(name) for name in (_URL, _PROFILE, _TOKEN)}
    _set({name: environment.get(name) for name in former})
    CatalogClient.clear_all_default_clients()

    def restore() -> None:
        _set(former)
        CatalogClient.clear_all_default_clients()

    ctx.find_root().call_on_close(restore)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
