"""Handles that routes and jobs share in one process: the pools, the store, the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from landbridge.stac_api.access.grants import GrantCache
    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Handles of one process, opened and closed by `runtime.open_services`.

    `readpool` and `writepool` are of the database itself; `replica` is of its replica, if there is one.
    """

    settings: Settings
    readpool: asyncpg.Pool
    writepool: asyncpg.Pool
    store: AssetStore
    grants: GrantCache
    replica: asyncpg.Pool | None = None
