"""Conditions in SQL that limit items, collections and `item_stats` to those that the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.pgstac.sql_builder import Parameters

__all__ = [
    "MOST_CONDITIONS",
    "PRODUCTS_OF_CONDITION",
    "of_collections",
    "of_items",
    "of_stats",
    "some_at_a_time",
]

# The planner compares every id of a list with every partition: one list of 1,000 ids takes a second, lists of
# this length a tenth of that.
PRODUCTS_OF_CONDITION = 50
# Conditions of one statement: PostgreSQL takes five of its locks for each collection.
MOST_CONDITIONS = 20
# The blobs that one of the subjects may read, found by the index on subjects.
_BLOBS = """
SELECT c.id, b.id FROM landbridge.blob_grants b JOIN collections c ON c.key = b.collection_key
WHERE b.subjects && {subjects}
"""
_STATS = "SELECT b.collection_key, b.id FROM landbridge.blob_grants b WHERE b.subjects && {subjects}"


def of_items(asked: Sequence[str] | None, access: Access, parameters: Parameters) -> list[str]:
    """Return conditions on visible `items` in the collections asked for; None stands for all collections.

    No item meets two of them: the caller unites the results of one query for each.
    """
    if access.unrestricted and asked is None:
        return ["TRUE"]
    products, containers = access.split_collections(asked)
    parts = [
        _among("collection", products[start : start + PRODUCTS_OF_CONDITION], parameters)
        for start in range(0, len(products), PRODUCTS_OF_CONDITION)
    ]
    if containers:
        blobs = _BLOBS.format(subjects=parameters.add(access.subject_list, "text[]"))
        parts.append(f"{_among('collection', containers, parameters)} AND (collection, id) IN ({blobs})")
    return parts or ["FALSE"]


def some_at_a_time(conditions: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the conditions in groups, each for a statement of its own."""
    return (
        conditions[start : start + MOST_CONDITIONS] for start in range(0, len(conditions), MOST_CONDITIONS)
    )


def of_collections(access: Access, parameters: Parameters) -> str:
    """Return the condition on visible collections."""
    return "TRUE" if access.unrestricted else _among("id", access.collections, parameters)


def of_stats(
    asked: Sequence[str] | None, keys: Mapping[int, str], access: Access, parameters: Parameters
) -> str:
    """Return the condition on `landbridge.item_stats AS s`, as `of_items`.

    `keys` has the ids, by key, of the existing and visible collections among those asked for.
    """
    if access.unrestricted:
        return "TRUE" if asked is None else _keyed(list(keys), parameters)
    products, containers = map(set, access.split_collections(asked))
    parts = [_keyed([key for key, name in keys.items() if name in products], parameters)]
    if held := [key for key, name in keys.items() if name in containers]:
        blobs = _STATS.format(subjects=parameters.add(access.subject_list, "text[]"))
        parts.append(f"({_keyed(held, parameters)} AND (s.collection_key, s.id) IN ({blobs}))")
    return f"({' OR '.join(parts)})"


def _among(column: str, ids: Sequence[str], parameters: Parameters) -> str:
    return f"{column} = ANY ({parameters.add(list(ids), 'text[]')})"


def _keyed(keys: Sequence[int], parameters: Parameters) -> str:
    return f"s.collection_key = ANY ({parameters.add(sorted(keys), 'bigint[]')})"
