"""Tokens in the URLs of tiles: for reading maps below one path, for some time, as who asked for them."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from access.conftest import OPERATOR
from access.people import BASE, READER, alike
from landbridge.stac_api.access import tile_tokens, tokens
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.access.tile_tokens import TILE_PATH, TileTokens
from landbridge.stac_api.errors import InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service
    from access.people import Caller, People

_MAKER = TileTokens(SecretStr("a secret of an operator"))


def _signed(caller: Caller, path: str) -> str:
    """The path of a map with a token."""
    (href,) = caller.ok("POST", "/tiles/signatures", json={"hrefs": [BASE + path.lstrip("/")]})["hrefs"]
    assert href.startswith(BASE)
    return href.removeprefix(BASE.rstrip("/"))


def _token(path: str) -> str:
    return parse_qs(urlsplit(path).query)[tile_tokens.PARAMETER][0]


def test_a_token_reads_the_maps_below_its_path_and_nothing_else(people: People, product: str) -> None:
    path = f"/collections/{product}/WebMercatorQuad/tilejson.json"
    signed = _signed(people.reader, path)
    token = _token(signed)
    with_token = {"params": {tile_tokens.PARAMETER: token}}
    assert people.anybody("GET", path).status_code == 404
    assert people.anybody("GET", signed).status_code == 200
    assert people.anybody("HEAD", signed).status_code == 200
    assert (
        people.anybody("GET", f"/collections/{product}/WMTSCapabilities.xml", **with_token).status_code == 200
    )
    for method, other in (
        ("GET", f"/collections/{product}"),
        ("GET", f"/collections/{product}/items"),
        ("GET", f"/collections/{product}/items/one"),
        ("GET", f"/collections/{product}/items/one/WebMercatorQuad/tilejson.json"),
        ("GET", "/search"),
        ("GET", "/"),
        ("POST", f"/collections/{product}/statistics"),
        ("POST", "/tiles/signatures"),
        ("POST", "/searches/register"),
        ("PUT", f"/collections/{product}"),
        ("DELETE", f"/collections/{product}/items/one"),
    ):
        assert people.anybody(method, other, **with_token).status_code == 401, (method, other)
    # A header decides, whatever the URL has.
    assert people.stranger("GET", signed).status_code == 404


def test_a_token_is_worth_what_its_maker_may_read_now(people: People, product: str) -> None:
    signed = _signed(people.reader, f"/collections/{product}/WebMercatorQuad/tilejson.json")
    assert people.anybody("GET", signed).status_code == 200
    people.owner.ok("PATCH", f"/collections/{product}", json={"catalog:readers": []})
    assert people.anybody("GET", signed).status_code == 404


def test_a_token_ends_with_the_credential_of_its_maker(
    service: Service, token: Callable[..., str], product: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from access.people import Caller

    held = token(READER)
    signed = _signed(Caller(service, held), f"/collections/{product}/WebMercatorQuad/tilejson.json")
    anybody = Caller(service, None)
    assert anybody("GET", signed).status_code == 200
    tokens.revoke_token(database, tokens.id_of(held))
    # Rows of tokens are kept for seconds.
    for cache in _token_caches(service):
        cache._rows.clear()
    assert anybody("GET", signed).status_code == 401


def _token_caches(service: Service) -> list[Any]:
    found = []
    layer = service.app.middleware_stack
    while layer is not None:
        if hasattr(layer, "_tokens"):
            found.append(layer._tokens)
        layer = getattr(layer, "app", None)
    assert found
    return found


def test_an_operator_s_token_reads_its_collection_and_is_no_operator(people: People, product: str) -> None:
    signed = _signed(people.operator, f"/collections/{product}/WebMercatorQuad/tilejson.json")
    assert people.anybody("GET", signed).status_code == 200
    grant = people.operator.service.app.state.tile_tokens.grant(
        _token(signed), "GET", f"/collections/{product}/preview.png"
    )
    assert not grant.principal.operator
    assert grant.principal.rights == {"read"}
    assert grant.principal.only_collections == {product}
    everything = people.operator.ok("POST", "/searches/register", json={})["id"]
    body = {"hrefs": [f"{BASE}searches/{everything}/preview.png"]}
    assert people.operator("POST", "/tiles/signatures", json=body).status_code == 403
    named = people.operator.ok("POST", "/searches/register", json={"collections": [product]})["id"]
    assert (
        people.anybody("GET", _signed(people.operator, f"/searches/{named}/WMTSCapabilities.xml")).status_code
        == 200
    )


def test_what_is_hidden_is_not_signed(people: People, product: str) -> None:
    for caller in people.outsiders:
        answer = alike(
            caller,
            "POST",
            "/tiles/signatures",
            product,
            json={"hrefs": [BASE + "collections/{id}/preview.png"]},
        )
        assert answer.status_code == 404
    for href in (
        "https://elsewhere.test/collections/a/preview.png",
        f"{BASE}collections/{product}",
        f"{BASE}search",
    ):
        assert people.reader("POST", "/tiles/signatures", json={"hrefs": [href]}).status_code == 400
    for body in ({}, {"hrefs": "a"}, {"hrefs": [1]}, {"hrefs": [BASE] * 101}, []):
        assert people.reader("POST", "/tiles/signatures", json=body).status_code == 400


@given(
    user=st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20),
    groups=st.lists(
        st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=4, max_size=9), max_size=5
    ),
    position=st.integers(0, 10_000),
    change=st.integers(1, 63),
)
def test_a_token_cannot_be_read_changed_or_used_elsewhere(
    user: str, groups: list[str], position: int, change: int
) -> None:
    principal = Principal(user, org="acme", groups=tuple(groups), email="a@b.test", credential="token:1")
    path = "/collections/acme:x"
    text = _MAKER.make(path, principal, int(time.time()) + 100)
    found = _MAKER.grant(text, "GET", f"{path}/preview.png").principal
    assert found.subjects == principal.subjects
    assert (found.rights, found.operator, found.credential) == ({"read"}, False, "token:1")
    payload = base64.urlsafe_b64decode(text.split(".")[3] + "==")
    assert b"acme" not in payload
    assert all(name.encode() not in payload for name in groups)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = position % len(text)
    if text[place] != ".":
        new = alphabet[(alphabet.index(text[place]) + change) % 64]
        changed = text[:place] + new + text[place + 1 :]
        # The last characters of parts have bits that stand for nothing.
        if text[place + 1 : place + 2] not in ("", "."):
            with pytest.raises(InvalidCredentialError):
                _MAKER.grant(changed, "GET", f"{path}/preview.png")
    with pytest.raises(InvalidCredentialError):
        TileTokens(SecretStr("another secret")).grant(text, "GET", f"{path}/preview.png")
    with pytest.raises(InvalidCredentialError):
        _MAKER.grant(text, "GET", "/collections/acme:y/preview.png")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(InvalidCredentialError):
            _MAKER.grant(text, method, f"{path}/preview.png")


def test_a_token_ends() -> None:
    text = _MAKER.make("/collections/a", Principal("ann"), int(time.time()) - 1)
    with pytest.raises(InvalidCredentialError, match="expired"):
        _MAKER.grant(text, "GET", "/collections/a/preview.png")


def test_the_rights_of_an_operator_are_not_put_into_a_token() -> None:
    with pytest.raises(AssertionError):
        _MAKER.make("/collections/a", Principal("root", operator=True), int(time.time()) + 100)


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/collections/a/tiles/WebMercatorQuad/1/2/3.png", "/collections/a"),
        ("/collections/a/map/tiles", "/collections/a"),
        ("/collections/a/items/b/preview.png", "/collections/a/items/b"),
        ("/searches/c/bbox/1,2,3,4/5x6.png", "/searches/c"),
        ("/collections/a", None),
        ("/collections/a/items", None),
        ("/collections/a/items/b", None),
        ("/collections/a/items/tilejson.json", None),
        ("/collections/a/items/preview", None),
        ("/collections/tiles/items/WMTSCapabilities.xml", None),
        ("/search", None),
        ("/searches/register", None),
        ("/tiles/signatures", None),
        ("/assets/images/a/preview.png", None),
    ],
)
def test_only_paths_of_maps_are_those(path: str, below: str | None) -> None:
    match = TILE_PATH.fullmatch(path)
    assert (match and match[1]) == below


def test_requests_for_tiles_have_a_limit_of_their_own(serve: Callable[..., Any]) -> None:
    slow = {
        "anonymous_rate_per_second": 0.001,
        "anonymous_rate_burst": 2,
        "anonymous_tile_rate_per_second": 0.001,
        "anonymous_tile_rate_burst": 5,
    }
    with serve(**slow) as service:
        tiles = [service.request("GET", "/collections/none/preview.png").status_code for _ in range(6)]
        others = [service.request("GET", "/collections/none").status_code for _ in range(3)]
        assert tiles == [404] * 5 + [429]
        assert others == [404] * 2 + [429]
        assert [
            service.request("GET", "/collections/none/preview.png", OPERATOR).status_code for _ in range(9)
        ] == [404] * 9
