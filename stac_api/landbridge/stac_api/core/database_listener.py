"""Listener for notifications of PostgreSQL, which connects again when its connection is lost."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NoReturn

import asyncpg

from landbridge.stac_api.core.metrics import LOST_DATABASE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["listen"]

logger = logging.getLogger(__name__)


async def listen(database_url: str, channel: str, notify: Callable[[], None], pause: float) -> NoReturn:
    """Call a function at every notification of a channel, and after each loss, which may have missed one.

    Args:
        database_url: libpq URL.
        channel: name of the channel.
        notify: called without arguments.
        pause: seconds before a lost connection is replaced.
    """
    while True:
        try:
            await _listen_once(database_url, channel, notify)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            LOST_DATABASE.inc()
            logger.warning(
                "The connection for notifications of %s is lost; connecting again: %r", channel, error
            )
        notify()
        await asyncio.sleep(pause)


async def _listen_once(database_url: str, channel: str, notify: Callable[[], None]) -> None:
    conn = await asyncpg.connect(database_url, server_settings={"application_name": "landbridge"})
    try:
        lost = asyncio.Event()
        conn.add_termination_listener(lambda _: lost.set())
        await conn.add_listener(channel, lambda *_: notify())
        notify()
        await lost.wait()
    finally:
        conn.terminate()
