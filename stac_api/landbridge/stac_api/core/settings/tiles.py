"""Settings of tiles."""

from __future__ import annotations

from pydantic import Field

from landbridge.stac_api.core.settings.group import MIB, Group, Names

__all__ = ["TileSettings"]


class TileSettings(Group):
    """Tiles"""

    tile_workers: int = Field(
        default=2, ge=0, description="Number of processes that render tiles; `0` turns tiles off"
    )
    tile_workers_at_start: bool = Field(
        default=True,
        description="Start the processes that render tiles with the server; otherwise the first tile starts "
        "them. The embedded stack starts none by default",
    )
    tile_memory_bytes: int = Field(
        default=1792 * MIB, ge=512 * MIB, description="Maximum memory of a process that renders tiles"
    )
    tile_cache_bytes: int = Field(
        default=768 * MIB,
        ge=0,
        description="Maximum size of the decoded pixels that each process keeps for later tiles",
    )
    tile_seconds: float = Field(default=10.0, gt=0, description="Maximum seconds to render one tile")
    tile_queue: int = Field(
        default=256,
        ge=0,
        description="Number of tiles that may wait for a process before the server answers 503",
    )
    tile_hrefs: Names = Field(
        default=(),
        description="Prefixes of item hrefs outside the store that tiles may read, such as "
        "`https://data.example.com/`, separated by commas. The processes may then connect to any "
        "host; without them, and with a folder as store, they have no network",
    )
    tile_max_items: int = Field(
        default=200,
        ge=1,
        le=2_000,
        description="Maximum number of images in one tile; one that needs more says that one has to zoom in",
    )
    tile_token_seconds: int = Field(
        default=24 * 3600,
        ge=60,
        description="Seconds of validity of the tokens in URLs of tiles, for clients that send no headers",
    )
    max_registered_searches: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of registered searches of one user; that unused for longest is dropped",
    )
    registered_search_days: float = Field(
        default=90.0, gt=0, description="Days without use after which a registered search is dropped"
    )
