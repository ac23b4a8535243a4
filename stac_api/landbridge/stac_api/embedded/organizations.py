"""The organizations of an embedded stack: a file in its home, which clients and the server read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.mappings.organizations import Organizations, name_problem
from landbridge.stac_api.embedded.home_directory import hold_lock, write_private
from landbridge.stac_api.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.stac_api.embedded.home_directory import Home

__all__ = ["add", "read", "remove", "set_default"]

LOCK_SECONDS = 30.0  # longest wait for other processes, each of which changes the file in milliseconds


def read(home: Home) -> Organizations:
    """Return the organizations of a home; without a file, the default ones.

    Raises StackError if the file is invalid.
    """
    try:
        return Organizations.from_json(home.organizations.read_bytes())
    except FileNotFoundError:
        return Organizations()
    except (OSError, ValueError) as error:
        raise StackError(
            f"{home.organizations} cannot be read: {error}. Correct it, or delete it and add your "
            "organizations again with `landbridge org add`."
        ) from error


def add(home: Home, name: str) -> Organizations:
    """Add an organization; return all. Raises StackError if the name is invalid."""
    return _change(home, name, lambda found: found.with_name(name))


def remove(home: Home, name: str) -> Organizations:
    """Remove an organization, whose products stay; return the others.

    Raises StackError if it is the default or missing.
    """
    return _change(home, name, lambda found: found.without_name(name))


def set_default(home: Home, name: str | None) -> Organizations:
    """Set the organization that prefixes new ids, None for none; return all organizations.

    Raises StackError if the name is invalid.
    """
    return _change(home, name, lambda found: found.with_default(name))


def _change(home: Home, name: str | None, change: Callable[[Organizations], Organizations]) -> Organizations:
    """Change the file under a lock, so that of several processes at once none loses the others' changes."""
    if name is not None and (problem := name_problem(name)):
        raise StackError(f"The organization {name!r} {problem}.")
    home.create()
    with hold_lock(home.organizations_lock, LOCK_SECONDS, "change the organizations"):
        before = read(home)
        try:
            after = change(before)
        except ValueError as error:
            raise StackError(f"The organizations of {home.root} cannot change: {error}.") from error
        if after != before:
            write_private(home.organizations, after.to_json())
        return after
