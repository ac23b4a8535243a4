"""`landbridge catalog bands`."""

from __future__ import annotations

from typing import Any

import click

from landbridge.cli.catalog.common import filtered, listing, reported, write

BAND_TYPES = ("class", "spectral", "mask", "microwave", "generic")


@click.group()
def bands() -> None:
    """List the bands of a product."""


@bands.command("list")
@click.argument("product_id")
@click.option("--type", type=click.Choice(BAND_TYPES), help="Only bands of this type.")
@click.option("--name", help="Only the band of this name.")
@listing
def list_bands(product_id: str, limit: int | None, output: str, **wanted: Any) -> None:
    """List the bands of the product PRODUCT_ID, in their order."""
    with reported():
        from landbridge.catalog import Product

        product = Product.get(product_id)
        if product is None:
            raise click.UsageError(f"There is no product {product_id!r}.")
        search = filtered(product.bands(), **wanted)
        write(search, limit, output, lambda band: (band.id, band.type, band.data_type or ""))
