"""The operator of a service: its user, and the organizations that it acts for."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from landbridge.mappings.organizations import Organizations
from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    from pathlib import Path

    from landbridge.stac_api.core.settings import Settings

logger = logging.getLogger(__name__)


class Operator:
    """The operator as a caller, by the settings and the file of organizations that they may name.

    The file may change while the service runs: `landbridge org` changes it.
    """

    def __init__(self, settings: Settings) -> None:
        self._configured = Principal(
            settings.user,
            settings.org,
            operator=True,
            any_organization=settings.any_organization,
            credential="service",
        )
        # An organization that is set takes precedence over the file's default.
        self._is_org_set = "org" in settings.model_fields_set
        self._file = settings.organizations_file
        self._state: object = None
        self._principal = self._configured

    def principal(self) -> Principal:
        """Return the operator as of now."""
        if self._file is not None and (state := _state(self._file)) != self._state:
            self._principal, self._state = self._read(self._file), state
        return self._principal

    def _read(self, file: Path) -> Principal:
        try:
            found = Organizations.from_json(file.read_bytes())
        except FileNotFoundError:
            return self._configured
        except (OSError, ValueError) as error:
            logger.warning("The organizations in %s are ignored, because it cannot be read: %s", file, error)
            return self._configured
        default = self._configured.org if self._is_org_set else found.default
        return replace(self._configured, org=default, organizations=found.names)


def _state(file: Path) -> object:
    """Return a value that changes with the file: every change replaces the file by a new one."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
