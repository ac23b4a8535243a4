"""Subscriptions whose notifications do not arrive, as operators are told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from landbridge.stac_api.notifications.records import Executor

__all__ = ["Problem", "problems"]

# One or two failed attempts may be a restart of the receiver.
_ATTEMPTS: Final = 3

_PROBLEMS: Final = """
SELECT s.id, 'suspended: ' || s.suspended AS detail
FROM landbridge.notification_subscriptions s
WHERE s.enabled AND s.suspended IS NOT NULL AND (s.expires IS NULL OR s.expires > now())
UNION ALL
SELECT s.id, format(
    '%s attempts at the next image of %s have failed, the last one with: %s',
    c.attempts, c.collection, coalesce(c.last_error, 'unknown')
)
FROM landbridge.notification_cursors c
JOIN landbridge.notification_subscriptions s ON s.id = c.subscription_id
WHERE c.attempts >= $1 AND s.enabled AND s.suspended IS NULL AND (s.expires IS NULL OR s.expires > now())
UNION ALL
SELECT d.subscription_id, format(
    '%s dead letters, the last one with: %s; once the receiver works, its owner sends them again',
    count(*), (array_agg(d.error ORDER BY d.failed DESC))[1]
)
FROM landbridge.dead_letters d WHERE NOT d.retry GROUP BY d.subscription_id
ORDER BY 1, 2
"""


class Problem(NamedTuple):
    """Why notifications of a subscription do not arrive. `detail` holds nothing that a receiver has sent."""

    subscription: str
    detail: str


async def problems(db: Executor) -> list[Problem]:
    """Return suspended subscriptions, those whose attempts keep failing, and those with dead letters."""
    return [Problem(row["id"], row["detail"]) for row in await db.fetch(_PROBLEMS, _ATTEMPTS)]
