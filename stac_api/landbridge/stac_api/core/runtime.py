"""What a process of the service opens before it works, and closes after it: an API or a worker."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from landbridge.stac_api.access.grants import Grants
from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.core import pools
from landbridge.stac_api.core.services import Services
from landbridge.stac_api.jobs.queue import Jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from landbridge.stac_api.core.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Services, Jobs]]:
    """The handles of a process, and the queue, which runs nothing until it is told to."""
    async with AsyncExitStack() as stack:
        read, write = await pools.open_pools(settings)
        stack.push_async_callback(write.close)
        stack.push_async_callback(read.close)
        store = AssetStore(settings.store_url, settings.store_public_endpoint, settings.store_timeout)
        grants = Grants(settings, read)
        stack.push_async_callback(grants.close)
        services = Services(settings, read, write, store, grants)
        jobs = Jobs(services)
        await jobs.open()
        stack.push_async_callback(jobs.close)
        yield services, jobs
