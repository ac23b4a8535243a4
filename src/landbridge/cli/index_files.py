"""`landbridge index`: headers of the files of a search, read ahead of their use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.filters.search_options import narrow_to_interval, parse_area
from landbridge.cli.output import Form, output_options, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["index"]


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
@click.option("--bbox", metavar="W,S,E,N", help="Only images in this area, in degrees.")
@click.option(
    "--datetime",
    "interval",
    metavar="TIME",
    help="Only images that were acquired then: a year, month, day or time in UTC, or an interval such as "
    "2024-01/2024-03, which includes its last day.",
)
@click.option("--bands", metavar="NAMES", help="Only files of these bands, separated by spaces.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of images of each product.")
@output_options(ids=False)
def index(
    product_ids: tuple[str, ...],
    bbox: str | None,
    interval: str | None,
    bands: str | None,
    limit: int | None,
    form: Form,
) -> None:
    """Read and keep the headers of images' remote files, so that later reads need not request them.

    The exit code is 1 if a header could not be read.
    """
    reports = []
    conditions = _image_conditions(bbox, interval)
    with reported():
        for product_id in product_ids:
            search = _product(product_id).images()
            for condition in conditions:
                search = condition(search)
            images = (search if limit is None else search.limit(limit)).collect()
            try:
                found = images.index_files(bands) if images else None
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            reports.append(_report(product_id, len(images), found))
            if form is Form.TABLE:
                _print(reports[-1])
    if form is Form.JSON:
        write_json(reports, indent=True)
    if any(report["failed"] for report in reports):
        raise SystemExit(1)


def _report(product_id: str, images: int, found: Any) -> dict[str, Any]:
    return {
        "product": product_id,
        "images": images,
        "kept": 0 if found is None else found.kept,
        "read": 0 if found is None else found.read,
        "unkept": 0 if found is None else found.unkept,
        "failed": [] if found is None else list(found.failed),
    }


def _print(report: dict[str, Any]) -> None:
    if not report["images"]:
        click.echo(f"{report['product']}: no images")
        return
    click.echo(
        f"{report['product']}: {report['images']} images, {report['kept']} headers kept, {report['read']} of "
        f"them read now, {report['unkept']} files without"
    )
    for text in report["failed"]:
        click.echo(text, err=True)


def _product(product_id: str) -> Any:
    from landbridge.catalog import Product
    from landbridge.exceptions import NotFoundError

    product = Product.get(product_id)
    if product is None:
        raise NotFoundError(f"Product {product_id} does not exist.")
    return product


def _image_conditions(bbox: str | None, interval: str | None) -> list[Callable[[Any], Any]]:
    """Return the functions that narrow a search to --bbox and --datetime."""
    area = parse_area(bbox, None)
    found: list[Callable[[Any], Any]] = []
    if area is not None:
        found.append(lambda search: search.intersects(area))
    if interval is not None:
        found.append(lambda search: narrow_to_interval(search, interval))
    return found
