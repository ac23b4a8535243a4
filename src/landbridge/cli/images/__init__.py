"""`landbridge images`."""

import click

from landbridge.cli.groups import LazyGroup

# name: (module:command, one line of help)
COMMANDS = {
    "search": ("landbridge.cli.images.search:search", "List the images of products."),
    "show": ("landbridge.cli.images.search:show", "Show the attributes of an image."),
    "download": ("landbridge.cli.images.pixels:download", "Write the pixels of images to files."),
    "mosaic": ("landbridge.cli.images.pixels:mosaic", "Write the mosaic of a search to a file."),
    "upload": ("landbridge.cli.images.uploads:upload", "Store files as the pixels of a new image."),
    "watch": ("landbridge.cli.images.uploads:watch", "Wait for uploads, and print their events."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def images() -> None:
    """Search, show, download, mosaic and upload images."""
