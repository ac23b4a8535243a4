"""`landbridge bands`."""

from __future__ import annotations

from typing import Any

import click

from landbridge.cli.catalog.bands import BAND_TYPES
from landbridge.cli.catalog.common import existing_product, filtered, reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import list_options, narrow_objects
from landbridge.cli.groups import SuggestingGroup
from landbridge.cli.output import Column, Form, attributes_of, output_options, write_object, write_objects

__all__ = ["bands"]


def _resolution(band: Any) -> str | None:
    return None if band.resolution is None else f"{band.resolution.value:g} {band.resolution.unit}"


_COLUMNS = (
    Column("id", lambda one: one.id),
    Column("type", lambda one: one.type),
    Column("data type", lambda one: one.data_type),
    Column("nodata", lambda one: one.nodata, is_number=True),
    Column("resolution", _resolution, is_number=True),
)


@click.group(cls=SuggestingGroup)
def bands() -> None:
    """List and show the bands of products."""


@bands.command("list")
@click.argument("product_id", metavar="PRODUCT")
@click.option("--type", type=click.Choice(BAND_TYPES), help="Only bands of this type.")
@list_options
@output_options()
@connection_options
def list_bands(product_id: str, type: str | None, form: Form, **conditions: Any) -> None:
    """List the bands of PRODUCT, in their order."""
    with reported():
        bands = filtered(existing_product(product_id).bands(), type=type)
        write_objects(narrow_objects(bands, **conditions), _COLUMNS, form)


@bands.command()
@click.argument("id")
@output_options(ids=False)
@connection_options
def show(id: str, form: Form) -> None:
    """Show the attributes of the band ID, such as local:fields:red."""
    from landbridge.catalog import Band

    with reported():
        band = Band.get(id)
        if band is None:
            raise click.UsageError(f"There is no band {id!r}.")
        write_object(attributes_of(band), form)
