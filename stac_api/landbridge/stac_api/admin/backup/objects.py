"""Objects of a backup: their list, and their copies."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from landbridge.stac_api.admin.backup.manifest import FileRecord, backup_path
from landbridge.stac_api.assets.store import UPLOADS
from landbridge.stac_api.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from landbridge.stac_api.admin.backup.manifest import Manifest
    from landbridge.stac_api.assets.store import AssetStore

__all__ = ["STORE", "Entry", "copy_all", "digest", "place_path", "read_index", "write_index"]

STORE = "store/"
_INDEX = "objects.jsonl.gz"
_AT_ONCE = 4
_LINES = 5000  # of the list that are compressed at once


class Entry(NamedTuple):
    """Size in bytes and SHA-256 of an object."""

    size: int
    sha256: str


def place_path(backup: str, path: str) -> str:
    """Return the path of an object in a place.

    Files in transit may be sent anew under the same path, so each backup has its own.
    """
    return backup_path(backup, path) if path.startswith(UPLOADS) else STORE + path


async def copy_all(
    source: AssetStore,
    target: AssetStore,
    paths: Mapping[str, str],
    *,
    done: Callable[[int], None] | None = None,
) -> dict[str, Entry]:
    """Copy objects to the paths that `paths` has for them.

    Parameters
    ----------
    source, target : AssetStore
        Stores.
    paths : mapping of str to str
        Path in the target for each path in the source.
    done : callable, optional
        Gets the size of each object that was copied.

    Returns
    -------
    dict of str to Entry
        Entries by the source's paths. Objects that the source does not have are left out.
    """
    copied: dict[str, Entry] = {}

    async def copy(path: str) -> None:
        content = hashlib.sha256()
        try:
            size = await target.put(paths[path], await source.read_once(path), content.update)
        except FileNotFoundError:
            return
        copied[path] = Entry(size, content.hexdigest())
        if done is not None:
            done(size)

    await for_each(paths, copy)
    return copied


async def for_each(paths: Iterable[str], work: Callable[[str], object]) -> None:
    """Await `work` for each path, some of them at once; raise the first error."""
    remaining = iter(paths)

    async def run() -> None:
        for path in remaining:
            await work(path)  # type: ignore[misc]  # a coroutine function

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(run())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def digest(store: AssetStore, path: str) -> Entry:
    """Return the entry of an object by its content.

    Raises
    ------
    FileNotFoundError
        If it does not exist.
    """
    content, size = hashlib.sha256(), 0
    async for block in await store.read_once(path):
        size += len(block)
        # The buffer is reused, so the block is hashed before the next one is read.
        await asyncio.to_thread(content.update, block)
    return Entry(size, content.hexdigest())


async def write_index(place: AssetStore, backup: str, entries: Mapping[str, Entry]) -> FileRecord:
    """Write the list of a backup's objects."""
    content = hashlib.sha256()
    size = await place.put(backup_path(backup, _INDEX), _compressed(entries), content.update)
    return FileRecord(size, content.hexdigest())


async def _compressed(entries: Mapping[str, Entry]) -> AsyncIterator[bytes]:
    lines = [json.dumps([path, *entry]) for path, entry in sorted(entries.items())]
    for begin in range(0, len(lines), _LINES):
        text = "".join(f"{line}\n" for line in lines[begin : begin + _LINES])
        yield await asyncio.to_thread(gzip.compress, text.encode(), 6)


async def read_index(place: AssetStore, manifest: Manifest) -> dict[str, Entry]:
    """Return the entries of a backup's objects by their paths in the object store.

    Raises
    ------
    BackupError
        If the list is missing or damaged.
    """
    try:
        chunks = [bytes(chunk) async for chunk in await place.read_once(backup_path(manifest.id, _INDEX))]
    except FileNotFoundError as error:
        raise BackupError(f"The backup {manifest.id} is damaged: its {_INDEX} is missing.") from error
    text = b"".join(chunks)
    if FileRecord(len(text), hashlib.sha256(text).hexdigest()) != manifest.index:
        raise BackupError(f"The backup {manifest.id} is damaged: its {_INDEX} has another checksum.")
    rows = map(json.loads, gzip.decompress(text).splitlines())
    return {path: Entry(size, sha256) for path, size, sha256 in rows}
