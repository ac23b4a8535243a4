"""Periodic cleanup after uploads: records that time out, and files that no upload needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.stac_api.assets import deletion_queue
from landbridge.stac_api.assets.store import UPLOADS, upload_folder
from landbridge.stac_api.uploads import records

if TYPE_CHECKING:
    from landbridge.stac_api.services import Services


async def run(services: Services) -> None:
    """Fail abandoned uploads, delete the files of ended ones, and delete old records."""
    pool = services.writepool
    async with pool.acquire() as conn, conn.transaction():
        await deletion_queue.schedule(conn, map(upload_folder, await records.fail_abandoned(conn)))
    await deletion_queue.schedule(pool, await leftover_folders(services))
    await deletion_queue.delete_due(pool, services.store)
    await deletion_queue.delete_late_arrivals(pool, services.store)
    await records.delete_old(pool)


async def leftover_folders(services: Services) -> list[str]:
    """Return the folders of files in transit that belong to no unfinished upload."""
    # The store is listed first, so that the folder of an upload made meanwhile is not in the list.
    folders = {path.split("/")[1] for path in await services.store.sizes(UPLOADS)}
    known = [int(folder) for folder in folders if folder.isdecimal()]
    unfinished = await records.unfinished(services.writepool, known)
    return [
        f"{UPLOADS}{folder}/" for folder in folders if not (folder.isdecimal() and int(folder) in unfinished)
    ]
