"""`landbridge-server users`: what becomes of the data of a user who leaves."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from landbridge.stac_api.admin import service
from landbridge.stac_api.admin.command_errors import CommandError, log, reported
from landbridge.stac_api.admin.options import json_option
from landbridge.stac_api.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from landbridge.stac_api.admin.users import Report
    from landbridge.stac_api.services import Services

__all__ = ["users"]

_email = click.option("--email", help="The user's address, whose entries in access lists count too.")


@click.group()
def users() -> None:
    """Find, transfer or erase what belongs to a user."""


@users.command()
@click.argument("user")
@_email
@json_option()
def show(user: str, email: str | None, as_json: bool) -> None:
    """Print the products and blobs whose access lists have a user, and other rows that name the user."""
    from landbridge.stac_api.admin.users import describe

    _print(_run(lambda services: describe(services, user, email)), as_json)


@users.command()
@click.argument("user")
@click.option("--to", required=True, help="Who takes the user's place: user:NAME or org:NAME.")
@_email
@json_option()
def transfer(user: str, to: str, email: str | None, as_json: bool) -> None:
    """Give the user's place in all access lists, and the uploads, to another user or organization.

    The user's API tokens are revoked, and the subscriptions deleted. End the account at your OpenID Connect
    issuer first.
    """
    from landbridge.stac_api.admin import users

    _print(_run(lambda services: users.transfer(services, user, to, email)), as_json)


@users.command()
@click.argument("user")
@_email
@click.option("--audit", is_flag=True, help="Erase the user from the audit log too.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@json_option()
def erase(user: str, email: str | None, audit: bool, yes: bool, as_json: bool) -> None:
    """Remove a user from all access lists, and delete the products and blobs that nobody else owns.

    Their images and files are deleted too. API tokens, subscriptions and the names in records are erased.
    """
    from landbridge.stac_api.admin import users

    if not yes:
        click.confirm(
            f"Erase {user}, with all products and blobs that only {user} owns?", abort=True, err=True
        )
    _print(_run(lambda services: users.erase(services, user, email, audit=audit)), as_json)


def _run(act: Callable[[Services], Awaitable[Report]]) -> Report:
    from landbridge.stac_api.runtime import open_services

    log(logging.WARNING)
    with reported():
        chosen = service.settings(worker=False)

        async def run() -> Report:
            async with open_services(chosen) as (services, _):
                return await act(services)

        try:
            return asyncio.run(run())
        except ConflictError as error:
            raise CommandError(str(error)) from error


def _print(report: Report, as_json: bool) -> None:
    document: dict[str, Any] = asdict(report)
    if as_json:
        click.echo(json.dumps(document))
        return
    for name in ("products", "blobs", "deleted_products", "deleted_blobs"):
        for each in document[name]:
            click.echo(f"{name.replace('_', ' '):<17} {each}")
    for name, count in report.counts.items():
        click.echo(f"{name.replace('_', ' '):<21} {count}")
