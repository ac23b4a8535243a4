"""`landbridge org`: the organizations of the embedded stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from landbridge.cli.output import json_option
from landbridge.cli.stack import note_precedence, stack_errors

if TYPE_CHECKING:
    from landbridge.mappings.organizations import Organizations


@click.group()
def org() -> None:
    """List, add and remove organizations of the embedded stack.

    Product ids and namespaces of blobs begin with an organization. The default one prefixes those without
    one. Running programs see a change when they make a new client.
    """


@org.command("list")
@json_option()
def list_(as_json: bool) -> None:
    """List the organizations, one a line; the default one is marked."""
    with stack_errors():
        from landbridge.stac_api.embedded import organizations
        from landbridge.stac_api.embedded.home_directory import default_home

        found = organizations.read(default_home())
    if as_json:
        click.echo(json.dumps({"default": found.default, "organizations": found.names}))
        return
    for name in found.names:
        click.echo(f"{name} (default)" if name == found.default else name)
    if found.default is None:
        click.echo("The user's name prefixes new ids: there is no default organization.", err=True)
    note_precedence(found.default)


@org.command()
@click.argument("name")
@click.option("--default", "as_default", is_flag=True, help="Let it prefix new ids.")
def add(name: str, as_default: bool) -> None:
    """Add the organization NAME."""
    with stack_errors():
        from landbridge.stac_api.embedded import organizations
        from landbridge.stac_api.embedded.home_directory import default_home

        change = organizations.set_default if as_default else organizations.add
        found = change(default_home(), name)
    _echo(found)


@org.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the organization NAME. Its products and blobs stay."""
    with stack_errors():
        from landbridge.stac_api.embedded import organizations
        from landbridge.stac_api.embedded.home_directory import default_home

        found = organizations.remove(default_home(), name)
    _echo(found)


def _echo(found: Organizations) -> None:
    click.echo(f"The organizations are {', '.join(found.names) or 'none'}.")
    note_precedence(found.default)
