"""Access tokens of an OpenID Connect provider, requested and renewed when they are needed.

| grant | standard | use |
|---|---|---|
| device authorization | RFC 8628 | a user confirms a code in a browser, on any machine |
| client credentials | RFC 6749 section 4.4 | a machine authenticates by its secret |
| refresh | RFC 6749 section 6 | before the token expires, and once if the service refuses it |

The provider's endpoints are those of its discovery document (OpenID Connect Discovery 1.0). Requests use
HTTPS, or go to this machine, and follow no redirects. No error, log line or repr contains a token.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from landbridge.auth.token_store import Tokens, TokenStore
from landbridge.exceptions import ConfigError, OauthError, ServerError
from landbridge.profiles import check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from landbridge.profiles import OidcClient

__all__ = ["Login", "OidcTokens"]

_TIMEOUT = 30.0
# Seconds between polls if the provider names none, and seconds that "slow_down" adds (RFC 8628, 3.2 and 3.5).
_POLL_INTERVAL, _SLOW_DOWN_STEP = 5.0, 5.0
_DISCOVERY = "/.well-known/openid-configuration"
_DEFAULT_SCOPES = ("openid", "profile", "email", "offline_access")
_MAX_MESSAGE_LENGTH = 300


class OidcTokens:
    """Tokens of one profile, which threads share, and other processes through a file."""

    def __init__(self, profile: str, client: OidcClient) -> None:
        self._profile = profile
        self._client = client
        self._store = TokenStore(profile, client)
        self._tokens: Tokens | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OidcTokens({self._profile!r}, {self._client.issuer!r})"

    @property
    def interactive(self) -> bool:
        """True if a user must log in."""
        return self._client.interactive

    def token(self) -> str:
        """Return an access token that is not about to expire; it is renewed if needed.

        Raises
        ------
        OauthError
            If there is no login, if the login has ended, or if the provider refuses the client.
        ServerError
            If the provider does not answer.
        """
        with self._lock:
            if self._tokens is None or not self._tokens.is_fresh:
                self._tokens = self._renew(None)
            return self._tokens.access

    def renew(self, refused: str) -> str:
        """Return another access token in place of one that the service refused; raises as `token` does."""
        with self._lock:
            if self._tokens is None or self._tokens.access == refused:
                self._tokens = self._renew(refused)
            return self._tokens.access

    def _renew(self, refused: str | None) -> Tokens:
        tokens = self._read_usable(refused)
        if tokens is not None:
            return tokens
        try:
            with self._store.lock():
                # Another process may have renewed the token meanwhile.
                tokens = self._read_usable(refused) or self._fetch(refused)
                self._store.write(tokens)
        except OSError as error:
            if self._client.interactive:
                raise OauthError(f"{self._store.path} cannot be written: {error}") from error
            tokens = self._fetch(refused)  # a machine can get new tokens at any time
        return tokens

    def _read_usable(self, refused: str | None) -> Tokens | None:
        stored = self._store.read()
        return stored if stored is not None and stored.access != refused and stored.is_fresh else None

    def _fetch(self, refused: str | None) -> Tokens:
        stored = self._store.read()
        try:
            return self._request(stored)
        except ServerError:
            if stored is not None and stored.access != refused and stored.is_valid:
                return stored  # still valid: use it until the provider answers again
            raise

    def _request(self, stored: Tokens | None) -> Tokens:
        from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

        with _Provider(self._client) as provider:
            oauth = BackendApplicationClient(self._client.client_id)
            refused: OauthError | None = None
            if stored is not None and stored.refresh:
                body = oauth.prepare_refresh_body(refresh_token=stored.refresh)
                try:
                    return provider.tokens(oauth, body, stored.refresh)
                except OAuth2Error as error:
                    if error.error != "invalid_grant":
                        raise _refusal_error(error, self._client.issuer) from None
                    refused = _refusal_error(error, self._client.issuer)
            if self._client.interactive:
                self._store.delete()
                raise self._no_login_error(ended=stored is not None, reason=refused)
            extra: dict[str, Any] = {"audience": self._client.audience} if self._client.audience else {}
            body = oauth.prepare_request_body(scope=self._client.scope, **extra)
            try:
                return provider.tokens(oauth, body, None)
            except OAuth2Error as error:
                raise _refusal_error(error, self._client.issuer) from None

    def _no_login_error(self, *, ended: bool, reason: Exception | None) -> OauthError:
        problem = "The login has ended" if ended else "There is no login"
        return OauthError(
            f"{problem} for the profile {self._profile!r}{f' ({reason})' if reason else ''}. "
            f"Log in with:  landbridge auth login --profile {self._profile}"
        )

    def login(self) -> Login:
        """Start the login of a user by the device authorization grant.

        Raises
        ------
        OauthError
            If the provider refuses, or does not support the grant.
        ServerError
            If the provider does not answer.
        """
        return Login.start(self._client, self._store)

    def logout(self) -> bool:
        """Delete the tokens and have the provider revoke them if it can; return True if there were any."""
        with self._lock, self._store.lock():
            stored = self._store.read()
            self._store.delete()
            self._tokens = None
        if stored is None:
            return False
        with _Provider(self._client) as provider:
            provider.revoke(stored)
        return True

    def expires(self) -> float | None:
        """Return the time at which the stored access token expires, in seconds since the epoch.

        Raises
        ------
        LookupError
            If no token is stored.
        """
        stored = self._store.read()
        if stored is None:
            raise LookupError(self._profile)
        return stored.expires


class Login:
    """Login that waits for the user to confirm `user_code` at `verification_url`."""

    def __init__(self, client: OidcClient, store: TokenStore, answer: Mapping[str, Any]) -> None:
        self._client, self._store = client, store
        try:
            self.verification_url: str = str(answer["verification_uri"])
            self.user_code: str = str(answer["user_code"])
            self._device_code = str(answer["device_code"])
            self._deadline = time.monotonic() + float(answer["expires_in"])
            self._interval = float(answer.get("interval", _POLL_INTERVAL))
        except (KeyError, TypeError, ValueError) as error:
            raise OauthError(
                f"{client.issuer} started no login: its answer lacks {error}, which RFC 8628 requires."
            ) from None
        complete = answer.get("verification_uri_complete")
        self.verification_url_with_code: str | None = str(complete) if complete else None

    @classmethod
    def start(cls, client: OidcClient, store: TokenStore) -> Login:
        """Request a code from the provider."""
        with _Provider(client) as provider:
            endpoint = provider.endpoint("device_authorization_endpoint")
            if endpoint is None:
                raise OauthError(
                    f"{client.issuer} does not support logins by a code (RFC 8628). Use a client with a "
                    f"secret, or an API token."
                )
            form = {"client_id": client.client_id, "scope": client.scope or provider.default_scopes()}
            if client.audience:
                form["audience"] = client.audience
            answer = provider.post(endpoint, form)
        return cls(client, store, answer)

    def wait(self, sleep: Callable[[float], object] = time.sleep) -> None:
        """Wait until the user has confirmed the code, and store the tokens.

        Raises
        ------
        OauthError
            If the login was refused or took too long.
        """
        from oauthlib.oauth2 import DeviceClient, OAuth2Error

        oauth = DeviceClient(self._client.client_id)
        body = oauth.prepare_request_body(self._device_code, include_client_id=True)
        interval = self._interval
        with _Provider(self._client) as provider:
            while True:
                if time.monotonic() + interval > self._deadline:
                    raise OauthError(f"The code {self.user_code} was not confirmed in time. Log in again.")
                sleep(interval)
                try:
                    tokens = provider.tokens(oauth, body, None)
                except OAuth2Error as error:
                    if error.error == "slow_down":
                        interval += _SLOW_DOWN_STEP
                    elif error.error != "authorization_pending":
                        raise _refusal_error(error, self._client.issuer) from None
                except ServerError:
                    interval = max(2 * interval, 1.0)  # RFC 8628 section 3.5: back off
                else:
                    break
        with self._store.lock():
            self._store.write(tokens)


class _Provider:
    """Endpoints of a provider, for the time of one exchange with it."""

    def __init__(self, client: OidcClient) -> None:
        self._client = client

    def __enter__(self) -> Self:
        import httpx

        self._http = httpx.Client(
            timeout=_TIMEOUT, follow_redirects=False, headers={"Accept": "application/json"}
        )
        try:
            self._metadata = self._discover()
        except BaseException:
            self._http.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _discover(self) -> dict[str, Any]:
        issuer = self._client.issuer
        answer = self._send("GET", issuer + _DISCOVERY)
        document = _json_object(answer)
        if answer.status_code != 200 or document is None:
            raise OauthError(
                f"{issuer}{_DISCOVERY} is not a discovery document (HTTP status {answer.status_code}). Check "
                f"the issuer."
            )
        # Discovery 1.0 section 4.3 requires this check: one provider must not answer for another.
        if str(document.get("issuer", "")).rstrip("/") != issuer:
            raise OauthError(f"{issuer} names the issuer {document.get('issuer')!r}; configure that one.")
        return document

    def endpoint(self, name: str) -> str | None:
        """Return the address of an endpoint; None if it is missing, OauthError if it is not secure."""
        address = self._metadata.get(name)
        if not isinstance(address, str):
            return None
        try:
            return check_url(address, f"{self._client.issuer}: {name}", secure=True)
        except ConfigError as error:
            raise OauthError(str(error)) from None

    def default_scopes(self) -> str:
        """Return the scopes of a login without configured ones: the usual ones that the provider offers."""
        offered = self._metadata.get("scopes_supported")
        known = offered if isinstance(offered, list) else ["openid", "offline_access"]
        return " ".join(scope for scope in _DEFAULT_SCOPES if scope in known)

    def tokens(self, oauth: Any, body: str, refresh: str | None) -> Tokens:
        """Return the tokens for a request body; the refresh token stays the same if there is no new one.

        Raises
        ------
        oauthlib.oauth2.OAuth2Error
            If the provider refuses.
        """
        endpoint = self.endpoint("token_endpoint")
        if endpoint is None:
            raise OauthError(f"{self._client.issuer} has no token_endpoint.")
        requested = time.time()
        answer = self._post_form(endpoint, body)
        if _json_object(answer) is None:
            raise self._unexpected_answer(answer)
        given = oauth.parse_request_body_response(answer.text, scope=None)
        if str(given.get("token_type", "")).lower() != "bearer":
            kind = given.get("token_type")
            raise OauthError(f"{self._client.issuer} issued a token of type {kind!r}; expected 'bearer'.")
        seconds = given.get("expires_in")
        lifetime = None if seconds is None else float(seconds)
        expires = None if lifetime is None else requested + lifetime
        new_refresh = given.get("refresh_token") or refresh
        return Tokens(str(given["access_token"]), new_refresh, expires, lifetime)

    def post(self, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON that the provider answers to a form; OauthError if it refuses."""
        from urllib.parse import urlencode

        answer = self._post_form(endpoint, urlencode(form))
        document = _json_object(answer)
        if document is None:
            raise self._unexpected_answer(answer)
        if answer.status_code != 200 or "error" in document:
            reason = document.get("error_description") or document.get("error") or "without a reason"
            raise OauthError(f"{self._client.issuer} refused: {str(reason)[:_MAX_MESSAGE_LENGTH]}")
        return document

    def revoke(self, tokens: Tokens) -> None:
        """Have the tokens revoked (RFC 7009), if the provider can."""
        from urllib.parse import urlencode

        endpoint = self.endpoint("revocation_endpoint")
        if endpoint is None:
            return
        for token, kind in ((tokens.refresh, "refresh_token"), (tokens.access, "access_token")):
            if token:
                self._post_form(endpoint, urlencode({"token": token, "token_type_hint": kind}))

    def _post_form(self, endpoint: str, body: str) -> httpx.Response:
        """Post a form with the client's id and, if it has one, its secret."""
        from urllib.parse import parse_qsl, quote_plus

        import httpx

        form = dict(parse_qsl(body, keep_blank_values=True))
        secret, auth, methods = self._client.client_secret, None, self._auth_methods()
        if secret is None:
            form["client_id"] = self._client.client_id
        elif "client_secret_post" in methods and "client_secret_basic" not in methods:
            form |= {"client_id": self._client.client_id, "client_secret": secret}
        else:
            # RFC 6749 section 2.3.1: both are form-encoded before they are joined.
            auth = httpx.BasicAuth(quote_plus(self._client.client_id), quote_plus(secret))
            form.pop("client_id", None)
        return self._send("POST", endpoint, data=form, **({"auth": auth} if auth else {}))

    def _auth_methods(self) -> list[Any]:
        # Discovery 1.0 section 3: the default is client_secret_basic.
        found = self._metadata.get("token_endpoint_auth_methods_supported")
        return found if isinstance(found, list) else ["client_secret_basic"]

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        import httpx

        issuer = self._client.issuer
        try:
            answer = self._http.request(method, url, **options)
        except httpx.HTTPError as error:
            # Not chained: the request of the cause contains secrets.
            raise ServerError(f"{issuer} does not answer ({type(error).__name__}).") from None
        if answer.status_code >= 500 or answer.status_code == 429:
            status = answer.status_code
            raise ServerError(f"{issuer} is unavailable (HTTP status {status}).", original_status=status)
        return answer

    def _unexpected_answer(self, answer: httpx.Response) -> OauthError:
        return OauthError(
            f"{self._client.issuer} answered with HTTP status {answer.status_code} and no JSON object."
        )


def _json_object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        document = answer.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _refusal_error(error: Any, issuer: str) -> OauthError:
    """Return a provider's error as an OauthError."""
    reason = error.description or error.error or type(error).__name__
    return OauthError(f"{issuer} refused: {str(reason)[:_MAX_MESSAGE_LENGTH]}")
