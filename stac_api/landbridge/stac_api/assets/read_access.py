"""Read access to files of the store: that of the product or blob to which they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.stac_api.assets.store import BLOBS, IMAGES, href, is_served

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from landbridge.stac_api.access.rules import Access

__all__ = ["product_of", "readable"]

_BLOBS = "SELECT href FROM landbridge.blob_grants WHERE href = ANY ($1) AND subjects && $2"


def product_of(path: str) -> str | None:
    """Return the product id of an image's path; None for the path of a blob."""
    return path.split("/")[1] if path.startswith(IMAGES) else None


async def readable(pool: asyncpg.Pool, paths: Iterable[str], access: Access) -> set[str]:
    """Return those paths that the API serves and the caller may read, even if no file exists there."""
    served = {path for path in paths if is_served(path)}
    if access.unrestricted:
        return served
    found = {path for path in served if product_of(path) in access.read}
    if blobs := {href(path): path for path in served if path.startswith(BLOBS)}:
        rows = await pool.fetch(_BLOBS, list(blobs), access.subject_list)
        found.update(blobs[row["href"]] for row in rows)
    return found
