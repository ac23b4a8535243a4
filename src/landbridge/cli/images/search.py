"""`landbridge images search` and `show`."""

from __future__ import annotations

from typing import Any

import click

from landbridge.cli.catalog.common import existing_product, reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import image_search_options, narrow_images
from landbridge.cli.output import Column, Form, attributes_of, output_options, write_object, write_objects

__all__ = ["existing_image", "search", "search_products", "show"]

_COLUMNS = (
    Column("id", lambda one: one.id),
    Column("acquired", lambda one: one.acquired and f"{one.acquired:%Y-%m-%dT%H:%M:%SZ}"),
    Column(
        "clouds",
        lambda one: None if one.cloud_fraction is None else f"{100 * one.cloud_fraction:.0f} %",
        is_number=True,
    ),
    Column("storage", lambda one: one.storage_state),
)


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="PRODUCT...")
@image_search_options
@click.option("--count", is_flag=True, help="Print the number of images only; --limit does not change it.")
@output_options()
@connection_options
def search(product_ids: tuple[str, ...], count: bool, form: Form, **conditions: Any) -> None:
    """List the images of each PRODUCT that satisfy all conditions.

    Products of sources can be named as well, such as esa:sentinel-2:l2a:c1:v1 (see `landbridge sources`).
    """
    with reported():
        found = narrow_images(search_products(product_ids), **conditions)
        if count:
            click.echo(str(found.count()))
        else:
            write_objects(found, _COLUMNS, form)


@click.command()
@click.argument("id")
@output_options(ids=False)
@connection_options
def show(id: str, form: Form) -> None:
    """Show the attributes of the image ID, such as local:fields:2024-01."""
    with reported():
        write_object(attributes_of(existing_image(id)), form)


def search_products(product_ids: tuple[str, ...]) -> Any:
    """Return a search for the images of products. UsageError if a product does not exist."""
    from landbridge.catalog import Image, properties

    wanted = [existing_product(product_id).id for product_id in product_ids]
    return Image.search().filter(properties.product_id.any_of(wanted))


def existing_image(id: str) -> Any:
    """Return the image of an id. UsageError if it does not exist."""
    from landbridge.catalog import Image

    image = Image.get(id)
    if image is None:
        raise click.UsageError(f"There is no image {id!r}.")
    return image
