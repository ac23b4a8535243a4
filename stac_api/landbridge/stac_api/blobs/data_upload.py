"""Data on its way into the store: counted, hashed and compared with what was announced."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from landbridge.mappings import InvalidDocument, assets, blob
from landbridge.stac_api.assets.store import FAILURES, write_error
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from landbridge.stac_api.assets.store import AssetStore

logger = logging.getLogger(__name__)

_MD5 = re.compile(r"[0-9a-fA-F]{32}\Z").match


@dataclass(frozen=True, slots=True)
class Data:
    """Size in bytes and MD5 in hexadecimal of data; None where they are not known."""

    size: int | None
    md5: str | None


def expected(item: Mapping[str, Any]) -> Data:
    """What an announced item says of its data.

    Raises:
        InvalidDocument: what it says is no size or no MD5.
    """
    assets_ = item.get("assets") or {}
    asset = (assets_.get(blob.DATA_ASSET) or {}) if isinstance(assets_, dict) else None
    if not isinstance(asset, dict):
        raise InvalidDocument(
            "href", f"the assets are {assets_!r}; `{blob.DATA_ASSET}` is an object among them"
        )
    size, md5 = asset.get("file:size"), assets.checksum_of(asset)
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InvalidDocument("size_bytes", f"{size!r} is no number of bytes")
    if md5 is not None and not (isinstance(md5, str) and _MD5(md5)):
        raise InvalidDocument("hash", f"{md5!r} is no MD5 in hexadecimal digits")
    return Data(size, md5.lower() if md5 else None)


def hashed_later(wanted: Data) -> bool:
    """Whether the data is stored without its MD5: it is large, and there is none to compare with."""
    return wanted.md5 is None and wanted.size is not None and wanted.size > blob.DEFERRED_HASH_BYTES


def announce(item: dict[str, Any], size: Any, limit: int) -> None:
    """Note in an item the size that will be sent, None where that is not known.

    Raises:
        BadRequestError: it is not the size that the item expects, or none.
        InvalidDocument: as `expected` does.
        HTTPException: 413, it is larger than `limit` bytes.
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
    store: AssetStore, path: str, chunks: AsyncIterator[bytes], wanted: Data, limit: int
) -> Data:
    """Put data into the store; nothing of it stays unless it is what was announced.

    The MD5 given is None where it is to be worked out later (see `hashed_later`).

    Raises:
        BadRequestError: it has another size or MD5 than announced.
        HTTPException: 413, it is larger than `limit` bytes.
        UnavailableError, NoSpaceError: the store does not take it.
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
        received = Data(size, digest.hexdigest() if digest else None)
        _compare(received, wanted)
    except FAILURES as error:
        await _forget(store, path)
        raise write_error("data", error) from error
    except BaseException:
        await _forget(store, path)
        raise
    return received


async def _forget(store: AssetStore, path: str) -> None:
    """Delete what arrived, or leave it to the sweeper where the store does not even do that."""
    try:
        await store.delete_blob(path)
    except FAILURES:
        logger.warning("%s could not be deleted yet", path, exc_info=True)


def _compare(received: Data, wanted: Data) -> None:
    if wanted.size not in (None, received.size):
        raise BadRequestError(f"size_bytes is {wanted.size}, but the data has {received.size} bytes.")
    if wanted.md5 not in (None, received.md5):
        raise BadRequestError(f"hash is {wanted.md5}, but the data's MD5 is {received.md5}.")
