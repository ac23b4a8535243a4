"""The commands `backup` and `restore`, of `landbridge-server` and of `landbridge`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from landbridge.stac_api.admin import service
from landbridge.stac_api.admin.command_errors import CommandError, log, reported
from landbridge.stac_api.admin.options import json_option
from landbridge.stac_api.assets.store import STORE_ERRORS
from landbridge.stac_api.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.stac_api.admin.backup.manifest import FoundBackup, Manifest
    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.core.settings import Settings

__all__ = ["backup", "restore"]

_PRIVATE = 0o077


@contextmanager
def _errors() -> Iterator[None]:
    """Turn errors of backups and of stores into a message and exit code 2; new files are private."""
    former = os.umask(_PRIVATE)
    try:
        with reported():
            yield
    except (BackupError, *STORE_ERRORS) as error:
        raise CommandError(str(error)) from error
    finally:
        os.umask(former)


def _report(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@click.argument("place")
@click.option(
    "--verify", is_flag=True, help="Then check its files, restore it into a scratch database, compare."
)
@click.option(
    "--verify-only", metavar="ID", help="Verify a backup that was made before: its ID, or `newest`."
)
@click.option("--list", "listed", is_flag=True, help="List the backups of the place, and make none.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Then delete all backups of the place but so many complete ones.",
)
@json_option()
@click.pass_context
def backup(
    context: click.Context,
    place: str,
    verify: bool,
    verify_only: str | None,
    listed: bool,
    keep: int | None,
    as_json: bool,
) -> None:
    """Back up the service to PLACE while it runs: its database, and the images and blobs of its object store.

    PLACE is a folder, or the URL of an object store (s3://bucket/prefix) whose credentials are in the
    environment. Files that an earlier backup in PLACE has are not copied again. The service is that of
    LANDBRIDGE_DATABASE_URL and LANDBRIDGE_STORE_URL, else the embedded stack.

    The exit code is 1 if the object store lacks objects that the database names.
    """
    log(logging.WARNING)
    with _errors():
        if listed:
            _print_list(asyncio.run(_list(place)), as_json)
            return
        chosen = service.settings(worker=False)
        made = asyncio.run(_backup(place, chosen, verify=verify, verify_only=verify_only, keep=keep))
    if as_json:
        click.echo(json.dumps(_document(made)))
    else:
        done = "verified" if verify_only else "backed up" + " and verified" * verify
        click.echo(f"{made.id}: {done} {_size(made)}")
    for path in made.missing:
        click.echo(f"missing in the object store: {path}", err=True)
    context.exit(1 if made.missing else 0)


async def _backup(
    place: str, chosen: Settings, *, verify: bool, verify_only: str | None, keep: int | None
) -> Manifest:
    from landbridge.stac_api.admin.backup import create, manifest, restore
    from landbridge.stac_api.admin.backup import place as places

    opened = places.open_place(place, _own_places(chosen))
    if verify_only:
        made = await manifest.choose(opened, None if verify_only == "newest" else verify_only)
    else:
        made = await create.create_backup(chosen, opened, report=_report)
    if verify or verify_only:
        await restore.verify_backup(opened, made, chosen.database_url, report=_report)
    if keep is not None:
        await create.prune(opened, keep, _report)
    return made


def _own_places(chosen: Settings) -> list[str]:
    from landbridge.stac_api.embedded.home_directory import default_home

    embedded = service.DATABASE_VARIABLE not in os.environ
    return [chosen.store_url, *([str(default_home().root)] if embedded else [])]


async def _list(place: str) -> list[FoundBackup]:
    from landbridge.stac_api.admin.backup import manifest
    from landbridge.stac_api.admin.backup import place as places

    return await manifest.find_backups(places.open_place(place))


def _print_list(found: list[FoundBackup], as_json: bool) -> None:
    for one in found:
        if as_json:
            document = {"id": one.id, "complete": False, "problem": one.problem}
            click.echo(json.dumps(_document(one.manifest) if one.manifest else document))
        else:
            click.echo(f"{one.id}: {_size(one.manifest) if one.manifest else one.problem}")


def _document(made: Manifest) -> dict[str, Any]:
    return {
        "id": made.id,
        "complete": True,
        "snapshot": made.snapshot,
        "objects": made.objects,
        "bytes": made.object_bytes,
        "database_bytes": made.dump.size,
        "rows": sum(table.rows for table in made.tables.values()),
        "versions": made.versions,
        "missing": made.missing,
    }


def _size(made: Manifest) -> str:
    rows = sum(table.rows for table in made.tables.values())
    return (
        f"{made.objects} objects ({made.object_bytes} bytes) and {rows} rows ({made.dump.size} bytes), "
        f"as of {made.snapshot}"
    )


@click.command()
@click.argument("place")
@click.option("--backup", "name", metavar="ID", help="Backup to restore; by default the newest complete one.")
@json_option()
def restore(place: str, name: str | None, as_json: bool) -> None:
    """Restore a backup from PLACE into an empty service.

    The service is that of LANDBRIDGE_DATABASE_URL and LANDBRIDGE_STORE_URL, else the embedded stack of
    LANDBRIDGE_HOME, which must not run. The restored database is compared with the backup. If the restore is
    interrupted, run it again.
    """
    log(logging.WARNING)
    with _errors():
        made = _restore_service(place, name) if _has_database() else _restore_home(place, name)
    if as_json:
        click.echo(json.dumps(_document(made)))
    else:
        click.echo(f"{made.id}: restored {_size(made)}")


def _has_database() -> bool:
    return service.DATABASE_VARIABLE in os.environ


async def _restore(place: AssetStore, made: Manifest, database_url: str, store_url: str) -> None:
    from landbridge.stac_api.admin.backup import restore

    await restore.restore_backup(place, made, database_url, store_url, report=_report)


def _restore_service(place: str, name: str | None) -> Manifest:
    from landbridge.stac_api.admin.backup import manifest
    from landbridge.stac_api.admin.backup import place as places

    chosen = service.settings(worker=False)
    opened = places.open_place(place, [chosen.store_url])
    made = asyncio.run(manifest.choose(opened, name))
    asyncio.run(_restore(opened, made, chosen.database_url, chosen.store_url))
    if made.organizations is not None and (file := chosen.organizations_file) is not None:
        file.write_text(made.organizations, "utf-8")
    return made


def _restore_home(place: str, name: str | None) -> Manifest:
    from landbridge.stac_api.admin.backup import manifest
    from landbridge.stac_api.admin.backup import place as places
    from landbridge.stac_api.embedded import identity, maintenance
    from landbridge.stac_api.embedded.home_directory import default_home, write_private

    home = default_home()
    store_url = os.environ.get("LANDBRIDGE_STORE_URL") or home.store.as_uri()
    opened = places.open_place(place, [store_url, str(home.root)])
    made = asyncio.run(manifest.choose(opened, name))
    with maintenance.stopped_stack(home, "restore a backup"):
        with maintenance.running_database(home) as database_url:
            asyncio.run(_restore(opened, made, database_url, store_url))
        # The database is that of the backup's service now.
        identity.forget(home)
        if made.organizations is not None:
            write_private(home.organizations, made.organizations)
    return made
