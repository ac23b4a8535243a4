"""`landbridge sources`: list, show, add and remove the sources of imagery that others publish."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.output import json_option


@click.group()
def sources() -> None:
    """List, show, add and remove sources: STAC APIs, static catalogs and parquet files."""


@sources.command("list")
@json_option("a JSON array")
def list_(as_json: bool) -> None:
    """List the sources in use, in the order in which they are asked for a product."""
    from landbridge import sources as registry

    with reported():
        found = registry.list()
    if as_json:
        rows = [
            {"id": one.id, "kind": one.kind, "url": one.url, "products": len(one.products)} for one in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for one in found:
        click.echo(f"{one.id}\t{one.kind}\t{len(one.products)} products\t{one.url}")


@sources.command()
@click.argument("id")
@json_option("the whole table as JSON")
def show(id: str, as_json: bool) -> None:
    """Show the address, the files and the products of a source."""
    from landbridge import sources as registry

    with reported():
        text = json.dumps(asdict(registry.get(id)), indent=2) if as_json else registry.describe(id)
    click.echo(text)


@sources.command()
@click.argument("id_or_file")
@click.argument("url", required=False)
@click.option("--kind", type=click.Choice(["api", "catalog", "parquet"]), help='Default: "api".')
@click.option("--title", help="Name for people.")
def add(id_or_file: str, url: str | None, kind: str | None, title: str | None) -> None:
    """Add a source: its id and address, or a TOML file with its table.

    It is kept in the folder "sources" beside config.toml.
    """
    from landbridge import sources as registry

    with reported():
        if id_or_file.endswith(".toml"):
            table = registry.add(Path(id_or_file), save=True)
        else:
            if url is None:
                raise click.UsageError("URL is missing.")
            given = {"kind": kind, "title": title}
            keys = {key: value for key, value in given.items() if value is not None}
            table = registry.add(id_or_file, url, save=True, **keys)
    click.echo(f"Added {table.id}. Its products have ids that begin with {table.id!r} and a colon.")


@sources.command()
@click.argument("id")
def remove(id: str) -> None:
    """Remove a source that was added."""
    from landbridge import sources as registry

    with reported():
        registry.remove(id)
    click.echo(f"Removed {id}.")
