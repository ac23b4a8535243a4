"""`landbridge-server partition`: a large product's images, divided by years or months."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import click

from landbridge.stac_api.admin import service
from landbridge.stac_api.admin.command_errors import CommandError, log, reported

if TYPE_CHECKING:
    from landbridge.stac_api.pgstac.partitioning import Period

__all__ = ["partition"]

_NONE = "none"


@click.command()
@click.argument("product")
@click.option(
    "--by", "period", type=click.Choice(["year", "month", _NONE]), required=True, help="Time of a partition."
)
def partition(product: str, period: str) -> None:
    """Divide the images of a PRODUCT into partitions by year or month, or unite them.

    Searches with a time then read the partitions of that time only, however many images the product has. It
    is worth it from about ten million images on. Images can be read meanwhile; writes to the product wait.
    The database needs room for a second copy of the images until the command ends. If it fails, nothing has
    changed.
    """
    from stac_fastapi.types.errors import NotFoundError

    from landbridge.stac_api.pgstac import partitioning

    log(logging.WARNING)
    with reported():
        database_url = service.settings(worker=False).database_url
    chosen = None if period == _NONE else cast("Period", period)

    def report(name: str, items: int) -> None:
        click.echo(f"{name}: {items} images", err=True)

    try:
        made = partitioning.divide(database_url, product, chosen, report)
    except NotFoundError as error:
        raise CommandError(str(error)) from error
    click.echo(f"{product}: {len(made)} partition{'s' * (len(made) != 1)}")
