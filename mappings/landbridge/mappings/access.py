"""Access lists: who is in them, what that allows, and what others may see of them.

A product's lists are members of its Collection, a blob's are properties of its Item; either is called the
holder here. Each role holds all that the roles below it allow. Nothing here raises for what is stored: an
entry that is no text, or a list that is none, lets nobody in.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["ACCESS_LISTS", "OWNERS", "Role", "changed_lists", "normalize_subject", "role_of", "visible_to"]


class Role(IntEnum):
    """What somebody may do with a product or a blob."""

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
    """A subject as it is compared: addresses have no case."""
    return subject.lower() if subject.startswith("email:") else subject


def role_of(holder: Mapping[str, Any], subjects: Collection[str]) -> Role:
    """The strongest role that the lists give to who answers to these subjects, which are normalized."""
    for name, role in ACCESS_LISTS.items():
        if any(_matches(entry, subjects) for entry in _entries(holder, name)):
            return role
    return Role.NONE


def visible_to(holder: Mapping[str, Any], subjects: Collection[str]) -> Mapping[str, Any]:
    """The holder as these subjects may see it: owners all of it, others the entries that let them in."""
    held = [name for name in ACCESS_LISTS if name in holder]
    if not held or role_of(holder, subjects) == Role.OWNER:
        return holder
    shown = {name: [entry for entry in _entries(holder, name) if _matches(entry, subjects)] for name in held}
    return {**holder, **shown}


def changed_lists(holder: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """The lists that are not as they were; an empty one says no more than a missing one."""
    return [name for name in ACCESS_LISTS if (holder.get(name) or []) != (before.get(name) or [])]


def _entries(holder: Mapping[str, Any], name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _matches(entry: Any, subjects: Collection[str]) -> bool:
    return isinstance(entry, str) and normalize_subject(entry) in subjects
