"""What a caller may see, as conditions in SQL: on items, on collections, on the facts of items."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.sql import Parameters

__all__ = ["of_collections", "of_facts", "of_items"]

# The planner looks at every id of a list for every partition: 1,000 ids in one list take it a second, and in
# lists of this length a tenth of that.
_MOST_IDS = 50
# The blobs that let in one of some subjects, by the index on those.
_BLOBS = """
SELECT c.id, b.id FROM landbridge.blob_grants b JOIN collections c ON c.key = b.collection_key
WHERE b.subjects && {subjects}
"""
_FACTS = "SELECT b.collection_key, b.id FROM landbridge.blob_grants b WHERE b.subjects && {subjects}"


def of_items(asked: Sequence[str] | None, access: Access, parameters: Parameters) -> list[str]:
    """The conditions on `items` of being in one of the collections asked for (None: in any), and visible.

    No item meets two of them; they are to be asked one by one, and what they find is to be put together.
    """
    if access.everything and asked is None:
        return ["TRUE"]
    products, containers = access.narrowed(asked)
    parts = [
        _among("collection", products[start : start + _MOST_IDS], parameters)
        for start in range(0, len(products), _MOST_IDS)
    ]
    if containers:
        blobs = _BLOBS.format(subjects=parameters.add(access.listed, "text[]"))
        parts.append(f"{_among('collection', containers, parameters)} AND (collection, id) IN ({blobs})")
    return parts or ["FALSE"]


def of_collections(access: Access, parameters: Parameters) -> str:
    """The condition on rows of collections of being visible."""
    return "TRUE" if access.everything else _among("id", access.collections, parameters)


def of_facts(
    asked: Sequence[str] | None, keys: Mapping[int, str], access: Access, parameters: Parameters
) -> str:
    """The condition on `landbridge.item_stats AS s`, as `of_items`.

    `keys` are the ids, by key, of those of the collections asked for that are there and visible.
    """
    if access.everything:
        return "TRUE" if asked is None else _keyed(list(keys), parameters)
    products, containers = map(set, access.narrowed(asked))
    parts = [_keyed([key for key, name in keys.items() if name in products], parameters)]
    if held := [key for key, name in keys.items() if name in containers]:
        blobs = _FACTS.format(subjects=parameters.add(access.listed, "text[]"))
        parts.append(f"({_keyed(held, parameters)} AND (s.collection_key, s.id) IN ({blobs}))")
    return f"({' OR '.join(parts)})"


def _among(column: str, ids: Sequence[str], parameters: Parameters) -> str:
    return f"{column} = ANY ({parameters.add(list(ids), 'text[]')})"


def _keyed(keys: Sequence[int], parameters: Parameters) -> str:
    return f"s.collection_key = ANY ({parameters.add(sorted(keys), 'bigint[]')})"
