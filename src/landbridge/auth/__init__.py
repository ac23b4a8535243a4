"""Who is calling: the subjects that access lists are compared with, and the token that proves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Auth"]

_UNSET: Final[Any] = object()
_DEFAULTS: Final = {"user": "local", "org": "local", "groups": (), "email": None}


@dataclass(frozen=True, slots=True)
class Auth:
    """One caller. The token never shows in a repr.

    Parameters
    ----------
    user
        The caller's user id; by default `local`.
    org
        The organization the caller acts for; None where there is none, by default `local`.
    groups
        The groups the caller belongs to.
    email
        The caller's email address, which readers and writers may be named by.
    token
        The bearer token sent to the service. A pickle does not have it; see `CatalogClient`.

    Where none but the token is given, a client asks its service whom the token is of: `client.auth` has what
    it says, if it has such an answer.
    """

    user: str = _UNSET
    org: str | None = _UNSET
    groups: tuple[str, ...] = _UNSET
    email: str | None = _UNSET
    token: str | None = field(default=None, repr=False, compare=False)
    named: bool = field(init=False, repr=False, compare=False)
    # Whether a pickle left the token behind: nothing is sent in its place, not even anonymously.
    lost_token: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        missing = {name: value for name, value in _DEFAULTS.items() if getattr(self, name) is _UNSET}
        object.__setattr__(self, "named", len(missing) < len(_DEFAULTS))
        for name, value in missing.items():
            object.__setattr__(self, name, value)

    def __copy__(self) -> Auth:
        return self

    def __deepcopy__(self, _memo: Any) -> Auth:
        return self

    def __reduce__(self) -> Any:
        """Pickle all but the token: pickles lie on disks and in the queues of other machines."""
        named = {"user": self.user, "org": self.org, "groups": self.groups, "email": self.email}
        return _unpickled, (named if self.named else {}, self.token is not None or self.lost_token)

    @classmethod
    def from_service(cls, answer: Mapping[str, Any], token: str | None) -> Auth:
        """The caller that a service's `GET /access/me` tells of.

        Raises KeyError or TypeError where it is no such answer.
        """
        email = answer["email"]
        return cls(
            # Nobody is who shows no token: a subject that no list has.
            user=str(answer["user"] or "anonymous"),
            org=None if answer["org"] is None else str(answer["org"]),
            groups=tuple(map(str, answer["groups"])),
            email=None if email is None else str(email),
            token=token,
        )

    @property
    def namespace(self) -> str:
        """The user's own namespace: what prefixes ids where there is no organization."""
        return self.user

    @property
    def id_prefix(self) -> str:
        """What ids of this caller's products start with, without the colon."""
        return self.org or self.namespace

    @property
    def owner_subjects(self) -> frozenset[str]:
        """The subjects by which this caller can own an object."""
        subjects = {f"user:{self.user}"}
        if self.org:
            subjects.add(f"org:{self.org}")
        return frozenset(subjects)

    @property
    def subjects(self) -> frozenset[str]:
        """Every subject that this caller answers to in an access list, but for `public`."""
        subjects = set(self.owner_subjects)
        subjects.update(f"group:{group}" for group in self.groups)
        if self.email:
            subjects.add(f"email:{self.email.lower()}")
        return frozenset(subjects)


def _unpickled(named: Mapping[str, Any], lost_token: bool) -> Auth:
    """Return the caller of a pickle, which has no token."""
    auth = Auth(**named)
    object.__setattr__(auth, "lost_token", lost_token)
    return auth
