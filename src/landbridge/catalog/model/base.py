"""What all catalog objects are: attributes with a state, saved to and read from a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import DocumentState
from landbridge.catalog.errors import AttributeValidationError, DeletedObjectError, UnsavedObjectError
from landbridge.catalog.model.attributes import Attribute, Model, Tracked, TypedAttribute, detach_all
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.containers import ListAttribute, ValueAttribute
from landbridge.catalog.model.converters import Timestamp
from landbridge.catalog.model.extra_properties import ExtraProperties
from landbridge.catalog.model.lifecycle import ClassOrInstanceMethod, Vanishing
from landbridge.exceptions import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from landbridge.catalog.search.search import Search
    from landbridge.catalog.stac.resource import Resource

__all__ = ["CatalogObject", "CatalogObjectBase"]


def _delete_by_id(cls: type[CatalogObjectBase], id: str, client: CatalogClient | None = None) -> Any:
    """Delete the object with this id; True, or False where there is none."""
    return cls._get_resource().delete(client or CatalogClient.get_default_client(), id)


def _delete_self(self: CatalogObjectBase) -> Any:
    """Delete this object from the catalog.

    UnsavedObjectError where it was never saved, DeletedObjectError where it is deleted already,
    ConflictError where other objects depend on it.
    """
    self._check_exists()
    with self._vanishing():
        if not self._get_resource().delete(self._client, self._own_id):
            raise NotFoundError(f"{type(self).__name__} {self.id} does not exist.")
    self._deleted = True


class CatalogObjectBase(Model):
    """An object with an id, a state, and a copy in the service."""

    _resource: ClassVar[Resource | None] = None
    _doc_type: ClassVar[str] = ""
    _collection_type: ClassVar[type[Collection[Any]]] = Collection
    _keep_record: ClassVar[bool] = True  # False: only its attributes are kept
    _reference: ClassVar[str] = ""  # the attribute that references another object, shown in the repr
    __hash__ = None  # type: ignore[assignment] # mutable objects have no hash

    id = TypedAttribute(
        str, mutable=False, serializable=False, doc="The id, unique among objects of the class."
    )
    created = Timestamp(readonly=True, doc="When it was created. *Filterable, sortable.*")
    modified = Timestamp(readonly=True, doc="When it was last saved. *Filterable, sortable.*")

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        if cls._resource is None or cls._is_abstract():
            raise TypeError(f"{cls.__name__} is abstract: use one of its subclasses.")
        return super().__new__(cls)

    def __init__(self, **kwargs: Any) -> None:
        self._client: CatalogClient = kwargs.pop("client", None) or CatalogClient.get_default_client()
        self._start()
        for name, value in kwargs.items():
            setattr(self, name, value)

    def _start(self) -> None:
        self._values: dict[str, Any] = {}
        self._modified: set[str] = set()
        self._record: Any = None
        self._service: Mapping[str, Any] | None = {}
        self._saved = False
        self._deleted = False
        self._shared: dict[str, Any] | None = None

    # Copies and pickles are of what the object holds, its unsaved changes included, and of its client's
    # configuration; what can be had again is left out.
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

    # From and to the service
    @classmethod
    def _from_record(cls, record: Any, client: CatalogClient, shared: dict[str, Any] | None = None) -> Self:
        """The object that a record of the resource describes.

        `shared` holds what objects that came together reference, so that it is read once for all of them.
        """
        self: Self = object.__new__(cls._class_of(record))
        self._client = client
        self._start()
        self._shared = shared
        self._load(record)
        return self

    @classmethod
    def _class_of(cls, _record: Any) -> Any:
        return cls

    def _load(self, record: Any) -> None:
        """Hold exactly what the service sent, but for the sticky attributes."""
        sticky = {name: value for name, value in self._values.items() if self._attribute_types[name].sticky}
        detach_all(self, self._values.keys() - sticky.keys())
        self._values = sticky
        # The attributes are made when first needed; a record that is not kept makes way for them at once,
        # since it is several times their size.
        self._record = record if self._keep_record else None
        self._service = None if self._keep_record else self._get_resource().attributes(record)
        self._modified = set()
        self._saved = True

    def _plain(self) -> Mapping[str, Any]:
        """The service's values in their plain form; made from the record when first needed."""
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
        raw = self._plain().get(name)
        if raw is None or attribute.plain:
            return raw
        value = attribute.deserialize(raw, validate=False)
        self._values[name] = value
        if isinstance(value, Tracked):
            value._attach(self, attribute)
        return value

    def _is_known(self, name: str) -> bool:
        return name in self._values or self._saved or name in self._plain()

    def _remove(self, attribute: Attribute) -> None:
        super()._remove(attribute)
        if attribute.name in self._plain():
            self._service = {name: value for name, value in self._plain().items() if name != attribute.name}
        self._modified.discard(attribute.name)

    def _value_changed(self, attribute: Attribute) -> None:
        self._modified.add(attribute.name)

    def _set_names(self) -> list[str]:
        """The serializable attributes that have a value, in the order of ATTRIBUTES."""
        known = self._values.keys() | self._plain().keys()
        return [
            name
            for name, attribute in self._attribute_types.items()
            if attribute.serializable and name in known and self._read(attribute) is not None
        ]

    # State
    @property
    def state(self) -> DocumentState:
        """How the object stands to the service's copy."""
        if self._deleted:
            return DocumentState.DELETED
        if not self._saved:
            return DocumentState.UNSAVED
        return DocumentState.MODIFIED if self._modified else DocumentState.SAVED

    @property
    def is_modified(self) -> bool:
        """Whether an attribute was set or changed since the object was made, read or saved."""
        return bool(self._modified)

    def _check_not_deleted(self) -> None:
        if self._deleted:
            raise DeletedObjectError(f"{type(self).__name__} {self.id} has been deleted.")

    def _check_exists(self) -> None:
        self._check_not_deleted()
        if not self._saved:
            raise UnsavedObjectError(f"{type(self).__name__} {self.id} has not been saved.")

    def _vanishing(self) -> Vanishing:
        """Within it, a missing object is a deleted one."""
        return Vanishing(self)

    # The public operations
    def update(self, ignore_errors: bool = False, **kwargs: Any) -> None:
        """Set several attributes: all of them or, if one is refused, none.

        With `ignore_errors` those that are accepted are set. AttributeError for an unknown name,
        AttributeValidationError for a value that is refused.
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
                        self._keep(self._attribute_types[key], kept)
                    self._values, self._modified = values, modified
                    raise

    def save(
        self,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the object in the catalog, or send what changed.

        Nothing is sent where nothing changed. `request_params` are further attributes to send, whatever the
        state. Raises ConflictError where an object of this id exists already, BadRequestError for missing
        or invalid values, DeletedObjectError where the object is gone.
        """
        request_params = _renamed(request_params, kwargs)
        self._check_not_deleted()
        resource = self._get_resource()
        if not self._saved:
            attributes = self._to_service(self._set_names()) | self._identity() | dict(request_params or {})
            self._load(resource.create(self._client, attributes, headers))
        elif self._modified or request_params:
            changes = self._to_service(self._modified) | dict(request_params or {})
            with self._vanishing():
                self._load(resource.update(self._client, self._record, self._own_id, changes, headers))

    @property
    def _own_id(self) -> str:
        """The id as it is handed to the resource."""
        return self.id  # type: ignore[no-any-return] # a text, or None if the object is unsaved

    def _identity(self) -> dict[str, Any]:
        """What identifies a new object, beside its serializable attributes."""
        return {} if self.id is None else {"id": self.id}

    def reload(
        self, request_params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Read the object again. ValueError where it is unsaved or has changes that would be lost."""
        self._check_not_deleted()
        if self.state != DocumentState.SAVED:
            raise ValueError(
                f"{type(self).__name__} {self.id} is {self.state}; only a saved object is reloaded."
            )
        with self._vanishing():
            record = self._get_resource().get(self._client, self._own_id, request_params, headers)
            if record is None:
                raise NotFoundError(f"{type(self).__name__} {self.id} does not exist.")
        self._load(record)

    delete = ClassOrInstanceMethod(_delete_by_id, _delete_self)

    @classmethod
    def get(
        cls,
        id: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self | None:
        """The object with this id; None where there is none, or where it is of another class."""
        client = client or CatalogClient.get_default_client()
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
        """The objects with these ids, in their order.

        NotFoundError names those that do not exist, unless they are to be ignored; TypeError where the ids
        are no list of texts. Objects of another class are left out.
        """
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise TypeError(f"ids must be a list of texts; got {ids!r}")
        client = client or CatalogClient.get_default_client()
        records = cls._get_resource().get_many(client, list(dict.fromkeys(ids)), request_params, headers)
        missing = [one for one in ids if one not in records]
        if missing and not ignore_missing:
            raise NotFoundError(f"{cls.__name__} objects do not exist: {', '.join(missing)}")
        shared: dict[str, Any] = {}
        found = (cls._checked(records[one], client, shared) for one in ids if one in records)
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
        """The object with this id, with these attributes set; a new, unsaved one where there is none."""
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
        """Whether there is an object with this id."""
        client = client or CatalogClient.get_default_client()
        return cls._get_resource().get(client, id, None, headers) is not None

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Search[Self]:
        """A search for objects of this class."""
        from landbridge.catalog.search.search import Search

        cls._get_resource()
        return Search(cls, client, request_params=request_params, headers=headers)

    def serialize(self, modified_only: bool = False, jsonapi_format: bool = False) -> dict[str, Any]:
        """The attributes that are set, or that were modified, as JSON values; no id, no references."""
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
            and isinstance(other, CatalogObjectBase)
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


def _renamed(request_params: Mapping[str, Any] | None, kwargs: dict[str, Any]) -> Mapping[str, Any] | None:
    """The parameters, whichever of their two names they were given by."""
    if "extra_attributes" in kwargs:
        import warnings

        warnings.warn("extra_attributes is now request_params", FutureWarning, stacklevel=3)
        request_params = kwargs.pop("extra_attributes")
    if kwargs:
        raise TypeError(f"save() got unexpected keyword arguments {', '.join(sorted(kwargs))}")
    return request_params


class CatalogObject(CatalogObjectBase):
    """An object that can be tagged and carry properties of one's own."""

    extra_properties = ValueAttribute(
        ExtraProperties, doc="Any JSON values by name; they cannot be searched."
    )
    tags = ListAttribute(TypedAttribute(str), doc="Texts to find the object by. *Filterable.*")
