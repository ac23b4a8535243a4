"""Access tokens of an OpenID Connect provider, got and renewed as they are needed.

| grant | where |
|---|---|
| device authorization | RFC 8628: a person confirms a code in a browser, on any machine |
| client credentials | RFC 6749 section 4.4: a machine proves itself by its secret |
| refresh | RFC 6749 section 6: before the token expires, and once where the service refuses it |

The provider's endpoints are those of its discovery document (OpenID Connect Discovery 1.0). Requests go over
HTTPS, or to this machine, and follow no redirects. No token shows in an error, a log or a repr.
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
# RFC 8628 sections 3.2 and 3.5: the interval where the provider names none, and what "slow_down" adds.
_INTERVAL, _SLOWER = 5.0, 5.0
_DISCOVERY = "/.well-known/openid-configuration"
_USUAL_SCOPES = ("openid", "profile", "email", "offline_access")
_LONGEST_TEXT = 300


class OidcTokens:
    """The tokens of one profile, shared by the threads of this process and by others through a file."""

    def __init__(self, profile: str, client: OidcClient) -> None:
        self._profile = profile
        self._client = client
        self._kept = TokenStore(profile, client)
        self._now: Tokens | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OidcTokens({self._profile!r}, {self._client.issuer!r})"

    @property
    def interactive(self) -> bool:
        """Whether a person has to log in."""
        return self._client.interactive

    def token(self) -> str:
        """An access token that is valid for a while, renewed where it is needed.

        Raises:
            OauthError: nobody has logged in, the login has ended, or the provider refuses the client.
            ServerError: the provider does not answer.
        """
        with self._lock:
            if self._now is None or not self._now.fresh:
                self._now = self._renewed(None)
            return self._now.access

    def renewed(self, refused: str) -> str:
        """Another access token in place of one that the service refused; raises as `token` does."""
        with self._lock:
            if self._now is None or self._now.access == refused:
                self._now = self._renewed(refused)
            return self._now.access

    def _renewed(self, refused: str | None) -> Tokens:
        kept = self._usable(refused)
        if kept is not None:
            return kept
        try:
            with self._kept.lock():
                # Somebody may have renewed it meanwhile.
                kept = self._usable(refused) or self._fetched(refused)
                self._kept.write(kept)
        except OSError as error:
            if self._client.interactive:
                raise OauthError(f"{self._kept.path} can't be written: {error}") from error
            kept = self._fetched(refused)  # a machine's tokens need not be kept
        return kept

    def _usable(self, refused: str | None) -> Tokens | None:
        kept = self._kept.read()
        return kept if kept is not None and kept.access != refused and kept.fresh else None

    def _fetched(self, refused: str | None) -> Tokens:
        kept = self._kept.read()
        try:
            return self._asked(kept)
        except ServerError:
            if kept is not None and kept.access != refused and kept.valid:
                return kept  # it will do until the provider is there again
            raise

    def _asked(self, kept: Tokens | None) -> Tokens:
        from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

        with _Provider(self._client) as provider:
            oauth = BackendApplicationClient(self._client.client_id)
            refused: OauthError | None = None
            if kept is not None and kept.refresh:
                body = oauth.prepare_refresh_body(refresh_token=kept.refresh)
                try:
                    return provider.tokens(oauth, body, kept.refresh)
                except OAuth2Error as error:
                    if error.error != "invalid_grant":
                        raise _refusal(error, self._client.issuer) from None
                    refused = _refusal(error, self._client.issuer)
            if self._client.interactive:
                self._kept.forget()
                raise self._no_login(ended=kept is not None, why=refused)
            extra: dict[str, Any] = {"audience": self._client.audience} if self._client.audience else {}
            body = oauth.prepare_request_body(scope=self._client.scope, **extra)
            try:
                return provider.tokens(oauth, body, None)
            except OAuth2Error as error:
                raise _refusal(error, self._client.issuer) from None

    def _no_login(self, *, ended: bool, why: Exception | None) -> OauthError:
        what = "The login has ended" if ended else "Nobody has logged in"
        return OauthError(
            f"{what} for the profile {self._profile!r}{f' ({why})' if why else ''}. "
            f"Log in with:  landbridge auth login --profile {self._profile}"
        )

    def login(self) -> Login:
        """Begin to log in a person, by the device authorization grant.

        Raises:
            OauthError: the provider refuses, or has no such grant.
            ServerError: it does not answer.
        """
        return Login.begun(self._client, self._kept)

    def logout(self) -> bool:
        """Forget the tokens, and have the provider revoke them where it can; whether there were any."""
        with self._lock, self._kept.lock():
            kept = self._kept.read()
            self._kept.forget()
            self._now = None
        if kept is None:
            return False
        with _Provider(self._client) as provider:
            provider.revoke(kept)
        return True

    def expires(self) -> float | None:
        """When the access token that is kept expires, in seconds since the epoch.

        Raises LookupError where none is kept.
        """
        kept = self._kept.read()
        if kept is None:
            raise LookupError(self._profile)
        return kept.expires


class Login:
    """A login that waits for a person: at `address`, where `code` is to be confirmed."""

    def __init__(self, client: OidcClient, kept: TokenStore, answer: Mapping[str, Any]) -> None:
        self._client, self._kept = client, kept
        try:
            self.address = str(answer["verification_uri"])
            self.code = str(answer["user_code"])
            self._device_code = str(answer["device_code"])
            self._ends = time.monotonic() + float(answer["expires_in"])
            self._interval = float(answer.get("interval", _INTERVAL))
        except (KeyError, TypeError, ValueError) as error:
            raise OauthError(
                f"{client.issuer} began no login: its answer lacks {error}, which RFC 8628 has in it."
            ) from None
        complete = answer.get("verification_uri_complete")
        self.address_with_code = str(complete) if complete else None

    @classmethod
    def begun(cls, client: OidcClient, kept: TokenStore) -> Login:
        """Ask the provider for a code."""
        with _Provider(client) as provider:
            endpoint = provider.endpoint("device_authorization_endpoint")
            if endpoint is None:
                raise OauthError(
                    f"{client.issuer} offers no logins by a code (RFC 8628). Use a client with a secret, or "
                    f"an API token."
                )
            form = {"client_id": client.client_id, "scope": client.scope or provider.usual_scopes()}
            if client.audience:
                form["audience"] = client.audience
            answer = provider.post(endpoint, form)
        return cls(client, kept, answer)

    def wait(self, sleep: Callable[[float], object] = time.sleep) -> None:
        """Wait until the person has confirmed, and keep the tokens.

        Raises:
            OauthError: it was refused, or took too long.
        """
        from oauthlib.oauth2 import DeviceClient, OAuth2Error

        oauth = DeviceClient(self._client.client_id)
        body = oauth.prepare_request_body(self._device_code, include_client_id=True)
        interval = self._interval
        with _Provider(self._client) as provider:
            while True:
                if time.monotonic() + interval > self._ends:
                    raise OauthError(f"The code {self.code} was not confirmed in time. Log in again.")
                sleep(interval)
                try:
                    tokens = provider.tokens(oauth, body, None)
                except OAuth2Error as error:
                    if error.error == "slow_down":
                        interval += _SLOWER
                    elif error.error != "authorization_pending":
                        raise _refusal(error, self._client.issuer) from None
                except ServerError:
                    interval = max(2 * interval, 1.0)  # RFC 8628 section 3.5: back off
                else:
                    break
        with self._kept.lock():
            self._kept.write(tokens)


class _Provider:
    """A provider's endpoints, for the time of one exchange with it."""

    def __init__(self, client: OidcClient) -> None:
        self._client = client

    def __enter__(self) -> Self:
        import httpx

        self._http = httpx.Client(
            timeout=_TIMEOUT, follow_redirects=False, headers={"Accept": "application/json"}
        )
        try:
            self._found = self._discovered()
        except BaseException:
            self._http.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _discovered(self) -> dict[str, Any]:
        issuer = self._client.issuer
        answer = self._sent("GET", issuer + _DISCOVERY)
        document = _object(answer)
        if answer.status_code != 200 or document is None:
            raise OauthError(
                f"{issuer}{_DISCOVERY} is no discovery document (HTTP status {answer.status_code}). Is the "
                f"issuer right?"
            )
        # Discovery 1.0 section 4.3: else one provider could speak for another.
        if str(document.get("issuer", "")).rstrip("/") != issuer:
            raise OauthError(f"{issuer} calls itself {document.get('issuer')!r}; use that as the issuer.")
        return document

    def endpoint(self, name: str) -> str | None:
        """An endpoint's address, where the provider has it; OauthError where it is not safe."""
        address = self._found.get(name)
        if not isinstance(address, str):
            return None
        try:
            return check_url(address, f"{self._client.issuer}: {name}", secure=True)
        except ConfigError as error:
            raise OauthError(str(error)) from None

    def usual_scopes(self) -> str:
        """What a login asks for where nothing is configured: of the usual, what the provider has."""
        offered = self._found.get("scopes_supported")
        known = offered if isinstance(offered, list) else ["openid", "offline_access"]
        return " ".join(scope for scope in _USUAL_SCOPES if scope in known)

    def tokens(self, oauth: Any, body: str, refresh: str | None) -> Tokens:
        """The tokens that a request's body gets; the refresh token stays where there is no new one.

        Raises oauthlib's OAuth2Error where it is refused.
        """
        endpoint = self.endpoint("token_endpoint")
        if endpoint is None:
            raise OauthError(f"{self._client.issuer} names no token_endpoint.")
        asked = time.time()
        answer = self._authenticated(endpoint, body)
        if _object(answer) is None:
            raise self._odd(answer)
        given = oauth.parse_request_body_response(answer.text, scope=None)
        if str(given.get("token_type", "")).lower() != "bearer":
            raise OauthError(f"{self._client.issuer} gave a token of type {given.get('token_type')!r}.")
        seconds = given.get("expires_in")
        expires = None if seconds is None else asked + float(seconds)
        again = given.get("refresh_token") or refresh
        return Tokens(str(given["access_token"]), again, expires, None if seconds is None else float(seconds))

    def post(self, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The JSON that the provider answers to a form; OauthError where it refuses."""
        from urllib.parse import urlencode

        answer = self._authenticated(endpoint, urlencode(form))
        document = _object(answer)
        if document is None:
            raise self._odd(answer)
        if answer.status_code != 200 or "error" in document:
            said = document.get("error_description") or document.get("error") or "without a reason"
            raise OauthError(f"{self._client.issuer} refused: {str(said)[:_LONGEST_TEXT]}")
        return document

    def revoke(self, tokens: Tokens) -> None:
        """Have the tokens revoked (RFC 7009), where the provider can and answers."""
        from urllib.parse import urlencode

        endpoint = self.endpoint("revocation_endpoint")
        if endpoint is None:
            return
        for token, kind in ((tokens.refresh, "refresh_token"), (tokens.access, "access_token")):
            if token:
                self._authenticated(endpoint, urlencode({"token": token, "token_type_hint": kind}))

    def _authenticated(self, endpoint: str, body: str) -> httpx.Response:
        """A POST of a form in which the client says, and where it has a secret proves, which it is."""
        from urllib.parse import parse_qsl, quote_plus

        import httpx

        form = dict(parse_qsl(body, keep_blank_values=True))
        secret, auth = self._client.client_secret, None
        if secret is None:
            form["client_id"] = self._client.client_id
        elif "client_secret_post" in self._methods() and "client_secret_basic" not in self._methods():
            form |= {"client_id": self._client.client_id, "client_secret": secret}
        else:
            # RFC 6749 section 2.3.1: form-encoded before they are put together.
            auth = httpx.BasicAuth(quote_plus(self._client.client_id), quote_plus(secret))
            form.pop("client_id", None)
        return self._sent("POST", endpoint, data=form, **({"auth": auth} if auth else {}))

    def _methods(self) -> list[Any]:
        # Discovery 1.0 section 3: without the member it is the basic method.
        found = self._found.get("token_endpoint_auth_methods_supported")
        return found if isinstance(found, list) else ["client_secret_basic"]

    def _sent(self, method: str, url: str, **options: Any) -> httpx.Response:
        import httpx

        issuer = self._client.issuer
        try:
            answer = self._http.request(method, url, **options)
        except httpx.HTTPError as error:
            # Its request holds what was sent.
            raise ServerError(f"{issuer} does not answer ({type(error).__name__}).") from None
        if answer.status_code >= 500 or answer.status_code == 429:
            status = answer.status_code
            raise ServerError(f"{issuer} answers nobody now (HTTP status {status}).", original_status=status)
        return answer

    def _odd(self, answer: httpx.Response) -> OauthError:
        return OauthError(
            f"{self._client.issuer} answered with HTTP status {answer.status_code} and no JSON object."
        )


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        document = answer.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _refusal(error: Any, issuer: str) -> OauthError:
    """What a provider said, as an error of ours."""
    said = error.description or error.error or type(error).__name__
    return OauthError(f"{issuer} refused: {str(said)[:_LONGEST_TEXT]}")
