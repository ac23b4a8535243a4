"""What a caller may see and change: the rules in one place.

A product has owners, writers and readers; its bands and images inherit them. Blobs have lists of their own,
in collections that all share. Reads are scoped to what one indexed query found, which is kept for seconds and
dropped as soon as lists change. Writes look at the lists themselves, under the lock that they write under.
"""

from __future__ import annotations

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
    "check_still_owner",
    "collection_not_found",
    "finish_list_changes",
    "item_not_found",
    "request_access",
    "with_namespaced_id",
]

# The collections that hold the blobs of everybody.
BLOB_COLLECTIONS: Final = frozenset(ids.blob_collection_id(kind) for kind in STORAGE_TYPES)


@dataclass(frozen=True)
class Access:
    """What one caller may see and change now.

    Args:
        unrestricted: an operator, or the service itself.
        subjects: what the caller answers to, normalized.
        read, write: ids of the products that the caller may read, and of those it may change.
    """

    unrestricted: bool = False
    subjects: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()

    @cached_property
    def products(self) -> list[str]:
        """The products that may be read, where that is not everything."""
        return sorted(self.read)

    @cached_property
    def collections(self) -> list[str]:
        """The collections that may be seen, where that is not all: those of blobs are seen by all."""
        return [*self.products, *sorted(BLOB_COLLECTIONS)]

    @cached_property
    def subject_list(self) -> list[str]:
        """The subjects as a parameter of SQL."""
        return sorted(self.subjects)

    def reads(self, collection: str) -> bool:
        """Whether the caller may see a collection."""
        return self.unrestricted or collection in self.read or collection in BLOB_COLLECTIONS

    def writes(self, collection: str) -> bool:
        """Whether the caller may change what is in a product; blobs are asked one by one."""
        return self.unrestricted or collection in self.write

    def split_collections(self, asked: Sequence[str] | None) -> tuple[list[str], list[str]]:
        """Of the collections asked for (None: of all), the products that may be read and those of blobs.

        To who may see everything they are all alike, and have to be named.
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
        """What the caller may do with a Collection, or with a blob's Item, as the document itself says."""
        if self.unrestricted:
            return Role.OWNER
        if document.get("id") in BLOB_COLLECTIONS and not _is_item(document):
            return Role.READER
        return lists.role_of(_list_members(document), self.subjects)

    def visible_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """A Collection or a blob's Item with what the caller may see of its lists; the given one stays."""
        if self.unrestricted:
            return document
        holder = _list_members(document)
        seen = lists.visible_to(holder, self.subjects)
        if seen is holder:
            return document
        return {**document, "properties": seen} if _is_item(document) else dict(seen)

    def require(self, document: Mapping[str, Any], least: Role) -> None:
        """Check what the caller may do with a Collection or with a blob's Item.

        Raises:
            NotFoundError: it may not know of it, told as if it did not exist.
            HTTPException: 403, it may see it, but not do this.
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
    return HTTPException(403, f"{what} may be read by you; only its {who} may do this.")


def collection_not_found(collection: str) -> NotFoundError:
    """The answer for a collection that is not there, for all the caller may know."""
    return NotFoundError(f"Collection {collection} does not exist.")


def item_not_found(collection: str, item: str) -> NotFoundError:
    """The answer for an item that is not there, for all the caller may know."""
    return NotFoundError(f"Item {item} in collection {collection} does not exist.")


async def request_access(request: Request) -> Access:
    """What the caller of a request may see and change."""
    principal = request_principal(request)
    if principal.operator:
        return UNRESTRICTED
    found: Access = await request.app.state.services.grants.access(principal.subjects)
    return found


def with_namespaced_id(document: Any, principal: Principal) -> Any:
    """A new Collection with its id in the caller's namespace; what has no id is left for others to refuse.

    Raises:
        HTTPException: 403, the id lies in the namespace of another.
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


def check_namespace(collection: str, item: Any, principal: Principal) -> None:
    """Check that a new blob is in a namespace of the caller; what is no blob's id others refuse.

    Raises:
        HTTPException: 403, the namespace is that of another, or the service's own.
    """
    if principal.operator or collection not in BLOB_COLLECTIONS or not isinstance(item, str):
        return
    try:
        namespace, _ = ids.split_blob_item_id(item)
    except ValueError:
        return
    own = f"{principal.prefix}:"
    if namespace in (principal.prefix, principal.user) or namespace.startswith(own):
        return
    raise HTTPException(
        403,
        f"The namespace {namespace!r} is not yours: that of your blobs is {principal.prefix!r}, or begins "
        f"with {own!r}.",
    )


def check_list_changes(
    document: dict[str, Any], stored: dict[str, Any], access: Access, *, whole: bool
) -> dict[str, Any]:
    """A change of a Collection or a blob's Item, after a look at its lists and before it is completed.

    Args:
        document: the changed one, of whatever type it says it is.
        stored: what it was, with all entries.
        access: of who changes it.
        whole: the document was sent as a whole; a list that is left out then stays as it was shown.

    Raises:
        HTTPException: 403, who does not own it has changed a list.
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
    """A change that `checked` has let pass, as it is to be stored: with the lists that only owners change.

    Raises:
        ConflictError: as `check_owners` does.
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
    """Check that who writes the lists of a Collection or of a blob's Item stays among its owners.

    So nothing is ever without an owner, and ownership moves in two steps: an owner adds another, and that
    one removes the first.

    Raises:
        ConflictError: the caller would not own it any more.
    """
    if access.role(document) < Role.OWNER:
        raise ConflictError(
            f"{lists.OWNERS} must still name you or your organization. To give {document['id']} away, add "
            "the new owner; the new owner then removes you."
        )
