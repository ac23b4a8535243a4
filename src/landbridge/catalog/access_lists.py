"""Objects with access lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.catalog.catalog_object import CatalogObject
from landbridge.catalog.model.attributes import TypedAttribute
from landbridge.catalog.model.containers import ListAttribute

if TYPE_CHECKING:
    from landbridge.auth import Auth

__all__ = ["AuthCatalogObject"]

# The entry of `readers` that lets everyone read.
_PUBLIC = "public"


class AuthCatalogObject(CatalogObject):
    """An object with access lists."""

    owners = ListAttribute(
        TypedAttribute(str), doc="The `user:` and `org:` subjects that own it. *Filterable.*"
    )
    readers = ListAttribute(
        TypedAttribute(str),
        doc="The `user:`, `email:`, `group:` and `org:` subjects that can read it. *Filterable.*",
    )
    writers = ListAttribute(
        TypedAttribute(str),
        doc="The `user:`, `email:`, `group:` and `org:` subjects that can change it. *Filterable.*",
    )

    def user_is_owner(self, auth: Auth | None = None) -> bool:
        """Whether the caller owns the object; TypeError where it has no access lists, being unsaved."""
        return self._is_listed(auth, "owners")

    def user_can_write(self, auth: Auth | None = None) -> bool:
        """Whether the caller can change the object; TypeError where it has no access lists."""
        return self._is_listed(auth, "owners", "writers")

    def user_can_read(self, auth: Auth | None = None) -> bool:
        """Whether the caller can read the object; TypeError where it has no access lists."""
        return self._is_listed(auth, "owners", "writers", "readers") or _PUBLIC in (self.readers or ())

    def _is_listed(self, auth: Auth | None, *lists: str) -> bool:
        """Return whether one of the caller's subjects is in one of these lists."""
        subjects: set[str] = set()
        for name in lists:
            entries = getattr(self, name)
            if entries is None:
                raise TypeError(f"{type(self).__name__} {self.id} has no {name}: it has not been saved.")
            subjects.update(_comparable(entry) for entry in entries)
        return not subjects.isdisjoint((auth or self._client.auth).subjects)


def _comparable(subject: str) -> str:
    """Return a subject as `Auth.subjects` writes it: email addresses in lower case."""
    return subject.lower() if subject.startswith("email:") else subject
