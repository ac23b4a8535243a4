"""Subscriptions to new images, by the names of the events of the Catalog.

The service sends a signed HTTP request for each new image; see docs/notifications.md.
"""

from landbridge.catalog.events.destination import (
    EventApiDestination,
    EventApiDestinationCollection,
    EventApiDestinationSearch,
    EventConnectionParameter,
)
from landbridge.catalog.events.subscription import (
    EventSubscription,
    EventSubscriptionCollection,
    EventSubscriptionSearch,
    EventSubscriptionTarget,
    EventType,
    NewImageEventSubscription,
)

__all__ = [
    "EventApiDestination",
    "EventApiDestinationCollection",
    "EventApiDestinationSearch",
    "EventConnectionParameter",
    "EventSubscription",
    "EventSubscriptionCollection",
    "EventSubscriptionSearch",
    "EventSubscriptionTarget",
    "EventType",
    "NewImageEventSubscription",
]
