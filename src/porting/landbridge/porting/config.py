"""Settings as the old clients had them: one environment, which choosing has no effect on."""

from __future__ import annotations

import os
from typing import Any, Final

from landbridge import config

__all__ = ["AWS_ENVIRONMENT", "Settings", "get_settings", "select_env"]

AWS_ENVIRONMENT: Final = "aws-production"


class Settings(config.Settings):
    """Settings of the client, with the name of the environment that old scripts read."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return type(self), super().__reduce__()[1]

    @property
    def current_env(self) -> str:
        """Name in DESCARTESLABS_ENV, else that of the old production environment. Nothing depends on it."""
        return os.environ.get("DESCARTESLABS_ENV") or AWS_ENVIRONMENT


def get_settings() -> Settings:
    """Return the settings that are in effect now.

    Examples
    --------
    >>> from descarteslabs.config import get_settings
    >>> get_settings().current_env
    'aws-production'
    """
    settings = Settings.from_env()
    assert isinstance(settings, Settings)
    return settings


def select_env(
    env: str | None = None,  # noqa: ARG001 - there is one environment
    settings_file: str | None = None,  # noqa: ARG001 - the settings are Landbridge's
    envvar_prefix: str | None = None,  # noqa: ARG001 - likewise
) -> Settings:
    """Return the settings in effect. The arguments are accepted for old scripts and have no effect.

    An environment was a deployment of the old platform. Today, `LANDBRIDGE_PROFILE` and `LANDBRIDGE_URL`
    choose a service.
    """
    return get_settings()
