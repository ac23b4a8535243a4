"""Who is calling: the subjects that access lists are compared with, and the token that proves them."""

from __future__ import annotations

from dataclasses import dataclass, field

from landbridge.config import get_settings

__all__ = ["Auth"]


@dataclass(frozen=True, slots=True)
class Auth:
    """One caller. The token never shows in a repr.

    Parameters
    ----------
    user
        The caller's user id.
    org
        The organization the caller acts for; None where there is none.
    groups
        The groups the caller belongs to.
    email
        The caller's email address, which readers and writers may be named by.
    token
        The bearer token sent to the service.
    """

    user: str = "local"
    org: str | None = "local"
    groups: tuple[str, ...] = ()
    email: str | None = None
    token: str | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_settings(cls) -> Auth:
        """The caller that the environment variables name."""
        settings = get_settings()
        return cls(user=settings.user, org=settings.org, token=settings.token)

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
        """Every subject that this caller answers to in an access list."""
        subjects = set(self.owner_subjects)
        subjects.update(f"group:{group}" for group in self.groups)
        if self.email:
            subjects.add(f"email:{self.email.lower()}")
        return frozenset(subjects)
