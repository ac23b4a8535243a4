"""Access rules: what a caller can see and change.

A product has owners, writers and readers; its bands and images inherit them. Blobs have access lists of
their own, in collections that all users share. Reads are limited to the result of one indexed query, cached
for seconds (`access.grants`). Writes check the access lists themselves, under the lock of the write.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from stac_fastapi.types.errors import NotFoundError
from starlette.exceptions import HTTPException

from landbridge.mappings import access as lists
from landbridge.mappings import ids
from landbridge.mappings.access import Role
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.core.blob_items import STORAGE_TYPES
from landbridge.stac_api.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from landbridge.stac_api.access.principal import Principal

__all__ = [
    "BLOB_COLLECTIONS",
    "UNRESTRICTED",
    "Access",
    "Role",
    "check_list_changes",
    "check_namespace",
    "check_own_namespace",
    "check_still_owner",
    "collection_not_found",
    "finish_list_changes",
    "item_not_found",
    "owners_of_item",
    "owners_of_product",
    "request_access",
    "with_namespaced_id",
]

# The collections of blobs, which all users share.
BLOB_COLLECTIONS: Final = frozenset(ids.blob_collection_id(kind) for kind in STORAGE_TYPES)


@dataclass(frozen=True)
class Access:
    """Rights of a caller: what it can see and change.

    Args:
        unrestricted: the caller is an operator, or the service itself.
        subjects: normalized subjects of the caller.
        read, write: ids of the products that the caller can read, and of those it can change.
    """

    unrestricted: bool = False
    subjects: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()

    @cached_property
    def products(self) -> list[str]:
        """Readable products, sorted, of a restricted caller."""
        return sorted(self.read)

    @cached_property
    def collections(self) -> list[str]:
        """Visible collections of a restricted caller: readable products, and all collections of blobs."""
        return [*self.products, *sorted(BLOB_COLLECTIONS)]

    @cached_property
    def subject_list(self) -> list[str]:
        """Subjects, sorted, as a parameter of SQL."""
        return sorted(self.subjects)

    def reads(self, collection: str) -> bool:
        """Return whether the caller can see a collection."""
        return self.unrestricted or collection in self.read or collection in BLOB_COLLECTIONS

    def writes(self, collection: str) -> bool:
        """Return whether the caller can change the content of a product; blobs are checked one by one."""
        return self.unrestricted or collection in self.write

    def split_collections(self, asked: Sequence[str] | None) -> tuple[list[str], list[str]]:
        """Return the readable products and the collections of blobs among `asked` (None: among all).

        For an unrestricted caller, `asked` must not be None; all collections then count as products.
        """
        if asked is None:
            return self.products, sorted(BLOB_COLLECTIONS)
        names = dict.fromkeys(asked)
        if self.unrestricted:
            return [*names], []
        return [name for name in names if name in self.read], [
            name for name in names if name in BLOB_COLLECTIONS
        ]

    def role(self, document: Mapping[str, Any]) -> Role:
        """Return the caller's role with a Collection or a blob's Item, by the document's access lists."""
        if self.unrestricted:
            return Role.OWNER
        if document.get("id") in BLOB_COLLECTIONS and not _is_item(document):
            return Role.READER
        return lists.role_of(_list_members(document), self.subjects)

    def visible_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return a Collection or a blob's Item with the visible part of its access lists."""
        if self.unrestricted:
            return document
        holder = _list_members(document)
        seen = lists.visible_to(holder, self.subjects)
        if seen is holder:
            return document
        return {**document, "properties": seen} if _is_item(document) else dict(seen)

    def require(self, document: Mapping[str, Any], least: Role) -> None:
        """Check that the caller has at least a role with a Collection or a blob's Item.

        Raises:
            NotFoundError: if the caller cannot see it; this hides its existence.
            HTTPException: 403, if the caller can see it but has a lesser role.
        """
        found = self.role(document)
        if found >= least:
            return
        if found == Role.NONE:
            if _is_item(document):
                raise item_not_found(document["collection"], document["id"])
            raise collection_not_found(document["id"])
        raise _forbidden(document, least)


UNRESTRICTED: Final = Access(unrestricted=True)


def _is_item(document: Mapping[str, Any]) -> bool:
    return document.get("type") == "Feature"


def _list_members(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return (document.get("properties") or {}) if _is_item(document) else document


def _forbidden(document: Mapping[str, Any], least: Role) -> HTTPException:
    what = f"{'Item' if _is_item(document) else 'Collection'} {document['id']}"
    who = "owners" if least == Role.OWNER else "owners and writers"
    return HTTPException(403, f"{what} can be read by you, but only its {who} can do this.")


def collection_not_found(collection: str) -> NotFoundError:
    """Return the 404 that also hides the existence of a collection from callers without access."""
    return NotFoundError(f"Collection {collection} does not exist.")


def item_not_found(collection: str, item: str) -> NotFoundError:
    """Return the 404 that also hides the existence of an item from callers without access."""
    return NotFoundError(f"Item {item} in collection {collection} does not exist.")


async def request_access(request: Request) -> Access:
    """Return what the caller of a request can see and change."""
    principal = request_principal(request)
    if principal.operator:
        return UNRESTRICTED
    if principal.only_collections is not None:
        return Access(read=principal.only_collections)
    found: Access = await request.app.state.services.grants.access(principal.subjects)
    return found


def with_namespaced_id(document: Any, principal: Principal) -> Any:
    """Return a new Collection with its id in the caller's namespace; a document without an id stays as it is.

    Raises:
        HTTPException: 403, if the id is in the namespace of another.
    """
    identifier = document.get("id") if isinstance(document, dict) else None
    if principal.operator or not isinstance(identifier, str) or not identifier:
        return document
    own = f"{principal.prefix}:"
    if identifier.startswith(own) and len(identifier) > len(own):
        return document
    if ":" in identifier:
        raise HTTPException(
            403, f"The id {identifier!r} does not begin with {own!r}, as the ids of your products do."
        )
    return {**document, "id": own + identifier}


def owners_of_product(document: Any, principal: Principal) -> tuple[str, ...]:
    """Return the default owners of a new Collection, whose form is not checked yet."""
    identifier = document.get("id") if isinstance(document, dict) else None
    return principal.owners_of(identifier) if isinstance(identifier, str) else principal.owners


def owners_of_item(collection: str, document: Any, principal: Principal) -> tuple[str, ...]:
    """Return the default owners of a new Item, whose form is not checked yet; only those of a blob count."""
    if collection in BLOB_COLLECTIONS and isinstance(document, dict):
        with contextlib.suppress(ValueError):
            namespace, _ = ids.split_blob_item_id(document.get("id", ""))
            return principal.owners_of(namespace)
    return principal.owners


def check_namespace(collection: str, item: Any, principal: Principal) -> None:
    """Check that a new blob is in a namespace of the caller; ids that are no blob's are not checked here.

    Raises:
        HTTPException: 403, if the namespace belongs to another, or to the service.
    """
    if principal.operator or collection not in BLOB_COLLECTIONS or not isinstance(item, str):
        return
    try:
        namespace, _ = ids.split_blob_item_id(item)
    except ValueError:
        return
    check_own_namespace(namespace, principal)


def check_own_namespace(namespace: str, principal: Principal) -> None:
    """Check that a namespace belongs to the caller.

    Raises:
        HTTPException: 403, if it belongs to another.
    """
    own = f"{principal.prefix}:"
    if principal.operator or namespace in (principal.prefix, principal.user) or namespace.startswith(own):
        return
    raise HTTPException(
        403,
        f"The namespace {namespace!r} is not yours: yours is {principal.prefix!r}, or begins with {own!r}.",
    )


def check_list_changes(
    document: dict[str, Any], stored: dict[str, Any], access: Access, *, whole: bool
) -> dict[str, Any]:
    """Check the access lists of a changed Collection or blob's Item; return it with missing lists added.

    Args:
        document: the changed document; its type is not checked yet.
        stored: the stored document, with all entries of its lists.
        access: access of the caller.
        whole: the document replaces the stored one; lists that it leaves out stay as they were visible.

    Raises:
        HTTPException: 403, if a caller who is not an owner has changed a list.
    """
    holder = (document.get("properties") or {}) if _is_item(stored) else document
    if not isinstance(holder, dict):
        return document
    seen = _list_members(access.visible_document(stored))
    if whole:
        holder = {**{name: seen[name] for name in lists.ACCESS_LISTS if name in seen}, **holder}
    if access.role(stored) < Role.OWNER and (names := lists.changed_lists(holder, seen)):
        raise HTTPException(403, f"Only owners may change {', '.join(names)}; leave them as they were shown.")
    return {**document, "properties": holder} if _is_item(stored) else holder


def finish_list_changes(done: dict[str, Any], stored: dict[str, Any], access: Access) -> dict[str, Any]:
    """Return a checked change with the access lists to store: those of an owner, otherwise the stored ones.

    Raises:
        ConflictError: if an owner removes itself from the owners.
    """
    if access.role(stored) == Role.OWNER:
        check_still_owner(done, access)
        return done
    before = _list_members(stored)
    kept = {name: before[name] for name in lists.ACCESS_LISTS if name in before}
    holder = {
        name: value for name, value in _list_members(done).items() if name not in lists.ACCESS_LISTS
    } | kept
    return {**done, "properties": holder} if _is_item(done) else holder


def check_still_owner(document: Mapping[str, Any], access: Access) -> None:
    """Check that the caller is still an owner of a Collection or a blob's Item that it writes.

    Every object keeps an owner this way. Ownership moves in two steps: an owner adds another, who then
    removes the first.

    Raises:
        ConflictError: if the caller would no longer be an owner.
    """
    if access.role(document) < Role.OWNER:
        raise ConflictError(
            f"{lists.OWNERS} must still name you or your organization. To give {document['id']} away, add "
            "the new owner; the new owner then removes you."
        )
