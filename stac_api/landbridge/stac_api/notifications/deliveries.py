"""Progress of subscriptions: the new images that are left to deliver, dead letters, and their cleanup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from landbridge.stac_api.notifications.records import Subscription

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

__all__ = [
    "CHANNEL",
    "Delivery",
    "NewImage",
    "advance",
    "clean_up",
    "dead_letter",
    "delivered_letter",
    "due",
    "find",
    "images",
    "is_ordered",
    "letters",
    "lock",
    "order_images",
    "postpone",
    "suspend",
    "wake",
]

CHANNEL: Final = "landbridge_new_images"
"""Channel on which the database tells of new images."""

_KEPT_DAYS: Final = 30  # days that dead letters are kept
_MOST_LETTERS: Final = 10_000  # dead letters of one subscription

_DUE = """
SELECT c.id FROM landbridge.notification_cursors c
WHERE (c.next_attempt IS NULL OR c.next_attempt <= now()) AND (
    EXISTS (
        SELECT FROM landbridge.new_images n
        WHERE n.collection = c.collection AND n.position > c.position AND n.id > c.after_image
    ) OR EXISTS (
        SELECT FROM landbridge.new_images n WHERE n.collection = c.collection AND n.position IS NULL
    ) OR EXISTS (
        SELECT FROM landbridge.dead_letters d
        WHERE d.subscription_id = c.subscription_id AND d.collection = c.collection AND d.retry
    )
)
ORDER BY c.id
"""
_FIND = """
SELECT c.collection, c.after_image, c.position, c.attempts, c.next_attempt, d.url, d.headers, d.secret,
       c.next_attempt > now() AS paused, s.*
FROM landbridge.notification_cursors c
JOIN landbridge.notification_subscriptions s ON s.id = c.subscription_id
JOIN landbridge.notification_destinations d ON d.id = s.destination_id
WHERE c.id = $1
"""
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('notification ' || $1, 0))"
_ORDER = "SELECT landbridge.order_new_images($1)"
_IS_ORDERED = (
    "SELECT NOT EXISTS (SELECT FROM landbridge.new_images WHERE collection = $1 AND position IS NULL)"
)
_IMAGES = """
SELECT id, item, position, created FROM landbridge.new_images
WHERE collection = $1 AND position > $2 AND id > $3 ORDER BY position LIMIT $4
"""
_ADVANCE = """
UPDATE landbridge.notification_cursors
SET position = $2, attempts = 0, next_attempt = NULL, last_error = NULL,
    last_delivered = CASE WHEN $3 THEN now() ELSE last_delivered END
WHERE id = $1
"""
_POSTPONE = """
UPDATE landbridge.notification_cursors SET attempts = attempts + 1, last_error = $2,
    next_attempt = now() + make_interval(secs => $3)
WHERE id = $1
"""
_DEAD_LETTER = """
INSERT INTO landbridge.dead_letters
    (subscription_id, collection, item, image, position, created, attempts, error)
SELECT subscription_id, collection, $2, $3, $4, $5, $6, $7 FROM landbridge.notification_cursors WHERE id = $1
ON CONFLICT (subscription_id, image) DO UPDATE SET
    attempts = dead_letters.attempts + 1, error = excluded.error, failed = now(), retry = false
"""
_LETTERS = """
SELECT image AS id, item, position, created FROM landbridge.dead_letters
WHERE subscription_id = $1 AND collection = $2 AND retry ORDER BY position LIMIT $3
"""
_DELIVERED = "DELETE FROM landbridge.dead_letters WHERE subscription_id = $1 AND image = $2"
_SUSPEND = """
WITH stopped AS (DELETE FROM landbridge.notification_cursors WHERE subscription_id = $1)
UPDATE landbridge.notification_subscriptions SET suspended = $2 WHERE id = $1
"""
_DROP_EXPIRED = """
DELETE FROM landbridge.notification_cursors c USING landbridge.notification_subscriptions s
WHERE s.id = c.subscription_id AND (s.expires <= now() OR NOT s.enabled)
"""
_DROP_DELIVERED = """
DELETE FROM landbridge.new_images n
WHERE NOT EXISTS (
    SELECT FROM landbridge.notification_cursors c
    WHERE c.collection = n.collection AND n.id > c.after_image
        AND (n.position IS NULL OR n.position > c.position)
)
"""
_DROP_LETTERS = """
DELETE FROM landbridge.dead_letters d
WHERE failed < now() - make_interval(days => $1) OR id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY subscription_id ORDER BY id DESC) AS age
        FROM landbridge.dead_letters
    ) AS aged WHERE age > $2
)
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Progress of one subscription in one product, with the destination."""

    cursor: int
    subscription: Subscription
    collection: str
    after_image: int
    position: int
    attempts: int
    paused: bool
    url: str
    headers: dict[str, str]
    secret: bytes

    def __repr__(self) -> str:
        return f"Delivery({self.subscription.id!r}, {self.collection!r}, {self.position})"


@dataclass(frozen=True, slots=True)
class NewImage:
    """A recorded new image; `id` is its number in the record, `item` the id of its Item."""

    id: int
    item: str
    position: int
    created: datetime


async def due(db: Executor) -> list[int]:
    """Return the cursors for which something may have to be delivered now."""
    return [row["id"] for row in await db.fetch(_DUE)]


async def find(db: Executor, cursor: int) -> Delivery | None:
    """Return what is to be delivered; None if the cursor has gone."""
    row = await db.fetchrow(_FIND, cursor)
    if row is None:
        return None
    return Delivery(
        cursor=cursor,
        subscription=Subscription(**{name: row[name] for name in Subscription.__dataclass_fields__}),
        collection=row["collection"],
        after_image=row["after_image"],
        position=row["position"],
        attempts=row["attempts"],
        paused=bool(row["paused"]),
        url=row["url"],
        headers=row["headers"],
        secret=row["secret"],
    )


async def lock(conn: asyncpg.Connection, cursor: int) -> bool:
    """Take the lock of a cursor until the end of the transaction; False if another worker holds it."""
    return bool(await conn.fetchval(_LOCK, str(cursor)))


async def order_images(db: Executor, collection: str) -> None:
    """Give recorded images their place in the order, if no earlier transaction is running."""
    await db.execute(_ORDER, collection)


async def is_ordered(db: Executor, collection: str) -> bool:
    """Return whether all recorded images of a product have their place."""
    return bool(await db.fetchval(_IS_ORDERED, collection))


async def images(db: Executor, delivery: Delivery, after: int, limit: int) -> list[NewImage]:
    """Return the next images after a position."""
    rows = await db.fetch(_IMAGES, delivery.collection, after, delivery.after_image, limit)
    return [NewImage(**row) for row in rows]


async def advance(db: Executor, delivery: Delivery, position: int, *, delivered: bool) -> None:
    """Note that all up to a position is done; `delivered` if the last one was sent."""
    await db.execute(_ADVANCE, delivery.cursor, position, delivered)


async def postpone(db: Executor, delivery: Delivery, error: str, seconds: float) -> None:
    """Note a failed attempt, and when the next one is due."""
    await db.execute(_POSTPONE, delivery.cursor, error, seconds)


async def dead_letter(
    conn: asyncpg.Connection, delivery: Delivery, image: NewImage, attempts: int, error: str
) -> None:
    """Store an image as a dead letter, or note that another attempt at one has failed."""
    await conn.execute(
        _DEAD_LETTER,
        delivery.cursor,
        *(image.item, image.id, image.position, image.created),
        *(attempts, error),
    )


async def letters(db: Executor, delivery: Delivery, limit: int) -> list[NewImage]:
    """Return dead letters that the owner wants to be sent again."""
    rows = await db.fetch(_LETTERS, delivery.subscription.id, delivery.collection, limit)
    return [NewImage(**row) for row in rows]


async def delivered_letter(db: Executor, delivery: Delivery, image: NewImage) -> None:
    """Delete a dead letter that was delivered, or that its owner can no longer read."""
    await db.execute(_DELIVERED, delivery.subscription.id, image.id)


async def suspend(db: Executor, delivery: Delivery, reason: str) -> None:
    """Stop a subscription until its owner changes it; what was left to deliver is dropped."""
    await db.execute(_SUSPEND, delivery.subscription.id, reason)


async def wake(db: Executor) -> None:
    """Tell all workers that there is something to deliver."""
    await db.execute("SELECT pg_notify($1, '')", CHANNEL)


async def clean_up(db: Executor) -> None:
    """Delete recorded images that no subscription waits for, and old dead letters."""
    await db.execute(_DROP_EXPIRED)
    await db.execute(_DROP_DELIVERED)
    await db.execute(_DROP_LETTERS, _KEPT_DAYS, _MOST_LETTERS)
