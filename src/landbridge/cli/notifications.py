"""`landbridge notifications`: subscriptions to new images, which the service sends to an address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.output import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["notifications"]

_DESTINATIONS = "/notifications/destinations"
_SUBSCRIPTIONS = "/notifications/subscriptions"
_PAGE = 1000


@click.group()
def notifications() -> None:
    """Be notified of new images by signed HTTP requests."""


@notifications.command()
@click.argument("products", nargs=-1, required=True, metavar="PRODUCT...")
@click.option("--url", required=True, help="Address that gets the notifications.")
@click.option("--name", help="Name of the subscription; by default that of the first product.")
@click.option(
    "--geometry",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a GeoJSON geometry or Feature: only images that intersect it.",
)
@click.option("--filter", "filter_", metavar="CQL2", help="Only images that match it: 'eo:cloud_cover < 20'.")
@click.option("--expires", metavar="TIME", help="End of the subscription, such as 2030-01-31T00:00:00Z.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=FILE",
    help="Header to send, whose value is the first line of a file; may be repeated.",
)
@json_option()
def add(
    products: tuple[str, ...],
    url: str,
    name: str | None,
    geometry: Path | None,
    filter_: str | None,
    expires: str | None,
    headers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Subscribe to new images of products, and print the secret of the signatures.

    The secret cannot be read again.
    """
    from landbridge.mappings import ids

    chosen = name or ids.make_valid_name(products[0].rpartition(":")[2])
    body: dict[str, Any] = {"name": chosen, "products": list(products)}
    if geometry is not None:
        body["geometry"] = _geometry(geometry)
    body |= {key: value for key, value in {"filter": filter_, "expires": expires}.items() if value}
    hook = {"name": chosen, "url": url, "headers": dict(map(_header, headers))}
    with reported():
        client = _client()
        destination = client.post(_DESTINATIONS, hook)
        try:
            made = client.post(_SUBSCRIPTIONS, {**body, "destination": destination["id"]})
        except BaseException:
            client.request("DELETE", _path(_DESTINATIONS, destination["id"]))
            raise
    if as_json:
        click.echo(json.dumps({**made, "secret": destination["secret"]}))
        return
    click.echo(f"{made['id']} notifies {url}. The secret of its signatures is not shown again:", err=True)
    click.echo(destination["secret"])


def _geometry(file: Path) -> Any:
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise click.BadParameter(f"{file} is not JSON: {error}.") from error
    return found["geometry"] if isinstance(found, dict) and found.get("type") == "Feature" else found


def _header(given: str) -> tuple[str, str]:
    # A value on the command line would be in the list of processes and in the shell's history.
    name, _, file = given.partition("=")
    try:
        return name, Path(file).read_text("utf-8").partition("\n")[0].strip()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"--header {name}=FILE: {file!r} cannot be read: {error}.") from error


@notifications.command("list")
@json_option()
def list_(as_json: bool) -> None:
    """List subscriptions, with their state and progress."""
    with reported():
        found = _all(_client(), _SUBSCRIPTIONS, "subscriptions")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found:
        waiting = sum(row["waiting"] for row in one["deliveries"])
        error = next((row["last_error"] for row in one["deliveries"] if row["last_error"]), None)
        columns = (
            *(one["id"], one["state"], ", ".join(one["products"])),
            *(f"{waiting} waiting", f"{one['dead_letters']} dead letters", one["reason"] or error),
        )
        click.echo("\t".join(column for column in columns if column))


@notifications.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def remove(names: tuple[str, ...]) -> None:
    """Delete subscriptions, and each destination that no other one uses."""
    with reported():
        client = _client()
        for name in names:
            path = _path(_SUBSCRIPTIONS, _id(client, name))
            destination = client.get(path)["destination"]
            client.request("DELETE", path)
            used = {one["destination"] for one in _all(client, _SUBSCRIPTIONS, "subscriptions")}
            if destination not in used:
                client.request("DELETE", _path(_DESTINATIONS, destination))
            click.echo(f"{name} is removed.")


@notifications.command()
@click.argument("name")
@json_option()
def dead(name: str, as_json: bool) -> None:
    """List the notifications of a subscription that were given up."""
    with reported():
        client = _client()
        found = _all(client, f"{_path(_SUBSCRIPTIONS, _id(client, name))}/dead-letters", "dead_letters")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found:
        columns = (str(one["id"]), f"{one['product']}:{one['item']}", one["failed"], one["error"])
        click.echo("\t".join(columns))


@notifications.command()
@click.argument("name")
@click.argument("letters", nargs=-1, type=int, metavar="[ID...]")
def retry(name: str, letters: tuple[int, ...]) -> None:
    """Send dead letters of a subscription again: those of the IDs that `dead` shows, or all."""
    with reported():
        client = _client()
        path = f"{_path(_SUBSCRIPTIONS, _id(client, name))}/dead-letters"
        retried = client.post(path, {"ids": list(letters)} if letters else {})["retried"]
    if retried < len(letters):
        raise click.ClickException(f"Only {retried} of these {len(letters)} are dead letters of {name}.")
    click.echo(f"{retried} dead letters will be sent again.")


@notifications.command()
@click.argument("name")
@click.pass_context
def test(context: click.Context, name: str) -> None:
    """Send a test event to the address of a subscription, and print the answer."""
    with reported():
        client = _client()
        destination = client.get(_path(_SUBSCRIPTIONS, _id(client, name)))["destination"]
        outcome: Mapping[str, Any] = client.post(f"{_path(_DESTINATIONS, destination)}/test")
    if outcome["delivered"]:
        click.echo(f"The receiver answered {outcome['status']}.")
        return
    click.echo(outcome["error"], err=True)
    context.exit(1)


def _client() -> CatalogClient:
    from landbridge.catalog import CatalogClient

    return CatalogClient.get_default_client()


def _id(client: CatalogClient, name: str) -> str:
    """Return the id of a subscription that is named without its namespace, which is then the caller's."""
    if ":" in name:
        return name
    from landbridge.mappings import ids

    caller = client.get("/access/me")
    return f"{ids.encode_blob_path(caller['org'] or caller['user'] or '')}:{name}"


def _path(collection: str, name: str) -> str:
    from landbridge.catalog.client.http import escape

    return f"{collection}/{escape(name)}"


def _all(client: CatalogClient, path: str, member: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(path, {"limit": _PAGE, "offset": len(found)})
        found += page[member]
        if not page[member] or len(found) >= page["numberMatched"]:
            return found
