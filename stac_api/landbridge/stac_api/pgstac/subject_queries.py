"""Products and blobs that a subject of access lists can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

__all__ = ["LISTS", "Listed", "blobs_of", "products_of"]

# Names of the access lists, in a collection's document and in a blob's properties.
LISTS = ("catalog:owners", "catalog:writers", "catalog:readers")

_PRODUCTS = """
SELECT DISTINCT c.id AS collection, NULL::text AS item,
    landbridge.as_array(c.content->'catalog:owners') AS owners
FROM landbridge.grants AS g JOIN pgstac.collections AS c ON c.id = g.collection
WHERE g.subject = ANY ($1) ORDER BY 1
"""
_BLOBS = """
SELECT i.collection, i.id AS item, landbridge.as_array(i.content->'properties'->'catalog:owners') AS owners
FROM landbridge.blob_grants AS b JOIN pgstac.collections AS c ON c.key = b.collection_key
JOIN pgstac.items AS i ON i.collection = c.id AND i.id = b.id
WHERE b.subjects && $1 ORDER BY 1, 2
"""


class Listed(NamedTuple):
    """A product or a blob (with `item`) whose lists have a subject, and all its owners."""

    collection: str
    item: str | None
    owners: list[str]


async def products_of(db: asyncpg.Pool, subjects: Sequence[str]) -> list[Listed]:
    """Return the products whose lists have one of these subjects."""
    return [_listed(row) for row in await db.fetch(_PRODUCTS, list(subjects))]


async def blobs_of(db: asyncpg.Pool, subjects: Sequence[str]) -> list[Listed]:
    """Return the blobs whose lists have one of these subjects."""
    return [_listed(row) for row in await db.fetch(_BLOBS, list(subjects))]


def _listed(row: asyncpg.Record) -> Listed:
    owners = [str(owner) for owner in row["owners"] or ()]
    return Listed(row["collection"], row["item"], owners)
