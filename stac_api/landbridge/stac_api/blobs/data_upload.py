"""Receives the data of a blob: stores, counts and hashes it, and compares it with the announced item."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from landbridge.mappings import InvalidDocument, assets, blob
from landbridge.stac_api.assets.store import STORE_ERRORS, write_error
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from landbridge.stac_api.assets.store import AssetStore

_MD5 = re.compile(r"[0-9a-fA-F]{32}\Z").match


@dataclass(frozen=True, slots=True)
class DataProperties:
    """Size in bytes and MD5 in hexadecimal of data; None if unknown."""

    size: int | None
    md5: str | None


def expected(item: Mapping[str, Any]) -> DataProperties:
    """Return size and MD5 that an announced item states.

    Raises
    ------
    InvalidDocument
        If one of them is invalid.
    """
    assets_ = item.get("assets") or {}
    asset = (assets_.get(blob.DATA_ASSET) or {}) if isinstance(assets_, dict) else None
    if not isinstance(asset, dict):
        raise InvalidDocument(
            "href", f"the assets are {assets_!r}; `{blob.DATA_ASSET}` is an object among them"
        )
    size, md5 = asset.get("file:size"), assets.checksum_of(asset)
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InvalidDocument("size_bytes", f"{size!r} is not a number of bytes")
    if md5 is not None and not (isinstance(md5, str) and _MD5(md5)):
        raise InvalidDocument("hash", f"{md5!r} is not an MD5 in hexadecimal digits")
    return DataProperties(size, md5.lower() if md5 else None)


def hashed_later(wanted: DataProperties) -> bool:
    """Return whether the MD5 is computed after the upload: the data is large and no MD5 was announced."""
    return wanted.md5 is None and wanted.size is not None and wanted.size > blob.DEFERRED_HASH_BYTES


def announce(item: dict[str, Any], size: Any, limit: int) -> None:
    """Add the size that will be sent to an item; None if it is unknown.

    Raises
    ------
    BadRequestError
        If it is invalid, or another size than the item states.
    InvalidDocument
        If the item states an invalid size or MD5.
    HTTPException
        413 if it is larger than `limit` bytes.
    """
    wanted = expected(item).size
    if size is None:
        return
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadRequestError(f"`size` is {size!r}; it is a number of bytes.")
    if wanted not in (None, size):
        raise BadRequestError(f"size_bytes is {wanted}, but the data has {size} bytes.")
    if size > limit:
        raise HTTPException(413, f"The data has {size} bytes; {limit} is the most.")
    item.setdefault("assets", {}).setdefault(blob.DATA_ASSET, {"roles": ["data"]})["file:size"] = size


async def receive(
    store: AssetStore,
    path: str,
    chunks: AsyncIterator[bytes],
    wanted: DataProperties,
    limit: int,
    discard: Callable[[str], Awaitable[None]],
) -> DataProperties:
    """Store data, and discard it if it differs from the announced size or MD5.

    The returned MD5 is None if it is computed later (see `hashed_later`).

    Parameters
    ----------
    store : AssetStore
        Store of the data.
    path : str
        Path of the data in the store.
    chunks : async iterator of bytes
        The data.
    wanted : DataProperties
        Announced size and MD5.
    limit : int
        Maximum number of bytes.
    discard : callable
        Deletes the data at a path, now or later; it raises nothing.

    Raises
    ------
    BadRequestError
        If size or MD5 differ from the announced ones.
    HTTPException
        413 if the data is larger than `limit` bytes.
    UnavailableError, NoSpaceError
        If the store fails.
    """
    digest = None if hashed_later(wanted) else hashlib.md5(usedforsecurity=False)
    size = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal size
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise HTTPException(413, f"The data is larger than {limit} bytes, which is the most.")
            if wanted.size is not None and size > wanted.size:
                raise BadRequestError(f"size_bytes is {wanted.size}, but there is more data than that.")
            yield chunk

    try:
        await store.put(path, counted(), digest.update if digest else None)
        received = DataProperties(size, digest.hexdigest() if digest else None)
        _compare(received, wanted)
    except STORE_ERRORS as error:
        await discard(path)
        raise write_error("data", error) from error
    except BaseException:
        await discard(path)
        raise
    return received


def _compare(received: DataProperties, wanted: DataProperties) -> None:
    if wanted.size not in (None, received.size):
        raise BadRequestError(f"size_bytes is {wanted.size}, but the data has {received.size} bytes.")
    if wanted.md5 not in (None, received.md5):
        raise BadRequestError(f"hash is {wanted.md5}, but the data's MD5 is {received.md5}.")
