"""Backup of a service while it runs.

1. Copy the objects that the database names now, except those that the place has.
2. Hold deletions from the object store, and wait for those under way.
3. Open a snapshot of the database. Copy the objects that it names and that the place lacks: those of the
   meantime. Nothing that the snapshot names can have been deleted.
4. Release the hold. Dump the database as it was in the snapshot.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import unquote

from landbridge.stac_api.admin.backup import manifest as manifests
from landbridge.stac_api.admin.backup import objects, postgres_tools
from landbridge.stac_api.admin.backup.manifest import FileRecord, Manifest, backup_path
from landbridge.stac_api.assets import deletion_hold
from landbridge.stac_api.assets.store import AssetStore, is_served, upload_folder, upload_path
from landbridge.stac_api.documents import links
from landbridge.stac_api.embedded.postgres_programs import find_client_programs
from landbridge.stac_api.errors import BackupError
from landbridge.stac_api.pgstac import pools, service_state
from landbridge.stac_api.pgstac.table_digests import table_digests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path
    from uuid import UUID

    import asyncpg

    from landbridge.stac_api.admin.backup.objects import Entry
    from landbridge.stac_api.core.settings import Settings

__all__ = ["DUMP", "create_backup", "prune"]

DUMP = "database.dump"
_LOCK = 0x1A4DB41F  # one backup of a database at a time
_CONNECTIONS = 4
_RENEWALS = 5  # of a hold, in the time after which it ends
_REPORTED = 1000  # objects after which the progress is reported


async def create_backup(
    settings: Settings, place: AssetStore, *, report: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Back up a service, which may be in use, and return the manifest of the backup.

    Parameters
    ----------
    settings : Settings
        Settings of the service: its database and object store.
    place : AssetStore
        Place of the service's backups.
    report : callable, optional
        Gets lines of text about the progress.

    Raises
    ------
    BackupError
        If the place has backups of another service, if another backup runs, or if a program fails.
    """
    backup = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{secrets.token_hex(2)}"
    store = AssetStore(settings.store_url, settings.store_public_endpoint, settings.store_timeout)
    enough = max(_CONNECTIONS, settings.db_max_connections)
    read, write = await pools.open_pools(settings.model_copy(update={"db_max_connections": enough}))
    await read.close()
    try:
        async with write.acquire() as conn, _sole_backup(conn):
            return await _Backup(settings, store, place, write, conn, report, backup).run()
    finally:
        await write.close()


@asynccontextmanager
async def _sole_backup(conn: asyncpg.Connection) -> AsyncIterator[None]:
    if not await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        raise BackupError("Another backup of this service is running.")
    try:
        yield
    finally:
        await conn.fetchval("SELECT pg_advisory_unlock($1)", _LOCK)


class _Backup:
    """One run of a backup."""

    def __init__(
        self,
        settings: Settings,
        store: AssetStore,
        place: AssetStore,
        pool: asyncpg.Pool,
        conn: asyncpg.Connection,
        report: Callable[[str], None],
        backup: str,
    ) -> None:
        self._settings, self._store, self._place = settings, store, place
        self._pool, self._conn, self._report, self._id = pool, conn, report, backup
        self._copied = self._bytes = 0
        self._entries: dict[str, Entry] = {}
        self._known: dict[str, Entry] = {}
        self._there: dict[str, int] = {}

    async def run(self) -> Manifest:
        versions = await service_state.versions(self._conn)
        programs = find_client_programs(versions.postgres)
        self._known = await self._previous_entries(versions.service)
        self._there = await self._place.sizes(objects.STORE)
        async with self._conn.transaction():
            named = await self._named_objects()
        await self._copy(named)
        async with _holding(self._pool, f"backup {self._id}"):
            transaction = self._conn.transaction(isolation="repeatable_read", readonly=True)
            await transaction.start()
            # The server may end transactions that do nothing for some time.
            await self._conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            snapshot, time = await self._conn.fetchrow("SELECT pg_export_snapshot(), clock_timestamp()")
            named = await self._named_objects() | await self._waiting_files()
            await self._copy(named)
        missing = sorted(named - self._entries.keys())
        dump = await self._dump(programs, snapshot)
        tables = await table_digests(self._conn)
        await transaction.rollback()
        kept = {path: entry for path, entry in self._entries.items() if path in named}
        index = await objects.write_index(self._place, self._id, kept)
        manifest = Manifest(
            id=self._id,
            service=versions.service,
            snapshot=time.astimezone(UTC).isoformat(),
            versions={
                "landbridge": version("landbridge-stac-api"),
                "pgstac": versions.pgstac,
                "postgres": str(versions.postgres),
                "postgis": versions.postgis,
                "pg_dump": await postgres_tools.program_version(programs),
            },
            migrations=versions.migrations,
            dump=dump,
            index=index,
            objects=len(kept),
            object_bytes=sum(entry.size for entry in kept.values()),
            tables=tables,
            missing=missing,
            organizations=self._organizations(),
        )
        await manifests.write(self._place, manifest)
        return manifest

    async def _previous_entries(self, service: str) -> dict[str, Entry]:
        """Return the entries of the newest backup, whose objects need not be copied again."""
        newest = [one.manifest for one in await manifests.find_backups(self._place) if one.manifest][-1:]
        for manifest in newest:
            if manifest.service != service:
                raise BackupError(
                    f"{self._place.url} has backups of another service ({manifest.service}). "
                    "Each service needs a place of its own: choose another."
                )
            return await objects.read_index(self._place, manifest)
        return {}

    async def _named_objects(self) -> set[str]:
        """Return the paths of the objects in the store that items refer to."""
        hrefs = service_state.asset_hrefs(self._conn, links.ASSETS)
        paths = [unquote(links.asset_path(href) or "") async for href in hrefs]
        return {path for path in paths if is_served(path)}

    async def _waiting_files(self) -> set[str]:
        """Return the paths of files that unfinished uploads have or need."""
        paths: set[str] = set()
        for upload, status, files in await service_state.unfinished_uploads(self._conn):
            arrived = await self._store.sizes(upload_folder(upload))
            expected = (upload_path(upload, number) for number in range(files))
            # Before they are submitted, files may be missing.
            paths |= arrived.keys() if status == "transferring" else arrived.keys() | set(expected)
        return paths

    async def _copy(self, named: Iterable[str]) -> None:
        """Add the entries of named objects, and copy those that the place lacks."""
        wanted = set(named) - self._entries.keys()
        there = {path for path in wanted if objects.STORE + path in self._there}
        for path in there & self._known.keys():
            if self._there[objects.STORE + path] == self._known[path].size:
                self._entries[path] = self._known[path]
        # An interrupted backup has left objects that no list has.
        unknown = there - self._entries.keys()

        async def read(path: str) -> None:
            self._entries[path] = await objects.digest(self._place, objects.STORE + path)

        await objects.for_each(unknown, read)
        targets = {path: objects.place_path(self._id, path) for path in wanted - self._entries.keys()}
        self._entries |= await objects.copy_all(self._store, self._place, targets, done=self._count)

    def _count(self, size: int) -> None:
        self._copied, self._bytes = self._copied + 1, self._bytes + size
        if self._copied % _REPORTED == 0:
            self._report(f"{self._copied} objects copied, {self._bytes} bytes")

    async def _dump(self, programs: Path, snapshot: str) -> FileRecord:
        self._report("dumping the database")
        content = hashlib.sha256()
        chunks = postgres_tools.dump(programs, self._settings.database_url, snapshot)
        size = await self._place.put(backup_path(self._id, DUMP), chunks, content.update)
        return FileRecord(size, content.hexdigest())

    def _organizations(self) -> str | None:
        file = self._settings.organizations_file
        try:
            return file.read_text("utf-8") if file is not None else None
        except FileNotFoundError:
            return None


@asynccontextmanager
async def _holding(pool: asyncpg.Pool, reason: str) -> AsyncIterator[None]:
    """Hold deletions inside the `async with` block; fail if the hold ended before."""
    hold = await deletion_hold.place(pool, reason)
    try:
        async with asyncio.TaskGroup() as group:
            renewals = group.create_task(_renew(pool, hold))
            yield
            renewals.cancel()
        await deletion_hold.renew(pool, hold)
    finally:
        await deletion_hold.release(pool, hold)


async def _renew(pool: asyncpg.Pool, hold: UUID) -> None:
    while True:
        await asyncio.sleep(deletion_hold.HOLD_SECONDS / _RENEWALS)
        await deletion_hold.renew(pool, hold)


async def prune(place: AssetStore, keep: int, report: Callable[[str], None] = lambda _: None) -> int:
    """Delete all backups but the newest complete ones, and the objects that those do not name.

    Returns the number of backups that were deleted. No backup of the place may run meanwhile.
    """
    found = await manifests.find_backups(place)
    kept = [one.manifest for one in found if one.manifest is not None][-keep:]
    if not kept:
        return 0
    needed: set[str] = set()
    for manifest in kept:
        needed |= {objects.STORE + path for path in await objects.read_index(place, manifest)}
    names = {manifest.id for manifest in kept}
    old = [one.id for one in found if one.id not in names]
    for name in old:
        await place.delete_under(backup_path(name, ""))
    unneeded = [path for path in await place.sizes(objects.STORE) if path not in needed]
    await place.delete(*unneeded)
    report(f"deleted {len(old)} backups and {len(unneeded)} objects")
    return len(old)
