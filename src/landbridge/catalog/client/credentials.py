"""The caller of a client and its token: given, configured, or obtained by a login."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from landbridge.auth import Auth
from landbridge.exceptions import MethodNotAllowedError, NotFoundError, UnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.auth.oidc import OidcTokens
    from landbridge.config import Settings

__all__ = ["Credentials"]


class Credentials:
    """The credentials of one client, for one address; None is the embedded stack's address.

    The configured token and login are used for the configured address only.
    """

    def __init__(self, settings: Settings, url: str | None, given: Auth | None) -> None:
        configured = url == settings.url
        self.given = given
        self._settings = settings
        self._url = url
        self._embedded = url is None
        self._uses_login = configured and given is None and settings.oidc is not None
        self._login: OidcTokens | None = None
        self._caller: Auth | None = None
        self._lock = threading.RLock()
        token = settings.token if configured else None
        # The client had a token before it was pickled, and this process has none for its address.
        self.lost_token: bool = given is not None and given.lost_token
        if self._embedded and (given is None or not given.is_explicit):
            self.auth: Auth = Auth(
                user=settings.user,
                org=settings.org,
                organizations=settings.organizations,
                any_organization=True,
                token=token if given is None else given.token,
            )
        elif given is not None:
            self.auth = given
        elif settings.has_identity:
            self.auth = Auth(user=settings.user, org=settings.org, token=token)
        else:
            self.auth = Auth(token=token)

    def __repr__(self) -> str:
        return repr(self.auth)

    def token(self) -> str | None:
        """Return the token to send; the token of a login is renewed if it is about to expire.

        OauthError if the login is not valid any more.
        """
        if self.lost_token:
            raise UnauthorizedError(
                f"The client of {self._url} was unpickled, and pickles never contain a token. "
                "Set LANDBRIDGE_URL and LANDBRIDGE_TOKEN, or LANDBRIDGE_PROFILE, in this process before "
                "unpickling, or set client.auth = Auth(token=…)."
            )
        return self._login_tokens().token() if self._uses_login else self.auth.token

    @property
    def sends_token(self) -> bool:
        """True if requests are sent with a token, or would be if the token had not been lost by pickling."""
        return self.lost_token or self._uses_login or self.auth.token is not None

    def after_fork(self) -> None:
        """Replace the locks in a forked child: a thread that does not exist there may hold the old ones."""
        self._lock = threading.RLock()
        self._login = None

    def renew(self, refused: str | None) -> bool:
        """Replace a token that the service refused; return whether it changed. Raises as `token`."""
        return self._uses_login and refused is not None and self._login_tokens().renew(refused) != refused

    def caller(self, ask: Callable[[], Any]) -> Auth:
        """Return the caller as given or configured, or else as the service says (once for each token)."""
        if self.auth.is_explicit or self._embedded:
            return self.auth
        token = self.token()
        with self._lock:
            if self._caller is None or self._caller.token != token:
                try:
                    self._caller = Auth.from_service(ask(), token)
                except (NotFoundError, MethodNotAllowedError, LookupError, TypeError):
                    self._caller = replace(self.auth, token=token)  # a STAC API without this route
            return self._caller

    def advice(self, sent: str | None) -> str:
        """Return what to do if the service answers 401."""
        if self._uses_login:
            return f"Log in again with:  landbridge auth login --profile {self._settings.profile}"
        if sent:
            return (
                "The token that was sent may have expired or been revoked; set LANDBRIDGE_TOKEN to another."
            )
        return "No token was sent: set LANDBRIDGE_TOKEN, or choose a profile (LANDBRIDGE_PROFILE)."

    def _login_tokens(self) -> OidcTokens:
        with self._lock:
            if self._login is None:
                from landbridge.auth.oidc import OidcTokens

                assert self._settings.oidc is not None
                self._login = OidcTokens(self._settings.profile or "", self._settings.oidc)
            return self._login
