"""Metadata of blobs: their attributes and ids, and how they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from landbridge.catalog.access_lists import AuthCatalogObject
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import StorageState, StorageType
from landbridge.catalog.model.attributes import EnumAttribute, TypedAttribute
from landbridge.catalog.model.blob_attributes import Digest, IdPart
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp
from landbridge.catalog.search.summary_search import BlobSearch
from landbridge.catalog.stac.blobs import BLOBS
from landbridge.catalog.stac.prefixes import prefixed_namespace
from landbridge.mappings import blob as blob_mapping
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.type_hints.attributes import Geometry, Integer, RequiredText, Text, Time
    from landbridge.catalog.type_hints.keywords import BlobKeywords

__all__ = ["BlobMetadata"]


class BlobMetadata(AuthCatalogObject):
    """Attributes of a blob, and methods of `Blob` that find blobs by id, name or search."""

    _resource: ClassVar[Any] = BLOBS

    namespace: RequiredText = IdPart(
        str,
        fault=blob_mapping.namespace_problem,
        doc="Namespace of the blob, completed as by `namespace_id`. *Sortable.*",
    )
    name: RequiredText = IdPart(
        str,
        fault=blob_mapping.name_problem,
        doc='Name, unique in the namespace; it may have parts with "/" between them. *Sortable.*',
    )
    storage_state: Text = EnumAttribute(
        StorageState,
        doc='Place of the data: "available" in the service, or "remote". *Filterable, sortable.*',
    )
    storage_type: Text = EnumAttribute(
        StorageType, doc='Storage type: a `StorageType`, "data" by default. *Filterable, sortable.*'
    )
    description: Text = TypedAttribute(str, doc="Description of the blob. *Searchable.*")
    geometry: Geometry = GeometryAttribute(
        doc="Geometry in longitude and latitude, as a shapely geometry; takes GeoJSON too. *Filterable.*"
    )
    expires: Time = Timestamp(doc="Time after which the service deletes the blob. *Filterable, sortable.*")
    href: Text = TypedAttribute(str, doc="Address of the data.")
    size_bytes: Integer = TypedAttribute(
        int, doc="Size of the data in bytes; if it is set, the upload checks it. *Filterable, sortable.*"
    )
    hash: Text = Digest(
        str,
        doc="MD5 of the data in hexadecimal; if it is set, the upload checks it. Without one, the "
        "service computes that of more than 64 MiB after the upload: reading the attribute "
        "waits for it, and returns None if it never comes.",
    )

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[BlobKeywords]
        ) -> None: ...

        def update(  # type: ignore[override] # these names only
            self, ignore_errors: bool = False, **kwargs: Unpack[BlobKeywords]
        ) -> None: ...

    @classmethod
    def namespace_id(cls, namespace_id: str | None, client: CatalogClient | None = None) -> str:
        """Return the namespace that a blob gets on upload.

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
            Namespace prefixed with the organization, or with the user if there is no organization. A
            namespace that is, or begins with, one of the caller's organizations stays as it is; on the
            embedded stack it may begin with any organization.

        Examples
        --------
        >>> Blob.namespace_id("docs"), Blob.namespace_id(None)
        ('local:docs', 'local:local')
        """
        return prefixed_namespace(namespace_id, client or CatalogClient.get_default_client())

    @classmethod
    def _id_of(
        cls,
        id: str | None,
        storage_type: StorageType | str,
        namespace: str | None,
        name: str | None,
        client: CatalogClient | None,
    ) -> str:
        """Return the given id, or the id made from the given parts; TypeError unless exactly one is given."""
        if (not id) == (not name):
            raise TypeError(f"Give either the id or the name of a blob; got id={id!r} and name={name!r}.")
        return id or ids.blob_id(StorageType(storage_type), cls.namespace_id(namespace, client), str(name))

    @classmethod
    def get(  # type: ignore[override] # blobs have names too
        cls,
        id: str | None = None,
        storage_type: StorageType | str = StorageType.DATA,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self | None:
        """Return a blob by its id, or by its name and namespace.

        Parameters
        ----------
        id : str, optional
            Id of the form `storage_type/namespace/name`. Give either the id or the name.
        storage_type : StorageType or str, default "data"
            Storage type, if the blob is given by its name.
        namespace : str, optional
            Namespace, if the blob is given by its name. It is completed as by `namespace_id`.
        name : str, optional
            Name of the blob.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        Blob or None
            None if it does not exist.

        Raises
        ------
        TypeError
            Unless either the id or the name is given.

        Examples
        --------
        >>> Blob.get(namespace="docs", name="notes.txt").id
        'data/local:docs/notes.txt'
        """
        wanted = cls._id_of(id, storage_type, namespace, name, client)
        return super().get(wanted, client, request_params, headers)

    @classmethod
    def exists(
        cls,
        id: str | None = None,
        client: CatalogClient | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        storage_type: StorageType | str = StorageType.DATA,
        namespace: str | None = None,
        name: str | None = None,
    ) -> bool:
        """Return True if there is a blob with this id, or with this name and namespace.

        Parameters
        ----------
        id : str, optional
            Id of the form `storage_type/namespace/name`. Give either the id or the name.
        client : CatalogClient, optional
            Client to use. By default the default client.
        headers : dict, optional
            Further HTTP headers of the request.
        storage_type : StorageType or str, default "data"
            Storage type, if the blob is given by its name.
        namespace : str, optional
            Namespace, if the blob is given by its name. It is completed as by `namespace_id`.
        name : str, optional
            Name of the blob.

        Returns
        -------
        bool
            False if it does not exist, or if the caller cannot read it.

        Raises
        ------
        TypeError
            Unless either the id or the name is given.

        Examples
        --------
        >>> Blob.exists("data/local:docs/notes.txt"), Blob.exists(name="nothing")
        (True, False)
        """
        return super().exists(cls._id_of(id, storage_type, namespace, name, client), client, headers)

    @classmethod
    def get_or_create(  # type: ignore[override] # blobs have names too
        cls,
        id: str | None = None,
        storage_type: StorageType | str = StorageType.DATA,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a blob by its id or name, or a new one, with the given attributes set.

        Nothing is saved: a new blob is created by its upload.

        Parameters
        ----------
        id : str, optional
            Id of the form `storage_type/namespace/name`. Give either the id or the name.
        storage_type : StorageType or str, default "data"
            Storage type, if the blob is given by its name.
        namespace : str, optional
            Namespace, if the blob is given by its name. It is completed as by `namespace_id`.
        name : str, optional
            Name of the blob.
        client : CatalogClient, optional
            Client to use. By default the default client.
        **kwargs
            Values of attributes.

        Returns
        -------
        Blob
            Its state is unsaved if it is new, saved if nothing differs, else modified.

        Raises
        ------
        TypeError
            Unless either the id or the name is given.
        AttributeError, AttributeValidationError
            If an attribute's name is unknown or its value is refused.

        Examples
        --------
        >>> Blob.get_or_create(namespace="docs", name="notes.txt").state
        <DocumentState.SAVED: 'saved'>
        >>> Blob.get_or_create(namespace="docs", name="more.txt").state
        <DocumentState.UNSAVED: 'unsaved'>
        """
        found = cls.get(id, storage_type, namespace, name, client)
        if found is not None:
            found.update(**kwargs)
            return found
        return cls(client=client, **cls._parts_of(id, storage_type, namespace, name, client), **kwargs)

    @classmethod
    def _parts_of(
        cls,
        id: str | None,
        storage_type: StorageType | str,
        namespace: str | None,
        name: str | None,
        client: CatalogClient | None,
    ) -> dict[str, Any]:
        """Return the attributes that identify a new blob."""
        if id:
            try:
                parts = ids.split_blob_id(id)
            except ValueError:
                return {"id": id}
            return {"id": id, **dict(zip(("storage_type", "namespace", "name"), parts, strict=True))}
        return {
            "storage_type": storage_type,
            "namespace": cls.namespace_id(namespace, client),
            "name": name,
        }

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> BlobSearch[Self]:
        """Return a search for blobs.

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
        BlobSearch
            Search to filter, sort, limit, iterate or collect.

        Examples
        --------
        >>> Blob.search().filter(p.namespace == "local:docs").intersects(area).count()
        1
        """
        return BlobSearch(cls, client, request_params=request_params, headers=headers)
