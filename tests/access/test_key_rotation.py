"""Keys are changed while the service runs: the operator's token, with the URLs that it signs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, NEW = "the old token of the operator", "the next token of the operator"
PATH = "/assets/images/acme:x/one/v1/none.tif"


def signed(service: Any) -> str:
    """Return the query of a URL that a process signs."""
    query: str = service.app.state.signer.query("GET", PATH, 600)
    return query


def test_the_operators_token_is_changed_in_three_steps_without_a_refusal(serve: Callable[..., Any]) -> None:
    steps: list[dict[str, Any]] = [
        {"token": OLD},
        {"token": OLD, "accepted_tokens": [NEW]},
        {"token": NEW, "accepted_tokens": [OLD]},
        {"token": NEW},
    ]
    for before, after in itertools.pairwise(steps):
        # Processes of both steps run at the same time while they are restarted one by one.
        with serve(**before) as first, serve(**after) as second:
            used = [step["token"] for step in (before, after)]
            for asked in (first, second):
                for other in (first, second):
                    signature = signed(other)
                    allowed = asked.app.state.signer.allows("GET", PATH, signature[1:].encode())
                    assert allowed, (before, after)
                    principal = Principal("ann")
                    made = other.app.state.tile_tokens.make("/collections/acme:x", principal, 2**33)
                    grant = asked.app.state.tile_tokens.grant(made, "GET", "/collections/acme:x/preview.png")
                    assert grant.principal.user == "ann"
            for token in dict.fromkeys(used):
                assert [one.request("GET", "/access/me", token).status_code for one in (first, second)] == [
                    200,
                    200,
                ]


def test_a_token_that_leaked_ends_at_once(serve: Callable[..., Any]) -> None:
    with serve(token=OLD) as before, serve(token=NEW) as after:
        assert after.request("GET", "/access/me", OLD).status_code == 401
        assert not after.app.state.signer.allows("GET", PATH, signed(before)[1:].encode())
        for secret in (OLD, NEW):
            assert secret not in repr(after.app.state.landbridge)
