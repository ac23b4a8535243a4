"""The operations that all catalog objects have: read, save, delete, search, serialize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import DocumentState
from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attributes import TypedAttribute, detach_all
from landbridge.catalog.model.class_or_instance import ClassOrInstanceMethod
from landbridge.catalog.model.containers import ListAttribute, ValueAttribute
from landbridge.catalog.model.extra_properties import ExtraProperties
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.stored_object import StoredObject
from landbridge.exceptions import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    with self._deleted_if_not_found():
        if not self._get_resource().delete(self._client, self._resource_id):
            raise NotFoundError(f"{type(self).__name__} {self.id} does not exist.")
    self._deleted = True


class CatalogObjectBase(StoredObject):
    """An object with an id, a state, and a copy in the service."""

    __hash__ = None  # mutable objects have no hash

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
                        self._set_value(self._attribute_types[key], kept)
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

    @property
    def _resource_id(self) -> str:
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
        with self._deleted_if_not_found():
            record = self._get_resource().get(self._client, self._resource_id, request_params, headers)
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


def _merged_params(
    request_params: Mapping[str, Any] | None, kwargs: dict[str, Any]
) -> Mapping[str, Any] | None:
    """Return the request parameters, given by their current or by their old name."""
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
