"""Named points of an upload, in the order in which it passes them.

A test that wants to see what a failure at one of them leaves behind installs a handler; nothing else does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[str, str], Awaitable[None]]

RECEIVED = "received"  # the first bytes of a file have come in
STORED = "stored"  # all files are in the store, the job is about to be queued
VALIDATED = "validated"  # the files fit the product
CONVERTED = "converted"  # the COGs are made, none is in the store
INSERTED = "inserted"  # the item is in a transaction that is not committed
COMMITTED = "committed"  # the image is there; what is superfluous has yet to be deleted

POINTS = (RECEIVED, STORED, VALIDATED, CONVERTED, INSERTED, COMMITTED)

_handlers: list[Handler] = []


def install(handler: Handler) -> None:
    """Have a function called with each point reached and what reached it, such as an upload's image id."""
    _handlers.append(handler)


async def reached(point: str, subject: str) -> None:
    """Tell the handlers, where there are any."""
    for handler in _handlers:
        await handler(point, subject)
