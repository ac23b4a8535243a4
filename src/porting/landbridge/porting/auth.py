"""Callers as the old clients had them: `Auth()` is the caller that is configured."""

from __future__ import annotations

from typing import Any, Self

from landbridge import auth as landbridge_auth
from landbridge.catalog import CatalogClient
from landbridge.exceptions import ConfigError

__all__ = ["Auth"]

# Arguments of the old class that obtained a token from the old platform's login service.
_LOGIN = ("client_id", "client_secret", "refresh_token")
# Arguments that chose the old address and the storage of tokens; Landbridge has settings of its own.
_WITHOUT_EFFECT = frozenset({"domain", "scope", "leeway", "token_info_path", "retries"})


class Auth(landbridge_auth.Auth):
    """Caller of a service, from the configuration or of a given token.

    Parameters
    ----------
    jwt_token : str, optional
        Token for the configured service, which says whose it is. By default the configured caller is used.
    client_id, client_secret, refresh_token : str, optional
        Not supported: they belonged to the login of the old platform.
    **options
        `domain`, `scope`, `leeway`, `token_info_path` and `retries` have no effect.

    Raises
    ------
    ConfigError
        If a login of the old platform is given.
    TypeError
        If an option is unknown.

    Examples
    --------
    >>> from descarteslabs.auth import Auth
    >>> auth = Auth()
    >>> auth.namespace, auth.payload["org"]
    ('local', 'local')
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        jwt_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        **options: Any,
    ) -> None:
        given = dict(zip(_LOGIN, (client_id, client_secret, refresh_token), strict=True))
        refused = [name for name, value in given.items() if value is not None]
        if refused:
            raise ConfigError(
                f"{', '.join(refused)} belonged to the login of the old platform. Choose a service and "
                "its credentials by LANDBRIDGE_URL and LANDBRIDGE_TOKEN, or by LANDBRIDGE_PROFILE."
            )
        if unknown := sorted(set(options) - _WITHOUT_EFFECT):
            raise TypeError(f"Auth() got unexpected arguments: {', '.join(unknown)}.")
        if jwt_token is None:
            caller = CatalogClient.get_default_client().auth
        else:
            caller = CatalogClient(auth=landbridge_auth.Auth(token=jwt_token)).auth
        self._copy(caller)

    def _copy(self, caller: landbridge_auth.Auth) -> None:
        super().__init__(
            caller.user,
            caller.org,
            caller.groups,
            caller.email,
            caller.token,
            organizations=caller.organizations,
            any_organization=caller.any_organization,
        )

    @classmethod
    def get_default_auth(cls) -> Self:
        """Return the configured caller."""
        return cls()

    @classmethod
    def set_default_auth(cls, auth: landbridge_auth.Auth) -> None:
        """Set the caller of the default client."""
        CatalogClient.get_default_client().auth = auth

    @classmethod
    def from_environment_or_token_json(cls, **options: Any) -> Self:
        """Return the configured caller. The options are those of the class."""
        return cls(**options)

    @property
    def payload(self) -> dict[str, Any]:
        """Claims of the old platform's token: `org`, `sub`, `userid`, `name`, `email` and `groups`."""
        return {
            "org": self.org,
            "sub": self.user,
            "userid": self.user,
            "name": self.user,
            "email": self.email,
            "groups": list(self.groups),
        }

    @property
    def all_acl_subjects(self) -> list[str]:
        """Subjects that access lists are compared with."""
        return sorted(self.subjects)

    @property
    def all_owner_acl_subjects(self) -> list[str]:
        """Subjects by which the caller can own an object."""
        return sorted(self.owner_subjects)
