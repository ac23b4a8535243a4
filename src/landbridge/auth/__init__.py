"""Callers: the subjects that access lists are compared with, and the token that proves them."""

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
    """Caller of a service. Its token is shown in no repr.

    If only the token is given, a client asks its service whose token it is; `CatalogClient.auth` then holds
    the answer.

    Parameters
    ----------
    user : str, default "local"
        User id.
    org : str or None, default "local"
        Organization that the user acts for; None for no organization.
    groups : tuple of str, optional
        Groups that the user belongs to.
    email : str, optional
        Email address, which access lists of readers and writers may contain.
    token : str, optional
        Bearer token that is sent to the service. A pickle does not contain it; see `CatalogClient`.
    organizations : tuple of str, optional
        Organizations whose prefix ids keep, beside `org`.
    any_organization : bool, default False
        True for the operator of a stack, whose new objects may belong to any organization.

    Examples
    --------
    >>> from landbridge.auth import Auth
    >>> auth = Auth(user="ada", org="example", groups=("hydrology",))
    >>> sorted(auth.subjects)
    ['group:hydrology', 'org:example', 'user:ada']
    """

    user: str = _UNSET
    org: str | None = _UNSET
    groups: tuple[str, ...] = _UNSET
    email: str | None = _UNSET
    organizations: tuple[str, ...] = field(default=(), repr=False, kw_only=True)
    any_organization: bool = field(default=False, repr=False, kw_only=True)
    token: str | None = field(default=None, repr=False, compare=False)
    is_explicit: bool = field(init=False, repr=False, compare=False)
    # True if a pickle left the token out. Then requests are refused and not sent anonymously.
    lost_token: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        missing = {name: value for name, value in _DEFAULTS.items() if getattr(self, name) is _UNSET}
        object.__setattr__(self, "is_explicit", len(missing) < len(_DEFAULTS))
        for name, value in missing.items():
            object.__setattr__(self, name, value)

    def __copy__(self) -> Auth:
        return self

    def __deepcopy__(self, _memo: Any) -> Auth:
        return self

    def __reduce__(self) -> Any:
        """Pickle all but the token: pickles lie on disks and in the queues of other machines."""
        names = ("user", "org", "groups", "email", "organizations", "any_organization")
        named = {name: getattr(self, name) for name in names}
        return _unpickled, (named if self.is_explicit else {}, self.token is not None or self.lost_token)

    @classmethod
    def from_service(cls, answer: Mapping[str, Any], token: str | None) -> Auth:
        """Return the caller that a service describes in its response to `GET /access/me`.

        Parameters
        ----------
        answer : dict
            JSON of the response.
        token : str or None
            Token that the service was asked with.

        Returns
        -------
        Auth
            Caller; the user "anonymous", which matches no access list, if the service names no user.

        Raises
        ------
        KeyError, TypeError
            If `answer` has another form.

        Examples
        --------
        >>> from landbridge.auth import Auth
        >>> Auth.from_service({"user": "ada", "org": None, "groups": [], "email": None}, None)
        Auth(user='ada', org=None, groups=(), email=None)
        """
        email = answer["email"]
        return cls(
            # Without a token the caller is anonymous, a user that no access list contains.
            user=str(answer["user"] or "anonymous"),
            org=None if answer["org"] is None else str(answer["org"]),
            groups=tuple(map(str, answer["groups"])),
            email=None if email is None else str(email),
            organizations=tuple(map(str, answer.get("organizations", ()))),
            any_organization=answer.get("any_organization") is True,
            token=token,
        )

    @property
    def namespace(self) -> str:
        """Namespace of the user, which prefixes ids if there is no organization."""
        return self.user

    @property
    def id_prefix(self) -> str:
        """Prefix of the ids of this caller's products, without the colon."""
        return self.org or self.namespace

    @property
    def owner_subjects(self) -> frozenset[str]:
        """Subjects by which this caller can own an object: its user and its organizations."""
        subjects = {f"user:{self.user}", *(f"org:{name}" for name in self.organizations)}
        if self.org:
            subjects.add(f"org:{self.org}")
        return frozenset(subjects)

    @property
    def subjects(self) -> frozenset[str]:
        """Subjects of this caller that access lists are compared with; "public" is not among them."""
        subjects = set(self.owner_subjects)
        subjects.update(f"group:{group}" for group in self.groups)
        if self.email:
            subjects.add(f"email:{self.email.lower()}")
        return frozenset(subjects)


def _unpickled(named: Mapping[str, Any], lost_token: bool) -> Auth:
    """Return the caller of a pickle, without a token."""
    auth = Auth(**named)
    object.__setattr__(auth, "lost_token", lost_token)
    return auth
