"""`landbridge catalog`: listing and sharing with the Catalog object API."""

import click

from landbridge.cli.groups import LazyGroup

# name: (module:command, one line of help)
COMMANDS = {
    "products": ("landbridge.cli.catalog.products:products", "List products, and share them."),
    "bands": ("landbridge.cli.catalog.bands:bands", "List the bands of a product."),
    "blobs": ("landbridge.cli.catalog.blobs:blobs", "List blobs, and share them."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def catalog() -> None:
    """List products, bands and blobs, and share them."""
