"""The caller of a request: who it is, what it answers to in access lists, and what its credential allows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = ["ANONYMOUS", "PUBLIC", "Principal", "Right", "request_principal"]

Right: TypeAlias = Literal["read", "write"]

# The subject that everybody answers to, also who shows no credential.
PUBLIC: Final = "public"

# Prefix of the name of a credential that is an API token; the token's id follows.
API_CREDENTIAL: Final = "token:"

# What a subject may be made of. An organization prefixes ids, whose first colon ends it.
_SUBJECT_PATTERNS = {
    "user": (re.compile(r"[^\s:\x00-\x1f\x7f]{1,255}"), "no blanks and no colons"),
    "org": (re.compile(r"[A-Za-z0-9_.-]{1,255}"), "letters, digits, `_`, `.` and `-`"),
    "group": (re.compile(r"(?! )[^\x00-\x1f\x7f]{1,255}(?<! )"), "no blanks at its ends"),
    "email": (re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]{1,255}"), "`name@domain`"),
}


@dataclass(frozen=True)
class Principal:
    """One caller.

    Args:
        user: its id; None for who shows no credential.
        org: the organization it acts for.
        groups: the groups it belongs to, as `name` or `org:name`.
        email: its address, where that is known to be its own.
        rights: what its credential allows, whatever the access lists say.
        operator: sees and changes everything: the local user of the embedded stack, who runs a service.
        credential: which of the user's credentials this is, for the audit log; never the secret itself.
        expires: seconds since 1970 at which the credential ends; None if it does not.

    Raises:
        ValueError: a name cannot stand in an access list.
    """

    user: str | None
    org: str | None = None
    groups: tuple[str, ...] = ()
    email: str | None = None
    rights: frozenset[Right] = frozenset({"read", "write"})
    operator: bool = False
    credential: str | None = None
    expires: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        named = [("user", self.user), ("org", self.org), ("email", self.email)]
        named += [("group", group) for group in self.groups]
        for kind, name in named:
            form, right = _SUBJECT_PATTERNS[kind]
            if name is not None and form.fullmatch(name) is None:
                raise ValueError(f"{name!r} names no {kind}: at most 255 characters, {right}.")

    @cached_property
    def subjects(self) -> frozenset[str]:
        """All that this caller answers to in an access list."""
        subjects = {PUBLIC, *self.owners, *(f"group:{group}" for group in self.groups)}
        if self.email:
            subjects.add(f"email:{self.email.lower()}")
        return frozenset(subjects)

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """By which it can own, and what a new object's `owners` are unless it says otherwise."""
        named = (("user", self.user), ("org", self.org))
        return tuple(f"{kind}:{name}" for kind, name in named if name)

    @property
    def name(self) -> str:
        """How records and logs call it."""
        return self.user or "anonymous"

    @property
    def prefix(self) -> str | None:
        """What the ids of its products and the namespaces of its blobs start with, without the colon."""
        return self.org or self.user


ANONYMOUS: Final = Principal(user=None, rights=frozenset({"read"}))


def request_principal(request: HTTPConnection) -> Principal:
    """Who makes a request, as the middleware found."""
    found: Principal = request.state.principal
    return found
