"""The caller of a request: its identity, its subjects in access lists, and the rights of its credential."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from landbridge.mappings.organizations import organization_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

__all__ = ["ANONYMOUS", "PUBLIC", "Principal", "Right", "request_principal"]

Right: TypeAlias = Literal["read", "write"]

# The subject of every caller, anonymous ones included.
PUBLIC: Final = "public"

# Prefix of the credential name of an API token; the token's id follows.
API_CREDENTIAL: Final = "token:"

# Syntax of subjects. An organization is the prefix of ids, up to their first colon.
_SUBJECT_PATTERNS = {
    "user": (re.compile(r"[^\s:\x00-\x1f\x7f]{1,255}"), "no blanks and no colons"),
    "org": (re.compile(r"[A-Za-z0-9_.-]{1,255}"), "letters, digits, `_`, `.` and `-`"),
    "group": (re.compile(r"(?! )[^\x00-\x1f\x7f]{1,255}(?<! )"), "no blanks at its ends"),
    "email": (re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]{1,255}"), "`name@domain`"),
}


@dataclass(frozen=True)
class Principal:
    """A caller.

    Args:
        user: its id; None if it is anonymous.
        org: its organization.
        groups: its groups, as `name` or `org:name`.
        email: its verified email address.
        rights: rights of its credential, which limit those of the access lists.
        operator: it can read and change everything: the operator of a service, or the embedded stack's user.
        organizations: further organizations that it acts for.
        any_organization: its new objects belong to the organization that their ids begin with.
        credential: name of the credential, for the audit log; never the secret.
        expires: end of the credential, in seconds since 1970; None if it has no end.
        only_collections: the only collections that it can read, whatever access lists say; None if access
            lists decide.

    Raises:
        ValueError: if a name is not valid in an access list.
    """

    user: str | None
    org: str | None = None
    groups: tuple[str, ...] = ()
    email: str | None = None
    rights: frozenset[Right] = frozenset({"read", "write"})
    operator: bool = False
    organizations: tuple[str, ...] = ()
    any_organization: bool = False
    credential: str | None = None
    expires: float | None = field(default=None, compare=False)
    only_collections: frozenset[str] | None = None

    def __post_init__(self) -> None:
        named = [("user", self.user), ("org", self.org), ("email", self.email)]
        named += [("group", group) for group in self.groups]
        named += [("org", name) for name in self.organizations]
        for kind, name in named:
            form, right = _SUBJECT_PATTERNS[kind]
            if name is not None and form.fullmatch(name) is None:
                raise ValueError(f"{name!r} is not a valid {kind}: at most 255 characters, {right}.")

    @cached_property
    def subjects(self) -> frozenset[str]:
        """Entries of access lists that match this caller."""
        subjects = {PUBLIC, *self.owners, *(f"group:{group}" for group in self.groups)}
        subjects.update(f"org:{name}" for name in self.organizations)
        if self.email:
            subjects.add(f"email:{self.email.lower()}")
        return frozenset(subjects)

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """Subjects that can own objects; the default `owners` of a new object."""
        named = (("user", self.user), ("org", self.org))
        return tuple(f"{kind}:{name}" for kind, name in named if name)

    def owners_of(self, name: str) -> tuple[str, ...]:
        """Return the default `owners` of a new product by its id, or of a new blob by its namespace."""
        organization = name if name in self.organizations else organization_of(name)
        if not self.any_organization or organization in (None, self.prefix):
            return self.owners
        return (f"user:{self.user}", f"org:{organization}")

    @property
    def name(self) -> str:
        """Name in records and logs."""
        return self.user or "anonymous"

    @property
    def prefix(self) -> str | None:
        """Prefix of its products' ids and its blobs' namespaces, without the colon."""
        return self.org or self.user


ANONYMOUS: Final = Principal(user=None, rights=frozenset({"read"}))


def request_principal(request: HTTPConnection) -> Principal:
    """Return the principal that the middleware has set on a request."""
    found: Principal = request.state.principal
    return found
