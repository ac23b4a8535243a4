"""Writes of collections and items, each atomic: read, change and store under one lock in one transaction.

Locks are PostgreSQL advisory locks on the id, held to the end of the transaction: two clients that edit one
document wait for each other, and both edits stay. Writers of items share their collection's lock, so that the
collection cannot be deleted meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, UNRESTRICTED, Access, Role, item_not_found
from landbridge.stac_api.core.database_errors import is_transient
from landbridge.stac_api.errors import ConflictError
from landbridge.stac_api.pgstac import collection_queries, item_queries, item_rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

Document: TypeAlias = dict[str, Any]
T = TypeVar("T")
Check: TypeAlias = Callable[[str], None] | None

_TRIES = 5

_LOCK_PARTITIONS = "SELECT landbridge.lock_partitions()"
_CREATE_PARTITION = "SELECT landbridge.create_partitions($1)"
_LISTS_ACROSS = """
SELECT collection, id, content->'properties' AS properties FROM items
WHERE (collection, id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND collection = ANY ($3)
"""
_DELETE_ACROSS = """
DELETE FROM items
WHERE (collection, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
  AND (NOT $3 OR (content->'properties'->>'expires')::timestamptz <= now())
RETURNING collection, id, content, xmin::text AS version
"""


async def _retrying(pool: asyncpg.Pool, attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the result of a transaction; try again after transient errors such as deadlocks."""
    missing: item_rows.NoPartitionError | None = None
    for number in range(1, _TRIES + 1):
        try:
            if missing:
                await item_rows.create_partitions(pool, missing.collection, missing.items)
                missing = None
            return await attempt()
        except item_rows.NoPartitionError as error:
            if number == _TRIES:
                raise
            missing = error
        except asyncpg.PostgresError as error:
            if number == _TRIES or not is_transient(error):
                raise
            await asyncio.sleep(0.02 * 2**number)
    raise AssertionError  # the loop returns or raises


async def _lock(conn: asyncpg.Connection, *ids: str, shared: bool = False) -> None:
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await conn.execute(f"SELECT {function}(hashtextextended($1, 0))", "\n".join(ids))  # two constants


@asynccontextmanager
async def _transaction(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    async with pool.acquire() as conn, conn.transaction():
        yield conn


async def create_collection(pool: asyncpg.Pool, document: Document) -> str:
    """Store a new collection, create its partition, and return the version of its row.

    Raises:
        ConflictError: if the id is taken.
    """

    async def attempt() -> str:
        async with _transaction(pool) as conn:
            await _lock(conn, document["id"])
            await conn.execute(_LOCK_PARTITIONS)
            try:
                await conn.execute("SELECT create_collection($1)", document)
            except asyncpg.UniqueViolationError as error:
                raise ConflictError(f"Collection {document['id']} exists already.") from error
            await conn.execute(_CREATE_PARTITION, document["id"])
            return await collection_queries.collection_version(conn, document["id"])

    return await _retrying(pool, attempt)


async def change_collection(
    pool: asyncpg.Pool, collection: str, change: Callable[[Document], Document], check: Check = None
) -> tuple[Document, str]:
    """Replace a collection by the result of `change`; return the result and the version of its row.

    `change` gets the collection as stored, under the lock, and checks whether the caller may change it.
    `check` may refuse the version that is replaced.

    Raises:
        NotFoundError: if the collection does not exist.
    """

    async def attempt() -> tuple[Document, str]:
        async with _transaction(pool) as conn:
            await _lock(conn, collection)
            stored = await collection_queries.get_collection(conn, collection, UNRESTRICTED)
            changed = await asyncio.to_thread(change, stored)
            if check:
                check(await collection_queries.collection_version(conn, collection))
            await conn.execute("SELECT update_collection($1)", changed)
            return changed, await collection_queries.collection_version(conn, collection)

    return await _retrying(pool, attempt)


async def delete_collection(pool: asyncpg.Pool, collection: str, access: Access, check: Check = None) -> None:
    """Delete an empty collection, which only its owners may do; `check` may refuse its version.

    Raises:
        NotFoundError: if there is no such collection that the caller may see.
        HTTPException: 403 if the caller does not own it.
        ConflictError: if it still has bands or items.
    """

    async def attempt() -> None:
        async with _transaction(pool) as conn:
            await _lock(conn, collection)
            # Taken before any table: the holder of this lock waits for all transactions that have read
            # `items`.
            await conn.execute(_LOCK_PARTITIONS)
            stored = await collection_queries.get_collection(conn, collection, access)
            access.require(stored, Role.OWNER)
            if check:
                check(await collection_queries.collection_version(conn, collection))
            bands = stored.get("bands")
            items = await conn.fetchval("SELECT EXISTS (SELECT FROM items WHERE collection = $1)", collection)
            related = " and ".join(kind for kind, there in (("bands", bands), ("images", items)) if there)
            if related:
                raise ConflictError(f"Collection {collection} still has {related}; delete those first.")
            await conn.execute("SELECT delete_collection($1)", collection)

    # Checked before the lock: a caller without the right must not delay others.
    access.require(await collection_queries.get_collection(pool, collection, access), Role.OWNER)
    await _retrying(pool, attempt)


async def create_items(
    pool: asyncpg.Pool,
    collection: str,
    prepare: Callable[[Document], Sequence[Document]],
    *,
    replace: bool = False,
    before: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
    also: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
) -> list[Document]:
    """Store items, all or none.

    Args:
        pool: the write pool.
        collection: the collection they belong to.
        prepare: makes the items, given the stored collection, and checks whether the caller may store them.
        replace: overwrite items that exist.
        before: runs in the same transaction, after the items are locked and before they are stored.
        also: runs in the same transaction, after the items are stored.

    Raises:
        NotFoundError: if the collection does not exist.
        ConflictError: if an id is taken and `replace` is not set.
    """

    async def attempt() -> list[Document]:
        async with _transaction(pool) as conn:
            await _lock(conn, collection, shared=True)
            parent = await collection_queries.get_collection(conn, collection, UNRESTRICTED)
            items = list(await asyncio.to_thread(prepare, parent))
            for item in sorted(item["id"] for item in items):
                await _lock(conn, collection, item)
            if before:
                await before(conn)
            try:
                await item_rows.insert(conn, collection, items, replace=replace)
            except asyncpg.UniqueViolationError as error:
                ids = [item["id"] for item in items]
                taken = await _taken(pool, collection, ids)
                what = f"Item {taken[0]}" if len(taken) == 1 else f"Items {', '.join(taken[:10])}"
                raise ConflictError(
                    f"{what} in collection {collection} exist{'s' * (len(taken) == 1)} already."
                ) from error
            if also:
                await also(conn)
            return items

    return await _retrying(pool, attempt)


async def _taken(pool: asyncpg.Pool, collection: str, ids: list[str]) -> list[str]:
    query = "SELECT id FROM items WHERE collection = $1 AND id = ANY($2) ORDER BY id"
    found = [row["id"] for row in await pool.fetch(query, collection, ids)]
    # None is stored: the request has the same id twice.
    return found or sorted({item for item in ids if ids.count(item) > 1}) or ids[:1]


async def change_item(
    pool: asyncpg.Pool,
    collection: str,
    item: str,
    change: Callable[[Document, Document], Document],
    *,
    check: Check = None,
    also: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
) -> tuple[Document, str]:
    """Replace an item by the result of `change`; return the result and the version of its row.

    `change` gets the item and its collection, and checks whether the caller may change it. `also` runs in the
    same transaction.

    Raises:
        NotFoundError: if the item does not exist.
    """

    async def attempt() -> tuple[Document, str]:
        async with _transaction(pool) as conn:
            await _lock(conn, collection, shared=True)
            await _lock(conn, collection, item)
            stored, before = await item_queries.get_item_version(conn, collection, item, UNRESTRICTED)
            if stored is None:
                raise item_not_found(collection, item)
            parent = await collection_queries.get_collection(conn, collection, UNRESTRICTED)
            changed = await asyncio.to_thread(change, stored, parent)
            if check:
                check(before)
            version = await item_rows.update(conn, changed)
            if also:
                await also(conn)
            return changed, version

    return await _retrying(pool, attempt)


async def delete_item(
    pool: asyncpg.Pool,
    collection: str,
    item: str,
    also: Callable[[asyncpg.Connection, Document], Awaitable[None]],
    access: Access,
    check: Check = None,
) -> None:
    """Delete an item, which only the writers of its collection may do.

    Args:
        pool: the write pool.
        collection: the item's collection.
        item: its id.
        also: runs in the same transaction, with the deleted item.
        access: of the caller.
        check: may refuse the version of the item.

    Raises:
        NotFoundError: if there is no such item that the caller may see.
        HTTPException: 403 if the caller may not write to the collection.
    """

    async def attempt() -> None:
        async with _transaction(pool) as conn:
            await _lock(conn, collection, item)
            stored, version = await item_queries.get_item_version(conn, collection, item, UNRESTRICTED)
            if stored is None:
                raise item_not_found(collection, item)
            if not access.unrestricted:
                check_writer(
                    access, await collection_queries.get_collection(conn, collection, UNRESTRICTED), item
                )
            if check:
                check(version)
            await conn.execute("SELECT delete_item($1, $2)", item, collection)
            await also(conn, stored)

    await _retrying(pool, attempt)


async def delete_across(
    pool: asyncpg.Pool,
    wanted: Sequence[tuple[str, str]],
    also: Callable[[asyncpg.Connection, list[Document]], Awaitable[None]],
    access: Access,
    *,
    expired: bool = False,
    check: Check = None,
) -> None:
    """Delete the existing items among those given by collection and id, all or none.

    Only owners may delete blobs. Blobs that the caller may not see count as missing.

    Args:
        pool: the write pool.
        wanted: collection and id of each.
        also: runs in the same transaction, with the deleted items.
        access: of the caller. Only blobs are checked: the caller must have the right to write to other
            collections.
        expired: delete only those that have expired.
        check: may refuse the version of an item.

    Raises:
        HTTPException: 403 if the caller may see a blob but does not own it.
    """

    async def attempt() -> None:
        async with _transaction(pool) as conn:
            for key in sorted(set(wanted)):
                await _lock(conn, *key)
            await also(conn, await delete_locked(conn, wanted, access, expired=expired, check=check))

    await _retrying(pool, attempt)


async def delete_locked(
    conn: asyncpg.Connection,
    wanted: Sequence[tuple[str, str]],
    access: Access,
    *,
    expired: bool = False,
    check: Check = None,
) -> list[Document]:
    """Delete items whose locks are held, as `delete_across` does, and return those that existed."""
    keys = wanted if access.unrestricted else await _owned(conn, wanted, access)
    collections, items = [key[0] for key in keys], [key[1] for key in keys]
    found = await conn.fetch(_DELETE_ACROSS, collections, items, expired)
    if check:
        for row in found:
            check(row["version"])
    return [{**row["content"], "id": row["id"], "collection": row["collection"]} for row in found]


async def _owned(
    conn: asyncpg.Connection, wanted: Sequence[tuple[str, str]], access: Access
) -> list[tuple[str, str]]:
    """Return the items that the caller may delete; their locks must be held."""
    collections, items = [key[0] for key in wanted], [key[1] for key in wanted]
    found = await conn.fetch(_LISTS_ACROSS, collections, items, sorted(BLOB_COLLECTIONS))
    blobs = {(row["collection"], row["id"]): {"type": "Feature", **dict(row)} for row in found}
    seen = {key: blob for key, blob in blobs.items() if access.role(blob) >= Role.READER}
    for blob in seen.values():
        access.require(blob, Role.OWNER)
    return [key for key in wanted if key in seen or key[0] not in BLOB_COLLECTIONS]


def check_writer(access: Access, parent: Document, item: str) -> None:
    """Check that the caller may change an item of a collection.

    Raises:
        NotFoundError: if the caller may not see the collection.
        HTTPException: 403 if the caller may see it but not change it.
    """
    if access.role(parent) == Role.NONE:
        raise item_not_found(parent["id"], item)
    access.require(parent, Role.WRITER)
