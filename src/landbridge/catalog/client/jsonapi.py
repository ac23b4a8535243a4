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
    """Return a JSON:API document of one object.

    Parameters
    ----------
    type : str
        Type of the object, such as "product".
    attributes : dict
        Attributes by name.
    id : str, optional
        Id of the object.

    Returns
    -------
    dict
        Document with the member "data".

    Examples
    --------
    >>> CatalogClient.jsonapi_document("product", {"name": "Fields"}, "local:fields")
    {'data': {'type': 'product', 'attributes': {'name': 'Fields'}, 'id': 'local:fields'}}
    """
    resource = {"type": type, "attributes": dict(attributes)}
    return {"data": resource if id is None else {**resource, "id": id}}


def jsonapi_collection(
    type: str,
    attributes_list: Iterable[Mapping[str, Any]],
    ids: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Return a JSON:API document of several objects.

    Parameters
    ----------
    type : str
        Type of the objects, such as "product".
    attributes_list : list of dict
        Attributes of each object.
    ids : list of str, optional
        Id of each object.

    Returns
    -------
    dict
        Document with the member "data", a list.

    Examples
    --------
    >>> CatalogClient.jsonapi_collection("product", [{"name": "Fields"}])
    {'data': [{'type': 'product', 'attributes': {'name': 'Fields'}}]}
    """
    attributes = list(attributes_list)
    names: list[str | None] = [None] * len(attributes) if ids is None else list(ids)
    return {
        "data": [
            jsonapi_document(type, entry, name)["data"] for entry, name in zip(attributes, names, strict=True)
        ]
    }
