"""`landbridge index`: headers of the files of a search, read ahead of their use."""

from __future__ import annotations

from typing import Any

import click

from landbridge.cli.catalog.common import reported

__all__ = ["index"]


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
@click.option("--bbox", metavar="W,S,E,N", help="Only images in this area, in degrees.")
@click.option(
    "--datetime",
    "interval",
    metavar="START/END",
    help="Only images that were acquired then: two dates or times, the second one excluded.",
)
@click.option("--bands", metavar="NAMES", help="Only files of these bands, separated by spaces.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of images of each product.")
def index(
    product_ids: tuple[str, ...], bbox: str | None, interval: str | None, bands: str | None, limit: int | None
) -> None:
    """Read and keep the headers of images' remote files, so that later reads need not request them.

    The exit code is 1 if a header could not be read.
    """
    from landbridge.catalog import properties

    area, times = _area(bbox), _times(interval)
    failed = False
    with reported():
        for product_id in product_ids:
            search = _product(product_id).images()
            if area is not None:
                search = search.intersects(area)
            if times is not None:
                search = search.filter(properties.acquired >= times[0])
                search = search.filter(properties.acquired < times[1])
            images = (search if limit is None else search.limit(limit)).collect()
            if not images:
                click.echo(f"{product_id}: no images")
                continue
            try:
                found = images.index_files(bands)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            click.echo(
                f"{product_id}: {len(images)} images, {found.kept} headers kept, {found.read} of them read "
                f"now, {found.unkept} files without"
            )
            for text in found.failed:
                click.echo(text, err=True)
            failed = failed or bool(found.failed)
    if failed:
        raise SystemExit(1)


def _product(product_id: str) -> Any:
    from landbridge.catalog import Product
    from landbridge.exceptions import NotFoundError

    product = Product.get(product_id)
    if product is None:
        raise NotFoundError(f"Product {product_id} does not exist.")
    return product


def _area(text: str | None) -> Any:
    """Return the area of --bbox as a shapely geometry."""
    if text is None:
        return None
    from shapely.geometry import box

    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError as error:
        raise click.UsageError(f"--bbox {text!r} is not four numbers, separated by commas.") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise click.UsageError(f"--bbox {text!r} must be west,south,east,north in degrees.")
    return box(west, south, east, north)


def _times(text: str | None) -> tuple[str, str] | None:
    """Return the bounds of --datetime."""
    if text is None:
        return None
    start, separator, end = text.partition("/")
    if not (start and separator and end):
        raise click.UsageError(f"--datetime {text!r} must be two times, separated by a slash.")
    return start, end
