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
from landbridge.catalog.search.search import BlobSearch
from landbridge.catalog.stac.blobs import BLOBS, prefixed_namespace
from landbridge.catalog.stac.requests import convert
from landbridge.catalog.task import BlobDeletionTaskStatus
from landbridge.catalog.transfer.blob_arguments import check_binary, range_header
from landbridge.catalog.transfer.blob_content import split_lines, write_whole
from landbridge.mappings import blob as blob_mapping
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from landbridge.catalog.transfer.blob_arguments import Range

__all__ = ["Blob", "BlobCollection"]


def _delete_by_id(
    _cls: type[Blob], id: str, client: CatalogClient | None = None
) -> BlobDeletionTaskStatus | None:
    """Delete the blob with this id; what to wait for, None where there is no such blob."""
    task = BlobDeletionTaskStatus.create([id], raise_on_missing=False, client=client)
    return task if task.ids else None


def _delete_self(self: Blob) -> BlobDeletionTaskStatus:
    """Delete this blob, and give what to wait for before a blob of the same id is made.

    UnsavedObjectError where it was never saved, DeletedObjectError where it is deleted already.
    """
    self._check_exists()
    with self._deleted_if_not_found():
        task = BlobDeletionTaskStatus.create([self.id], raise_on_missing=True, client=self._client)
    self._deleted = True
    return task


class Blob(AuthCatalogObject):
    """Data of any kind, with a name in a namespace.

    A name is required. `upload` and `upload_data` make the blob; its id is
    `storage_type/namespace/name` from then on.
    """

    _resource: ClassVar[Any] = BLOBS
    _doc_type = "storage"

    namespace = IdPart(
        str,
        fault=blob_mapping.namespace_problem,
        doc="The group of blobs that it belongs to; see `namespace_id`. *Sortable.*",
    )
    name = IdPart(
        str,
        fault=blob_mapping.name_problem,
        doc="Unique in the namespace; may have parts, with / between. *Sortable.*",
    )
    storage_state = EnumAttribute(StorageState, doc="Whether its data is held here. *Filterable, sortable.*")
    storage_type = EnumAttribute(StorageType, doc="The kind of blob. *Filterable, sortable.*")
    description = TypedAttribute(str, doc="What it is. *Searchable.*")
    geometry = GeometryAttribute(doc="The place it is about, in longitude and latitude. *Filterable.*")
    expires = Timestamp(doc="When it may be deleted by the service. *Filterable, sortable.*")
    href = TypedAttribute(str, doc="Where its data is.")
    size_bytes = TypedAttribute(int, doc="The size of its data, checked on upload. *Filterable, sortable.*")
    hash = Digest(
        str,
        doc="The MD5 of its data in hexadecimal, checked on upload. Of more than 64 MiB without one, "
        "the service works it out after the upload: reading it waits for that; None if it never comes.",
    )

    delete = ClassOrInstanceMethod(_delete_by_id, _delete_self)

    # Ids and names
    @classmethod
    def namespace_id(cls, namespace_id: str | None, client: CatalogClient | None = None) -> str:
        """The namespace that a blob gets on upload: prefixed with the organization, unless it is already.

        Without a namespace it is the user's own. Where there is no organization, the user is the prefix.
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
        """The blob with this id, or this name and namespace; None where there is none.

        TypeError unless either an id or a name is given.
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
        """Say whether there is a blob with this id, or this name and namespace.

        TypeError unless either an id or a name is given.
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
        """The blob with this id or name, with these attributes set; a new one where there is none.

        TypeError unless either an id or a name is given.
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
        """A search for blobs."""
        return BlobSearch(cls, client, request_params=request_params, headers=headers)

    # Data in
    def upload(self, file: str | BinaryIO) -> Self:
        """Make the blob with the content of a file, and give the blob, saved.

        Parameters
        ----------
        file
            A path, or a file opened for reading bytes, which is left open.

        Raises
        ------
        ValueError
            It has no name or is saved already, or the file is neither of these.
        ConflictError
            There is a blob of this id.
        BadRequestError
            Its name or namespace cannot be one, or its size or hash is not that of the data.
        """
        self._prepare_upload()
        if isinstance(file, str):
            with Path(file).open("rb") as opened:
                return self._send(opened)
        check_binary(file, "read")
        return self._send(file)

    def upload_data(self, data: str | bytes | io.BytesIO) -> Self:
        """Make the blob with this content, a text as UTF-8, all of a BytesIO; otherwise as `upload`."""
        self._prepare_upload()
        if isinstance(data, io.BytesIO):
            data = data.getvalue()
        if not isinstance(data, (str, bytes)):
            raise ValueError(f"data is a text or bytes; got {type(data).__name__}")  # noqa: TRY004 - as documented
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
        """The content, or a range of it: "bytes=a-b", (first, last), (first,) or (-length,).

        ValueError where the blob is not saved or the range is none.
        """
        return b"".join(self._read_data(range))

    def iter_data(self, chunk_size: int | None = None, range: Range = None) -> Iterator[bytes]:
        """The content in pieces of at most `chunk_size` bytes; otherwise as `data`."""
        return self._read_data(range, chunk_size)

    def iter_lines(
        self, decode_unicode: bool = False, delimiter: str | bytes | None = None
    ) -> Iterator[str | bytes]:
        """The content line by line, as bytes or, with `decode_unicode`, as texts.

        Lines end as in texts, or at the delimiter where one is given. ValueError where the blob is not saved.
        """
        return split_lines(self._read_data(None), decode_unicode, delimiter)

    @overload
    def download(self, file: str, range: Range = None) -> str: ...
    @overload
    def download(self, file: BinaryIO, range: Range = None) -> str | None: ...
    def download(self, file: str | BinaryIO, range: Range = None) -> str | None:
        """Write the content to a path, or to a file opened for writing bytes; its name is returned.

        ValueError where the blob is not saved, or the range or the file is none.
        """
        self._check_saved()
        wanted = range_header(range)
        if not isinstance(file, str):
            check_binary(file, "writ")
        with self._deleted_if_not_found():
            chunks = BLOBS.read(self._client, self.id, range=wanted, tag=self._version_tag())
        if isinstance(file, str):
            write_whole(Path(file), chunks)
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
        """The content of a blob without the blob: bytes, or with `stream` pieces of them.

        NotFoundError where there is no such blob, TypeError unless either an id or a name is given.
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
        """Delete blobs, and give the ids of those that were there and may be deleted.

        With `raise_on_missing`, NotFoundError where one does not exist and none is deleted; with
        `wait_for_completion` their data is gone too on return.
        """
        if not ids:
            return []
        task = BlobDeletionTaskStatus.create(ids, raise_on_missing, client)
        if wait_for_completion:
            task.wait_for_completion()
        return task.ids or []


class BlobCollection(Collection[Blob]):
    """Blobs, in a list-like collection."""

    _item_type = Blob


Blob._collection_type = BlobCollection
