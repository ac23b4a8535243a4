"""Limits of the size and rate of a caller's requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.conftest import ANN, OPERATOR
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access.rate_limits import RateLimit, TokenBuckets

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW = {
    "rate_per_second": 0.001,
    "rate_burst": 3,
    "anonymous_rate_per_second": 0.001,
    "anonymous_rate_burst": 2,
}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.builds(RateLimit, st.sampled_from([0.1, 1.0, 7.5, 200.0]), st.integers(1, 50)),
    pauses=st.lists(st.floats(0, 20), min_size=1, max_size=200),
)
def test_in_any_time_no_more_is_served_than_the_burst_and_the_rate(
    rate: RateLimit, pauses: list[float]
) -> None:
    clock = Clock()
    buckets = TokenBuckets(rate, clock)
    served = []
    for pause in pauses:
        clock.now += pause
        if not buckets.take("somebody"):
            served.append(clock.now)
    for first, start in enumerate(served):
        for last, end in enumerate(served[first:], start=1):
            assert last <= rate.burst + (end - start) * rate.per_second + 1e-6


@given(rate=st.builds(RateLimit, st.sampled_from([0.1, 1.0, 7.5, 200.0]), st.integers(1, 50)))
def test_a_caller_who_waits_for_retry_after_is_served(rate: RateLimit) -> None:
    clock = Clock()
    buckets = TokenBuckets(rate, clock)
    assert not any(buckets.take("somebody") for _ in range(rate.burst))
    seconds = buckets.take("somebody")
    assert 0 < seconds <= 1 / rate.per_second
    clock.now += seconds + 1e-6
    assert buckets.take("somebody") == 0


def test_callers_do_not_take_from_each_other() -> None:
    buckets = TokenBuckets(RateLimit(1, 1), Clock())
    assert buckets.take("ann") == 0
    assert buckets.take("ann") > 0
    assert buckets.take("bob") == 0


def test_no_more_callers_are_remembered_than_there_is_room_for() -> None:
    buckets = TokenBuckets(RateLimit(1, 1), Clock(), size=100)
    for n in range(1000):
        assert buckets.take(str(n)) == 0
    assert len(buckets._levels) == 100


def test_a_caller_over_its_limit_gets_retry_after(
    serve: Callable[..., Any], token: Callable[..., str]
) -> None:
    with serve(**SLOW) as service:
        for shown in (token(), token()):  # of one user, so of one bucket
            answers = [service.request("GET", "/access/me", shown) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        refused = answers[-1]
        assert 990 <= int(refused.headers["Retry-After"]) <= 1000
        assert refused.json()["code"] == "TooManyRequests"
        assert f"Try again in {refused.headers['Retry-After']} s" in refused.json()["description"]
        bob = token(replace(ANN, user="bob"))
        assert service.request("GET", "/access/me", bob).status_code == 200
        statuses = {service.request("GET", "/access/me", OPERATOR).status_code for _ in range(5)}
        assert statuses == {200}


def test_strangers_are_counted_by_their_address(serve: Callable[..., Any]) -> None:
    with serve(**SLOW) as service:

        def statuses(*addresses: str) -> list[int]:
            return [service.request("GET", "/", address=address).status_code for address in addresses]

        assert statuses("192.0.2.1", "192.0.2.1", "192.0.2.1") == [200, 200, 429]
        assert statuses("192.0.2.2") == [200]
        assert statuses("::ffff:192.0.2.1") == [429]
        # One network of IPv6 is one site.
        assert statuses("2001:db8::1", "2001:db8::2", "2001:db8::3") == [200, 200, 429]
        assert statuses("2001:db8:0:1::1") == [200]


def test_guesses_of_tokens_are_counted_too(serve: Callable[..., Any]) -> None:
    with serve(**SLOW) as service:
        statuses = [service.request("GET", "/", f"guess {n}").status_code for n in range(3)]
        assert statuses == [401, 401, 429]


def test_without_limits_none_are_counted(serve: Callable[..., Any]) -> None:
    with serve(rate_per_second=0, anonymous_rate_per_second=0, anonymous_rate_burst=1) as service:
        assert {service.request("GET", "/").status_code for _ in range(5)} == {200}


@pytest.mark.parametrize(("count", "status"), [(3, 200), (4, 413)])
def test_a_request_may_bring_as_many_items_as_the_limit(
    serve: Callable[..., Any], count: int, status: int
) -> None:
    name = f"local:bulk-{count}"
    items = [stac_item(name, f"i{n}") for n in range(count)]
    with serve(max_bulk_items=3) as service:
        made = service.request("POST", "/collections", OPERATOR, json=stac_collection(name))
        assert made.status_code == 201
        where = f"/collections/{name}/bulk_items"
        answer = service.request("POST", where, OPERATOR, json={"items": {i["id"]: i for i in items}})
        assert answer.status_code == status, answer.text
        features = {"type": "FeatureCollection", "features": [i | {"id": f"{i['id']}-f"} for i in items]}
        answer = service.request("POST", f"/collections/{name}/items", OPERATOR, json=features)
        assert answer.status_code == (201 if status == 200 else 413)
        if status == 413:
            assert "4 items; 3" in answer.json()["description"]
