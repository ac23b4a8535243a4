"""`landbridge products`."""

from __future__ import annotations

from typing import Any

import click

from landbridge.cli.assignments import parse_assignments, set_option
from landbridge.cli.catalog.access import add_access_commands
from landbridge.cli.catalog.common import existing_product, find_product, reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import list_options, narrow_objects
from landbridge.cli.groups import SuggestingGroup
from landbridge.cli.output import Column, Form, attributes_of, output_options, write_object, write_objects

__all__ = ["products"]

_COLUMNS = (Column("id", lambda one: one.id), Column("name", lambda one: one.name))


@click.group(cls=SuggestingGroup)
def products() -> None:
    """List, show, create, share and delete products."""


@products.command("list")
@list_options
@click.option("--text", metavar="WORDS", help="Only products whose name or description has these words.")
@output_options()
@connection_options
def list_products(text: str | None, form: Form, **conditions: Any) -> None:
    """List products by id."""
    from landbridge.catalog import Product

    with reported():
        search = narrow_objects(Product.search(), **conditions)
        if conditions["sort"] is None:
            search = search.sort("id")
        write_objects(search if text is None else search.find_text(text), _COLUMNS, form)


@products.command()
@click.argument("id")
@output_options(ids=False)
@connection_options
def show(id: str, form: Form) -> None:
    """Show the attributes of the product ID."""
    with reported():
        write_object(attributes_of(existing_product(id)), form)


@products.command()
@click.argument("id")
@click.option("--name", help="Display name; by default the last part of the id.")
@click.option("--description", help="Description.")
@click.option("--tags", multiple=True, metavar="TAG", help="Tag; may be repeated.")
@set_option
@output_options()
@connection_options
def create(
    id: str,
    name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    assignments: tuple[str, ...],
    form: Form,
) -> None:
    """Create the product ID, and print its id, which begins with your organization."""
    from landbridge.catalog import Product

    given = {"name": name or id.rpartition(":")[2], "description": description, "tags": list(tags) or None}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    values |= parse_assignments(assignments, Product)
    with reported():
        product = Product(id=id, **values)
        product.save()
        if form is Form.JSON:
            write_object(attributes_of(product), form)
        else:
            click.echo(product.id)


@products.command()
@click.argument("id")
@click.option("--related", is_flag=True, help="Delete its bands and images first, with their pixels.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_options
def delete(id: str, related: bool, yes: bool) -> None:
    """Delete the product ID. It must be empty, or --related deletes what it has."""
    with reported():
        product = existing_product(id)
        if not yes:
            what = f"{product.id} with its bands and images" if related else product.id
            click.confirm(f"Delete the product {what}?", abort=True, err=True)
        task = product.delete_related_objects() if related else None
        if task is not None:
            task.wait_for_completion()
        product.delete()
    click.echo(f"Deleted {product.id}.", err=True)


add_access_commands(products, find_product)
