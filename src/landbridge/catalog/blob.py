"""Blobs: data of any kind, found by name, place, time and tags."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, Self, overload

from landbridge.catalog.access_lists import AuthCatalogObject
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import DocumentState, StorageState, StorageType
from landbridge.catalog.model.attributes import EnumAttribute, TypedAttribute
from landbridge.catalog.model.blob_attributes import Digest, IdPart
from landbridge.catalog.model.class_or_instance import ClassOrInstanceMethod
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp
from landbridge.catalog.search.summary_search import BlobSearch
from landbridge.catalog.stac.blobs import BLOBS, prefixed_namespace
from landbridge.catalog.stac.requests import convert
from landbridge.catalog.task import BlobDeletionTaskStatus
from landbridge.catalog.transfer.blob_arguments import check_binary, range_header
from landbridge.catalog.transfer.blob_content import split_lines, write_atomically
from landbridge.mappings import blob as blob_mapping
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from landbridge.catalog.transfer.blob_arguments import Range

__all__ = ["Blob", "BlobCollection"]


def _delete_by_id(
    _cls: type[Blob], id: str, client: CatalogClient | None = None
) -> BlobDeletionTaskStatus | None:
    """Delete the blob with an id.

    Parameters
    ----------
    id : str
        Id of the blob.
    client : CatalogClient, optional
        Client to use. By default the default client.

    Returns
    -------
    BlobDeletionTaskStatus or None
        Status of the deletion of its data, to wait for; None if the blob does not exist.
    """
    task = BlobDeletionTaskStatus.create([id], raise_on_missing=False, client=client)
    return task if task.ids else None


def _delete_self(self: Blob) -> BlobDeletionTaskStatus:
    """Delete this blob.

    The blob is gone at once; its data is deleted in the background. Called on the class, `delete(id)` deletes
    the blob with that id and returns None if it does not exist.

    Returns
    -------
    BlobDeletionTaskStatus
        Status of the deletion of the data, to wait for.

    Raises
    ------
    UnsavedObjectError
        If the blob has not been saved.
    DeletedObjectError
        If the blob has been deleted already.

    Examples
    --------
    >>> short = Blob(namespace="docs", name="short-lived").upload_data(b"data")
    >>> task = short.delete()
    >>> task.wait_for_completion()
    >>> task.status
    <TaskState.SUCCEEDED: 'SUCCESS'>
    """
    self._check_exists()
    with self._deleted_if_not_found():
        task = BlobDeletionTaskStatus.create([self.id], raise_on_missing=True, client=self._client)
    self._deleted = True
    return task


class Blob(AuthCatalogObject):
    """Data of any kind with a name, and with attributes to find it by.

    `name` is required. `upload` and `upload_data` create the blob; from then on its id is
    `storage_type/namespace/name`. `save` changes its attributes, never its data.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog import Blob
    >>> blob = Blob(namespace="docs", name="tables/yields.csv", tags=["docs"])
    >>> blob.upload_data("field,yield")
    Blob: tables/yields.csv
      id: data/local:docs/tables/yields.csv
      created: ...
    >>> blob.data()
    b'field,yield'
    >>> blob.delete().wait_for_completion()
    """

    _resource: ClassVar[Any] = BLOBS
    _doc_type = "storage"

    namespace = IdPart(
        str,
        fault=blob_mapping.namespace_problem,
        doc="Namespace of the blob, completed as by `namespace_id`. *Sortable.*",
    )
    name = IdPart(
        str,
        fault=blob_mapping.name_problem,
        doc='Name, unique in the namespace; it may have parts with "/" between them. *Sortable.*',
    )
    storage_state = EnumAttribute(
        StorageState,
        doc='Place of the data: "available" in the service, or "remote". *Filterable, sortable.*',
    )
    storage_type = EnumAttribute(
        StorageType, doc='Storage type: a `StorageType`, "data" by default. *Filterable, sortable.*'
    )
    description = TypedAttribute(str, doc="Description of the blob. *Searchable.*")
    geometry = GeometryAttribute(
        doc="Geometry in longitude and latitude, as a shapely geometry; takes GeoJSON too. *Filterable.*"
    )
    expires = Timestamp(doc="Time after which the service deletes the blob. *Filterable, sortable.*")
    href = TypedAttribute(str, doc="Address of the data.")
    size_bytes = TypedAttribute(
        int, doc="Size of the data in bytes; if it is set, the upload checks it. *Filterable, sortable.*"
    )
    hash = Digest(
        str,
        doc="MD5 of the data in hexadecimal; if it is set, the upload checks it. Without one, the "
        "service computes that of more than 64 MiB after the upload: reading the attribute "
        "waits for it, and returns None if it never comes.",
    )

    delete = ClassOrInstanceMethod(_delete_by_id, _delete_self)

    # Ids and names
    @classmethod
    def namespace_id(cls, namespace_id: str | None, client: CatalogClient | None = None) -> str:
        """Return the namespace that a blob gets on upload.

        Parameters
        ----------
        namespace_id : str or None
            Namespace with or without the organization's prefix. None or an empty string is the user's own
            namespace.
        client : CatalogClient, optional
            Client to use. By default the default client.

        Returns
        -------
        str
            Namespace prefixed with the organization, or with the user if there is no organization.

        Examples
        --------
        >>> Blob.namespace_id("docs"), Blob.namespace_id(None)
        ('local:docs', 'local:local')
        """
        return prefixed_namespace((client or CatalogClient.get_default_client()).auth, namespace_id)

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
    ) -> BlobSearch:
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

    # Data in
    def upload(self, file: str | BinaryIO) -> Self:
        """Create the blob with the content of a file.

        Parameters
        ----------
        file : str or binary file
            Path, or file opened for reading bytes, which is left open.

        Returns
        -------
        Blob
            This blob, saved.

        Raises
        ------
        ValueError
            If the blob has no name or is saved already, or if `file` is neither a string nor a binary file.
        ConflictError
            If a blob with this id exists.
        BadRequestError
            If the name or the namespace is invalid, or if `size_bytes` or `hash` is not that of the data.
        DeletedObjectError
            If the blob has been deleted.

        Examples
        --------
        >>> scene = Blob(namespace="docs", name="scene.tif").upload("scene.tif")
        >>> scene.size_bytes > 16000
        True
        >>> scene.delete().wait_for_completion()
        """
        self._prepare_upload()
        if isinstance(file, str):
            with Path(file).open("rb") as opened:
                return self._send(opened)
        check_binary(file, "read")
        return self._send(file)

    def upload_data(self, data: str | bytes | io.BytesIO) -> Self:
        """Create the blob with the given content.

        Parameters
        ----------
        data : str, bytes or io.BytesIO
            Content. A string is encoded as UTF-8; of a BytesIO all bytes are taken.

        Returns
        -------
        Blob
            This blob, saved.

        Raises
        ------
        ValueError
            If the blob has no name or is saved already, or if `data` is of another type.
        ConflictError
            If a blob with this id exists.
        BadRequestError
            If the name or the namespace is invalid, or if `size_bytes` or `hash` is not that of the data.
        DeletedObjectError
            If the blob has been deleted.

        Examples
        --------
        >>> greeting = Blob(namespace="docs", name="greeting").upload_data("hello")
        >>> greeting.data()
        b'hello'
        >>> greeting.delete().wait_for_completion()
        """
        self._prepare_upload()
        if isinstance(data, io.BytesIO):
            data = data.getvalue()
        if not isinstance(data, (str, bytes)):
            raise ValueError(f"`data` must be text or bytes; got {type(data).__name__}.")  # noqa: TRY004 - as documented
        return self._send(io.BytesIO(data.encode() if isinstance(data, str) else data))

    def _prepare_upload(self) -> None:
        """Set the defaults of a new blob; raise if it cannot be uploaded."""
        self._check_not_deleted()
        if not self.name:
            raise ValueError("A blob needs a name before it is uploaded.")
        self.namespace = self.namespace_id(self.namespace, self._client)
        self.storage_state = self.storage_state or StorageState.AVAILABLE
        self.storage_type = self.storage_type or StorageType.DATA
        if self.state != DocumentState.UNSAVED:
            raise ValueError(f"Blob {self.id} is {self.state}; make a new Blob to upload data.")
        convert(blob_mapping.check_names, self.namespace, self.name)

    def _send(self, data: BinaryIO) -> Self:
        attributes = self._to_service(self._set_names())
        self._load(BLOBS.upload(self._client, attributes, data))
        return self

    # Data out
    def data(self, range: Range = None) -> bytes:
        r"""Return the content of the blob.

        Parameters
        ----------
        range : str or tuple of int, optional
            Part of the data: (first, last) with both bytes included, (first,) to the end, (-length,) for the
            last bytes, or the value of a Range header such as "bytes=0-99". By default all.

        Returns
        -------
        bytes
            All bytes, or those of the range.

        Raises
        ------
        ValueError
            If the blob is not saved or the range is invalid.
        DeletedObjectError
            If the blob has been deleted.

        Examples
        --------
        >>> blob.data()
        b'first\nsecond\n'
        >>> blob.data(range=(0, 4))
        b'first'
        """
        return b"".join(self._read_data(range))

    def iter_data(self, chunk_size: int | None = None, range: Range = None) -> Iterator[bytes]:
        """Return an iterator over the content of the blob, for data that is larger than memory.

        Parameters
        ----------
        chunk_size : int, optional
            Maximum number of bytes of a chunk. By default as they arrive.
        range : str or tuple of int, optional
            Part of the data: (first, last) with both bytes included, (first,) to the end, (-length,) for the
            last bytes, or the value of a Range header such as "bytes=0-99". By default all.

        Returns
        -------
        iterator of bytes
            Chunks of the content.

        Raises
        ------
        ValueError
            If the blob is not saved or the range is invalid.
        DeletedObjectError
            If the blob has been deleted.

        Examples
        --------
        >>> [len(chunk) for chunk in blob.iter_data(chunk_size=10)]
        [10, 3]
        """
        return self._read_data(range, chunk_size)

    def iter_lines(
        self, decode_unicode: bool = False, delimiter: str | bytes | None = None
    ) -> Iterator[str | bytes]:
        """Return an iterator over the lines of the blob.

        Parameters
        ----------
        decode_unicode : bool, default False
            Decode each line as UTF-8.
        delimiter : str or bytes, optional
            End of a line. By default any end of line of text files.

        Returns
        -------
        iterator of bytes or of str
            Lines without their ends.

        Raises
        ------
        ValueError
            If the blob is not saved.
        DeletedObjectError
            If the blob has been deleted.

        Examples
        --------
        >>> list(blob.iter_lines(decode_unicode=True))
        ['first', 'second']
        """
        return split_lines(self._read_data(None), decode_unicode, delimiter)

    @overload
    def download(self, file: str, range: Range = None) -> str: ...
    @overload
    def download(self, file: BinaryIO, range: Range = None) -> str | None: ...
    def download(self, file: str | BinaryIO, range: Range = None) -> str | None:
        """Write the content of the blob to a file.

        Parameters
        ----------
        file : str or binary file
            Path, or file opened for writing bytes. A file at the path is replaced when all bytes have
            arrived.
        range : str or tuple of int, optional
            Part of the data: (first, last) with both bytes included, (first,) to the end, (-length,) for the
            last bytes, or the value of a Range header such as "bytes=0-99". By default all.

        Returns
        -------
        str or None
            Path, or the name of the open file if it has one.

        Raises
        ------
        ValueError
            If the blob is not saved, or if the range or the file is invalid.
        DeletedObjectError
            If the blob has been deleted.

        Examples
        --------
        >>> blob.download("notes.txt")
        'notes.txt'
        """
        self._check_saved()
        wanted = range_header(range)
        if not isinstance(file, str):
            check_binary(file, "writ")
        with self._deleted_if_not_found():
            chunks = BLOBS.read(self._client, self.id, range=wanted, tag=self._version_tag())
        if isinstance(file, str):
            write_atomically(Path(file), chunks)
            return file
        file.writelines(chunks)
        return getattr(file, "name", None)

    def _check_saved(self) -> None:
        self._check_not_deleted()
        if self.state != DocumentState.SAVED:
            raise ValueError(f"Blob {self.id or self.name} is {self.state}; only a saved blob has data.")

    def _version_tag(self) -> str | None:
        """Return the tag that differs from that of a later blob with the same id."""
        return self._read(type(self).hash) or blob_mapping.data_version(self.href)

    def _request_hash(self) -> str | None:
        """Return the MD5 that the service computes. It is a service value: the object is not modified."""
        if not self._saved or self._deleted or "hash" in self._values:
            return None
        if (self.size_bytes or 0) <= blob_mapping.DEFERRED_HASH_BYTES:
            return None
        md5 = BLOBS.md5(self._client, self.id, self.size_bytes)
        if md5 is not None:
            self._service = {**self._service_values(), "hash": md5}
        return md5

    def _read_data(self, range: Range, chunk_size: int | None = None) -> Iterator[bytes]:
        self._check_saved()
        wanted = range_header(range)
        with self._deleted_if_not_found():
            return BLOBS.read(
                self._client, self.id, range=wanted, tag=self._version_tag(), chunk_size=chunk_size
            )

    @overload
    @classmethod
    def get_data(
        cls,
        id: str | None = None,
        storage_type: StorageType | str = StorageType.DATA,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        range: Range = None,
        stream: Literal[False] = False,
        chunk_size: int | None = None,
    ) -> bytes: ...
    @overload
    @classmethod
    def get_data(
        cls,
        id: str | None = None,
        storage_type: StorageType | str = StorageType.DATA,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        range: Range = None,
        *,
        stream: Literal[True],
        chunk_size: int | None = None,
    ) -> Iterator[bytes]: ...
    @classmethod
    def get_data(
        cls,
        id: str | None = None,
        storage_type: StorageType | str = StorageType.DATA,
        namespace: str | None = None,
        name: str | None = None,
        client: CatalogClient | None = None,
        range: Range = None,
        stream: bool = False,
        chunk_size: int | None = None,
    ) -> bytes | Iterator[bytes]:
        r"""Return the content of a blob by its id or name, without reading its attributes.

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
        range : str or tuple of int, optional
            Part of the data: (first, last) with both bytes included, (first,) to the end, (-length,) for the
            last bytes, or the value of a Range header such as "bytes=0-99". By default all.
        stream : bool, default False
            Return an iterator over chunks in place of all bytes.
        chunk_size : int, optional
            Maximum number of bytes of a chunk. By default as they arrive.

        Returns
        -------
        bytes or iterator of bytes
            All bytes or those of the range, in one piece or in chunks.

        Raises
        ------
        NotFoundError
            If the blob does not exist.
        TypeError
            Unless either the id or the name is given.
        ValueError
            If the range is invalid.

        Examples
        --------
        >>> Blob.get_data(namespace="docs", name="notes.txt", range=(-7,))
        b'second\n'
        """
        wanted = cls._id_of(id, storage_type, namespace, name, client)
        chunks = BLOBS.read(
            client or CatalogClient.get_default_client(),
            wanted,
            range=range_header(range),
            chunk_size=chunk_size,
        )
        return chunks if stream else b"".join(chunks)

    @classmethod
    def delete_many(
        cls,
        ids: list[str],
        raise_on_missing: bool = False,
        wait_for_completion: bool = False,
        client: CatalogClient | None = None,
    ) -> list[str]:
        """Delete blobs.

        Parameters
        ----------
        ids : list of str
            Ids of the blobs.
        raise_on_missing : bool, default False
            Raise NotFoundError, and delete none, if a blob does not exist.
        wait_for_completion : bool, default False
            Return after their data has been deleted.
        client : CatalogClient, optional
            Client to use. By default the default client.

        Returns
        -------
        list of str
            Ids of the blobs that were deleted: those that exist and that the caller can change.

        Raises
        ------
        NotFoundError
            If a blob does not exist and `raise_on_missing` is True.

        Examples
        --------
        >>> made = Blob(namespace="docs", name="many").upload_data(b"data")
        >>> Blob.delete_many([made.id, "data/local:docs/nothing"])
        ['data/local:docs/many']
        """
        if not ids:
            return []
        task = BlobDeletionTaskStatus.create(ids, raise_on_missing, client)
        if wait_for_completion:
            task.wait_for_completion()
        return task.ids or []


class BlobCollection(Collection[Blob]):
    """List of blobs.

    Parameters
    ----------
    iterable : iterable of Blob, optional
        Blobs.
    item_type : type, optional
        Subclass of Blob that all items must be of.

    Examples
    --------
    >>> blobs = Blob.search().filter(p.name == "notes.txt").collect()
    >>> list(blobs.each.size_bytes)
    [13]
    """

    _item_type = Blob


Blob._collection_type = BlobCollection
