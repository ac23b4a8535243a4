"""Operations of all catalog objects: read, save, delete and search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import ValueAttribute
from landbridge.catalog.model.attributes import TypedAttribute
from landbridge.catalog.model.class_or_instance import ClassOrInstanceMethod
from landbridge.catalog.model.extra_properties import ExtraProperties
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.stored_object import StoredObject
from landbridge.exceptions import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.model.class_or_instance import DeleteById, DeleteSelf
    from landbridge.catalog.type_hints.attributes import Extra, Texts

__all__ = ["CatalogObject", "CatalogObjectBase"]


def _delete_by_id(cls: type[CatalogObjectBase], id: str, client: CatalogClient | None = None) -> bool:
    """Delete the object with an id.

    Parameters
    ----------
    id : str
        Id of the object.
    client : CatalogClient, optional
        Client to use. By default the default client.

    Returns
    -------
    bool
        True if it was deleted, False if it does not exist.

    Raises
    ------
    ConflictError
        If other objects depend on it.
    """
    return bool(cls._get_resource().delete(client or CatalogClient.get_default_client(), id))


def _delete_self(self: CatalogObjectBase) -> None:
    """Delete this object from the catalog.

    Called on the class, `delete(id)` deletes the object with that id and returns True, or False if it does
    not exist.

    Raises
    ------
    ConflictError
        If other objects depend on it, such as the bands and images of a product.
    UnsavedObjectError
        If the object has not been saved.
    DeletedObjectError
        If the object has been deleted already.

    Examples
    --------
    >>> product = Product(id="docs-short", name="Short-lived")
    >>> product.save()
    >>> product.delete()
    >>> product.state
    <DocumentState.DELETED: 'deleted'>
    >>> Product.delete("local:docs-short")
    False
    """
    self._check_exists()
    with self._deleted_if_not_found():
        if not self._get_resource().delete(self._client, self._resource_id):
            raise NotFoundError(f"{type(self).__name__} {self.id} does not exist.")
    self._deleted = True


class CatalogObjectBase(StoredObject):
    """Object with an id and a state, of which the service has a copy."""

    __hash__: ClassVar[None] = None  # mutable objects have no hash

    def save(
        self,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the object in the catalog, or update what changed.

        Nothing is sent if nothing changed. Afterwards the object holds what the service returned.

        Parameters
        ----------
        request_params : dict, optional
            Further attributes to send. With them a request is sent in any state.
        headers : dict, optional
            Further HTTP headers of the request.
        **kwargs
            `extra_attributes`, the former name of `request_params`.

        Raises
        ------
        ConflictError
            If an object with this id exists, or if another program changed the same object meanwhile.
        BadRequestError
            If a value is missing or invalid.
        DeletedObjectError
            If the object has been deleted.

        Examples
        --------
        >>> product = Product(id="docs-saved", name="Saved")
        >>> product.save()
        >>> product.name = "Renamed"
        >>> product.save()
        >>> product.state
        <DocumentState.SAVED: 'saved'>
        >>> product.delete()
        """
        request_params = _merged_params(request_params, kwargs)
        self._check_not_deleted()
        resource = self._get_resource()
        if not self._saved:
            attributes = self._to_service(self._set_names()) | self._identity() | dict(request_params or {})
            self._load(resource.create(self._client, attributes, headers))
        elif self._modified or request_params:
            changes = self._to_service(self._modified) | dict(request_params or {})
            with self._deleted_if_not_found():
                self._load(resource.update(self._client, self._record, self._resource_id, changes, headers))

    def _identity(self) -> dict[str, Any]:
        """Return the identifying values of a new object that are not among its serializable attributes."""
        return {} if self.id is None else {"id": self.id}

    delete: ClassOrInstanceMethod[DeleteById[bool], DeleteSelf[None]] = ClassOrInstanceMethod(
        _delete_by_id, _delete_self
    )

    @classmethod
    def get(
        cls,
        id: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self | None:
        """Return the object with an id.

        Parameters
        ----------
        id : str
            Full id; no prefix is added.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        object of this class or None
            None if it does not exist or is of another class.

        Examples
        --------
        >>> Product.get("local:docs-fields").name
        'Fields'
        >>> Product.get("local:docs-nothing") is None
        True
        """
        client = client or cls._client_of(id)
        record = cls._get_resource().get(client, id, request_params, headers)
        return None if record is None else cls._checked(record, client)

    @classmethod
    def _checked(
        cls, record: Any, client: CatalogClient, shared: dict[str, Any] | None = None
    ) -> Self | None:
        found = cls._from_record(record, client, shared)
        return found if isinstance(found, cls) else None

    @classmethod
    def get_many(
        cls,
        ids: list[str],
        ignore_missing: bool = False,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[Self]:
        """Return the objects with these ids.

        Parameters
        ----------
        ids : list of str
            Full ids; no prefix is added.
        ignore_missing : bool, default False
            Leave out ids that do not exist.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        list
            Objects in the order of `ids`, without those of another class.

        Raises
        ------
        NotFoundError
            If an id does not exist and `ignore_missing` is False. The message names all that are missing.
        TypeError
            If `ids` is not a list of strings.

        Examples
        --------
        >>> ids = ["local:docs-fields:2024-07", "local:docs-fields:2024-01"]
        >>> [image.name for image in Image.get_many(ids)]
        ['2024-07', '2024-01']
        """
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise TypeError(f"`ids` must be a list of texts; got {ids!r}.")
        by_client: dict[CatalogClient, list[str]] = {}
        clients = {} if client else cls._clients_of(ids)
        for one in dict.fromkeys(ids):
            by_client.setdefault(client or clients[one], []).append(one)
        records: dict[str, tuple[Any, CatalogClient]] = {}
        for each, wanted in by_client.items():
            answer = cls._get_resource().get_many(each, wanted, request_params, headers)
            records |= {one: (record, each) for one, record in answer.items()}
        missing = [one for one in ids if one not in records]
        if missing and not ignore_missing:
            raise NotFoundError(f"{cls.__name__} objects do not exist: {', '.join(missing)}.")
        shared: dict[CatalogClient, dict[str, Any]] = {each: {} for each in by_client}
        found = (
            cls._checked(record, each, shared[each])
            for record, each in (records[one] for one in ids if one in records)
        )
        return [one for one in found if one is not None]

    @classmethod
    def get_or_create(
        cls,
        id: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return the object with an id, or a new one, with the given attributes set.

        Nothing is saved: `save` then creates the object, updates it, or does nothing.

        Parameters
        ----------
        id : str
            Full id; no prefix is added.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.
        **kwargs
            Values of attributes.

        Returns
        -------
        object of this class
            Its state is unsaved if it is new, saved if nothing differs, else modified.

        Raises
        ------
        AttributeError, AttributeValidationError
            If a name is unknown or a value is refused.

        Examples
        --------
        >>> Product.get_or_create("local:docs-fields", name="Fields").state
        <DocumentState.SAVED: 'saved'>
        >>> Product.get_or_create("local:docs-new", name="New").state
        <DocumentState.UNSAVED: 'unsaved'>
        """
        found = cls.get(id, client, request_params, headers)
        if found is None:
            return cls(id=id, client=client, **kwargs)
        found.update(**kwargs)
        return found

    @classmethod
    def exists(
        cls,
        id: str,
        client: CatalogClient | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        """Return True if there is an object with an id.

        Parameters
        ----------
        id : str
            Full id; no prefix is added.
        client : CatalogClient, optional
            Client to use. By default the default client.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        bool
            False if it does not exist, or if the caller cannot read it.

        Examples
        --------
        >>> Product.exists("local:docs-fields"), Product.exists("docs-fields")
        (True, False)
        """
        client = client or cls._client_of(id)
        return cls._get_resource().get(client, id, None, headers) is not None

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Search[Self]:
        """Return a search for objects of this class.

        Parameters
        ----------
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        Search
            Search to filter, sort, limit, iterate or collect.

        Raises
        ------
        TypeError
            If the class is abstract.

        Examples
        --------
        >>> [product.name for product in Product.search().filter(p.tags == "docs")]
        ['Fields']
        """
        cls._get_resource()
        return Search(cls, client, request_params=request_params, headers=headers)


def _merged_params(
    request_params: Mapping[str, Any] | None, kwargs: dict[str, Any]
) -> Mapping[str, Any] | None:
    """Return the request parameters, given by their current or by their old name."""
    if "extra_attributes" in kwargs:
        import warnings

        warnings.warn("`extra_attributes` is now `request_params`.", FutureWarning, stacklevel=3)
        request_params = kwargs.pop("extra_attributes")
    if kwargs:
        raise TypeError(f"save() got unexpected keyword arguments: {', '.join(sorted(kwargs))}.")
    return request_params


class CatalogObject(CatalogObjectBase):
    """Object with tags and extra properties; base class of products, bands, images and blobs."""

    extra_properties: Extra = ValueAttribute(
        ExtraProperties,
        doc="Values of your own by name: strings, numbers, booleans, lists and dicts. Not searchable.",
    )
    tags: Texts = ListAttribute(
        TypedAttribute(str), doc="Tags to find the object by: up to 32 strings. *Filterable.*"
    )
