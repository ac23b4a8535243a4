"""JSON:API documents, the form of `serialize(jsonapi_format=True)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["jsonapi_collection", "jsonapi_document"]


def jsonapi_document(
    type: str,
    attributes: Mapping[str, Any],
    id: str | None = None,
) -> dict[str, Any]:
    """Return one object as a JSON:API document."""
    resource = {"type": type, "attributes": dict(attributes)}
    return {"data": resource if id is None else {**resource, "id": id}}


def jsonapi_collection(
    type: str,
    attributes_list: Iterable[Mapping[str, Any]],
    ids: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Return several objects as a JSON:API document; ValueError if ids and attributes differ in number."""
    attributes = list(attributes_list)
    names: list[str | None] = [None] * len(attributes) if ids is None else list(ids)
    return {
        "data": [
            jsonapi_document(type, entry, name)["data"] for entry, name in zip(attributes, names, strict=True)
        ]
    }
