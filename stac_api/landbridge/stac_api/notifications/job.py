"""The job that delivers new images to one subscription, in the order of one product; it can be repeated.

At least once: the position is stored after the receiver has answered, so that a killed worker sends one
notification again, with the same id. In order: a lock in the database, which ends with the worker's
connection, keeps two workers from serving one cursor, even if one of them was only frozen.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from landbridge.errors import LandbridgeError
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.jobs.failures import RETRYABLE
from landbridge.stac_api.jobs.queue import JobKind
from landbridge.stac_api.notifications import deliveries, events
from landbridge.stac_api.notifications.matching import Matcher, lapsed
from landbridge.stac_api.notifications.sender import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from landbridge.stac_api.notifications.deliveries import Delivery, NewImage
    from landbridge.stac_api.notifications.sender import Sender
    from landbridge.stac_api.services import Services

__all__ = ["NAME", "QUEUE", "kind", "run"]

logger = logging.getLogger(__name__)

NAME: Final = "notification"
QUEUE: Final = "notifications"

_PAGE: Final = 100
_RUN_SECONDS: Final = 30.0  # then other subscriptions have their turn
_MOST_PAUSE: Final = 3600.0
_ORDER_TRIES: Final = 20  # a transaction that began earlier is waited for, for some seconds
_ORDER_PAUSE: Final = 0.1
_MATCH_TIMEOUT: Final = "SET LOCAL statement_timeout = '30s'"
_NOT_READ: Final = "The image could not be read from the database."


class _ChangedError(LandbridgeError):
    """The subscription that is served has changed or ended."""


def kind(services: Services, sender: Sender) -> JobKind:
    """Return the kind of jobs that deliver notifications."""

    async def run_job(cursor: int, *, last_try: bool) -> None:  # noqa: ARG001 - attempts are counted by the cursor
        await run(services, sender, cursor)

    async def unqueued(pool: asyncpg.Pool, older_than: float) -> list[dict[str, Any]]:  # noqa: ARG001
        return [{"cursor": cursor} for cursor in await deliveries.due(pool)]

    return JobKind(
        NAME,
        "notification-{cursor}",
        run_job,
        unqueued,
        queue=QUEUE,
        concurrency=services.settings.notification_concurrency,
        channel=deliveries.CHANNEL,
    )


async def run(services: Services, sender: Sender, cursor: int) -> None:
    """Deliver what is due for a cursor."""
    pool = services.writepool
    # The lock is held by a transaction that writes nothing, so it delays nobody.
    async with pool.acquire() as guard, guard.transaction(readonly=True):
        if not await deliveries.lock(guard, cursor):
            return
        delivery = await deliveries.find(pool, cursor)
        if delivery is None or delivery.paused or not await _is_active(pool, delivery):
            return
        await _wait_for_order(pool, delivery.collection)
        try:
            done = await _Run(services, sender, delivery, guard).run()
        except _ChangedError:
            done = False
    if not done:
        await deliveries.wake(pool)


async def _is_active(pool: asyncpg.Pool, delivery: Delivery) -> bool:
    """Return whether anything may be sent; suspend a subscription whose owner's identity no longer counts."""
    subscription = delivery.subscription
    if subscription.state(datetime.now(UTC)) != "active":
        return False  # the cleanup removes the cursor
    if (reason := await lapsed(pool, subscription)) is None:
        return True
    logger.info("Subscription %s is suspended: %s", subscription.id, reason)
    await deliveries.suspend(pool, delivery, reason)
    return False


async def _wait_for_order(pool: asyncpg.Pool, collection: str) -> None:
    """Put new images in their order; wait for a moment if an earlier transaction is running."""
    for _ in range(_ORDER_TRIES):
        await deliveries.order_images(pool, collection)
        if await deliveries.is_ordered(pool, collection):
            return
        await asyncio.sleep(_ORDER_PAUSE)


@dataclass(frozen=True, slots=True)
class _Run:
    """One turn of a subscription: it ends when nothing is left, an attempt fails, or time is up."""

    services: Services
    sender: Sender
    delivery: Delivery
    guard: asyncpg.Connection

    async def run(self) -> bool:
        """Deliver; return False if there is more to deliver at once."""
        pool, delivery = self.services.writepool, self.delivery
        until = time.monotonic() + _RUN_SECONDS
        try:
            matcher = self._matcher()
        except BadRequestError as error:  # stored by another version
            await deliveries.suspend(pool, delivery, f"The server does not accept it any more: {error}")
            return True
        for image in await deliveries.letters(pool, delivery, _PAGE):
            await self._send_again(matcher, image)
            if self._is_over(until):
                return False
        position, attempts = delivery.position, delivery.attempts
        while page := await deliveries.images(pool, delivery, position, _PAGE):
            found = await self._matching_ids(matcher, [image.item for image in page])
            for image in page:
                if image.item in found:
                    # Only now are the rights of the owner those at the time of sending.
                    if not await self._deliver(matcher, image, attempts):
                        return True
                    attempts = 0
                position = image.position
                if self._is_over(until):
                    return False
            if page[-1].item not in found:
                await deliveries.advance(pool, delivery, position, delivered=False)
        return True

    def _matcher(self) -> Matcher:
        one = self.delivery.subscription
        subjects = None if one.operator else one.subjects
        return Matcher.of(self.delivery.collection, one.geometry, one.filter, subjects)

    def _is_over(self, until: float) -> bool:
        # Without the connection of the lock, another worker may have begun.
        return time.monotonic() > until or self.guard.is_closed()

    async def _matching_ids(self, matcher: Matcher, items: list[str]) -> set[str]:
        """Return the ids of the items to be looked at one by one."""
        try:
            async with self._snapshot() as conn:
                return set(await matcher.matching(conn, items))
        except asyncpg.PostgresError as error:
            if _is_outage(error):
                raise
            return set(items)  # one of them fails, and only that one must not be sent

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[asyncpg.Connection]:
        # Of the pool for writes: a replica could miss a new image, or a right that was just taken away.
        async with self.services.writepool.acquire() as conn, conn.transaction(readonly=True):
            await conn.execute(_MATCH_TIMEOUT)
            yield conn

    async def _deliver(self, matcher: Matcher, image: NewImage, attempts: int) -> bool:
        """Send an image; return False if the next one has to wait for another attempt."""
        pool, settings = self.services.writepool, self.services.settings
        age = datetime.now(UTC) - image.created
        if age > timedelta(hours=settings.notification_hours):
            await self._give_up(image, attempts, "It was not delivered in time.")
            return True
        outcome = await self._send(matcher, image)
        if outcome is None or outcome.delivered:
            await deliveries.advance(pool, self.delivery, image.position, delivered=outcome is not None)
            return True
        if outcome.final or attempts + 1 >= settings.notification_tries:
            await self._give_up(image, attempts + 1, outcome.error)
            return True
        pause = max(min(settings.notification_pause * 2**attempts, _MOST_PAUSE), outcome.retry_after)
        logger.info(
            "Subscription %s: attempt %d failed: %s",
            self.delivery.subscription.id,
            attempts + 1,
            outcome.error,
        )
        await deliveries.postpone(pool, self.delivery, outcome.error, pause)
        return False

    async def _give_up(self, image: NewImage, attempts: int, error: str) -> None:
        async with self.services.writepool.acquire() as conn, conn.transaction():
            await deliveries.dead_letter(conn, self.delivery, image, attempts, error)
            await deliveries.advance(conn, self.delivery, image.position, delivered=False)

    async def _send_again(self, matcher: Matcher, image: NewImage) -> None:
        """Send a dead letter once more; it stays one if that fails."""
        outcome = await self._send(matcher, image)
        async with self.services.writepool.acquire() as conn:
            if outcome is None or outcome.delivered:
                await deliveries.delivered_letter(conn, self.delivery, image)
            else:
                await deliveries.dead_letter(conn, self.delivery, image, 1, outcome.error)

    async def _send(self, matcher: Matcher, image: NewImage) -> Outcome | None:
        """Send an image if it still matches and its owner can read it; None if not.

        Raises
        ------
        _ChangedError
            If the subscription has changed meanwhile.
        """
        delivery, subscription = self.delivery, self.delivery.subscription
        try:
            async with self._snapshot() as conn:
                now = await deliveries.find(conn, delivery.cursor)
                if now is None or now.subscription != subscription or await lapsed(conn, subscription):
                    raise _ChangedError
                found = await matcher.matching(conn, [image.item])
        except asyncpg.PostgresError as error:
            if _is_outage(error):
                raise
            logger.warning("Image %s of %s", image.item, delivery.collection, exc_info=True)
            return Outcome(error=_NOT_READ)
        if image.item not in found:
            return None
        event_id = f"{subscription.key}-{image.id}"
        body = events.new_image(
            found[image.item],
            event_id=event_id,
            subscription=subscription.id,
            position=image.position,
            stored=image.created,
            base=subscription.base_url,
        )
        signed = events.signed_headers(event_id, body, now.secret, datetime.now(UTC))
        return await self.sender.post(now.url, {**now.headers, **signed}, body)


def _is_outage(error: asyncpg.PostgresError) -> bool:
    """Return whether a query failed because of the database, and not because of what it read."""
    return isinstance(error, RETRYABLE) and not isinstance(error, asyncpg.QueryCanceledError)
