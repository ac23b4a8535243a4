"""Rules by which uses of the old APIs are rewritten, a module for each API."""

from __future__ import annotations

from landbridge.porting.port.old_api import OldApi
from landbridge.porting.port.rules import auth, catalog_client, metadata, raster, scenes, storage

__all__ = ["OLD_API"]

_PARTS = (auth, catalog_client, metadata, raster, scenes, storage)

OLD_API = OldApi(
    types={name: row for part in _PARTS for name, row in part.TYPES.items()},
    functions={name: row for part in _PARTS for name, row in part.FUNCTIONS.items()},
    clients={name: row for part in _PARTS for name, row in part.CLIENTS.items()},
)
