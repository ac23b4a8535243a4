"""Objects with access lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.catalog.catalog_object import CatalogObject
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attributes import TypedAttribute

if TYPE_CHECKING:
    from landbridge.auth import Auth
    from landbridge.catalog.type_hints.attributes import Texts

__all__ = ["AuthCatalogObject"]

# The entry of `readers` that lets everyone read.
_PUBLIC = "public"


class AuthCatalogObject(CatalogObject):
    """Object with access lists; base class of products and blobs."""

    owners: Texts = ListAttribute(
        TypedAttribute(str), doc="Subjects that own the object: `user:` and `org:`. *Filterable.*"
    )
    readers: Texts = ListAttribute(
        TypedAttribute(str),
        doc='Subjects that can read the object: `user:`, `email:`, `group:`, `org:` and "public". '
        "*Filterable.*",
    )
    writers: Texts = ListAttribute(
        TypedAttribute(str),
        doc="Subjects that can change the object: `user:`, `email:`, `group:` and `org:`. *Filterable.*",
    )

    def user_is_owner(self, auth: Auth | None = None) -> bool:
        """Return True if the caller owns the object.

        Parameters
        ----------
        auth : Auth, optional
            Caller. By default the one of the object's client.

        Returns
        -------
        bool
            True if one of the caller's subjects is in `owners`.

        Raises
        ------
        TypeError
            If the object has no access lists because it has not been saved.

        Examples
        --------
        >>> product.user_is_owner()
        True
        """
        return self._is_listed(auth, "owners")

    def user_can_write(self, auth: Auth | None = None) -> bool:
        """Return True if the caller can change the object.

        Parameters
        ----------
        auth : Auth, optional
            Caller. By default the one of the object's client.

        Returns
        -------
        bool
            True if one of the caller's subjects is in `owners` or `writers`.

        Raises
        ------
        TypeError
            If the object has no access lists because it has not been saved.

        Examples
        --------
        >>> product.user_can_write()
        True
        """
        return self._is_listed(auth, "owners", "writers")

    def user_can_read(self, auth: Auth | None = None) -> bool:
        """Return True if the caller can read the object.

        Parameters
        ----------
        auth : Auth, optional
            Caller. By default the one of the object's client.

        Returns
        -------
        bool
            True if one of the caller's subjects is in `owners`, `writers` or `readers`, or if `readers`
            contains "public".

        Raises
        ------
        TypeError
            If the object has no access lists because it has not been saved.

        Examples
        --------
        >>> from landbridge.auth import Auth
        >>> product.user_can_read(), product.user_can_read(Auth(user="other", org="elsewhere"))
        (True, False)
        """
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
