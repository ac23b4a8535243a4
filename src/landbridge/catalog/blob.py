"""Blobs: data of any kind, found by name, place, time and tags."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeAlias

from landbridge.catalog.blob_data import BlobData
from landbridge.catalog.enums import DocumentState, StorageState, StorageType
from landbridge.catalog.model.class_or_instance import ClassOrInstanceMethod
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.stac.blobs import BLOBS
from landbridge.catalog.stac.requests import convert
from landbridge.catalog.task import BlobDeletionTaskStatus
from landbridge.catalog.transfer.blob_arguments import check_binary
from landbridge.catalog.transfer.request_options import RequestOptions
from landbridge.mappings import blob as blob_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geopandas import GeoDataFrame

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.model.class_or_instance import DeleteById, DeleteSelf

    Deletion: TypeAlias = ClassOrInstanceMethod[
        DeleteById[BlobDeletionTaskStatus | None], DeleteSelf[BlobDeletionTaskStatus]
    ]

__all__ = ["Blob", "BlobCollection"]

_IDENTITY = ("id", "storage_type", "namespace", "name")


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


class Blob(BlobData):
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

    _doc_type = "storage"

    delete: Deletion = ClassOrInstanceMethod(_delete_by_id, _delete_self)  # type: ignore[assignment] # returns a task

    def upload(
        self,
        file: str | BinaryIO,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> Self:
        """Create the blob with the content of a file.

        Parameters
        ----------
        file : str or binary file
            Path, or file opened for reading bytes, which is left open.
        request_params : dict, optional
            Further attributes to send, as for `save`.
        headers : dict, optional
            Further HTTP headers of the request that creates the blob.
        overwrite : bool, default False
            Replace a blob with this id. Readers see the old blob until the new one is complete, never none.

        Returns
        -------
        Blob
            This blob, saved.

        Raises
        ------
        ValueError
            If the blob has no name or is saved already, or if `file` is neither a string nor a binary file.
        ConflictError
            If a blob with this id exists and `overwrite` is False.
        ForbiddenError
            If you do not own the blob to replace.
        BadRequestError
            If the name, the namespace or an attribute of `request_params` is invalid, or if `size_bytes` or
            `hash` is not that of the data.
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
        options = RequestOptions(request_params, headers)
        if isinstance(file, str):
            with Path(file).open("rb") as opened:
                return self._send(opened, options, overwrite)
        check_binary(file, "read")
        return self._send(file, options, overwrite)

    def upload_data(
        self,
        data: str | bytes | io.BytesIO,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> Self:
        """Create the blob with the given content.

        Parameters
        ----------
        data : str, bytes or io.BytesIO
            Content. A string is encoded as UTF-8; of a BytesIO all bytes are taken.
        request_params : dict, optional
            Further attributes to send, as for `save`.
        headers : dict, optional
            Further HTTP headers of the request that creates the blob.
        overwrite : bool, default False
            Replace a blob with this id. Readers see the old blob until the new one is complete, never none.

        Returns
        -------
        Blob
            This blob, saved.

        Raises
        ------
        ValueError
            If the blob has no name or is saved already, or if `data` is of another type.
        ConflictError
            If a blob with this id exists and `overwrite` is False.
        ForbiddenError
            If you do not own the blob to replace.
        BadRequestError
            If the name, the namespace or an attribute of `request_params` is invalid, or if `size_bytes` or
            `hash` is not that of the data.
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
        content = io.BytesIO(data.encode() if isinstance(data, str) else data)
        return self._send(content, RequestOptions(request_params, headers), overwrite)

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

    def _send(self, data: BinaryIO, options: RequestOptions, overwrite: bool) -> Self:
        attributes = options.merge(self._to_service(self._set_names()), _IDENTITY)
        self._load(BLOBS.upload(self._client, attributes, data, options.headers, overwrite=overwrite))
        return self

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

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """Blobs as a GeoJSON FeatureCollection, with their attributes as properties."""
        from landbridge.catalog.tables.features import feature_collection

        return feature_collection(self)

    def to_geopandas(self, columns: Sequence[str] | None = None) -> GeoDataFrame:
        """Return the blobs as a geopandas.GeoDataFrame: a row for each blob, a column for each attribute.

        Parameters
        ----------
        columns : list of str, optional
            Names of attributes. By default all attributes.

        Returns
        -------
        geopandas.GeoDataFrame
            Table in the order of the blobs.

        Raises
        ------
        ImportError
            If geopandas is not installed: it is in the extra `landbridge[geopandas]`.
        AttributeError
            If one of `columns` is no attribute.

        Examples
        --------
        >>> blobs = Blob.search().filter(p.name == "notes.txt").collect()
        >>> blobs.to_geopandas(["name", "size_bytes"]).iloc[0]["size_bytes"]
        np.int64(13)
        """
        from landbridge.catalog.tables.frames import to_geopandas

        return to_geopandas(self._list, self._table_class(), columns)


Blob._collection_type = BlobCollection
