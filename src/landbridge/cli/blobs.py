"""`landbridge blobs`."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from landbridge.cli.assignments import parse_assignments, set_option
from landbridge.cli.catalog.access import add_access_commands
from landbridge.cli.catalog.blobs import STORAGE_TYPES
from landbridge.cli.catalog.common import filtered, reported
from landbridge.cli.connection import connection_options
from landbridge.cli.filters.search_options import list_options, narrow_objects
from landbridge.cli.groups import SuggestingGroup
from landbridge.cli.output import (
    Column,
    Form,
    attributes_of,
    output_options,
    shows_progress,
    write_object,
    write_objects,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog import Blob

__all__ = ["blobs"]

_COLUMNS = (
    Column("id", lambda one: one.id),
    Column("bytes", lambda one: one.size_bytes, is_number=True),
    Column("created", lambda one: one.created and f"{one.created:%Y-%m-%dT%H:%M:%SZ}"),
)


@click.group(cls=SuggestingGroup)
def blobs() -> None:
    """List, get, put, share and remove blobs."""


@blobs.command("ls")
@click.option("--storage-type", type=click.Choice(STORAGE_TYPES), help="Only blobs of this storage type.")
@click.option("--namespace", metavar="NAME", help="Only blobs of this namespace; your organization is added.")
@click.option("--prefix", metavar="TEXT", help="Only blobs whose name starts with this.")
@list_options
@output_options()
@connection_options
def list_blobs(
    storage_type: str | None, namespace: str | None, prefix: str | None, form: Form, **conditions: Any
) -> None:
    """List blobs by id."""
    from landbridge.catalog import Blob, properties

    with reported():
        full = None if namespace is None else Blob.namespace_id(namespace)
        search = filtered(Blob.search(), storage_type=storage_type, namespace=full)
        if prefix:
            search = search.filter(properties.name.prefix(prefix))
        write_objects(narrow_objects(search, **conditions), _COLUMNS, form)


@blobs.command()
@click.argument("id")
@output_options(ids=False)
@connection_options
def show(id: str, form: Form) -> None:
    """Show the attributes of the blob ID, such as data/local:docs/notes.txt."""
    with reported():
        write_object(attributes_of(_existing(id)), form)


@blobs.command()
@click.argument("id")
@click.argument("file", required=False)
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@connection_options
def get(id: str, file: str | None, overwrite: bool) -> None:
    """Write the content of the blob ID to FILE.

    By default the file has the last part of the blob's name, in the working directory; - writes to standard
    output.
    """
    from landbridge.atomic_files import write_atomically

    with reported():
        blob = _existing(id)
        if file == "-":
            for chunk in blob.iter_data():
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        path = Path(file or PurePosixPath(blob.name).name)
        if path.is_dir():
            path /= PurePosixPath(blob.name).name
        if path.exists() and not overwrite:
            raise click.UsageError(f"{path} exists. Name another file, or give --overwrite.")
        write_atomically(path, _with_progress(blob))
    click.echo(str(path), err=True)


def _with_progress(blob: Blob) -> Iterator[bytes]:
    from landbridge.raster.runtime.progress import progress_bar

    with progress_bar(shows_progress(), blob.size_bytes or 0, str(blob.name), "B") as bar:
        for chunk in blob.iter_data():
            yield chunk
            bar.update(len(chunk))


@blobs.command()
@click.argument("file")
@click.argument("name", required=False)
@click.option("--namespace", metavar="NAME", help="Namespace; by default your own.")
@click.option(
    "--storage-type",
    type=click.Choice(STORAGE_TYPES),
    default="data",
    show_default=True,
    help="Storage type.",
)
@click.option("--tags", multiple=True, metavar="TAG", help="Tag; may be repeated.")
@set_option
@output_options()
@connection_options
def put(
    file: str,
    name: str | None,
    namespace: str | None,
    storage_type: str,
    tags: tuple[str, ...],
    assignments: tuple[str, ...],
    form: Form,
) -> None:
    """Store the content of FILE as the blob NAME, and print its id.

    NAME is by default the name of the file. - reads standard input and needs a NAME. An existing blob is not
    replaced.
    """
    from landbridge.catalog import Blob

    if name is None and file == "-":
        raise click.UsageError("Name the blob: standard input has no name.")
    given = {"namespace": namespace, "storage_type": storage_type, "tags": list(tags) or None}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    values |= parse_assignments(assignments, Blob)
    with reported():
        blob = Blob(name=name or Path(file).name, **values)
        with click.open_file(file, "rb") as content:
            blob.upload(cast("BinaryIO", content))
        if form is Form.JSON:
            write_object(attributes_of(blob), form)
        else:
            click.echo(blob.id)


@blobs.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@connection_options
def rm(ids: tuple[str, ...]) -> None:
    """Remove blobs, without a question. None is removed if one does not exist."""
    from landbridge.catalog import Blob
    from landbridge.exceptions import NotFoundError

    with reported():
        try:
            removed = Blob.delete_many(list(ids), raise_on_missing=True)
        except NotFoundError as error:
            raise click.UsageError(str(error)) from error
        missing = [one for one in ids if one not in removed]
    for one in removed:
        click.echo(f"Removed {one}.", err=True)
    if missing:
        raise click.ClickException(f"You cannot remove {', '.join(missing)}.")


def _get(id: str) -> Blob | None:
    from landbridge.catalog import Blob

    return Blob.get(id)


def _existing(id: str) -> Any:
    blob = _get(id)
    if blob is None:
        raise click.UsageError(f"There is no blob {id!r}.")
    return blob


add_access_commands(blobs, _get)
