"""The object store of images, blobs and uploads: a folder, S3, GCS or Azure.

images/{collection}/{item}/{version}/{file}    files of items; never overwritten
blobs/{type}/{version}/data                    data of blobs; never overwritten
uploads/{upload}/{n}                           files in transit, as the client sent them
"""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote, urlsplit

import obstore
import obstore.exceptions
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from landbridge.mappings import ids
from landbridge.stac_api.assets import folder_store
from landbridge.stac_api.assets.direct_io import into_blocks
from landbridge.stac_api.assets.ordered_executor import OrderedExecutor
from landbridge.stac_api.core.metrics import store_request
from landbridge.stac_api.documents import links
from landbridge.stac_api.errors import NoSpaceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from obstore.store import ClientConfig, ObjectStore, RetryConfig

IMAGES = "images/"
BLOBS = "blobs/"
UPLOADS = "uploads/"

# QGIS loads a COG only if its media type is exactly this.
COG = "image/tiff; application=geotiff; profile=cloud-optimized"


# The duration of a request depends on the object's size; obstore's default limit is 30 s for all of it.
_CLIENT: ClientConfig = {"connect_timeout": "5s", "timeout": "6h"}
_LONGEST_KEY, _LONGEST_NAME = 1024, 255  # bytes; limits of S3 and file systems
_STANDSTILL = 20.0  # seconds without a byte
_ALLOW_HTTP = ("AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP")
_SIGNING = (S3Store, GCSStore, AzureStore)
_PART = 8 * 2**20  # bytes of one part of a multipart upload; S3 takes 10,000 of them
_PARTS_AT_ONCE = 4


class AssetStore:
    """An obstore object store with the layout of this service.

    Parameters
    ----------
    url : str
        URL of the store; credentials and endpoints come from the environment, as for the store's own tools.
    public_endpoint : str, optional
        Endpoint at which clients reach an S3 store, if it differs from the server's.
    standstill : float
        Seconds without a byte after which a request to the store fails.
    """

    def __init__(self, url: str, public_endpoint: str | None = None, standstill: float = _STANDSTILL) -> None:
        self.url = url
        self.root: Path | None = None
        if urlsplit(url).scheme == "file":
            self.root = Path(unquote(urlsplit(url).path))
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.backend: ObjectStore = LocalStore(self.root)
        else:
            self.backend = from_url(url, client_options=_client(standstill), retry_config=_retry(standstill))
        self._signing = self.backend if isinstance(self.backend, _SIGNING) else None
        if public_endpoint and isinstance(self.backend, S3Store):
            self._signing = S3Store.from_url(
                url, endpoint=public_endpoint, client_options=_client(standstill)
            )

    @property
    def can_sign(self) -> bool:
        """True if the store can sign URLs for reading or writing one object."""
        return self._signing is not None

    @property
    def can_sign_uploads(self) -> bool:
        """True if a signed URL suffices for writing; Azure also needs a header with the blob type."""
        return self.can_sign and not isinstance(self._signing, AzureStore)

    async def sign(self, method: Literal["GET", "PUT"], path: str, seconds: int) -> str:
        """Return a URL by which anyone can read or write one object for some seconds."""
        assert self._signing is not None
        return await obstore.sign_async(self._signing, method, path, timedelta(seconds=seconds))

    async def put(
        self,
        path: str,
        data: Path | AsyncIterator[bytes | memoryview],
        watch: Callable[[memoryview], Any] | None = None,
    ) -> int:
        """Store a file or a stream atomically, and return its size in bytes.

        Parameters
        ----------
        path : str
            Path in the store.
        data : Path or async iterator of bytes
            The content.
        watch : callable, optional
            Gets each block of the content, in a thread.
        """
        content = into_blocks(_read(data) if isinstance(data, Path) else data)
        if watch is None:
            return await self._put(path, content)
        async with OrderedExecutor() as executor:
            size = await self._put(path, _watched(content, executor, watch))
            await executor.finish()
        return size

    async def _put(self, path: str, content: AsyncIterator[memoryview]) -> int:
        with store_request("put"):
            return await self._put_content(path, content)

    async def _put_content(self, path: str, content: AsyncIterator[memoryview]) -> int:
        if self.root is not None:
            # Files in transit are read at once, so the page cache helps; blobs are not.
            return await folder_store.write(self.root / path, content, direct=path.startswith(BLOBS))
        parts = (bytes(block) async for block in content)
        await obstore.put_async(self.backend, path, parts, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
        return int((await obstore.head_async(self.backend, path))["size"])

    async def move_in(self, path: str, file: Path) -> None:
        """Store a local file, which is moved if the store is a folder on the same disk."""
        if self.root is not None:
            with store_request("move"):
                if await asyncio.to_thread(folder_store.move, file, self.root / path):
                    return
        await self.put(path, file)

    async def local_file(self, path: str, folder: Path) -> Path:
        """Return a local file with the content of an object: its own file if the store is a folder."""
        if self.root is not None:
            return self.root / path
        target = folder / Path(path).name
        with store_request("get"):
            result = await obstore.get_async(self.backend, path)
            with target.open("wb") as file:
                async for chunk in result.stream():
                    file.write(chunk)
        return target

    def is_outside(self, path: str) -> bool:
        """Return whether a path leads outside the store, by a symbolic link in its folder or a NUL."""
        if self.root is None:
            return False
        try:
            return not (self.root / path).resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):
            return True

    async def stream(self, path: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Return the bytes of an object from `start` up to `end`, as a stream.

        Raises
        ------
        FileNotFoundError
            If the object does not exist any more.
        """
        with store_request("get"):
            if self.root is not None:
                return folder_store.read((self.root / path).open("rb", buffering=0), start, end)
            result = await obstore.get_async(self.backend, path, options={"range": (start, end)})
        return aiter(result.stream(min_chunk_size=folder_store.CHUNK))

    async def read_once(self, path: str) -> AsyncIterator[bytes | memoryview]:
        """Return all bytes of an object as a stream past the page cache, for reading them once.

        The buffer of a block is reused after `MAX_PENDING` more, which is how far an `OrderedExecutor` is
        behind.

        Raises
        ------
        FileNotFoundError
            If the object does not exist any more.
        """
        if self.root is not None:
            return folder_store.read_once((self.root / path).open("rb", buffering=0))
        result = await obstore.get_async(self.backend, path)
        return aiter(result.stream(min_chunk_size=folder_store.CHUNK))

    async def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size in bytes of every object under a prefix, by path."""
        found: dict[str, int] = {}
        async for chunk in obstore.list(self.backend, prefix):
            found.update((entry["path"], entry["size"]) for entry in chunk)
        return found

    async def delete(self, *paths: str) -> None:
        """Delete objects; missing ones are ignored."""
        for path in paths:
            try:
                with store_request("delete"):
                    await obstore.delete_async(self.backend, path)
            except FileNotFoundError:
                continue
            self._prune(path)

    def new_blob(self, storage_type: str) -> str:
        """Return a unique path for a blob's data; a new blob under an old id gets another one."""
        return f"{BLOBS}{storage_type}/{uuid.uuid4().hex}/data"

    async def delete_blob(self, path: str) -> None:
        """Delete the data of a blob, and the leftovers of an attempt to store it."""
        if path.startswith(BLOBS) and is_served(path):
            await self.delete_under(path.removesuffix("data"))

    async def delete_under(self, prefix: str) -> None:
        """Delete every object under a prefix."""
        if self.root is not None:
            if (self.root / prefix).is_dir():
                shutil.rmtree(self.root / prefix)  # with the leftovers of an interrupted put
            self._prune(prefix)
            return
        if paths := list(await self.sizes(prefix)):
            await obstore.delete_async(self.backend, paths)

    def _prune(self, path: str) -> None:
        """Remove the empty folders above a deleted object, if the store is a folder."""
        if self.root is None:
            return
        above = (self.root / path.rstrip("/")).parent
        while above != self.root:
            try:
                above.rmdir()
            except OSError:
                return
            above = above.parent


def _client(standstill: float) -> ClientConfig:
    # With options given, obstore does not read `allow_http` from the environment.
    insecure = any(os.environ.get(name, "").lower() in ("true", "1") for name in _ALLOW_HTTP)
    return {**_CLIENT, "read_timeout": timedelta(seconds=standstill), "allow_http": insecure}


def _retry(standstill: float) -> RetryConfig:
    """Return short retries: callers can try again, and jobs do."""
    return {"max_retries": 3, "retry_timeout": timedelta(seconds=standstill)}


_FULL = "it has no space left"
STORE_ERRORS = (obstore.exceptions.BaseError, OSError)
"""Errors of the store itself."""


def error_reason(error: BaseException) -> str:
    """Return the reason of a store's error for users, without the server's paths and addresses."""
    return _FULL if "No space left" in str(error) else type(error).__name__


def write_error(content: str, error: BaseException) -> UnavailableError | NoSpaceError:
    """Return the error for content that the store failed to store."""
    why = error_reason(error)
    if why == _FULL:
        return NoSpaceError(f"The store did not take the {content} ({why}). Its operator has to make room.")
    return UnavailableError(f"The store did not take the {content} ({why}). Send it again.", part="store")


def is_served(path: str) -> bool:
    """Return whether the API may serve a path: below images or blobs, valid, and without `..`."""
    parts = path.split("/")
    return (
        path.startswith((IMAGES, BLOBS))
        and "\0" not in path
        and len(path.encode()) <= _LONGEST_KEY
        and all(len(part.encode()) <= _LONGEST_NAME for part in parts)
        and not any(unquote(part) in ("", ".", "..") or "/" in unquote(part) for part in parts)
    )


async def _read(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while chunk := await asyncio.to_thread(source.read, folder_store.CHUNK):
            yield chunk


async def _watched(
    content: AsyncIterator[memoryview], executor: OrderedExecutor, watch: Callable[[memoryview], Any]
) -> AsyncIterator[memoryview]:
    async for block in content:
        await executor.submit(watch, block)
        yield block


def own_paths(item: dict[str, Any]) -> list[str]:
    """Return the paths of an item's own files in the store; the item is as stored."""
    # A dehydrated item may have a marker in place of an asset.
    assets = [asset for asset in (item.get("assets") or {}).values() if isinstance(asset, dict)]
    paths = [unquote(links.asset_path(str(asset.get("href"))) or "") for asset in assets]
    if ids.is_blob_collection(item["collection"]):
        # Only the upload of a blob lets its item refer to data in the store.
        return [path.removesuffix("data") for path in paths if path.startswith(BLOBS) and is_served(path)]
    own = image_path(item["collection"], item["id"], "", "")[:-1]
    return [path for path in paths if path.startswith(own) and is_served(path)]


def image_path(collection: str, item: str, version: str, name: str) -> str:
    """Return the path of an image's file in the store."""
    return f"{IMAGES}{collection}/{item}/{version}/{name}"


def href(path: str) -> str:
    """Return the href of an object in stored items (see `landbridge.stac_api.documents.links`)."""
    return links.ASSETS + quote(path, safe="/:~!$&'()*+,;=@")


def upload_folder(upload: int) -> str:
    """Return the prefix of an upload's files in transit."""
    return f"{UPLOADS}{upload}/"


def upload_path(upload: int, number: int) -> str:
    """Return the path of one file in transit."""
    return f"{upload_folder(upload)}{number}"
