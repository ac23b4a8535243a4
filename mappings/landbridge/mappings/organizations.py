"""Organizations: the first parts of the ids of products and of the namespaces of blobs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from landbridge.mappings import ids

__all__ = ["Organizations", "name_problem", "organization_of"]

_VERSION: Final = 1
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}\Z").match


def name_problem(name: str) -> str | None:
    """Return the reason why a text is no valid name of an organization; None if it is valid."""
    if not name:
        return "is empty"
    if _NAME(name) is None:
        return "has other characters than letters, digits, `_`, `.` and `-`, or more than 255 of them"
    if ids.is_blob_collection(f"{name}:"):
        return "is reserved for the collections of blobs"
    return None


def organization_of(name: str) -> str | None:
    """Return the organization at the start of a product id or namespace of blobs; None if there is none."""
    organization, _, rest = name.partition(":")
    return organization if rest and name_problem(organization) is None else None


@dataclass(frozen=True, slots=True)
class Organizations:
    """Organizations of an embedded stack; `default` prefixes new ids, None if the user's name does."""

    default: str | None = "local"
    names: tuple[str, ...] = ("local",)

    @classmethod
    def from_json(cls, text: str | bytes) -> Organizations:
        """Return the organizations that `to_json` wrote. Raises ValueError if the text is invalid."""
        document: Any = json.loads(text)
        if not isinstance(document, dict) or document.get("version") != _VERSION:
            raise ValueError(f"it must be a JSON object with the `version` {_VERSION}")
        default, names = document.get("default"), document.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("`names` must be a list of strings")
        for name in names:
            if problem := name_problem(name):
                raise ValueError(f"the organization {name!r} {problem}")
        if default is not None and default not in names:
            raise ValueError(f"`default` is {default!r}, which is not one of the `names`")
        return cls(default, tuple(names))

    def to_json(self) -> str:
        """Return the content of the file."""
        return (
            json.dumps({"version": _VERSION, "default": self.default, "names": self.names}, indent=1) + "\n"
        )

    def with_name(self, name: str) -> Organizations:
        """Return these organizations with another one; an organization that is there stays where it is."""
        return self if name in self.names else replace(self, names=(*self.names, name))

    def without_name(self, name: str) -> Organizations:
        """Return these organizations without one. Raises ValueError if it is the default or missing."""
        if name not in self.names:
            raise ValueError(f"{name!r} is not among the organizations {', '.join(self.names) or 'none'}")
        if name == self.default:
            raise ValueError(f"{name!r} prefixes new ids; choose another default first")
        return replace(self, names=tuple(one for one in self.names if one != name))

    def with_default(self, name: str | None) -> Organizations:
        """Return these organizations with another default, which is added if it is missing; None for none."""
        added = self if name is None else self.with_name(name)
        return replace(added, default=name)
