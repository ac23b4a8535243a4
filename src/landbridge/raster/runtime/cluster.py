"""Rendering on a dask cluster: blocks are rendered where the workers are, and come back as they are done."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import uuid4

import numpy as np

from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import Window
from landbridge.raster.output.chunks import Piece, even_windows, pieces, render_piece, windows
from landbridge.raster.plan.plan import Plan

Array = np.ndarray[Any, Any]

# Each worker thread has one block at work and one waiting.
_AHEAD = 2


def active_client(chunks: Any = None) -> Any:
    """The dask.distributed client of this process, whose cluster then renders, or None if it has none or
    `chunks` is False.

    A task of a cluster does not wait for other tasks: there is no client inside one.
    """
    # Whoever has a client has imported the module.
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
    """The blocks of plans that share one grid, as (plan's place, window, values, mask), in any order.

    Only so many are at work at once as keep the cluster busy. After a failure, or if not all blocks are
    taken, the rest is cancelled.

    Raises:
        RasterError: a file is missing, broken or cut short, as seen by a worker.
        WiderTypeError: a file has a type that the plans' cannot hold.
    """
    import distributed

    call = uuid4().hex
    shares = -(-_AHEAD * _threads(client) // len(plans))
    grid = plans[0].geobox
    places = even_windows(grid, shares) if chunks is None else windows(grid, chunks, shares)
    todo = (piece for layer, plan in enumerate(plans) for piece in pieces(plan, places, layer, call))
    pending: dict[Any, Piece] = {}

    def submit() -> list[Any]:
        futures = []
        for piece in islice(todo, max(0, _AHEAD * _threads(client) - len(pending))):
            future = client.submit(_rendered, piece, key=_name(piece), pure=False)
            pending[future] = piece
            futures.append(future)
        return futures

    try:
        completed: Any = distributed.as_completed
        arriving = completed(submit(), with_results=True, raise_errors=False)
        for future, result in arriving:
            piece = pending.pop(future)
            if future.status != "finished":
                future.result()  # raises what the task did
            arriving.update(submit())
            values, packed = result
            # The cluster keeps a result as long as its future lives.
            del result, future
            yield piece.layer, piece.window, values, None if packed is None else _unpacked(packed, piece)
    finally:
        if pending:
            client.cancel(list(pending))


def _threads(client: Any) -> int:
    """How many blocks the cluster can work on at once; it may grow. Without workers one waits for some."""
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _name(piece: Piece) -> str:
    y, x = piece.window
    return f"landbridge-{piece.call}-{piece.layer}-{y.start}-{x.start}"


def _rendered(piece: Piece) -> tuple[Array, Array | None]:
    """A piece's values and its mask as bits, which are faster to send."""
    values, mask = render_piece(piece)
    return values, None if mask is None else np.packbits(mask)


def _unpacked(bits: Array, piece: Piece) -> BoolArray:
    return np.unpackbits(bits, count=int(np.prod(piece.shape))).view(bool).reshape(piece.shape)
