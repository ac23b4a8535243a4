"""`landbridge catalog`: what a shell asks of the Catalog object API."""

import click

from landbridge.cli import LazyGroup

# name: (module:command, one line of help)
COMMANDS = {
    "products": ("landbridge.cli.catalog.products:products", "List products, and say who may use them."),
    "bands": ("landbridge.cli.catalog.bands:bands", "List the bands of a product."),
    "blobs": ("landbridge.cli.catalog.blobs:blobs", "List blobs, and say who may use them."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def catalog() -> None:
    """List products, bands and blobs, and share them."""
