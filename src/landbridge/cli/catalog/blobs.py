"""`landbridge catalog blobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.access import add_access_commands
from landbridge.cli.catalog.common import filtered, listing, reported, sharing, write

if TYPE_CHECKING:
    from landbridge.catalog import Blob

STORAGE_TYPES = ("compute", "data", "dyncomp", "logs")


@click.group()
def blobs() -> None:
    """List blobs, and share them."""


@blobs.command("list")
@click.option("--ids", multiple=True, metavar="ID", help="Only the blob of this id; may be repeated.")
@click.option("--storage-type", type=click.Choice(STORAGE_TYPES), help="Only blobs of this storage type.")
@click.option("--namespace", help="Only blobs of this namespace, given in full.")
@click.option("--prefix", help="Only blobs whose name starts with this.")
@sharing
@listing
def list_blobs(
    ids: tuple[str, ...], prefix: str | None, limit: int | None, output: str, **wanted: Any
) -> None:
    """List blobs by id."""
    with reported():
        from landbridge.catalog import Blob, properties

        search = filtered(Blob.search(), id=ids, **wanted)
        if prefix:
            search = search.filter(properties.name.prefix(prefix))
        write(search, limit, output, lambda blob: (blob.id, str(blob.size_bytes or "")))


def _get(id: str) -> Blob | None:
    from landbridge.catalog import Blob

    return Blob.get(id)


add_access_commands(blobs, _get)
