"""Objects with a copy in the service: their values, and how they differ from that copy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import DocumentState
from landbridge.catalog.errors import AttributeValidationError, DeletedObjectError, UnsavedObjectError
from landbridge.catalog.model.attributes import Attribute, Model, Tracked, TypedAttribute, detach_all
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.converters import Timestamp
from landbridge.catalog.model.registry import register
from landbridge.catalog.model.unknown_names import unknown_attribute
from landbridge.catalog.model.valid_ranges import warn_if_out_of_range
from landbridge.catalog.search.query import Part
from landbridge.exceptions import NotFoundError
from landbridge.utils.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from landbridge.catalog.search.query import Query
    from landbridge.catalog.stac.resource import Resource
    from landbridge.catalog.type_hints.attributes import ReadOnlyTime, RequiredText

__all__ = ["StoredObject"]


class StoredObject(Model):
    """An object with an id, a state, and a copy in the service.

    A subclass that sets `_doc_type` is the class of that document type.
    """

    _resource: ClassVar[Resource | None] = None
    _doc_type: ClassVar[str] = ""
    _collection_type: ClassVar[type[Collection[Any]]] = Collection
    _keep_record: ClassVar[bool] = True  # False: the object holds the attributes only
    _reference: ClassVar[str] = ""  # the attribute that references another object, shown in the repr
    __hash__: ClassVar[None] = None  # type: ignore[assignment] # mutable objects have no hash

    id: RequiredText = TypedAttribute(
        str, mutable=False, serializable=False, doc="Id, unique among the objects of its class."
    )
    created: ReadOnlyTime = Timestamp(
        readonly=True,
        doc="Time at which the object was created; the service sets it. *Filterable, sortable.*",
    )
    modified: ReadOnlyTime = Timestamp(
        readonly=True,
        doc="Time at which the object was last saved; the service sets it. *Filterable, sortable.*",
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Properties._completions.update(cls.ATTRIBUTES)
        if "_doc_type" in vars(cls):
            register(cls._doc_type, cls)

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        if cls._resource is None or cls._is_abstract():
            raise TypeError(f"{cls.__name__} is abstract: use one of its subclasses.")
        return super().__new__(cls)

    def __init__(self, **kwargs: Any) -> None:
        self._client: CatalogClient = kwargs.pop("client", None) or CatalogClient.get_default_client()
        self._initialise()
        for name, value in kwargs.items():
            setattr(self, name, value)

    def _initialise(self) -> None:
        self._values: dict[str, Any] = {}
        self._modified: set[str] = set()
        self._record: Any = None
        self._service: Mapping[str, Any] | None = {}
        self._saved = False
        self._deleted = False
        self._shared: dict[str, Any] | None = None

    # Copies and pickles contain the values, unsaved changes included, and the client's configuration. Values
    # that can be computed or read again are left out.
    def __getstate__(self) -> dict[str, Any]:
        state = {
            name: value for name, value in self.__dict__.items() if name not in ("_shared", "_geocontext")
        }
        return state | {"_values": dict(self._values), "_modified": set(self._modified)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._shared = None
        self._attach_parts()

    @classmethod
    def _is_abstract(cls) -> bool:
        return False

    @classmethod
    def _get_resource(cls) -> Resource:
        if cls._resource is None:
            raise TypeError(f"{cls.__name__} is abstract: use one of its subclasses.")
        return cls._resource

    # The clients that have objects of this class
    @classmethod
    def _client_of(cls, id: str) -> CatalogClient:  # noqa: ARG003 - subclasses choose by the id
        """Return the client that has the object with an id, if the caller gave none."""
        return CatalogClient.get_default_client()

    @classmethod
    def _clients_of(cls, ids: Iterable[str]) -> dict[str, CatalogClient]:
        """Return the client of each id, as `_client_of` does."""
        return {one: cls._client_of(one) for one in ids}

    @classmethod
    def _search_parts(cls, client: CatalogClient | None, query: Query) -> list[Part]:
        """Return the parts of a search, each for the client that answers it."""
        return [Part(client or CatalogClient.get_default_client(), cls._get_resource(), query)]

    # From and to the service
    @classmethod
    def _from_record(cls, record: Any, client: CatalogClient, shared: dict[str, Any] | None = None) -> Self:
        """Return the object that a record of the resource describes.

        `shared` holds the objects that the results of one request refer to, so that each is read once.
        """
        self: Self = object.__new__(cls._class_of(record))
        self._client = client
        self._initialise()
        self._shared = shared
        self._load(record)
        return self

    @classmethod
    def _class_of(cls, _record: Any) -> Any:
        return cls

    def _load(self, record: Any) -> None:
        """Replace all values by the service's, except those of sticky attributes."""
        sticky = {name: value for name, value in self._values.items() if self._attribute_types[name].sticky}
        detach_all(self, self._values.keys() - sticky.keys())
        self._values = sticky
        # The attributes are computed when first needed. A record that is not kept is several times their size
        # and is replaced by them at once.
        self._record = record if self._keep_record else None
        self._service = None if self._keep_record else self._get_resource().attributes(record)
        self._modified = set()
        self._saved = True

    def _service_values(self) -> Mapping[str, Any]:
        """Return the service's values as JSON values, computed from the record when first needed."""
        if self._service is None:
            self._service = self._get_resource().attributes(self._record)
        return self._service

    def _to_service(self, names: Iterable[str]) -> dict[str, Any]:
        return {
            name: self._attribute_types[name].to_service(self._read(self._attribute_types[name]))
            for name in names
            if self._attribute_types[name].serializable
        }

    # Values
    def _read(self, attribute: Attribute) -> Any:
        name = attribute.name
        if name in self._values:
            return self._values[name]
        raw = self._service_values().get(name)
        if raw is None or attribute.is_json:
            return raw
        value = attribute.deserialize(raw, validate=False)
        self._values[name] = value
        if isinstance(value, Tracked):
            value._attach(self, attribute)
        return value

    def _assign(self, attribute: Attribute, value: Any) -> None:
        super()._assign(attribute, value)
        warn_if_out_of_range(self._doc_type, attribute.name, self._values.get(attribute.name))

    if not TYPE_CHECKING:  # for a type checker it would mean that every attribute exists

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # a property raised AttributeError: raise that one
                return object.__getattribute__(self, name)
            raise unknown_attribute(type(self), name, () if name.startswith("_") else dir(type(self)))

    def _is_known(self, name: str) -> bool:
        return name in self._values or self._saved or name in self._service_values()

    def _remove(self, attribute: Attribute) -> None:
        super()._remove(attribute)
        if attribute.name in self._service_values():
            self._service = {
                name: value for name, value in self._service_values().items() if name != attribute.name
            }
        self._modified.discard(attribute.name)

    def _on_change(self, attribute: Attribute) -> None:
        self._modified.add(attribute.name)

    def _set_names(self) -> list[str]:
        """Return the names of the serializable attributes that have a value, in the order of ATTRIBUTES."""
        known = self._values.keys() | self._service_values().keys()
        return [
            name
            for name, attribute in self._attribute_types.items()
            if attribute.serializable and name in known and self._read(attribute) is not None
        ]

    # State
    @property
    def state(self) -> DocumentState:
        """State of the object compared with the service's copy: a `DocumentState`."""
        if self._deleted:
            return DocumentState.DELETED
        if not self._saved:
            return DocumentState.UNSAVED
        return DocumentState.MODIFIED if self._modified else DocumentState.SAVED

    @property
    def is_modified(self) -> bool:
        """True if an attribute was set or changed since the object was made, read or saved."""
        return bool(self._modified)

    def _check_not_deleted(self) -> None:
        if self._deleted:
            raise DeletedObjectError(f"{type(self).__name__} {self.id} has been deleted.")

    def _check_exists(self) -> None:
        self._check_not_deleted()
        if not self._saved:
            raise UnsavedObjectError(f"{type(self).__name__} {self.id} has not been saved.")

    @contextmanager
    def _deleted_if_not_found(self) -> Iterator[None]:
        """Turn a NotFoundError in the context into a DeletedObjectError, and mark the object as deleted."""
        try:
            yield
        except NotFoundError as error:
            self._deleted = True
            raise DeletedObjectError(f"{type(self).__name__} {self.id} has been deleted.") from error

    def update(self, ignore_errors: bool = False, **kwargs: Any) -> None:
        """Set several attributes, all or none of them.

        Parameters
        ----------
        ignore_errors : bool, default False
            Set the attributes that are valid, and skip the others.
        **kwargs
            New values by attribute name.

        Raises
        ------
        AttributeError
            If a name is unknown. No attribute is changed.
        AttributeValidationError
            If a value is refused. No attribute is changed.
        DeletedObjectError
            If the object has been deleted.

        Examples
        --------
        >>> image.update(cloud_fraction=0.3, tags=["checked"])
        >>> image.state
        <DocumentState.MODIFIED: 'modified'>
        """
        self._check_not_deleted()
        values, modified = dict(self._values), set(self._modified)
        for name, value in kwargs.items():
            try:
                setattr(self, name, value)
            except (AttributeError, AttributeValidationError):
                if not ignore_errors:
                    detach_all(self, self._values.keys() - values.keys())
                    for key, kept in values.items():
                        self._set_value(self._attribute_types[key], kept)
                    self._values, self._modified = values, modified
                    raise

    def serialize(self, modified_only: bool = False, jsonapi_format: bool = False) -> dict[str, Any]:
        """Return the attributes as JSON values, without the id and without references to other objects.

        Parameters
        ----------
        modified_only : bool, default False
            Only attributes that were set or changed since the object was made, read or saved. Otherwise all
            attributes that have a value.
        jsonapi_format : bool, default False
            Return a JSON:API document: {"data": {"type": …, "id": …, "attributes": …}}.

        Returns
        -------
        dict
            Values by attribute name. Dates are ISO 8601 strings and geometries GeoJSON.

        Examples
        --------
        >>> Product(id="docs-new", name="New").serialize()
        {'name': 'New'}
        """
        names: Iterable[str] = self._set_names()
        if modified_only:
            names = [name for name in self._attribute_types if name in self._modified]
        attributes = {
            name: attribute.serialize(self._read(attribute), jsonapi_format)
            for name in names
            if (attribute := self._attribute_types[name]).serializable
        }
        if not jsonapi_format:
            return attributes
        return CatalogClient.jsonapi_document(self._doc_type, attributes, self.id)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, StoredObject)
            and self.id == other.id
            and self.state == other.state
            and self.serialize() == other.serialize()
        )

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}: {getattr(self, 'name', None) or self.id}", f"  id: {self.id}"]
        if self._reference:
            lines.append(f"  {self._reference}: {getattr(self, f'{self._reference}_id')}")
        if self.created is not None:
            lines.append(f"  created: {self.created:%c}")
        if self.state in (DocumentState.UNSAVED, DocumentState.MODIFIED):
            lines.append("* Not up-to-date in the catalog. Call `.save()` to save or update this record.")
        elif self.state == DocumentState.DELETED:
            lines.append("* Deleted from the catalog.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from landbridge.catalog.notebook.views import view

        return view(self)

    def reload(
        self, request_params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Read the object from the service again.

        Parameters
        ----------
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Raises
        ------
        ValueError
            If the object is unsaved, or has changes that would be lost.
        DeletedObjectError
            If the object has been deleted.

        Examples
        --------
        >>> product.reload()
        >>> product.state
        <DocumentState.SAVED: 'saved'>
        """
        self._check_not_deleted()
        if self.state != DocumentState.SAVED:
            raise ValueError(
                f"{type(self).__name__} {self.id} is {self.state}; only a saved object is reloaded."
            )
        with self._deleted_if_not_found():
            record = self._get_resource().get(self._client, self._resource_id, request_params, headers)
            if record is None:
                raise NotFoundError(f"{type(self).__name__} {self.id} does not exist.")
        self._load(record)

    @property
    def _resource_id(self) -> str:
        """The id as it is handed to the resource."""
        return self.id
