"""Rendering of plans on a dask.distributed cluster."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import uuid4

import numpy as np

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.output.chunks import Chunk, chunk_windows, even_windows, render_chunk, split_plan
from landbridge.raster.plan.plan import Plan

# Per worker thread, one chunk runs and one waits.
_CHUNKS_PER_THREAD = 2


def active_client(chunks: Any = None) -> Any:
    """Return the dask.distributed client of this process; None without one, or if `chunks` is False.

    Inside a task of a cluster the result is None: a task must not wait for other tasks.
    """
    # A process with a client has imported the module.
    distributed: Any = sys.modules.get("distributed")
    if distributed is None or chunks is False:
        return None
    with suppress(ValueError):
        distributed.get_worker()
        return None
    with suppress(ValueError):
        client = distributed.default_client()
        if client.status == "running" and not client.asynchronous:
            return client
    return None


def render_on(
    client: Any, plans: Sequence[Plan], chunks: Any
) -> Iterator[tuple[int, Window, Array, BoolArray | None]]:
    """Yield the blocks of plans that share one grid, as (layer, window, values, mask), in any order.

    Only enough chunks to keep the cluster busy are submitted at a time. After a failure, or if the generator
    is closed early, pending chunks are cancelled.

    Raises:
        RasterError: if a file is missing, broken or truncated for a worker.
        WiderTypeError: if a file has a data type that the plans' type cannot hold.
    """
    import distributed

    call = uuid4().hex
    shares = -(-_CHUNKS_PER_THREAD * _threads(client) // len(plans))
    grid = plans[0].geobox
    windows = even_windows(grid, shares) if chunks is None else chunk_windows(grid, chunks, shares)
    remaining_chunks = (
        chunk for layer, plan in enumerate(plans) for chunk in split_plan(plan, windows, layer, call)
    )
    pending: dict[Any, Chunk] = {}

    def submit() -> list[Any]:
        futures = []
        for chunk in islice(remaining_chunks, max(0, _CHUNKS_PER_THREAD * _threads(client) - len(pending))):
            future = client.submit(_render_packed, chunk, key=_name(chunk), pure=False)
            pending[future] = chunk
            futures.append(future)
        return futures

    try:
        completed: Any = distributed.as_completed
        arriving = completed(submit(), with_results=True, raise_errors=False)
        for future, result in arriving:
            chunk = pending.pop(future)
            if future.status != "finished":
                future.result()  # raises the error of the task
            arriving.update(submit())
            values, packed = result
            # The cluster keeps a result until its future is deleted.
            del result, future
            yield chunk.layer, chunk.window, values, None if packed is None else _unpack_mask(packed, chunk)
    finally:
        if pending:
            client.cancel(list(pending))


def _threads(client: Any) -> int:
    """Return the current number of worker threads of the cluster, at least 1; a cluster may grow."""
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _name(chunk: Chunk) -> str:
    y, x = chunk.window
    return f"landbridge-{chunk.call}-{chunk.layer}-{y.start}-{x.start}"


def _render_packed(chunk: Chunk) -> tuple[Array, Array | None]:
    """Render a chunk, and pack its mask into bits, which are faster to send."""
    values, mask = render_chunk(chunk)
    return values, None if mask is None else np.packbits(mask)


def _unpack_mask(bits: Array, chunk: Chunk) -> BoolArray:
    return np.unpackbits(bits, count=int(np.prod(chunk.shape))).view(bool).reshape(chunk.shape)
