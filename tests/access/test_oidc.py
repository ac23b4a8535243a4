"""Tokens of OpenID Connect issuers: what is believed of them, by whose keys, and what is not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter
from pydantic import ValidationError

from landbridge.stac_api.access import oidc
from landbridge.stac_api.access.issuers import Issuer
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.errors import InvalidCredentialError, UnavailableError
from support import oidc_issuer as issuers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from landbridge.stac_api.access.principal import Principal


@pytest.fixture
def issuer() -> Iterator[issuers.Issuer]:
    with issuers.serving() as serving:
        yield serving


def configured(*names: str, **options: Any) -> Settings:
    return Settings(
        database_url="postgresql://nobody@nowhere/nothing",
        store_url="memory://",
        oidc_issuers=names,
        oidc_audience=options.pop("oidc_audience", (issuers.AUDIENCE,)),
        **options,
    )


@pytest.fixture
def known(issuer: issuers.Issuer, run: Any) -> Callable[..., Principal]:
    """Whom a service that knows the issuer takes the bearer of a token for."""
    verifiers: dict[str, oidc.Verifier] = {}

    def principal(token: str, **options: Any) -> Principal:
        verifier = verifiers.setdefault(repr(options), oidc.Verifier(configured(issuer.url, **options)))
        found: Principal = run(verifier.principal(token))
        return found

    return principal


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_the_claims_of_a_valid_token_name_its_principal(
    issuer: issuers.Issuer, known: Callable[..., Principal]
) -> None:
    token = issuer.token(org="acme", groups=["flood", "a b"], email="Ann@Acme.test", email_verified=True)
    found = known(token)
    assert (found.user, found.org, found.groups, found.email) == (
        "ann",
        "acme",
        ("flood", "a b"),
        "Ann@Acme.test",
    )
    assert found.subjects == {
        "public", "user:ann", "org:acme", "group:flood", "group:a b", "email:ann@acme.test",
    }  # fmt: skip
    assert found.rights == {"read", "write"}
    assert not found.operator


def test_a_service_takes_them(issuer: issuers.Issuer, serve: Callable[..., Any]) -> None:
    with serve(oidc_issuers=(issuer.url,), oidc_audience=(issuers.AUDIENCE,)) as service:
        assert service.request("GET", "/access/me", issuer.token()).json()["user"] == "ann"
        refused = service.request("GET", "/", issuer.token(exp=1))
        assert refused.status_code == 401
        assert refused.json()["description"] == "The token has expired."
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
        huge = issuer.token(padding="x" * 40_000)
        assert service.request("GET", "/", huge).status_code == 401


@pytest.mark.parametrize("key", [issuers.rsa("k"), issuers.ec("k")], ids=["RS256", "ES256"])
def test_both_algorithms_are_taken(issuer: issuers.Issuer, known: Callable[..., Principal], key: Any) -> None:
    issuer.rotate(key)
    assert known(issuer.token()).user == "ann"


def test_claims_may_have_other_names_and_lie_within_objects(
    issuer: issuers.Issuer, known: Callable[..., Principal]
) -> None:
    token = issuer.token(
        **{
            "preferred_username": "bob",
            "https://acme.test/org": "acme",
            "realm_access": {"roles": ["flood"]},
            "upn": "bob@acme.test",
        }
    )
    found = known(
        token,
        oidc_user_claim="preferred_username",
        oidc_org_claim="https://acme.test/org",
        oidc_groups_claim="realm_access.roles",
        oidc_email_claim="upn",
        oidc_email_verified_claim="",
    )
    assert (found.user, found.org, found.groups, found.email) == ("bob", "acme", ("flood",), "bob@acme.test")


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_unverified_address_does_not_count(
    issuer: issuers.Issuer, known: Callable[..., Principal], verified: Any
) -> None:
    assert known(issuer.token(email="ann@acme.test", email_verified=verified)).email is None


@pytest.mark.parametrize(
    ("claims", "rights"),
    [
        ({"scope": "openid catalog:write"}, {"read", "write"}),
        ({"scp": ["catalog:write"]}, {"read", "write"}),
        ({"scope": "openid catalog:writes"}, {"read"}),
        ({}, {"read"}),
    ],
)
def test_a_token_without_the_required_scope_only_reads(
    issuer: issuers.Issuer, known: Callable[..., Principal], claims: dict[str, Any], rights: set[str]
) -> None:
    assert known(issuer.token(**claims), oidc_write_scope="catalog:write").rights == rights


def from_now(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims whose times were given as seconds from now; ids of tests must not hold the time."""
    return {
        name: int(time.time()) + value if name in ("exp", "nbf", "iat") and isinstance(value, int) else value
        for name, value in claims.items()
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": -61}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"nbf": 1000}, "not yet valid"),
        ({"iat": 1000}, "future"),
        ({"aud": "https://another.test"}, "not accepted"),
        ({"aud": []}, "not accepted"),
        ({"aud": None}, "aud"),
        ({"iss": "https://another.test"}, "no issuer"),
        ({"iss": None}, "no issuer"),
        ({"iss": ["https://another.test"]}, "no issuer"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a b"}, "is not a valid user"),
        ({"org": "a:b"}, "is not a valid org"),
    ],
    ids=str,
)
def test_claims_that_are_not_accepted_are_named(
    issuer: issuers.Issuer, known: Callable[..., Principal], changes: dict[str, Any], why: str
) -> None:
    token = issuer.token(**from_now(changes))
    with pytest.raises(InvalidCredentialError, match=why) as refused:
        known(token)
    assert token not in str(refused.value)


@pytest.mark.parametrize("changes", [{"exp": -30}, {"nbf": 30}, {"aud": ["x", issuers.AUDIENCE]}])
def test_clocks_may_differ_a_little_and_a_token_may_be_for_others_too(
    issuer: issuers.Issuer, known: Callable[..., Principal], changes: dict[str, Any]
) -> None:
    assert known(issuer.token(**from_now(changes))).user == "ann"


def _forged(issuer: issuers.Issuer) -> dict[str, str]:
    good = issuer.token()
    head, claims, signature = good.split(".")
    pem = issuer.signing.as_pem(private=False)
    confused = f"{encoded({'alg': 'HS256', 'kid': issuer.signing.kid})}.{claims}"
    digest = hmac.digest(pem, confused.encode(), "sha256")
    mac = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    stranger = issuers.rsa(issuer.signing.kid)
    return {
        "no algorithm": f"{encoded({'alg': 'none'})}.{claims}.",
        "no algorithm, with a signature": f"{encoded({'alg': 'None'})}.{claims}.{signature}",
        "the public key as a secret": f"{confused}.{mac}",
        "another algorithm of the same key": jwt.encode(
            {"alg": "PS256", "kid": issuer.signing.kid},
            issuer.claims(),
            issuer.signing,
            algorithms=["PS256"],
        ),
        "RSA by the header, EC by the key": issuer.token(
            issuers.ec("e"), {"alg": "ES256", "kid": issuer.signing.kid}
        ),
        "another key of the same name": issuer.token(stranger),
        "a key of its own in its header": issuer.token(
            stranger, {"alg": "RS256", "jwk": stranger.as_dict(private=False)}
        ),
        "an address of keys in its header": issuer.token(
            stranger, {"alg": "RS256", "jku": f"{issuer.url}/keys"}
        ),
        "other claims": f"{head}.{encoded(issuer.claims(sub='root'))}.{signature}",
        "a part cut off": good[:-4],
        "no signature": f"{head}.{claims}.",
        "a critical member that nobody knows": jwt.encode(
            {"alg": "RS256", "kid": issuer.signing.kid, "crit": ["x"], "x": 1},
            issuer.claims(),
            issuer.signing,
            registry=JWSRegistry(header_registry={"x": HeaderParameter("x", "int")}),
        ),
        "a kid that is no text": f"{encoded({'alg': 'RS256', 'kid': 7})}.{claims}.{signature}",
        "garbage": "a.b.c",
        "nothing": "..",
        "no object": f"{head}.{encoded([1])}.{signature}",
        "a header that is no object": f"{encoded([1])}.{claims}.{signature}",
        "deep": f"{encoded({'alg': 'RS256'})}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{signature}",
        "huge": f"{head}.{'x' * 1_000_000}.{signature}",
        "other letters": "\u0430.b.c",
    }


@pytest.fixture(scope="module")
def forgeries() -> Iterator[tuple[issuers.Issuer, dict[str, str]]]:
    with issuers.serving() as serving:
        yield serving, _forged(serving)


@pytest.mark.parametrize("case", list(_forged(issuers.Issuer("http://127.0.0.1:1"))))
def test_a_forgery_is_refused(forgeries: tuple[issuers.Issuer, dict[str, str]], case: str, run: Any) -> None:
    issuer, forged = forgeries
    verifier = oidc.Verifier(configured(issuer.url))
    with pytest.raises(InvalidCredentialError) as refused:
        run(verifier.principal(forged[case]))
    assert len(str(refused.value)) < 200
    assert run(verifier.principal(issuer.token())).user == "ann"


def test_a_header_may_say_more_than_we_know(issuer: issuers.Issuer, known: Callable[..., Principal]) -> None:
    head = issuer.token().partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"nonce": "of somebody"}
    registry = JWSRegistry(strict_check_header=False)
    token = jwt.encode(header, issuer.claims(), issuer.signing, registry=registry)
    assert known(token).user == "ann"


def test_a_token_without_a_kid_is_verified_by_every_key(
    issuer: issuers.Issuer, known: Callable[..., Principal]
) -> None:
    issuer.published.insert(0, issuers.rsa("another").as_dict(private=False))
    assert known(issuer.token(header={"alg": "RS256"})).user == "ann"


def test_keys_are_asked_for_once(issuer: issuers.Issuer, known: Callable[..., Principal]) -> None:
    for _ in range(3):
        known(issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_published_keys_that_are_of_no_use_do_not_hide_the_others(
    issuer: issuers.Issuer, known: Callable[..., Principal]
) -> None:
    good = issuer.published
    issuer.published = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {"kty": "RSA", "kid": "first", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": "first"},
        {"kty": "EC", "crv": "P-521", "kid": "first"},
        {"kty": "later", "kid": "first"},
        {"use": "enc", **good[0]},
        "no object",
        *good,
    ]
    assert known(issuer.token()).user == "ann"


def test_a_short_key_is_not_used(issuer: issuers.Issuer, known: Callable[..., Principal]) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    private = generate_private_key(65537, 1024)
    short = RSAKey(private, private, {"kid": "first"})
    issuer.published = [short.as_dict(private=False)]
    token = issuer.token(short)
    with pytest.warns(SecurityWarning), pytest.raises(InvalidCredentialError):
        known(token)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _kids(issuer: Issuer, kid: str | None) -> list[Any]:
    return [key.kid for key in await issuer.keys("RS256", kid)]


@pytest.mark.anyio
async def test_a_new_key_is_found_when_a_token_names_it() -> None:
    with issuers.serving() as serving:
        clock = Clock()
        issuer = Issuer(serving.url, clock)
        assert await _kids(issuer, "first") == ["first"]
        serving.rotate(issuers.rsa("second"))
        clock.now += 31
        assert await _kids(issuer, "second") == ["second"]
        assert await _kids(issuer, "first") == []


@pytest.mark.anyio
async def test_strangers_do_not_make_the_server_hammer_the_issuer() -> None:
    with issuers.serving() as serving:
        clock = Clock()
        issuer = Issuer(serving.url, clock)
        for n in range(50):
            clock.now += 1
            assert await _kids(issuer, f"stranger {n}") == []
        assert serving.asked.count("/keys") == 2


@pytest.mark.anyio
async def test_requests_at_once_ask_once() -> None:
    import asyncio

    with issuers.serving() as serving:
        issuer = Issuer(serving.url)
        found = await asyncio.gather(*(_kids(issuer, "first") for _ in range(20)))
        assert found == [["first"]] * 20
        assert serving.asked.count("/keys") == 1


@pytest.mark.anyio
async def test_known_keys_serve_while_the_issuer_is_down_but_not_for_ever() -> None:
    with issuers.serving() as serving:
        clock = Clock()
        issuer = Issuer(serving.url, clock)
        await _kids(issuer, "first")
        serving.status = 500
        clock.now += 2 * 3600
        assert await _kids(issuer, "first") == ["first"]
        with pytest.raises(UnavailableError, match="try again later"):
            await _kids(issuer, "second")
        clock.now += 24 * 3600
        with pytest.raises(UnavailableError):
            await _kids(issuer, "first")
        serving.status = 200
        clock.now += 31
        assert await _kids(issuer, "first") == ["first"]


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://another.test"},
        {"jwks_uri": None},
        {"jwks_uri": "no address"},
        {"jwks_uri": "file:///etc/passwd"},
        {"issuer": None},
    ],
)
@pytest.mark.anyio
async def test_an_issuer_that_describes_itself_wrong_gives_no_keys(described: dict[str, Any]) -> None:
    with issuers.serving() as serving:
        serving.described |= described
        with pytest.raises(UnavailableError):
            await _kids(Issuer(serving.url), "first")


def test_an_issuer_that_is_down_makes_the_service_unavailable(serve: Callable[..., Any]) -> None:
    with issuers.serving() as serving:
        token, url = serving.token(), serving.url
    with serve(oidc_issuers=(url,), oidc_audience=(issuers.AUDIENCE,)) as service:
        answer = service.request("GET", "/", token)
        assert answer.status_code == 503
        assert "issuer" in answer.json()["description"]
        assert "Retry-After" in answer.headers
        assert service.request("GET", "/").status_code == 200


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"oidc_audience": ()}, "oidc_audience"),
        ({"oidc_user_claim": ""}, "oidc_user_claim"),
        ({"oidc_leeway": 3600}, "oidc_leeway"),
    ],
)
def test_settings_that_would_let_others_in_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        configured("https://issuer.test", **options)


@pytest.mark.parametrize("url", ["http://issuer.test", "issuer.test", "file:///issuer"])
def test_an_issuer_is_reached_by_https(url: str) -> None:
    with pytest.raises(ValidationError, match="https"):
        configured(url)
