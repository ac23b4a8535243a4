"""`landbridge catalog products`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.access import add_access_commands
from landbridge.cli.catalog.common import filtered, listing, reported, sharing, write

if TYPE_CHECKING:
    from landbridge.catalog import Product

# Flag: value of is_core
_CORE = {"core": True, "user": False, "all": None}


@click.group()
def products() -> None:
    """List products, and share them."""


@products.command("list")
@click.option("--ids", multiple=True, metavar="ID", help="Only the product of this id; may be repeated.")
@click.option("--core", "kind", flag_value="core", help="Only the service's own products.")
@click.option("--user", "kind", flag_value="user", help="Only products of users.")
@click.option("--all", "kind", flag_value="all", default=True, help="Both; the default.")
@click.option(
    "--product-tier", type=click.Choice(["standard", "premium"]), help="Only products of this tier."
)
@sharing
@listing
def list_products(ids: tuple[str, ...], kind: str, limit: int | None, output: str, **wanted: Any) -> None:
    """List products by id."""
    with reported():
        from landbridge.catalog import Product

        search = filtered(Product.search(), id=ids, is_core=_CORE[kind], **wanted)
        write(search.sort("id"), limit, output, lambda product: (product.id, product.name or ""))


def _get(id: str) -> Product | None:
    from landbridge.catalog import Product

    return Product.get(id)


add_access_commands(products, _get)
