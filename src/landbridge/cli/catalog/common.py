"""Options, filters, output and error messages that the listing commands share."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from landbridge.catalog import Product
    from landbridge.utils.expressions import Expression

__all__ = [
    "SUBJECT_LISTS",
    "existing_product",
    "filtered",
    "find_product",
    "listing",
    "reported",
    "sharing",
    "write",
]

# Access lists of a product or blob: the role of their subjects
SUBJECT_LISTS = {"owners": "owner", "writers": "writer", "readers": "reader"}


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn errors of the object API into a message and exit code 1."""
    from landbridge.errors import LandbridgeError

    try:
        yield
    except BrokenPipeError:  # the reader of the output has ended; click ends quietly
        raise
    except (LandbridgeError, NotImplementedError, OSError, ValueError) as error:
        raise click.ClickException(str(error).strip() or type(error).__name__) from error


def find_product(product_id: str) -> Product | None:
    """Return a product by its id, or by its id without your organization; None if it does not exist."""
    from landbridge.catalog import CatalogClient, Product
    from landbridge.catalog.stac.prefixes import prefixed_id

    found = Product.get(product_id)
    if found is None and ":" not in product_id:
        found = Product.get(prefixed_id(product_id, CatalogClient.get_default_client()))
    return found


def existing_product(product_id: str) -> Product:
    """Return a product as `find_product` does. UsageError if it does not exist."""
    found = find_product(product_id)
    if found is None:
        raise click.UsageError(f"There is no product {product_id!r}.")
    return found


def _decorated(function: Callable[..., Any], decorators: Iterable[Callable[..., Any]]) -> Callable[..., Any]:
    """Apply decorators to a function, in the order of decorator lines."""
    return functools.reduce(lambda inner, outer: outer(inner), reversed(list(decorators)), function)


def listing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every list: --tags, --limit and --output."""
    return _decorated(
        function,
        (
            click.option(
                "--tags",
                multiple=True,
                help="Only objects with this tag; may be repeated: any.",
            ),
            click.option("--limit", type=click.IntRange(min=0), help="Maximum number."),
            click.option(
                "--output",
                type=click.Choice(["id", "short", "json"]),
                default="short",
                show_default=True,
                help="Ids, a line per object, or a JSON array of all attributes.",
            ),
        ),
    )


def sharing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for access lists: --access-id, --owners, --writers and --readers."""
    of_lists = (
        click.option(
            f"--{name}",
            multiple=True,
            metavar="SUBJECT",
            help=f"Only objects with this {one}, such as user:ID or org:ID; may be repeated: any.",
        )
        for name, one in SUBJECT_LISTS.items()
    )
    anywhere = click.option(
        "--access-id", metavar="SUBJECT", help="Only objects that this subject owns, can change or can read."
    )
    return _decorated(function, (anywhere, *of_lists))


def filtered(search: Any, access_id: str | None = None, **wanted: Any) -> Any:
    """Return the search filtered by the given values: None and () do not filter, a tuple matches any."""
    from landbridge.catalog import properties

    for name, value in wanted.items():
        if isinstance(value, tuple):
            if value:
                search = search.filter(getattr(properties, name).any_of(value))
        elif value is not None:
            search = search.filter(getattr(properties, name) == value)
    if access_id is not None:
        named: list[Expression] = [getattr(properties, name) == access_id for name in SUBJECT_LISTS]
        search = search.filter(functools.reduce(lambda one, other: one | other, named))
    return search


def write(search: Any, limit: int | None, output: str, fields: Callable[[Any], tuple[str, ...]]) -> None:
    """Print the objects of a search as they arrive.

    `fields` returns the columns of an object for `short`, which are separated by tabs.
    """
    objects = iter(search if limit is None else search.limit(limit))
    if output == "id":
        for one in objects:
            click.echo(one.id)
    elif output == "short":
        for one in objects:
            click.echo("\t".join(fields(one)))
    else:
        separator = "[\n"
        for one in objects:
            click.echo(separator + json.dumps({"id": one.id, **one.serialize()}), nl=False)
            separator = ",\n"
        click.echo("[]" if separator == "[\n" else "\n]")
