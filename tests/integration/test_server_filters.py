"""Every CQL2 filter gives the items that the `cql2` package says it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import LONG
from support import filter_strategies

if TYPE_CHECKING:
    import httpx

_ITEMS, _FILTERS = 6, 20
_ROUNDS = 120 if LONG else 12  # of _FILTERS filters each


@pytest.fixture(scope="module")
def answered() -> Any:
    """Numbers of pairs of a filter and an item that were compared, and that the oracle failed on."""
    counts = {"filters": 0, "pairs": 0, "unanswered": 0}
    yield counts
    print(counts)  # noqa: T201


@settings(
    max_examples=_ROUNDS,
    # Shrinking on a live stack takes longer than reading what failed.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_filters_agree_with_the_oracle(
    http: httpx.Client, collection: str, answered: dict[str, int], data: st.DataObject
) -> None:
    items = [data.draw(filter_strategies.items(collection, f"item-{number}")) for number in range(_ITEMS)]
    body = {"items": {item["id"]: item for item in items}, "method": "upsert"}
    answer = http.post(f"/collections/{collection}/bulk_items", json=body)
    assert answer.status_code == 200, answer.text
    stored = http.post("/search", json={"collections": [collection], "limit": 100}).json()["features"]
    assert len(stored) == _ITEMS
    for number in range(_FILTERS):
        filter_ = data.draw(filter_strategies.filters, label=f"filter {number}")
        answer = http.post(
            "/search",
            json={
                "collections": [collection],
                "limit": 100,
                "filter": filter_,
                "fields": {"include": ["id"]},
            },
        )
        assert answer.status_code == 200, (filter_, answer.text)
        found = {item["id"] for item in answer.json()["features"]}
        verdicts = {item["id"]: filter_strategies.matches(filter_, item) for item in stored}
        answered["filters"] += 1
        answered["pairs"] += len(verdicts)
        answered["unanswered"] += list(verdicts.values()).count(None)
        wrong = {
            name for name, verdict in verdicts.items() if verdict is not None and verdict != (name in found)
        }
        assert not wrong, (filter_, [item["properties"] for item in stored if item["id"] in wrong])
