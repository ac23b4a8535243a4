"""Objects with access lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.catalog.attributes import TypedAttribute
from landbridge.catalog.base import CatalogObject
from landbridge.catalog.containers import ListAttribute

if TYPE_CHECKING:
    from landbridge.auth import Auth

__all__ = ["AuthCatalogObject"]


class AuthCatalogObject(CatalogObject):
    """An object with access lists."""

    owners = ListAttribute(
        TypedAttribute(str), doc="The `user:` and `org:` subjects that own it. *Filterable.*"
    )
    readers = ListAttribute(
        TypedAttribute(str), doc="The `user:`, `email:`, `group:` and `org:` subjects that can read it."
    )
    writers = ListAttribute(
        TypedAttribute(str), doc="The `user:`, `email:`, `group:` and `org:` subjects that can change it."
    )

    def user_is_owner(self, auth: Auth | None = None) -> bool:
        """Whether the caller owns the object; TypeError where it has no owners, being unsaved."""
        return not (auth or self._client.auth).subjects.isdisjoint(self.owners)

    def user_can_write(self, auth: Auth | None = None) -> bool:
        """Whether the caller can change the object; TypeError where it has no access lists."""
        return self.user_is_owner(auth) or not (auth or self._client.auth).subjects.isdisjoint(self.writers)

    def user_can_read(self, auth: Auth | None = None) -> bool:
        """Whether the caller can read the object; TypeError where it has no access lists."""
        return self.user_can_write(auth) or not (auth or self._client.auth).subjects.isdisjoint(self.readers)
