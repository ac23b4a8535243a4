"""Comparison of the catalog with its object store: every asset exists with its size, and nothing else does.

Jobs that are stuck and notifications that do not arrive are findings too.

The order of reading makes it correct while the service runs: first the store's objects, then the records of
pending work, then the items. An object that existed at first and that no record or item names is an orphan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import obstore

from landbridge.mappings import ids
from landbridge.stac_api.assets import deletion_queue
from landbridge.stac_api.assets.store import BLOBS, IMAGES, is_served
from landbridge.stac_api.documents import links
from landbridge.stac_api.notifications.problems import problems
from landbridge.stac_api.pgstac import collection_queries, inspection, item_counts, job_queries
from landbridge.stac_api.uploads import cleanup

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from landbridge.stac_api.jobs.queue import JobQueue
    from landbridge.stac_api.services import Services

_LATE = 60.0  # seconds after which a record without a job counts as stuck
_PAGE = 1000

_DUE_PATHS = "SELECT path FROM landbridge.deletion_queue"
_OVERDUE = """
SELECT path FROM landbridge.deletion_queue WHERE due < now() - make_interval(secs => $1) AND emptied IS NULL
"""
# Also of uploads that have ended: the data of repeated requests is deleted with the record, an hour later.
_BLOBS_ARRIVING = """
SELECT path FROM landbridge.blob_uploads, unnest(paths) AS path WHERE path IS DISTINCT FROM committed
"""
_BLOBS_DELETING = "SELECT unnest(paths) AS path FROM landbridge.blob_deletions WHERE status = 'RUNNING'"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault in the catalog, its store or its notifications.

    `kind` is one of `missing`, `size` (of an asset), `orphan` (an object of the store), `stuck` (work without
    a job), `damaged` (an item's row), `counts` (the counters of a collection's items) and `unsent`
    (notifications of a subscription); `path` is the path of the object, if there is one. `repair` fixes
    orphans, stuck work, counters, and damaged items whose content is not lost.
    """

    kind: str
    subject: str
    detail: str
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.kind:<7} {self.subject}: {self.detail}"


async def examine(services: Services, *, late: float = _LATE) -> list[Finding]:
    """Return all findings. It reads the whole catalog and lists the whole store, collection by collection.

    Args:
        services: handles of this process.
        late: seconds after which a record without a job counts as stuck.
    """
    found: list[Finding] = []
    for collection in await collection_queries.collection_ids(services.writepool):
        found += await _examine(services, collection)
    found += await _objects_of_missing_collections(services)
    found += [
        Finding("orphan", path, "files in transit of an upload that has ended", path)
        for path in await cleanup.leftover_folders(services)
    ]
    found += [_damaged(item) for item in await inspection.damaged_items(services.writepool)]
    found += [_miscounted(one) for one in await item_counts.wrong_counts(services.writepool)]
    found += [_unreadable(item) for item in await inspection.unreadable_items(services.writepool)]
    found += [
        Finding("unsent", f"subscription {one.subscription}", one.detail)
        for one in await problems(services.writepool)
    ]
    return found + await _stuck(services, late)


def _damaged(item: inspection.DamagedItem) -> Finding:
    lost = "a list of its assets has lost what it had in common with the collection's item_assets"
    advice = "repair fills it" if item.repairable else "nothing here says what it was: write the item anew"
    return Finding("damaged", f"{item.collection}/{item.id}", f"{lost}; {advice}")


def _miscounted(one: item_counts.WrongCounts) -> Finding:
    detail = (
        f"{one.items} items, {one.rows} rows of item_stats, {one.counted} counted; repair counts them again"
    )
    return Finding("counts", one.collection, detail)


def _unreadable(item: inspection.DamagedItem) -> Finding:
    lost = "its geometry can't be written as GeoJSON in longitude and latitude, or not compared with others"
    advice = (
        "repair makes it the nearest that can" if item.repairable else "write it anew, or delete the item"
    )
    return Finding("damaged", f"{item.collection}/{item.id}", f"{lost}; {advice}")


async def _examine(services: Services, collection: str) -> list[Finding]:
    """Compare a collection with its objects in the store."""
    objects = await services.store.sizes(_prefix(collection))
    pending = await _pending_paths(services)
    needed, found = set(), []
    async for item, assets in _items(services, collection):
        for key, path, asset in assets:
            needed.add(path)
            if objects.get(path) == asset.get("file:size", objects.get(path, -1)):
                continue
            if (finding := await _recheck(services, collection, item, key, path)) is not None:
                found.append(finding)
    orphans = [path for path in objects if path not in needed and not _is_pending(path, pending)]
    if orphans:
        # The item may have been deleted since, and the deletion of its file noted.
        pending = await _pending_paths(services)
        there = await services.store.sizes(_prefix(collection))
        orphans = [path for path in orphans if path in there and not _is_pending(path, pending)]
    return found + [
        Finding("orphan", path, f"{objects[path]} bytes that no item refers to", path) for path in orphans
    ]


async def _recheck(services: Services, collection: str, item: str, key: str, path: str) -> Finding | None:
    """Check a suspicious asset again, because its item may be newer than the listing."""
    stored = await inspection.asset(services.writepool, collection, item, key)
    if _stored_at(stored) != path:
        return None
    subject, wanted = f"{collection}/{item}, asset {key}", stored.get("file:size")
    try:
        size = (await obstore.head_async(services.store.backend, path))["size"]
    except FileNotFoundError:
        advice = "upload it anew with overwrite=True, or delete it"
        return Finding("missing", subject, f"{path} is not in the store; {advice}", path)
    if wanted in (None, size):
        return None
    return Finding("size", subject, f"{path} has {size} bytes, but the item says {wanted}", path)


def _prefix(collection: str) -> str:
    if ids.is_blob_collection(collection):
        return f"{BLOBS}{collection.removeprefix(ids.BLOB_COLLECTION_PREFIX)}/"
    return f"{IMAGES}{collection}/"


async def _items(
    services: Services, collection: str
) -> AsyncIterator[tuple[str, list[tuple[str, str, Mapping[str, Any]]]]]:
    """Yield each item with the key, path and content of its assets in the store.

    Assets of several items may refer to one file; deleting one of the items keeps the file.
    """
    last, prefix = "", _prefix(collection)
    while page := await inspection.assets_after(services.writepool, collection, last, _PAGE):
        for item, assets in page:
            own = []
            for key, asset in assets.items():
                path = (
                    unquote(links.asset_path(str(asset.get("href"))) or "") if isinstance(asset, dict) else ""
                )
                if path.startswith(prefix) and is_served(path):
                    own.append((key, path, asset))
            yield item, own
        last = page[-1][0]


def _stored_at(asset: Any) -> str:
    """Return the path in the store of a stored asset; empty if it lies elsewhere or is missing."""
    return unquote(links.asset_path(str(asset.get("href"))) or "") if isinstance(asset, dict) else ""


async def _pending_paths(services: Services) -> set[str]:
    """Return the paths of pending uploads and deletions; one that ends in a slash covers all below it."""
    pool = services.writepool
    return {
        row["path"]
        for query in (_DUE_PATHS, _BLOBS_ARRIVING, _BLOBS_DELETING)
        for row in await pool.fetch(query)
    }


def _is_pending(path: str, pending: set[str]) -> bool:
    parts = path.split("/")
    return path in pending or any("/".join(parts[:end]) + "/" in pending for end in range(1, len(parts)))


async def _objects_of_missing_collections(services: Services) -> list[Finding]:
    """Return findings for objects of collections that do not exist."""
    found = []
    for root in (IMAGES, BLOBS):
        listed = await obstore.list_with_delimiter_async(services.store.backend, root)
        for folder in listed["common_prefixes"]:
            name = folder.rstrip("/").rpartition("/")[2]
            collection = ids.blob_collection_id(name) if root == BLOBS else name
            objects = await services.store.sizes(f"{root}{name}/")
            pending = await _pending_paths(services)
            if await collection_queries.exists(services.writepool, collection):
                continue
            found += [
                Finding("orphan", path, f"{size} bytes of a collection that does not exist", path)
                for path, size in objects.items()
                if not _is_pending(path, pending)
            ]
    return found


async def _stuck(services: Services, late: float) -> list[Finding]:
    pool = services.writepool
    found = [
        Finding("stuck", f"job {job} ({task})", "its worker is gone")
        for job, task in await job_queries.stalled_jobs(pool, max(late, services.settings.worker_timeout))
    ]
    found += [
        Finding("stuck", f"upload {upload}", "it waits for a job that is not there")
        for upload in await job_queries.uploads_without_job(pool, late)
    ]
    found += [
        Finding("stuck", f"{kind} {record}", "it waits for a job that is not there")
        for kind, record in await job_queries.records_without_job(pool, late)
    ]
    overdue = await pool.fetch(_OVERDUE, max(late, 600.0) if late else 0.0)
    found += [
        Finding("stuck", row["path"], "it should have been deleted from the store by now", row["path"])
        for row in overdue
    ]
    return found


async def repair(services: Services, jobs: JobQueue, findings: list[Finding], *, late: float = _LATE) -> None:
    """Delete orphans and objects that are due, repair items and resume stuck jobs.

    `examine` again to see what remains.
    """
    orphans = [finding.path for finding in findings if finding.kind == "orphan" and finding.path]
    await deletion_queue.schedule(services.writepool, orphans)
    await deletion_queue.delete_due(services.writepool, services.store)
    if any(finding.kind == "damaged" for finding in findings):
        await inspection.repair_items(services.writepool)
    if any(finding.kind == "counts" for finding in findings):
        await item_counts.repair(services.writepool)
    if any(finding.kind == "stuck" for finding in findings):
        await jobs.resume(late)
