"""Client of the Storage service over blobs of the Catalog."""

from __future__ import annotations

import io
import os
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from landbridge.catalog import Blob, StorageType, properties
from landbridge.exceptions import ClientError, NotFoundError
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Storage"]

# Mark of a value that was set as text, in the blob's `extra_properties`.
_KIND: Final = "storage_value"
_TEXT: Final = "text"
_READS: Final = 10  # attempts at a value that is replaced again and again

T = TypeVar("T")


class Storage:
    """Client of the Storage service: values by key, in your own namespace.

    Parameters
    ----------
    url, auth, retries : optional
        Settings of the service, which no longer exists. They are accepted so that old scripts run; the
        Catalog is configured by `LANDBRIDGE_URL` and `landbridge auth`.

    Examples
    --------
    >>> from landbridge.porting.storage import Storage
    >>> storage = Storage()
    >>> storage.set("docs/settings", '{"threshold": 0.5}')
    >>> storage.get("docs/settings")
    '{"threshold": 0.5}'
    >>> storage.list("docs/")
    ['docs/settings']
    >>> storage.delete("docs/settings")
    """

    def __init__(self, url: Any = None, auth: Any = None, retries: Any = None) -> None:
        del url, auth, retries

    @old_method("Blob(name=...).upload_data(..., overwrite=True)")
    def set(self, key: str, value: str | bytes, storage_type: str = "data") -> None:
        """Store a value, in place of an earlier one.

        Parameters
        ----------
        key : str
            Key, the name of the blob.
        value : str or bytes
            Value. A text is stored as UTF-8, and `get` returns a text.
        storage_type : str, default "data"
            Storage type.

        Raises
        ------
        TypeError
            If the value is neither text nor bytes.
        BadRequestError
            If the key is not valid as a name of a blob.
        """
        if not isinstance(value, (str, bytes, bytearray, memoryview)):
            raise TypeError(f"`value` must be text or bytes; got {type(value).__name__}. Serialize it first.")
        is_text = isinstance(value, str)
        data = value.encode() if isinstance(value, str) else bytes(value)
        _store(key, storage_type, io.BytesIO(data), {_KIND: _TEXT} if is_text else {})

    @old_method("Blob(name=...).upload(..., overwrite=True)")
    def set_file(self, key: str, file_obj: Any, storage_type: str = "data") -> None:
        """Store the content of a file, in place of an earlier value.

        Parameters
        ----------
        key : str
            Key, the name of the blob.
        file_obj : str, path or binary file
            Path, or file opened for reading bytes, which is left open.
        storage_type : str, default "data"
            Storage type.
        """
        if isinstance(file_obj, (str, os.PathLike)):
            with Path(file_obj).open("rb") as opened:
                _store(key, storage_type, opened, {})
        else:
            _store(key, storage_type, file_obj, {})

    @old_method("Blob.get(name=...).data()")
    def get(self, key: str, storage_type: str = "data") -> str | bytes:
        """Return the value of a key: text if it was set as text, else bytes.

        Raises
        ------
        NotFoundError
            If the key does not exist.
        """

        def read(blob: Blob) -> str | bytes:
            data = blob.data()
            return data.decode() if (blob.extra_properties or {}).get(_KIND) == _TEXT else data

        return _read(key, storage_type, read)

    @old_method("Blob.get(name=...).download()")
    def get_file(self, key: str, file_obj: Any, storage_type: str = "data") -> None:
        """Write the value of a key to a file.

        Parameters
        ----------
        key : str
            Key.
        file_obj : str, path or binary file
            Path, or file opened for writing bytes.
        storage_type : str, default "data"
            Storage type.

        Raises
        ------
        NotFoundError
            If the key does not exist. No file is written.
        """
        if not isinstance(file_obj, (str, os.PathLike)):
            # A second attempt would write after what the first one has written.
            _existing(key, storage_type).download(file_obj)
            return
        _read(key, storage_type, lambda blob: blob.download(os.fspath(file_obj)))

    @old_method("Blob.search()")
    def list(self, prefix: str | None = None, storage_type: str = "data") -> list[str]:
        """Return all keys, or those that begin with a prefix."""
        return [*_keys(prefix, storage_type)]

    @old_method("Blob.search()")
    def iter_list(self, prefix: str | None = None, storage_type: str = "data") -> Iterator[str]:
        """Return an iterator over all keys, or those that begin with a prefix."""
        return _keys(prefix, storage_type)

    @old_method("Blob.exists()")
    def exists(self, key: str, storage_type: str = "data") -> bool:
        """Return True if a key exists."""
        return _find(key, storage_type) is not None

    @old_method("Blob.get(name=...).delete()")
    def delete(self, key: str, storage_type: str = "data") -> None:
        """Delete a key and its value.

        Raises
        ------
        NotFoundError
            If the key does not exist.
        """
        _existing(key, storage_type).delete()


def _type(storage_type: str) -> StorageType:
    """Return a storage type of blobs.

    Raises
    ------
    UnsupportedArgumentError
        If there is none of this name any more.
    """
    try:
        return StorageType(storage_type)
    except ValueError:
        known = ", ".join(repr(str(each)) for each in StorageType)
        raise UnsupportedArgumentError(
            f"There is no storage type {storage_type!r} any more; there are {known}. Use storage_type='data'."
        ) from None


def _find(key: str, storage_type: str) -> Blob | None:
    return Blob.get(name=key, storage_type=_type(storage_type))


def _existing(key: str, storage_type: str) -> Blob:
    blob = _find(key, storage_type)
    if blob is None:
        raise NotFoundError(f"The key {key!r} does not exist in the storage type {storage_type!r}.")
    return blob


def _read(key: str, storage_type: str, read: Callable[[Blob], T]) -> T:
    """Return what is read of a key's blob; read again if the blob is replaced in between.

    Raises
    ------
    NotFoundError
        If the key does not exist.
    ClientError
        If the blob is replaced in each of several attempts.
    """
    for _ in range(_READS - 1):
        try:
            return read(_existing(key, storage_type))
        except ClientError as error:
            if error.status != HTTPStatus.PRECONDITION_FAILED:
                raise
    return read(_existing(key, storage_type))


def _keys(prefix: str | None, storage_type: str) -> Iterator[str]:
    search = Blob.search().filter(properties.namespace == Blob.namespace_id(None))
    search = search.filter(properties.storage_type == str(_type(storage_type)))
    if prefix:
        search = search.filter(properties.name.prefix(prefix))
    return (str(blob.name) for blob in search.sort("name"))


def _store(key: str, storage_type: str, file: BinaryIO, extra_properties: dict[str, Any]) -> None:
    """Store the content of a file as a blob, in place of an earlier one."""
    blob = Blob(name=key, storage_type=_type(storage_type), extra_properties=extra_properties)
    blob.upload(file, overwrite=True)
