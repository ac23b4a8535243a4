"""The old Catalog client: products, bands and images as objects."""

from __future__ import annotations

from typing import Final

from landbridge.porting.port.old_api import Function, Type
from landbridge.porting.port.rules.common import keep

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

TYPES: Final = {"Catalog": Type(is_client=True, label="Catalog")}

FUNCTIONS: Final = {"catalog_client.Catalog": Function("Catalog", keep)}

CLIENTS: Final[dict[str, str]] = {}
