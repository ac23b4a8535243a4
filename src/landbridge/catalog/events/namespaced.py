"""Objects that a namespace and a name identify: the destinations and subscriptions of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.access_lists import AuthCatalogObject
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.model.attributes import TypedAttribute
from landbridge.catalog.stac.notifications import joined_id, split_id
from landbridge.catalog.stac.prefixes import prefixed_namespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.type_hints.attributes import RequiredText, Text

__all__ = ["NamespacedObject"]


class NamespacedObject(AuthCatalogObject):
    """Object of events with a namespace and a name; its id is `namespace:name`."""

    _SECRETS: ClassVar[frozenset[str]] = frozenset()  # attributes that are left out of copies and pickles

    namespace: RequiredText = TypedAttribute(
        str,
        doc="Organization or user that the object belongs to, by default the caller's own. *Searchable, "
        "sortable.*",
    )
    name: RequiredText = TypedAttribute(str, doc="Name, unique in the namespace. *Searchable, sortable.*")
    description: Text = TypedAttribute(str, doc="Description. *Searchable.*")

    def _identity(self) -> dict[str, Any]:
        namespace, name = self.namespace, self.name
        if self.id is not None:
            of_id = split_id(self.id)
            namespace, name = namespace or of_id[0], name or of_id[1]
        return {"namespace": self.namespace_id(namespace, self._client), "name": name}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        values = {name: value for name, value in state["_values"].items() if name not in self._SECRETS}
        return {**state, "_values": values}

    @classmethod
    def namespace_id(cls, namespace_id: str | None, client: CatalogClient | None = None) -> str:
        """Return the namespace that an object gets when it is saved.

        Parameters
        ----------
        namespace_id : str or None
            Namespace with or without the prefix of an organization. None or an empty string is the user's
            own namespace.
        client : CatalogClient, optional
            Client to use. By default the default client.

        Returns
        -------
        str
            Namespace prefixed with the organization, or with the user if there is no organization.

        Examples
        --------
        >>> from landbridge.catalog.events import EventSubscription
        >>> EventSubscription.namespace_id("docs"), EventSubscription.namespace_id(None)
        ('local:docs', 'local:local')
        """
        return prefixed_namespace(namespace_id, client or CatalogClient.get_default_client())

    @classmethod
    def _id_of(
        cls, id: str | None, namespace: str | None, name: str | None, client: CatalogClient | None
    ) -> str:
        """Return the given id, or the id made from the given parts; TypeError unless exactly one is given."""
        if (not id) == (not name):
            raise TypeError(
                f"Give either the id or the name of the {cls.__name__}; got id={id!r} and name={name!r}."
            )
        return id or joined_id(cls.namespace_id(namespace, client), str(name))

    @classmethod
    def get(  # type: ignore[override] # these objects have names too
        cls,
        id: str | None = None,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self | None:
        """Return an object by its id, or by its name and namespace.

        Parameters
        ----------
        id : str, optional
            Id of the form `namespace:name`. Give either the id or the name.
        namespace : str, optional
            Namespace, completed as by `namespace_id`.
        name : str, optional
            Name of the object.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        object of this class or None
            None if it does not exist.

        Raises
        ------
        TypeError
            Unless either the id or the name is given.

        Examples
        --------
        >>> from landbridge.catalog.events import EventSubscription
        >>> EventSubscription.get(name="nothing") is None
        True
        """
        return super().get(cls._id_of(id, namespace, name, client), client, request_params, headers)

    @classmethod
    def get_or_create(  # type: ignore[override] # these objects have names too
        cls,
        id: str | None = None,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return an object by its id or name, or a new one, with the given attributes set.

        Nothing is saved: `save` then creates the object, updates it, or does nothing.

        Parameters
        ----------
        id : str, optional
            Id of the form `namespace:name`. Give either the id or the name.
        namespace : str, optional
            Namespace, completed as by `namespace_id`.
        name : str, optional
            Name of the object.
        client : CatalogClient, optional
            Client to use. By default the default client.
        **kwargs
            Values of attributes.

        Returns
        -------
        object of this class
            Its state is unsaved if it is new, saved if nothing differs, else modified.

        Raises
        ------
        TypeError
            Unless either the id or the name is given.
        AttributeError, AttributeValidationError
            If an attribute's name is unknown or its value is refused.

        Examples
        --------
        >>> from landbridge.catalog.events import EventSubscription
        >>> EventSubscription.get_or_create(name="new", enabled=True).state
        <DocumentState.UNSAVED: 'unsaved'>
        """
        found = cls.get(id, namespace, name, client)
        if found is not None:
            found.update(**kwargs)
            return found
        parts = split_id(cls._id_of(id, namespace, name, client))
        return cls(client=client, namespace=parts[0], name=parts[1], **kwargs)
