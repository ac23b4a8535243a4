"""Views of blobs, uploads and other catalog objects."""

from __future__ import annotations

from typing import Any

from landbridge.catalog.notebook.values import (
    attribute_pairs,
    known,
    size_text,
    state_badge,
    tags_of,
    value_text,
    without_query,
)
from landbridge.notebook.maps import evenly_chosen, map_sketch
from landbridge.notebook.markup import badge, fields, frame, section, short, table, tag

__all__ = ["blob_view", "blobs_view", "collection_view", "object_view", "upload_view"]

_STATUSES = {"success": "good", "failure": "bad", "canceled": "warn"}
_SEVERITIES = {"CRITICAL": "bad", "ERROR": "bad", "WARNING": "warn"}
_MOST_EVENTS = 50
_MOST_ROWS = 20


def blob_view(blob: Any) -> str:
    """Return the view of a blob."""
    skipped = ("name", "namespace", "size_bytes", "href", "geometry", "tags", "description", "storage_state")
    href = known(blob, "href")
    facts = fields(
        [
            ("id", tag("code", blob.id) if blob.id else None),
            ("namespace", value_text(known(blob, "namespace"))),
            ("size", size_text(known(blob, "size_bytes"))),
            ("storage", value_text(known(blob, "storage_state"))),
            ("address", without_query(href) if href else None),
            ("checksum", value_text(known(blob, "hash"))),
            ("tags", tags_of(blob)),
            *attribute_pairs(blob, skipped),
        ]
    )
    description = known(blob, "description")
    return frame(
        "Blob",
        known(blob, "name") or blob.id or "without a name",
        tag("p", short(description, 400)) if description else None,
        tag(
            "div",
            tag("div", facts, class_="lb-grow"),
            map_sketch([known(blob, "geometry")]),
            class_="lb-columns",
        ),
        badges=[state_badge(blob)],
        text=repr(blob),
    )


def blobs_view(blobs: Any) -> str:
    """Return the view of a collection of blobs."""
    listed = list(blobs)
    count = len(listed)
    rows = [
        (
            tag("b", short(known(blob, "name") or blob.id or "", 80)),
            short(known(blob, "namespace") or "", 60),
            size_text(known(blob, "size_bytes")) or "",
            value_text(known(blob, "created")) or "",
        )
        for blob in listed[:_MOST_ROWS]
    ]
    sizes = [size for blob in listed if isinstance(size := known(blob, "size_bytes"), int)]
    kind, title = type(blobs).__name__, f"{count:,} blob{'' if count == 1 else 's'}"
    return frame(
        kind,
        title,
        table(("name", "namespace", "size", "created"), rows) if rows else None,
        _more(count, _MOST_ROWS),
        map_sketch([known(blob, "geometry") for blob in evenly_chosen(listed)], count),
        badges=[badge(f"{size_text(sum(sizes))} in total")] if sizes else [],
        text=f"{kind} of {title}",
    )


def _more(count: int, shown: int) -> Any:
    return tag("p", f"The first {shown} of {count:,}.", class_="lb-note") if count > shown else None


def upload_view(upload: Any) -> str:
    """Return the view of an upload with its events, as of when it was last read."""
    status = str(known(upload, "status") or "not started")
    events = list(known(upload, "events") or ())
    rows = [
        (
            value_text(event.event_datetime) or "",
            badge(event.severity, _SEVERITIES.get(str(event.severity), "")) if event.severity else "",
            short(event.event_type or "", 40),
            short(event.message or "", 400),
        )
        for event in events[-_MOST_EVENTS:]
    ]
    count = len(events)
    title = f"{count} event{'' if count == 1 else 's'}"
    if count > _MOST_EVENTS:
        title = f"The last {_MOST_EVENTS} of {count:,} events"
    return frame(
        "ImageUpload",
        known(upload, "image_id") or upload.id or "not saved",
        fields(
            [
                ("id", tag("code", upload.id) if upload.id else None),
                ("product", value_text(known(upload, "product_id"))),
                ("image", value_text(known(upload, "image_id"))),
                ("user", value_text(known(upload, "user"))),
                ("created", value_text(known(upload, "created"))),
            ]
        ),
        section(title, table(("time", "severity", "event", "message"), rows) if rows else None),
        badges=[badge(status, _STATUSES.get(status, ""))],
        text=repr(upload),
    )


def object_view(obj: Any) -> str:
    """Return the view of any other object: its attributes that are texts, numbers, dates or lists of them."""
    return frame(
        type(obj).__name__,
        known(obj, "name") or obj.id or "without a name",
        fields(
            [
                ("id", tag("code", obj.id) if obj.id else None),
                ("endpoint", _origin(known(obj, "endpoint"))),
                *attribute_pairs(obj, ("name", "endpoint")),
            ]
        ),
        badges=[state_badge(obj)],
        text=repr(obj),
    )


def _origin(address: Any) -> str | None:
    """Return the scheme and host of an address, since the path of a webhook is often its secret."""
    if not address:
        return None
    scheme, separator, rest = without_query(address).partition("://")
    host, slash, _ = rest.partition("/")
    return f"{scheme}{separator}{host}{slash}{'…' if slash else ''}" if separator else "…"


def collection_view(collection: Any) -> str:
    """Return the view of a collection of any objects: the first ones, and their number."""
    count = len(collection)
    kind, title = type(collection).__name__, f"{count:,} item{'' if count == 1 else 's'}"
    rows = [(number, short(_line(item), 160)) for number, item in enumerate(collection[:_MOST_ROWS])]
    return frame(
        kind,
        title,
        table(("", "item"), rows) if rows else None,
        _more(count, _MOST_ROWS),
        text=f"{kind} of {title}",
    )


def _line(item: Any) -> str:
    """Return one line about an item."""
    identifier = getattr(item, "id", None)
    if identifier is not None and hasattr(item, "_attribute_types"):
        status = known(item, "status")
        return f"{type(item).__name__} {identifier}" + (f": {status}" if status else "")
    return " ".join(repr(item).split())
