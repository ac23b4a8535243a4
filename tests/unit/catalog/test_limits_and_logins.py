"""The client's reactions to rate limits, missing rights and refused tokens."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient
from landbridge.catalog.client import retry
from landbridge.exceptions import ForbiddenError, RateLimitError, UnauthorizedError


@pytest.fixture
def waits(monkeypatch):
    found = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.fixture
def api(service, waits):
    client = CatalogClient(service.url, auth=Auth(token="secret"))
    yield client
    client.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_refusal_for_asking_too_often_is_waited_out_12_5(service, api, waits, method):
    service.fail(429, headers={"Retry-After": "7"})
    assert api.request(method, "/x", document={"a": 1}) == {"ok": True}
    assert waits == [7.0]
    assert [(seen[0], seen[3]) for seen in service.seen] == [(method, b'{"a":1}')] * 2


def test_a_date_to_come_back_at_is_followed_12_5(service, api, waits):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    service.fail(429, headers={"Retry-After": later})
    api.post("/x", {})
    (waited,) = waits
    assert 20 < waited <= 30


def test_retries_wait_for_at_most_a_minute_12_5(service, api, waits):
    service.fail(429, headers={"Retry-After": "61"})
    with pytest.raises(RateLimitError) as raised:
        api.get("/x")
    assert raised.value.retry_after == 61.0
    assert waits == []
    assert len(service.seen) == 1


def test_without_a_time_the_waits_grow_12_5(service, api, waits):
    service.fail(*[429] * 9)
    with pytest.raises(RateLimitError):
        api.get("/x")
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2] <= retry._LONGEST_DELAY


def test_streamed_content_is_sent_again_after_a_refusal(service, api, waits):
    service.fail(429, headers={"Retry-After": "1"})
    api.request("PUT", "/x", content=lambda: iter([b"abc", b"def"]), headers={"Content-Length": "6"})
    assert [seen[3] for seen in service.seen] == [b"abcdef", b"abcdef"]


def test_a_401_error_says_what_is_wrong_with_the_token(service, api, waits):
    service.fail(401, document={"code": "U", "description": "The token has expired."})
    with pytest.raises(UnauthorizedError, match=r"The token has expired\..*LANDBRIDGE_TOKEN") as raised:
        api.get("/x")
    assert "secret" not in str(raised.value) + repr(raised.value)
    assert len(service.seen) == 1


def test_a_401_error_without_a_token_says_how_to_set_one(service, waits):
    service.fail(401)
    client = CatalogClient(service.url, auth=Auth())
    with pytest.raises(UnauthorizedError, match="No token was sent"):
        client.get("/x")
    client.close()


def test_a_403_is_an_error_of_its_own(service, api, waits):
    service.fail(403, document={"code": "F", "description": "This token may only read."})
    with pytest.raises(ForbiddenError, match="may only read") as raised:
        api.post("/x", {})
    assert raised.value.status == 403
    assert len(service.seen) == 1


ME = {"user": "ann", "org": "acme", "groups": ["flood"], "email": "Ann@Acme.test", "rights": ["read"]}


def test_the_caller_of_a_token_is_requested_once(service, api):
    service.answers.append((200, {}, ME))
    assert service.seen == []
    assert (api.auth.user, api.auth.org, api.auth.groups) == ("ann", "acme", ("flood",))
    assert api.auth.subjects == {"user:ann", "org:acme", "group:flood", "email:ann@acme.test"}
    assert [seen[1] for seen in service.seen] == ["/access/me"]
    assert service.seen[0][2]["Authorization"] == "Bearer secret"
    assert "secret" not in repr(api) + repr(api.auth)
    api.auth = Auth(token="another")
    service.answers.append((200, {}, ME | {"user": "ben"}))
    assert api.auth.user == "ben"


def test_a_configured_caller_is_not_requested(service):
    client = CatalogClient(service.url, auth=Auth(user="me", token="secret"))
    assert (client.auth.user, client.auth.org) == ("me", "local")
    client.close()
    assert service.seen == []


@pytest.mark.parametrize(
    "answer", [(404, {}, {"detail": "no"}), (405, {}, {}), (200, {}, {"type": "x"}), (200, {}, [])]
)
def test_the_settings_name_the_caller_of_other_stac_apis(service, api, answer):
    service.answers.append(answer)
    assert (api.auth.user, api.auth.org) == ("local", "local")


def test_a_caller_without_a_token_owns_nothing(service):
    service.answers.append(
        (200, {}, {"user": None, "org": None, "groups": [], "email": None, "rights": ["read"]})
    )
    client = CatalogClient(service.url, auth=Auth())
    assert client.auth.subjects == {"user:anonymous"}
    client.close()
