"""Who a client calls as, and the token that proves it: as given, configured, or got by a login."""

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
    """The credentials of one client, for one address; None is the embedded stack's.

    What is configured is for the configured address, and for no other.
    """

    def __init__(self, settings: Settings, url: str | None, given: Auth | None) -> None:
        configured = url == settings.url
        self.given = given
        self._settings = settings
        self._url = url
        self._embedded = url is None
        self._logs_in = configured and given is None and settings.oidc is not None
        self._login: OidcTokens | None = None
        self._told: Auth | None = None
        self._lock = threading.RLock()
        token = settings.token if configured else None
        # A token that a pickle left behind, and that this process does not know.
        self.lost_token = given is not None and given.lost_token
        if given is not None:
            self.auth = given
        elif settings.identified or self._embedded:
            self.auth = Auth(user=settings.user, org=settings.org, token=token)
        else:
            self.auth = Auth(token=token)

    def __repr__(self) -> str:
        return repr(self.auth)

    def token(self) -> str | None:
        """The token to send; one of a login is renewed where it is about to expire.

        Raises OauthError where there is no login any more.
        """
        if self.lost_token:
            raise UnauthorizedError(
                f"The client of {self._url} came out of a pickle, which never has a token. In this process, "
                "set LANDBRIDGE_URL and LANDBRIDGE_TOKEN, or LANDBRIDGE_PROFILE, before unpickling, or set "
                "client.auth = Auth(token=…)."
            )
        return self._tokens().token() if self._logs_in else self.auth.token

    @property
    def proves(self) -> bool:
        """True if requests are sent with a token, or would be if a pickle had not left the token out."""
        return self.lost_token or self._logs_in or self.auth.token is not None

    def after_fork(self) -> None:
        """Make new locks: a thread that the child does not have may hold the old ones."""
        self._lock = threading.RLock()
        self._login = None

    def renewed(self, refused: str | None) -> bool:
        """Whether there is another token now in place of one that the service refused; raises as `token`."""
        return self._logs_in and refused is not None and self._tokens().renewed(refused) != refused

    def caller(self, ask: Callable[[], Any]) -> Auth:
        """Who is calling: as given or configured, else as the service answers, asked once for each token."""
        if self.auth.named or self._embedded:
            return self.auth
        token = self.token()
        with self._lock:
            if self._told is None or self._told.token != token:
                try:
                    self._told = Auth.from_service(ask(), token)
                except (NotFoundError, MethodNotAllowedError, LookupError, TypeError):
                    self._told = replace(self.auth, token=token)  # some other STAC API
            return self._told

    def advice(self, sent: str | None) -> str:
        """What to do where the service answers 401."""
        if self._logs_in:
            return f"Log in anew with:  landbridge auth login --profile {self._settings.profile}"
        if sent:
            return (
                "The token that was sent may have expired or been revoked; set LANDBRIDGE_TOKEN to another."
            )
        return "No token was sent: set LANDBRIDGE_TOKEN, or choose a profile (LANDBRIDGE_PROFILE)."

    def _tokens(self) -> OidcTokens:
        with self._lock:
            if self._login is None:
                from landbridge.auth.oidc import OidcTokens

                assert self._settings.oidc is not None
                self._login = OidcTokens(self._settings.profile or "", self._settings.oidc)
            return self._login
