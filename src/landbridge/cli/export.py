"""`landbridge export`: the STAC documents of images in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import image_search_options, narrow_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["export"]


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@image_search_options
@connection_options
def export(product_ids: tuple[str, ...], file: Path, **conditions: Any) -> None:
    """Write the STAC Items of the images of each PRODUCT that satisfy all conditions to FILE.

    The ending of FILE is the format: .parquet (stac-geoparquet), .ndjson (a line for each Collection and
    Item, which `landbridge import` loads again with the products), or .geojson (an ItemCollection). Memory
    stays bounded for any number of images. FILE is replaced when all is written; the files of the images stay
    where they are.
    """
    from landbridge.cli.images.search import search_products

    write = _WRITERS.get(file.suffix.lower())
    if write is None:
        raise click.UsageError(f"FILE must end in {', '.join(_WRITERS)}; got {file.name!r}.")
    if not file.parent.is_dir():
        raise click.UsageError(f"The folder {file.parent} does not exist.")
    with reported():
        try:
            count = write(narrow_images(search_products(product_ids), **conditions), product_ids, file)
        except (ImportError, ValueError) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{count} {'item' if count == 1 else 'items'}", err=True)


def _write_parquet(search: Any, _product_ids: tuple[str, ...], file: Path) -> int:
    count: int = search.to_parquet(file)
    return count


def _write_lines(search: Any, product_ids: tuple[str, ...], file: Path) -> int:
    from landbridge.catalog.tables.json_files import write_lines

    return write_lines(search._documents(), file, _collections(product_ids))  # noqa: SLF001 - documents are no part of the API


def _write_geojson(search: Any, _product_ids: tuple[str, ...], file: Path) -> int:
    from landbridge.catalog.tables.json_files import write_item_collection

    return write_item_collection(search._documents(), file)  # noqa: SLF001 - as above


def _collections(product_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return the Collections of products, whose bands an import needs."""
    from landbridge.catalog.client.source_clients import client_of_product
    from landbridge.catalog.stac.products import PRODUCTS

    found = (PRODUCTS.get(client_of_product(each), each) for each in dict.fromkeys(product_ids))
    return [each for each in found if each is not None]


_WRITERS: dict[str, Callable[[Any, tuple[str, ...], Path], int]] = {
    ".parquet": _write_parquet,
    ".geoparquet": _write_parquet,
    ".ndjson": _write_lines,
    ".jsonl": _write_lines,
    ".geojson": _write_geojson,
    ".json": _write_geojson,
}
