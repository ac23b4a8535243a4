"""`landbridge images upload` and `watch`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.assignments import parse_assignments, set_option
from landbridge.cli.catalog.common import existing_product, reported
from landbridge.cli.connection import connection_options
from landbridge.cli.file_names import hrefs_at, name_rules, scenes_of
from landbridge.cli.output import Form, attributes_of, output_options, shows_progress, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.cli.file_names import NameRules

__all__ = ["upload", "watch"]

_POLL = 30  # seconds; the service answers earlier if the upload ends


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|FOLDER...")
@click.option("--product", "product_id", required=True, metavar="ID", help="Product of the new images.")
@click.option("--name", help="Name of the image; by default that of the only file.")
@click.option("--acquired", metavar="TIME", help="Time of the image, or of all images: 2024-05-01.")
@click.option(
    "--acquired-from-name",
    metavar="REGEX",
    help="Of a FOLDER: regular expression that finds the time in a file's path, as in `landbridge register`.",
)
@click.option(
    "--image-from-name",
    metavar="REGEX",
    help="Of a FOLDER: regular expression that finds the image's name in a file's path: its group `image`, "
    "else its first group. A group `band` puts the files of one image together.",
)
@click.option(
    "--bands",
    metavar="NAMES",
    help="Of a FOLDER: values of the group `band`, in the order of the file index.",
)
@set_option
@click.option("--overwrite", is_flag=True, help="Replace existing images.")
@click.option("--no-wait", is_flag=True, help="Print the id of the upload, and do not wait for its end.")
@click.option("--resume", is_flag=True, help="Of a FOLDER: continue where an earlier run has stopped.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Of a FOLDER: file that notes what was sent; by default one in LANDBRIDGE_HOME.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Of a FOLDER: number of images that are sent at once.",
)
@output_options(ids=False)
@connection_options
def upload(
    files: tuple[str, ...],
    product_id: str,
    name: str | None,
    acquired: str | None,
    acquired_from_name: str | None,
    image_from_name: str | None,
    bands: str | None,
    assignments: tuple[str, ...],
    overwrite: bool,
    no_wait: bool,
    resume: bool,
    journal: Path | None,
    parallel: int,
    form: Form,
) -> None:
    """Store each FILE, in the order of the bands' file index, as the pixels of one new image.

    Prints the id of the image after it has been processed. The exit code is 1 if that fails.

    The raster files of a FOLDER become an image each. They are sent in parallel, and a journal notes what
    was sent: after an interruption of any kind, the same command with --resume continues, and stores each
    image once. A file that has changed since it was sent is an error, unless --overwrite is given. Prints the
    numbers of images; the exit code is 1 if one failed.
    """
    if any(Path(file).is_dir() for file in files):
        if name is not None or no_wait:
            raise click.UsageError("--name and --no-wait are for files, not for folders.")
        rules = name_rules(acquired_from_name, acquired, image_from_name, bands)
        _upload_folders(
            files,
            product_id,
            rules,
            assignments,
            overwrite=overwrite,
            resume=resume,
            journal=journal,
            parallel=parallel,
            form=form,
        )
        return
    _check_file_options(
        files[0],
        {
            "--resume": resume,
            "--journal": journal,
            "--acquired-from-name": acquired_from_name,
            "--image-from-name": image_from_name,
            "--bands": bands,
        },
    )
    _upload_image(
        files, product_id, name, acquired, assignments, overwrite=overwrite, no_wait=no_wait, form=form
    )


def _check_file_options(file: str, of_folders: Mapping[str, object]) -> None:
    """Raise UsageError if an option of folders was given with a file."""
    for option, value in of_folders.items():
        if value:
            raise click.UsageError(f"{option} is for folders, and {file!r} is no folder.")


def _upload_image(
    files: tuple[str, ...],
    product_id: str,
    name: str | None,
    acquired: str | None,
    assignments: tuple[str, ...],
    *,
    overwrite: bool,
    no_wait: bool,
    form: Form,
) -> None:
    if acquired is None:
        raise click.UsageError("Give the time of the image by --acquired.")
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


def _upload_folders(
    folders: tuple[str, ...],
    product_id: str,
    rules: NameRules,
    assignments: tuple[str, ...],
    *,
    overwrite: bool,
    resume: bool,
    journal: Path | None,
    parallel: int,
    form: Form,
) -> None:
    from landbridge.catalog import CatalogClient, Image
    from landbridge.cli.images.folder_upload import FolderUpload
    from landbridge.cli.images.upload_journal import Journal, default_journal
    from landbridge.config import get_settings
    from landbridge.raster.runtime.progress import progress_bar

    values = parse_assignments(assignments, Image)
    with reported():
        client, product = CatalogClient.get_default_client(), existing_product(product_id)
        scenes = scenes_of([path for folder in folders for path in hrefs_at(folder)], rules)
        if not scenes:
            raise click.ClickException(f"There is no raster file in {', '.join(folders)}.")
        place = journal or default_journal(get_settings().home, client.url, product.id, folders)
        with Journal(place) as opened:
            if opened.unfinished and not resume:
                raise click.UsageError(
                    f"An earlier run has stopped at {len(opened.unfinished)} images, as its journal {place} "
                    "says. Give --resume to continue it, or delete the journal."
                )
            with progress_bar(shows_progress(), len(scenes), "upload", "images") as progress:
                sending = FolderUpload(
                    client,
                    product.id,
                    opened,
                    values=values,
                    overwrite=overwrite,
                    senders=parallel,
                    progress=progress,
                )
                outcome = sending.run(scenes)
    for image, reason in outcome.failures:
        click.echo(f"{image}: {reason}", err=True)
    if form is Form.JSON:
        write_json(outcome.as_document(), indent=True)
    else:
        click.echo(str(outcome))
    if outcome.failures:
        raise SystemExit(1)


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
