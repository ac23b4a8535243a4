"""`landbridge images upload` and `watch`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from landbridge.cli.assignments import parse_assignments, set_option
from landbridge.cli.catalog.common import existing_product, reported
from landbridge.cli.connection import connection_options
from landbridge.cli.output import Form, attributes_of, output_options, shows_progress, write_json

__all__ = ["upload", "watch"]

_POLL = 30  # seconds; the service answers earlier if the upload ends


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--product", "product_id", required=True, metavar="ID", help="Product of the new image.")
@click.option("--name", help="Name of the image; by default that of the only file.")
@click.option("--acquired", required=True, metavar="TIME", help="Time of the image, such as 2024-05-01.")
@set_option
@click.option("--overwrite", is_flag=True, help="Replace an existing image.")
@click.option("--no-wait", is_flag=True, help="Print the id of the upload, and do not wait for its end.")
@output_options(ids=False)
@connection_options
def upload(
    files: tuple[str, ...],
    product_id: str,
    name: str | None,
    acquired: str,
    assignments: tuple[str, ...],
    overwrite: bool,
    no_wait: bool,
    form: Form,
) -> None:
    """Store each FILE, in the order of the bands' file index, as the pixels of one new image.

    Prints the id of the image after it has been processed. The exit code is 1 if that fails.
    """
    from landbridge.catalog import Image
    from landbridge.mappings.ids import make_valid_name

    if name is None:
        if len(files) > 1:
            raise click.UsageError("Name the image by --name: it has several files.")
        name = make_valid_name(Path(files[0]).stem)
    values = {"name": name, "acquired": acquired, **parse_assignments(assignments, Image)}
    for file in files:
        if not Path(file).is_file():
            raise click.UsageError(f"There is no file {file!r}.")
    with reported():
        image = Image(product=existing_product(product_id), **values)
        made = image.upload(list(files), overwrite=overwrite, progress=shows_progress())
        if not no_wait:
            _follow(made, None, quiet=form is Form.JSON)
    if form is Form.JSON:
        write_json(attributes_of(made), indent=True)
    else:
        click.echo(made.id if no_wait else made.image_id)
    if not no_wait and made.status != "success":
        raise click.ClickException(f"Upload {made.id} has ended: {made.status}.")


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="UPLOAD...")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Maximum time to wait.")
@output_options(ids=False)
@connection_options
def watch(ids: tuple[str, ...], timeout: float | None, form: Form) -> None:
    """Wait until each UPLOAD, given by its id, has ended, and print its events and its status.

    The exit code is 1 if one has failed, was canceled, or has not ended in time.
    """
    from landbridge.catalog import ImageUpload

    end = None if timeout is None else time.monotonic() + timeout
    failed = False
    with reported():
        uploads = []
        for each in ids:
            found = ImageUpload.get(each)
            if found is None:
                raise click.UsageError(f"There is no upload {each!r}.")
            uploads.append(found)
        for one in uploads:
            _follow(one, end, quiet=form is Form.JSON)
            failed = failed or one.status != "success"
            if form is Form.JSON:
                write_json(attributes_of(one))
            else:
                click.echo(f"{one.id}\t{one.image_id}\t{one.status}")
    if failed:
        raise SystemExit(1)


def _follow(upload: Any, end: float | None, *, quiet: bool) -> None:
    """Wait for the end of an upload, or until `end`; print its events on stderr if not `quiet`."""
    shown = 0
    while True:
        remaining = _POLL if end is None else min(_POLL, max(0.0, end - time.monotonic()))
        try:
            upload.wait_for_completion(timeout=remaining)
            ended = True
        except TimeoutError:
            ended = end is not None and time.monotonic() >= end
        events = upload.events or []
        for event in () if quiet else events[shown:]:
            click.echo(f"{event.event_datetime:%H:%M:%S}  {event.severity}  {event.message}", err=True)
        shown = len(events)
        if ended:
            return
