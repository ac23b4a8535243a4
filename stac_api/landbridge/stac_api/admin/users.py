"""A user leaves: what refers to the user is given to another owner, or erased.

First the tokens are revoked, so that nothing is added meanwhile. The issuer of OpenID Connect tokens has to
end the user's account itself. Each step can be repeated: a command that was interrupted is run again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from landbridge.mappings import ids
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.access.rules import UNRESTRICTED
from landbridge.stac_api.blobs import deletion as blob_deletion
from landbridge.stac_api.core import blob_items
from landbridge.stac_api.deletions import job as deletion_job
from landbridge.stac_api.deletions import records as deletion_records
from landbridge.stac_api.errors import ConflictError
from landbridge.stac_api.pgstac import collection_queries, subject_queries, writes
from landbridge.stac_api.pgstac.subject_queries import LISTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from landbridge.stac_api.pgstac.subject_queries import Listed
    from landbridge.stac_api.services import Services

__all__ = ["ERASED", "Report", "describe", "erase", "transfer"]

ERASED: Final = "erased"
"""Name in the place of an erased user's."""

_COUNTS: Final = {
    "uploads": "SELECT count(*) FROM landbridge.uploads WHERE username = $1",
    "tokens": "SELECT count(*) FROM landbridge.tokens WHERE username = $1 AND revoked IS NULL",
    "subscriptions": "SELECT count(*) FROM landbridge.notification_subscriptions "
    "WHERE username = $1 AND NOT operator",
    "audit_entries": "SELECT count(*) FROM landbridge.audit WHERE username = $1",
}
_REVOKE = "UPDATE landbridge.tokens SET revoked = coalesce(revoked, now()) WHERE username = $1"
_DELETE_TOKENS = "DELETE FROM landbridge.tokens WHERE username = $1"
_DELETE_SUBSCRIPTIONS = (
    "DELETE FROM landbridge.notification_subscriptions WHERE username = $1 AND NOT operator"
)
_DELETE_DESTINATIONS = "DELETE FROM landbridge.notification_destinations WHERE username = $1 AND NOT operator"
# Uploads that have not been submitted can't go on without a token. The hourly cleanup deletes their files.
_CANCEL = """
UPDATE landbridge.uploads SET status = 'canceled', modified = now()
WHERE username = $1 AND status = 'transferring'
"""
_RENAMED: Final = (
    "UPDATE landbridge.uploads SET username = $2 WHERE username = $1",
    "UPDATE landbridge.blob_uploads SET username = $2 WHERE username = $1",
    "UPDATE landbridge.blob_deletions SET username = $2 WHERE username = $1",
)
_RENAME_AUDIT: Final = (
    "ALTER TABLE landbridge.audit DISABLE TRIGGER append_only",
    "UPDATE landbridge.audit SET username = $2, address = NULL WHERE username = $1",
    "ALTER TABLE landbridge.audit ENABLE TRIGGER append_only",
)


@dataclass(slots=True)
class Report:
    """Result for one user: ids of products and blobs, and numbers of other rows."""

    user: str
    products: list[str] = field(default_factory=list)
    blobs: list[str] = field(default_factory=list)
    deleted_products: list[str] = field(default_factory=list)
    deleted_blobs: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


async def describe(services: Services, user: str, email: str | None = None) -> Report:
    """Return the products and blobs whose lists have a user, and the numbers of other rows."""
    subjects = _subjects(user, email)
    pool = services.readpool
    return Report(
        user,
        products=[one.collection for one in await subject_queries.products_of(pool, subjects)],
        blobs=[_name(one) for one in await subject_queries.blobs_of(pool, subjects)],
        counts={name: await pool.fetchval(query, user) for name, query in _COUNTS.items()},
    )


async def transfer(services: Services, user: str, to: str, email: str | None = None) -> Report:
    """Give the place of a user in all access lists to another user or organization, with its uploads.

    Its API tokens are revoked. Its subscriptions are deleted, because they act with its rights.

    Args:
        services: handles of this process.
        user: user that leaves.
        to: subject that takes its place: `user:name` or `org:name`.
        email: address of the user, whose entries are replaced as well.

    Raises:
        ValueError: if a name is invalid, or if both are the same.
    """
    kind, _, name = to.partition(":")
    if kind not in ("user", "org"):
        raise ValueError(f"{to!r} cannot own anything; give user:NAME or org:NAME.")
    Principal(**{kind: name} if kind == "user" else {"user": None, "org": name})  # checks the name
    subjects = _subjects(user, email)
    if to in subjects:
        raise ValueError(f"{to!r} is the user that leaves.")
    report = await _begin(services.writepool, user)
    await _change_lists(services, subjects, to, report)
    await _rename(services.writepool, user, name if kind == "user" else ERASED)
    return report


async def erase(services: Services, user: str, email: str | None = None, *, audit: bool = False) -> Report:
    """Remove a user from all access lists, and delete what only that user owns, files included.

    Its API tokens and subscriptions are deleted, and records of its uploads name nobody.

    Args:
        services: handles of this process.
        user: user to erase.
        email: address of the user, whose entries are removed as well.
        audit: replace the user in the audit log too, and remove the addresses of its requests. Only the owner
            of the table can do that.

    Raises:
        ValueError: if the name is invalid.
        ConflictError: if a product cannot be deleted, because images are added to it.
    """
    subjects = _subjects(user, email)
    pool = services.writepool
    report = await _begin(pool, user)
    for product in await subject_queries.products_of(pool, subjects):
        if product.owners and set(product.owners) <= set(subjects):
            await _delete_product(services, product.collection)
            report.deleted_products.append(product.collection)
    own = [
        blob
        for blob in await subject_queries.blobs_of(pool, subjects)
        if blob.owners and set(blob.owners) <= set(subjects) and _is_writable(blob)
    ]
    if own:
        keys = [(blob.collection, blob.item or "") for blob in own]
        record = await blob_deletion.delete(pool, keys, UNRESTRICTED)
        await blob_deletion.run(services, record["id"], last_try=True)
        report.deleted_blobs = [_name(blob) for blob in own]
    await _change_lists(services, subjects, None, report)
    report.counts["deleted_tokens"] = _affected(await pool.execute(_DELETE_TOKENS, user))
    await _rename(pool, user, ERASED)
    if audit:
        async with pool.acquire() as conn, conn.transaction():
            off, change, on = _RENAME_AUDIT
            await conn.execute(off)
            report.counts["changed_audit_entries"] = _affected(await conn.execute(change, user, ERASED))
            await conn.execute(on)
    return report


async def _begin(pool: asyncpg.Pool, user: str) -> Report:
    """Revoke the user's tokens and end what acts in its name."""
    report = Report(user)
    statements = {
        "revoked_tokens": _REVOKE,
        "deleted_subscriptions": _DELETE_SUBSCRIPTIONS,
        "deleted_destinations": _DELETE_DESTINATIONS,
        "canceled_uploads": _CANCEL,
    }
    for name, statement in statements.items():
        report.counts[name] = _affected(await pool.execute(statement, user))
    return report


async def _rename(pool: asyncpg.Pool, user: str, name: str) -> None:
    for statement in _RENAMED:
        await pool.execute(statement, user, name)


async def _change_lists(services: Services, subjects: Sequence[str], to: str | None, report: Report) -> None:
    """Replace the subjects in all lists by another one, or remove them."""
    pool = services.writepool
    for product in await subject_queries.products_of(pool, subjects):
        await writes.change_collection(pool, product.collection, lambda held: _replaced(held, subjects, to))
        report.products.append(product.collection)
    for blob in await subject_queries.blobs_of(pool, subjects):

        def change(item: dict[str, Any], _parent: dict[str, Any]) -> dict[str, Any]:
            return {**item, "properties": _replaced(item["properties"], subjects, to)}

        await writes.change_item(pool, blob.collection, blob.item or "", change)
        report.blobs.append(_name(blob))
    services.grants.clear()


def _replaced(holder: dict[str, Any], subjects: Sequence[str], to: str | None) -> dict[str, Any]:
    """Return a document with other access lists; each entry is there once."""
    known = {subject.lower() if subject.startswith("email:") else subject for subject in subjects}

    def same(entry: object) -> bool:
        return isinstance(entry, str) and (
            entry in known or (entry.startswith("email:") and entry.lower() in known)
        )

    changed = {}
    for name in LISTS:
        entries = holder.get(name)
        if isinstance(entries, list) and any(map(same, entries)):
            new = [to if same(entry) else entry for entry in entries]
            changed[name] = list(dict.fromkeys(entry for entry in new if entry is not None))
    return {**holder, **changed}


async def _delete_product(services: Services, product: str) -> None:
    record = await deletion_records.start(services.writepool, product)
    await deletion_job.run(services, record["id"], product, last_try=True)
    if await collection_queries.exists(services.writepool, product):
        try:
            await writes.delete_collection(services.writepool, product, UNRESTRICTED)
        except ConflictError as error:
            raise ConflictError(f"{error} Run the command again.") from error


def _subjects(user: str, email: str | None) -> tuple[str, ...]:
    Principal(user, email=email)  # checks the names
    return (f"user:{user}", *([f"email:{email.lower()}"] if email else ()))


def _is_writable(blob: Listed) -> bool:
    return blob.collection.removeprefix(ids.BLOB_COLLECTION_PREFIX) in blob_items.WRITABLE


def _name(blob: Listed) -> str:
    return blob_items.blob_id({"collection": blob.collection, "id": blob.item or ""})


def _affected(status: str) -> int:
    """Return the number of rows of a command tag, such as `UPDATE 3`."""
    return int(status.rpartition(" ")[2])
