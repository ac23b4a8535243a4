"""Reading the data of blobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, overload

from landbridge.atomic_files import write_atomically
from landbridge.catalog.blob_metadata import BlobMetadata
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import DocumentState, StorageType
from landbridge.catalog.stac.blobs import BLOBS
from landbridge.catalog.transfer.blob_arguments import check_binary, range_header
from landbridge.catalog.transfer.blob_content import split_lines
from landbridge.mappings import blob as blob_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog.transfer.blob_arguments import Range

__all__ = ["BlobData"]


class BlobData(BlobMetadata):
    """Methods of `Blob` that read the data."""

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

    def _read_data(self, range: Range, chunk_size: int | None = None) -> Iterator[bytes]:
        self._check_saved()
        wanted = range_header(range)
        with self._deleted_if_not_found():
            return BLOBS.read(
                self._client, self.id, range=wanted, tag=self._version_tag(), chunk_size=chunk_size
            )

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
        size = self.size_bytes or 0
        if size <= blob_mapping.DEFERRED_HASH_BYTES:
            return None
        md5 = BLOBS.md5(self._client, self.id, size)
        if md5 is not None:
            self._service = {**self._service_values(), "hash": md5}
        return md5
