"""The object store: where the bytes of images lie, whatever keeps them (folder, S3, GCS, Azure).

images/{collection}/{item}/{version}/{file}    what items refer to; never overwritten, only added
blobs/{type}/{version}/data                    the data of blobs, likewise
uploads/{upload}/{n}                           files in transit, as the client sent them
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.store import LocalStore, from_url

from landbridge.mappings import ids
from landbridge.stac_api import links

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from obstore.store import ObjectStore

IMAGES = "images/"
BLOBS = "blobs/"
UPLOADS = "uploads/"

# QGIS loads a COG only if its media type is exactly this.
COG = "image/tiff; application=geotiff; profile=cloud-optimized"


class AssetStore:
    """An obstore object store with our layout."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.root: Path | None = None
        if urlsplit(url).scheme == "file":
            self.root = Path(unquote(urlsplit(url).path))
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.backend: ObjectStore = LocalStore(self.root)
        else:
            self.backend = from_url(url)

    async def put(self, path: str, data: Path | AsyncIterator[bytes]) -> int:
        """Store a file or a stream; it appears whole or not at all. Returns its size in bytes."""
        await obstore.put_async(self.backend, path, data)
        return int((await obstore.head_async(self.backend, path))["size"])

    async def fetch(self, path: str, folder: Path) -> Path:
        """A local file with the content of an object: the object's own file where the store is a folder."""
        if self.root is not None:
            return self.root / path
        target = folder / Path(path).name
        result = await obstore.get_async(self.backend, path)
        with target.open("wb") as file:
            async for chunk in result.stream():
                file.write(chunk)
        return target

    async def paths(self, prefix: str) -> list[str]:
        """Every object under a prefix."""
        found: list[str] = []
        async for chunk in obstore.list(self.backend, prefix):
            found += [entry["path"] for entry in chunk]
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

    async def delete_assets(self, item: dict[str, Any]) -> None:
        """Delete the files of ours that an item refers to: those under its own name, nobody else's."""
        if ids.is_blob_collection(item["collection"]):
            # No write but the one that puts the data lets an item refer to data of ours.
            for asset in item.get("assets", {}).values():
                await self.delete_blob(links.asset_path(asset["href"]) or "")
            return
        own = image_path(item["collection"], item["id"], "", "")[:-1]
        for asset in item.get("assets", {}).values():
            path = unquote(links.asset_path(asset["href"]) or "")
            if path.startswith(own) and is_served(path):
                await self.delete(path)

    async def delete_under(self, prefix: str) -> None:
        """Delete every object under a prefix."""
        if self.root is not None:
            shutil.rmtree(self.root / prefix, ignore_errors=True)
            return
        if paths := await self.paths(prefix):
            await obstore.delete_async(self.backend, paths)

    def _prune(self, path: str) -> None:
        """Remove the folders an object leaves empty, where the store is a folder."""
        if self.root is None:
            return
        folder = (self.root / path).parent
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def is_served(path: str) -> bool:
    """Whether a path names something the API may serve: what items refer to, with no way out of it."""
    return path.startswith((IMAGES, BLOBS)) and not any(part in ("", ".", "..") for part in path.split("/"))


def image_path(collection: str, item: str, version: str, name: str) -> str:
    """Where a file of an image lies in the store."""
    return f"{IMAGES}{collection}/{item}/{version}/{name}"


def href(path: str) -> str:
    """How an item refers to an object, as stored (see `landbridge.stac_api.links`)."""
    return links.ASSETS + quote(path, safe="/:~!$&'()*+,;=@")


def upload_path(upload: int, number: int) -> str:
    """Where a file in transit lies."""
    return f"{UPLOADS}{upload}/{number}"
