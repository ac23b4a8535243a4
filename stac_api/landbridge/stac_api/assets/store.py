"""The object store: where the bytes of images lie, whatever keeps them (folder, S3, GCS, Azure).

images/{collection}/{item}/{version}/{file}    what items refer to; never overwritten, only added
blobs/{type}/{version}/data                    the data of blobs, likewise
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


# A request may last as long as its object is large, but not stand still; obstore's own bound is 30 s for all.
_CLIENT: ClientConfig = {"connect_timeout": "5s", "timeout": "6h"}
_LONGEST_KEY, _LONGEST_NAME = 1024, 255  # bytes that S3 and file systems take; a store fails over others
_STANDSTILL = 20.0  # seconds without a byte
_ALLOW_HTTP = ("AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP")
_SIGNING = (S3Store, GCSStore, AzureStore)
_PART = 8 * 2**20  # bytes of one part of a multipart upload; S3 takes 10,000 of them
_PARTS_AT_ONCE = 4


class AssetStore:
    """An obstore object store with our layout.

    Args:
        url: where it is; credentials and endpoints come from the environment, as for the store's own tools.
        public_endpoint: by which clients reach an S3 store, where that differs from how the server does.
        standstill: seconds without a byte after which a request to the store has failed.
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
        """Whether the store itself gives out URLs by which others may read or write one object."""
        return self._signing is not None

    @property
    def can_sign_uploads(self) -> bool:
        """Whether others may write by such a URL alone; Azure wants a header, too, with the kind of blob."""
        return self.can_sign and not isinstance(self._signing, AzureStore)

    async def sign(self, method: Literal["GET", "PUT"], path: str, seconds: int) -> str:
        """A URL by which anybody may do this with one object, for some seconds."""
        assert self._signing is not None
        return await obstore.sign_async(self._signing, method, path, timedelta(seconds=seconds))

    async def put(
        self, path: str, data: Path | AsyncIterator[bytes], watch: Callable[[memoryview], Any] | None = None
    ) -> int:
        """Store a file or a stream; it appears whole or not at all. Returns its size in bytes.

        Args:
            path: where.
            data: what.
            watch: gets each block of it, in a thread.
        """
        content = into_blocks(_read(data) if isinstance(data, Path) else data)
        if watch is None:
            return await self._put(path, content)
        async with OrderedExecutor() as watching:
            size = await self._put(path, _watched(content, watching, watch))
            await watching.done()
        return size

    async def _put(self, path: str, content: AsyncIterator[memoryview]) -> int:
        if self.root is not None:
            # Files in transit are read as soon as they are there, blobs when somebody wants them.
            return await folder_store.write(self.root / path, content, direct=path.startswith(BLOBS))
        parts = (bytes(block) async for block in content)
        await obstore.put_async(self.backend, path, parts, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
        return int((await obstore.head_async(self.backend, path))["size"])

    async def take(self, path: str, file: Path) -> None:
        """Store a file that nobody else needs: it is moved where the store is a folder on the same disk."""
        if self.root is not None and await asyncio.to_thread(folder_store.move, file, self.root / path):
            return
        await self.put(path, file)

    async def fetch(self, path: str, scratch: Path) -> Path:
        """A local file with the content of an object: the object's own file where the store is a folder."""
        if self.root is not None:
            return self.root / path
        target = scratch / Path(path).name
        result = await obstore.get_async(self.backend, path)
        with target.open("wb") as file:
            async for chunk in result.stream():
                file.write(chunk)
        return target

    def is_outside(self, path: str) -> bool:
        """Whether a path ends elsewhere than in the store: by a link in its folder, or by a NUL."""
        if self.root is None:
            return False
        try:
            return not (self.root / path).resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):
            return True

    async def stream(self, path: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes of an object from `start` up to `end`, as they are read.

        Raises:
            FileNotFoundError: there is no such object, by now.
        """
        if self.root is not None:
            return folder_store.read((self.root / path).open("rb", buffering=0), start, end)
        result = await obstore.get_async(self.backend, path, options={"range": (start, end)})
        return aiter(result.stream(min_chunk_size=folder_store.CHUNK))

    async def scan(self, path: str) -> AsyncIterator[bytes | memoryview]:
        """All bytes of an object, for who reads them once.

        A piece stays as it is while `MAX_PENDING` more are taken, which is how far lanes are behind.

        Raises:
            FileNotFoundError: there is no such object, by now.
        """
        if self.root is not None:
            return folder_store.scan((self.root / path).open("rb", buffering=0))
        result = await obstore.get_async(self.backend, path)
        return aiter(result.stream(min_chunk_size=folder_store.CHUNK))

    async def sizes(self, prefix: str) -> dict[str, int]:
        """Every object under a prefix, with its size in bytes."""
        found: dict[str, int] = {}
        async for chunk in obstore.list(self.backend, prefix):
            found.update((entry["path"], entry["size"]) for entry in chunk)
        return found

    async def delete(self, *paths: str) -> None:
        """Delete objects; those that are gone already don't matter."""
        for path in paths:
            try:
                await obstore.delete_async(self.backend, path)
            except FileNotFoundError:
                continue
            self._prune(path)

    def new_blob(self, storage_type: str) -> str:
        """A place for data that nothing else ever has: a blob made anew under an old id has another one."""
        return f"{BLOBS}{storage_type}/{uuid.uuid4().hex}/data"

    async def delete_blob(self, path: str) -> None:
        """Delete the data of a blob, and what was left of an attempt to put it."""
        if path.startswith(BLOBS) and is_served(path):
            await self.delete_under(path.removesuffix("data"))

    async def delete_under(self, prefix: str) -> None:
        """Delete every object under a prefix."""
        if self.root is not None:
            if (self.root / prefix).is_dir():
                shutil.rmtree(self.root / prefix)  # with what an interrupted put has left there
            self._prune(prefix)
            return
        if paths := list(await self.sizes(prefix)):
            await obstore.delete_async(self.backend, paths)

    def _prune(self, path: str) -> None:
        """Remove the folders an object leaves empty, where the store is a folder."""
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
    # Where options are given, obstore no longer reads `allow_http` from the environment.
    insecure = any(os.environ.get(name, "").lower() in ("true", "1") for name in _ALLOW_HTTP)
    return {**_CLIENT, "read_timeout": timedelta(seconds=standstill), "allow_http": insecure}


def _retry(standstill: float) -> RetryConfig:
    """Short: whoever waits for the answer may try again, and jobs are."""
    return {"max_retries": 3, "retry_timeout": timedelta(seconds=standstill)}


_FULL = "it has no space left"
FAILURES = (obstore.exceptions.BaseError, OSError)
"""What a call of a store raises that fails for reasons of the store's own."""


def reason(error: BaseException) -> str:
    """Return why a store failed, for users: the error itself tells paths and addresses of ours."""
    return _FULL if "No space left" in str(error) else type(error).__name__


def write_error(what: str, error: BaseException) -> UnavailableError | NoSpaceError:
    """Return the error for something that a store failed to take."""
    why = reason(error)
    if why == _FULL:
        return NoSpaceError(f"The store did not take the {what} ({why}). Its operator has to make room.")
    return UnavailableError(f"The store did not take the {what} ({why}). Send it again.")


def is_served(path: str) -> bool:
    """Whether a path names something the API may serve: what items refer to, with no way out of it."""
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
    content: AsyncIterator[memoryview], watching: OrderedExecutor, watch: Callable[[memoryview], Any]
) -> AsyncIterator[memoryview]:
    async for block in content:
        await watching.add(watch, block)
        yield block


def own_paths(item: dict[str, Any]) -> list[str]:
    """The files in the store that go with an item, as stored: those under its own name, nobody else's."""
    # As the database keeps it, an item may have a mark in place of an asset.
    assets = [asset for asset in (item.get("assets") or {}).values() if isinstance(asset, dict)]
    paths = [unquote(links.asset_path(str(asset.get("href"))) or "") for asset in assets]
    if ids.is_blob_collection(item["collection"]):
        # No write but the one that puts the data lets an item refer to data of ours.
        return [path.removesuffix("data") for path in paths if path.startswith(BLOBS) and is_served(path)]
    own = image_path(item["collection"], item["id"], "", "")[:-1]
    return [path for path in paths if path.startswith(own) and is_served(path)]


def image_path(collection: str, item: str, version: str, name: str) -> str:
    """Where a file of an image lies in the store."""
    return f"{IMAGES}{collection}/{item}/{version}/{name}"


def href(path: str) -> str:
    """How an item refers to an object, as stored (see `landbridge.stac_api.documents.links`)."""
    return links.ASSETS + quote(path, safe="/:~!$&'()*+,;=@")


def upload_folder(upload: int) -> str:
    """Where the files of an upload lie in transit."""
    return f"{UPLOADS}{upload}/"


def upload_path(upload: int, number: int) -> str:
    """Where one file in transit lies."""
    return f"{upload_folder(upload)}{number}"
