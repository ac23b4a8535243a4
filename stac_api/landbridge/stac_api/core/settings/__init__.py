"""Settings of the server: environment variables with the prefix `LANDBRIDGE_`, grouped by subject.

`scripts/generate_reference.py` writes the tables of `docs/configuration.md` from their descriptions.
"""

from __future__ import annotations

from typing import Final

from landbridge.stac_api.core.settings.callers import OidcSettings, OperatorSettings
from landbridge.stac_api.core.settings.group import PREFIX, Group
from landbridge.stac_api.core.settings.http import HttpSettings, LimitSettings
from landbridge.stac_api.core.settings.jobs import QUEUES, JobSettings, NotificationSettings
from landbridge.stac_api.core.settings.monitoring import MonitoringSettings
from landbridge.stac_api.core.settings.storage import DatabaseSettings, StoreSettings
from landbridge.stac_api.core.settings.tiles import TileSettings

__all__ = ["GROUPS", "PREFIX", "QUEUES", "Settings"]

GROUPS: Final[tuple[type[Group], ...]] = (
    DatabaseSettings,
    StoreSettings,
    OperatorSettings,
    OidcSettings,
    HttpSettings,
    LimitSettings,
    JobSettings,
    TileSettings,
    NotificationSettings,
    MonitoringSettings,
)


class Settings(
    DatabaseSettings,
    StoreSettings,
    OperatorSettings,
    OidcSettings,
    HttpSettings,
    LimitSettings,
    JobSettings,
    TileSettings,
    NotificationSettings,
    MonitoringSettings,
):
    """All settings of the server; every field is also an environment variable `LANDBRIDGE_<FIELD>`.

    The embedded stack sets them itself; an operator sets at least `database_url`, `store_url` and `token`.
    """
