"""The caller's organization: of the configuration, and of the embedded stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.exceptions import ConfigError
from landbridge.profiles import config_path, read_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from landbridge.mappings.organizations import Organizations

__all__ = ["check_organization", "find_organization", "read_organizations"]


def find_organization(environ: Mapping[str, str]) -> str | None:
    """Return the organization in the configuration file: an empty string for none; None if it is not set.

    Raises
    ------
    ConfigError
        If the value is invalid, or as `read_config`.
    """
    path = config_path(environ)
    value = (read_config(path) or {}).get("org")
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{path}: org must be a string, not {type(value).__name__}.")
    return None if value is None else check_organization(value, f"{path}: org")


def check_organization(given: str, name: str) -> str:
    """Return the name of an organization without spaces around it; an empty string for no organization.

    Raises
    ------
    ConfigError
        If the name is invalid.
    """
    from landbridge.mappings.organizations import name_problem

    organization = given.strip()
    if organization and (problem := name_problem(organization)):
        raise ConfigError(f"{name} is {given!r}: it {problem}.")
    return organization


def read_organizations(home: Path) -> Organizations:
    """Return the organizations of the embedded stack in `home`, which `landbridge org` changes.

    Raises
    ------
    ConfigError
        If their file is invalid.
    """
    from landbridge.mappings.organizations import Organizations

    path = home / "organizations.json"
    try:
        return Organizations.from_json(path.read_bytes())
    except OSError:  # not made yet, or of a stack of another user, which does not answer either
        return Organizations()
    except ValueError as error:
        raise ConfigError(
            f"{path} cannot be read: {error}. Correct it, or delete it and add your organizations again with "
            "`landbridge org add`."
        ) from error
