"""Restoration of a backup into an empty service, and the verification of a backup in a scratch database."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import psycopg
from psycopg import sql

from landbridge.stac_api.admin.backup import objects, postgres_tools
from landbridge.stac_api.admin.backup.create import DUMP
from landbridge.stac_api.admin.backup.manifest import FileRecord, backup_path
from landbridge.stac_api.assets.store import BLOBS, IMAGES, AssetStore
from landbridge.stac_api.embedded.postgres_programs import find_client_programs
from landbridge.stac_api.errors import BackupError
from landbridge.stac_api.pgstac import service_state
from landbridge.stac_api.pgstac.migrate import migrate, unknown_migrations
from landbridge.stac_api.pgstac.table_digests import differences, table_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from landbridge.stac_api.admin.backup.manifest import Manifest
    from landbridge.stac_api.admin.backup.objects import Entry

__all__ = ["restore_backup", "verify_backup"]

_NAMED = 3  # objects in an error


async def restore_backup(
    place: AssetStore,
    manifest: Manifest,
    database_url: str,
    store_url: str,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Restore a backup into an empty database and an empty object store.

    No process of the service may run. If the restore is interrupted, the database is refused by all processes
    until the restore of the same backup is run again.

    Raises
    ------
    BackupError
        If the backup is damaged or newer than this version, if the service is not empty, or if a program
        fails.
    """
    store = AssetStore(store_url)
    check_version(manifest)
    entries = await objects.read_index(place, manifest)
    with psycopg.connect(database_url, autocommit=True) as conn:
        major = _server_major(conn, manifest)
        await _check_empty(conn, store, manifest.id)
        service_state.mark_restore(conn, manifest.id)
        service_state.drop_schemas(conn)
    report(f"copying {manifest.objects} objects, {manifest.object_bytes} bytes")
    await _copy_objects(place, store, manifest, entries)
    with _scratch_folder() as folder:
        file = await _fetch_dump(place, manifest, folder)
        report("restoring the database")
        programs = find_client_programs(max(major, _dump_major(manifest)))
        await postgres_tools.restore(programs, database_url, file)
    await _compare(database_url, manifest)
    with psycopg.connect(database_url, autocommit=True) as conn:
        # Plans need statistics, which dumps do not have.
        conn.execute("ANALYZE")
        service_state.finish_restore(conn)
    migrate(database_url)


async def verify_backup(
    place: AssetStore, manifest: Manifest, server_url: str, *, report: Callable[[str], None] = lambda _: None
) -> None:
    """Check all files of a backup, restore its database into a scratch database, and compare that.

    Parameters
    ----------
    place : AssetStore
        Place of the backup.
    manifest : Manifest
        The backup.
    server_url : str
        URL of a database of the server on which the scratch database is created, and deleted afterwards.
    report : callable, optional
        Gets lines of text about the progress.

    Raises
    ------
    BackupError
        If a file is missing or differs, or if the restored database differs.
    """
    entries = await objects.read_index(place, manifest)
    report(f"reading {manifest.objects} objects, {manifest.object_bytes} bytes")
    problems: list[str] = []

    async def check(path: str) -> None:
        try:
            if await objects.digest(place, objects.place_path(manifest.id, path)) != entries[path]:
                problems.append(f"{path} differs")
        except FileNotFoundError:
            problems.append(f"{path} is missing")

    await objects.for_each(entries, check)
    if problems:
        raise _damaged(manifest, problems)
    with psycopg.connect(server_url, autocommit=True) as conn, _scratch_folder() as folder:
        file = await _fetch_dump(place, manifest, folder)
        programs = find_client_programs(max(_server_major(conn, manifest), _dump_major(manifest)))
        report("restoring the database into a scratch database")
        with _scratch_database(conn) as name:
            url = postgres_tools.with_database(server_url, name)
            await postgres_tools.restore(programs, url, file)
            await _compare(url, manifest)


def check_version(manifest: Manifest) -> None:
    """Check that this version can use a backup.

    Raises
    ------
    BackupError
        If a newer version made it.
    """
    if unknown := unknown_migrations(manifest.migrations):
        raise BackupError(
            f"The backup {manifest.id} was made by a newer version of Landbridge, "
            f"{manifest.versions['landbridge']}: this one does not know its migration {unknown[-1]}. Install "
            "that version."
        )


def _server_major(conn: psycopg.Connection, manifest: Manifest) -> int:
    major, made = conn.info.server_version // 10000, int(manifest.versions["postgres"])
    if major < made:
        raise BackupError(
            f"The backup {manifest.id} is of PostgreSQL {made}, and the server is PostgreSQL {major}: it "
            "needs the same version or a newer one."
        )
    return major


def _dump_major(manifest: Manifest) -> int:
    return int(manifest.versions["pg_dump"].partition(".")[0])


async def _check_empty(conn: psycopg.Connection, store: AssetStore, backup: str) -> None:
    """Check that nothing is lost by a restore, or that one of the same backup was interrupted."""
    if sessions := service_state.other_sessions(conn):
        raise BackupError(
            f"{sessions} other connections to the database are open. Stop the API, the workers and other "
            "programs that use it."
        )
    interrupted = service_state.restored_backup(conn)
    if interrupted is not None:
        if interrupted != backup:
            raise BackupError(
                f"A restore of the backup {interrupted} into this service was interrupted. Run it again "
                f"(--backup {interrupted}), or use an empty database and an empty object store."
            )
        return
    found = service_state.contents(conn)
    there = [f"{number} {kind}" for kind, number in found.counts.items() if number]
    stored = [path for prefix in (IMAGES, BLOBS) for path in await store.sizes(prefix)]
    if stored:
        there.append(f"{len(stored)} objects in {store.url}")
    if there:
        raise BackupError(
            f"A backup is restored into an empty service only, and here are {', '.join(there)}. Use an empty "
            "database and an empty object store; for the embedded stack, set LANDBRIDGE_HOME to a new folder."
        )


async def _copy_objects(
    place: AssetStore, store: AssetStore, manifest: Manifest, entries: dict[str, Entry]
) -> None:
    """Copy all objects into the object store, and compare them with their checksums on the way."""
    there: dict[str, int] = {}
    for prefix in (IMAGES, BLOBS):
        there |= await store.sizes(prefix)
    # A restore that was interrupted has copied some, perhaps of a damaged backup.
    done: set[str] = set()

    async def check(path: str) -> None:
        if await objects.digest(store, path) == entries[path]:
            done.add(path)

    await objects.for_each([path for path, entry in entries.items() if there.get(path) == entry.size], check)
    targets = {objects.place_path(manifest.id, path): path for path in entries.keys() - done}
    copied = await objects.copy_all(place, store, targets)
    problems = [
        f"{path} {'is missing' if source not in copied else 'differs'}"
        for source, path in sorted(targets.items())
        if copied.get(source) != entries[path]
    ]
    if problems:
        raise _damaged(manifest, problems)


def _damaged(manifest: Manifest, problems: list[str]) -> BackupError:
    more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
    return BackupError(f"The backup {manifest.id} is damaged: {', '.join(problems[:_NAMED])}{more}.")


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="landbridge-restore-") as name:
        yield Path(name)


async def _fetch_dump(place: AssetStore, manifest: Manifest, folder: Path) -> Path:
    """Return a local copy of the dump, which pg_restore reads several times, after checking it."""
    content, size, file = hashlib.sha256(), 0, folder / DUMP
    try:
        with file.open("wb") as target:
            async for block in await place.read_once(backup_path(manifest.id, DUMP)):
                size += len(block)
                content.update(block)
                target.write(block)
    except FileNotFoundError as error:
        raise _damaged(manifest, [f"{DUMP} is missing"]) from error
    if FileRecord(size, content.hexdigest()) != manifest.dump:
        raise _damaged(manifest, [f"{DUMP} differs"])
    return file


@contextmanager
def _scratch_database(conn: psycopg.Connection) -> Iterator[str]:
    name = f"landbridge_verify_{secrets.token_hex(4)}"
    try:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            f"The role {conn.info.user!r} may not create the scratch database of a verification: "
            f"ALTER ROLE {conn.info.user} CREATEDB"
        ) from error
    try:
        yield name
    finally:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def _compare(database_url: str, manifest: Manifest) -> None:
    conn = await asyncpg.connect(database_url)
    try:
        async with conn.transaction():
            found = await table_digests(conn)
    finally:
        await conn.close()
    if lines := differences(manifest.tables, found):
        raise BackupError(
            f"The restored database differs from the backup {manifest.id}:\n" + "\n".join(lines)
        )
