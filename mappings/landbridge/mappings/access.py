"""Access lists of products and blobs, and the roles that they grant.

A product's lists are members of its Collection; a blob's lists are properties of its Item. Both mappings are
called ``members`` here. A role includes the roles below it. Malformed lists and entries grant nothing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["ACCESS_LISTS", "OWNERS", "Role", "changed_lists", "normalize_subject", "role_of", "visible_to"]


class Role(IntEnum):
    """Role of a caller on a product or a blob."""

    NONE = 0
    READER = 1
    WRITER = 2
    OWNER = 3


OWNERS: Final = "catalog:owners"
ACCESS_LISTS: Final[Mapping[str, Role]] = {
    OWNERS: Role.OWNER,
    "catalog:writers": Role.WRITER,
    "catalog:readers": Role.READER,
}


def normalize_subject(subject: str) -> str:
    """Return a subject in the form used for comparison: e-mail addresses in lower case."""
    return subject.lower() if subject.startswith("email:") else subject


def role_of(members: Mapping[str, Any], subjects: Collection[str]) -> Role:
    """Return the strongest role that the lists grant to a caller with these normalized subjects."""
    for name, role in ACCESS_LISTS.items():
        if any(_matches(entry, subjects) for entry in _entries(members, name)):
            return role
    return Role.NONE


def visible_to(members: Mapping[str, Any], subjects: Collection[str]) -> Mapping[str, Any]:
    """Return the members as a caller sees them: owners see whole lists, others only their own entries."""
    present = [name for name in ACCESS_LISTS if name in members]
    if not present or role_of(members, subjects) == Role.OWNER:
        return members
    shown = {
        name: [entry for entry in _entries(members, name) if _matches(entry, subjects)] for name in present
    }
    return {**members, **shown}


def changed_lists(members: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return the names of the lists that changed. An empty list equals a missing one."""
    return [name for name in ACCESS_LISTS if (members.get(name) or []) != (before.get(name) or [])]


def _entries(members: Mapping[str, Any], name: str) -> list[Any]:
    found = members.get(name)
    return found if isinstance(found, list) else []


def _matches(entry: Any, subjects: Collection[str]) -> bool:
    return isinstance(entry, str) and normalize_subject(entry) in subjects
