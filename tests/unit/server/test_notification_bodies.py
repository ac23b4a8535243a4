"""Bodies of requests about notifications are checked, whatever they hold, and no event is too large."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.conftest import stac_item
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.notifications import events, request_bodies

SUBSCRIPTION = {
    "name": "one",
    "products": ["local:a"],
    "destination": "local:hook",
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]},
    "enabled": True,
    "expires": "2030-01-01T00:00:00Z",
    "description": "a",
    "tags": ["b"],
    "extra_properties": {"c": 1},
}
DESTINATION = {"name": "hook", "url": "https://hooks.example/", "headers": {"X-Key": "value"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def refused(what: Any, *arguments: Any) -> str:
    with pytest.raises(BadRequestError) as error:
        what(*arguments)
    return str(error.value)


@given(st.sampled_from(sorted(SUBSCRIPTION)), JSON)
def test_any_value_of_a_subscription_is_taken_or_refused(member: str, value: Any) -> None:
    for stored in (None, {}):
        body = {**SUBSCRIPTION, member: value}
        if stored is not None:
            del body["name"]
        try:
            found = request_bodies.subscription_columns(body, stored)
        except BadRequestError:
            continue
        json.dumps({name: one for name, one in found.items() if name != "expires"})


@given(st.sampled_from(sorted(DESTINATION)), JSON)
def test_any_value_of_a_destination_is_taken_or_refused(member: str, value: Any) -> None:
    for body in (value, {**DESTINATION, member: value}):
        try:
            namespace, name = request_bodies.new_id(body, "acme")
            request_bodies.destination_columns(body, ())
        except BadRequestError:
            continue
        assert name == f"{namespace}:{body['name']}"


@pytest.mark.parametrize(
    "body",
    [
        *([], None, {"name": "a"}, {**SUBSCRIPTION, "product": "a"}, {**SUBSCRIPTION, "products": []}),
        *({**SUBSCRIPTION, "products": ["blobs:data"]}, {**SUBSCRIPTION, "products": ["x"] * 101}),
        *(
            {**SUBSCRIPTION, "enabled": 1},
            {**SUBSCRIPTION, "expires": 5},
            {**SUBSCRIPTION, "expires": "soon"},
        ),
        *({**SUBSCRIPTION, "filter": "a <"}, {**SUBSCRIPTION, "tags": [1]}, {**SUBSCRIPTION, "tags": "a"}),
        *({**SUBSCRIPTION, "tags": False}, {**SUBSCRIPTION, "description": 0}, {**SUBSCRIPTION, "tags": {}}),
        {**SUBSCRIPTION, "description": "a" * 20_000},
        {**SUBSCRIPTION, "geometry": {"type": "Point", "coordinates": ["a", 1]}},
        {**SUBSCRIPTION, "geometry": {"type": "MultiPoint", "coordinates": [[1, 1]] * 30_000}},
    ],
)
def test_such_a_subscription_is_refused(body: Any) -> None:
    refused(request_bodies.subscription_columns, body)


@pytest.mark.parametrize(
    "headers",
    [
        *(["a"], {"Host": "a"}, {"content-length": "1"}, {"Webhook-Signature": "v1,a"}, {"ce-id": "a"}),
        *({"a b": "c"}, {"": "a"}, {"a": 1}, {"a": ""}, {"a": "b\r\nHost: c"}, {"a": "ü"}, {"a": " b"}),
        *({"a": "b" * 5000}, {"a": "1", "A": "2"}, {f"h{number}": "a" for number in range(21)}),
    ],
)
def test_such_headers_are_refused_without_their_values(headers: Any) -> None:
    body = {
        **DESTINATION,
        "headers": {**headers, "X-Key": "sesame"} if isinstance(headers, dict) else headers,
    }
    assert "sesame" not in refused(request_bodies.destination_columns, body, ())


def test_names_and_namespaces_are_fixed() -> None:
    assert "name" in refused(request_bodies.subscription_columns, {"name": "other"}, {})
    assert "unknown" in refused(request_bodies.subscription_columns, {"owner": "other"}, {})


@given(st.integers(0, 400), st.integers(0, 30_000))
def test_no_event_is_too_large(links: int, positions: int) -> None:
    item = stac_item("local:a", "b", **{"x:text": "a" * links * 1000})
    item["geometry"] = {"type": "MultiPoint", "coordinates": [[10.123456789, 10.123456789]] * positions}
    item["links"] = [{"rel": "related", "href": f"https://a.example/{number}"} for number in range(links)]
    body = events.new_image(
        item,
        event_id="1-2",
        subscription="acme:a",
        position=7,
        stored=datetime.now(UTC),
        base="http://a.example/",
    )
    event = json.loads(body)
    assert len(body) <= 256 * 1024
    assert (event["id"], event["subject"], event["data"]["id"]) == ("1-2", "local:a:b", "b")
    assert event["data"]["properties"]["datetime"] == "2024-05-01T00:00:00Z"
    if not event.get("shortened"):
        assert len(event["data"]["links"]) == 4 + links
        assert len(event["data"]["geometry"]["coordinates"]) == positions
