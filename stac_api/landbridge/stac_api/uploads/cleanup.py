"""What is left to be cleared up after uploads, whoever died or refused when it should have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.stac_api.assets import deletion_queue
from landbridge.stac_api.assets.store import UPLOADS, upload_folder
from landbridge.stac_api.uploads import records

if TYPE_CHECKING:
    from landbridge.stac_api.core.services import Services


async def sweep(services: Services) -> None:
    """End uploads that nobody carries on, delete what no upload needs any more, forget what is long past."""
    pool = services.writepool
    async with pool.acquire() as conn, conn.transaction():
        await deletion_queue.discard(conn, map(upload_folder, await records.abandon(conn)))
    await deletion_queue.discard(pool, await stray(services))
    await deletion_queue.empty(services)
    await deletion_queue.empty_again(services)
    await records.forget(pool)


async def stray(services: Services) -> list[str]:
    """Folders of files in transit whose upload has ended, or never was: a late arrival, say."""
    # The store is read first: what comes later is nothing that this call knows of.
    folders = {path.split("/")[1] for path in await services.store.sizes(UPLOADS)}
    known = [int(folder) for folder in folders if folder.isdecimal()]
    unfinished = await records.unfinished(services.writepool, known)
    return [
        f"{UPLOADS}{folder}/" for folder in folders if not (folder.isdecimal() and int(folder) in unfinished)
    ]
