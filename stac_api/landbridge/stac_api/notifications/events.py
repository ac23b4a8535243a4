"""CloudEvents 1.0 in JSON, signed as the Standard Webhooks specification says.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final

import orjson

from landbridge.mappings import ids
from landbridge.stac_api.documents import links

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = [
    "MEDIA_TYPE",
    "NEW_IMAGE",
    "PING",
    "new_image",
    "new_secret",
    "ping",
    "signed_headers",
    "to_bytes",
    "written_secret",
]

MEDIA_TYPE: Final = "application/cloudevents+json"
NEW_IMAGE: Final = "io.landbridge.image.new"
PING: Final = "io.landbridge.ping"

_SECRET_BYTES: Final = 32
_KEY_PREFIX: Final = "whsec_"
_MAX_BODY: Final = 256 * 1024  # bytes; receivers refuse much larger ones
_MAX_GEOMETRY: Final = 64 * 1024  # bytes of a geometry in a shortened event
# Members of an item in an event that would be too large with all of them.
_SHORT: Final = ("type", "stac_version", "id", "collection", "bbox", "links")
_SHORT_PROPERTIES: Final = ("datetime", "start_datetime", "end_datetime", "created", "updated")


def new_secret() -> bytes:
    """Return a new key for signatures."""
    return secrets.token_bytes(_SECRET_BYTES)


def written_secret(secret: bytes) -> str:
    """Return a key as receivers configure it."""
    return _KEY_PREFIX + base64.b64encode(secret).decode()


def new_image(
    item: dict[str, Any], *, event_id: str, subscription: str, position: int, stored: datetime, base: str
) -> bytes:
    """Return the body of the event that an image is new.

    Parameters
    ----------
    item : dict
        The whole item; it is changed.
    event_id : str
        Id of the event, the same in each attempt.
    subscription : str
        Id of the subscription.
    position : int
        Place in the order of the product's events.
    stored : datetime
        Time at which the image was stored.
    base : str
        Address of the API.
    """
    collection, name = item["collection"], item["id"]
    event = {
        "specversion": "1.0",
        "id": event_id,
        "type": NEW_IMAGE,
        "source": links.collection_url(base, collection),
        "subject": ids.image_id(collection, name),
        "time": _rfc3339(stored),
        "datacontenttype": "application/geo+json",
        "sequence": f"{position:019d}",
        "subscription": subscription,
        "data": links.with_item_links(item, base),
    }
    body = to_bytes(event, base)
    return body if len(body) <= _MAX_BODY else to_bytes(_shortened(event), base)


def _shortened(event: dict[str, Any]) -> dict[str, Any]:
    item = event["data"]
    data = {name: item[name] for name in _SHORT if name in item}
    # The first four links lead to the item, its collection and the API; the others are the item's own.
    data["links"] = data["links"][:4]
    geometry = item["geometry"]
    data["geometry"] = geometry if len(orjson.dumps(geometry)) <= _MAX_GEOMETRY else None
    properties = item["properties"]
    data["properties"] = {name: properties[name] for name in _SHORT_PROPERTIES if name in properties}
    return {**event, "shortened": True, "data": data}


def ping(*, event_id: str, destination: str, now: datetime, base: str) -> bytes:
    """Return the body of an event that tests a destination."""
    return to_bytes(
        {
            "specversion": "1.0",
            "id": event_id,
            "type": PING,
            "source": base,
            "subject": destination,
            "time": _rfc3339(now),
        },
        base,
    )


def to_bytes(event: Mapping[str, Any], base: str) -> bytes:
    """Return an event as JSON, with absolute URLs."""
    return links.globalize(orjson.dumps(event), base)


def signed_headers(event_id: str, body: bytes, secret: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a request, with its HMAC-SHA256 over id, time and body."""
    seconds = str(int(now.timestamp()))
    signed = b".".join((event_id.encode(), seconds.encode(), body))
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": "landbridge",
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
