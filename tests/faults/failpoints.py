"""Named points of an upload, in the order in which it passes them, and hooks at them for this process.

The server itself knows nothing of them: `install` wraps the functions that it calls there.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import psycopg

from landbridge.stac_api.assets.store import UPLOADS, AssetStore
from landbridge.stac_api.jobs.queue import JobQueue
from landbridge.stac_api.pgstac import writes
from landbridge.stac_api.uploads import job
from landbridge.stac_api.uploads.worker_pool import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[str, int], Awaitable[None]]
    """Called with a point and the id of the upload that has reached it."""

RECEIVED = "received"  # the first bytes of a file have arrived
STORED = "stored"  # all files are in the store, the job is about to be queued
VALIDATED = "validated"  # the files fit the product
CONVERTED = "converted"  # the COGs are made, none is in the store
INSERTED = "inserted"  # the item is in a transaction that is not committed
COMMITTED = "committed"  # the item is committed; superfluous files are still to be deleted

POINTS = (RECEIVED, STORED, VALIDATED, CONVERTED, INSERTED, COMMITTED)

_upload: ContextVar[int | None] = ContextVar("upload", default=None)
"""Id of the upload whose job runs in this context."""


def image_id(database: str, upload: int) -> str:
    """Return the id of the image that an upload makes."""
    with psycopg.connect(database) as conn:
        row = conn.execute("SELECT image_id FROM landbridge.uploads WHERE id = %s", (upload,)).fetchone()
    assert row is not None
    return str(row[0])


def install(handler: Handler) -> None:
    """Have a handler called at each point that this process reaches."""

    async def reached(point: str) -> None:
        if (upload := _upload.get()) is not None:
            await handler(point, upload)

    _wrap_requests(handler)
    run = job.run

    @functools.wraps(run)
    async def run_in_context(services: Any, workers: Any, upload_id: int, *, last_try: bool) -> None:
        token = _upload.set(upload_id)
        try:
            await run(services, workers, upload_id, last_try=last_try)
        finally:
            _upload.reset(token)

    job.run = run_in_context
    for name, point in (("check", VALIDATED), ("convert", CONVERTED)):
        setattr(WorkerProcess, name, _followed_by(getattr(WorkerProcess, name), point, reached))
    writes.create_items = _create_items(reached)


def _wrap_requests(handler: Handler) -> None:
    put, defer = AssetStore.put, JobQueue.defer

    @functools.wraps(put)
    async def put_and_tell(self: AssetStore, path: str, data: Any, *rest: Any) -> int:
        if path.startswith(UPLOADS):
            data = _told_at_first(data, handler, int(path.split("/")[1]))
        return await put(self, path, data, *rest)

    @functools.wraps(defer)
    async def tell_and_defer(self: JobQueue, name: str, **arguments: Any) -> None:
        if name == job.NAME:
            await handler(STORED, arguments["upload"])
        await defer(self, name, **arguments)

    AssetStore.put = put_and_tell
    JobQueue.defer = tell_and_defer


async def _told_at_first(data: AsyncIterator[bytes], handler: Handler, upload: int) -> AsyncIterator[bytes]:
    is_first = True
    async for chunk in data:
        if is_first:
            await handler(RECEIVED, upload)
        is_first = False
        yield chunk


def _followed_by(
    call: Callable[..., Awaitable[Any]], point: str, reached: Callable[[str], Awaitable[None]]
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def wrapped(*args: Any, **options: Any) -> Any:
        result = await call(*args, **options)
        await reached(point)
        return result

    return wrapped


def _create_items(reached: Callable[[str], Awaitable[None]]) -> Any:
    create_items = writes.create_items

    @functools.wraps(create_items)
    async def wrapped(*args: Any, also: Any = None, **options: Any) -> Any:
        if _upload.get() is not None and also is not None:
            also = _followed_by(also, INSERTED, reached)
        made = await create_items(*args, also=also, **options)
        await reached(COMMITTED)
        return made

    return wrapped
