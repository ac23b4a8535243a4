"""The client against a server that fails on purpose: retries, tokens, errors (semantics 12.3 to 12.5)."""

import socket
from pathlib import Path

import httpx
import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient
from landbridge.catalog.client import request_sender, retry
from landbridge.config import EmbeddedState
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError, RateLimitError, ServerError
from support.scripted_server import ScriptedServer


@pytest.fixture
def api(service, monkeypatch):
    monkeypatch.setattr(request_sender, "retry_delay", lambda _attempt, _after: 0)
    client = CatalogClient(service.url, auth=Auth(token="secret"))
    yield client
    client.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504, "drop"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_idempotent_requests_are_repeated_12_5(service, api, status, method):
    service.fail(status, status, status)
    assert api.request(method, "/x") == {"ok": True}
    assert len(service.seen) == 4


def test_a_client_without_a_network_does_not_wait(monkeypatch):
    asked = []

    def unknown(*args, **_kwargs):
        asked.append(args)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    client = CatalogClient(url="http://no-such-host.invalid", auth=Auth(token="t"), retries=5)
    with pytest.raises(ServerError, match=r"no-such-host\.invalid could not be reached"):
        client.get("/")
    assert len(asked) == 2


def test_retries_end_12_5(service, api):
    service.fail(*[502] * 9)
    with pytest.raises(ServerError) as raised:
        api.get("/x")
    assert raised.value.original_status == 502
    assert len(service.seen) == 4


def test_the_number_of_retries_can_be_set_12_5(service):
    service.fail(503)
    client = CatalogClient(service.url, retries=0)
    with pytest.raises(ServerError):
        client.get("/x")
    client.close()
    assert len(service.seen) == 1


def test_waits_grow_and_end_and_follow_retry_after_12_5():
    for attempt in range(1, 9):
        wait = retry.retry_delay(attempt, None)
        assert 0 < wait <= retry.LONGEST_WAIT
        assert wait <= retry._FIRST_DELAY * 4.0 ** (attempt - 1)
    assert retry.retry_delay(1, 0.25) == 0.25
    assert retry.retry_delay(1, 1e9) == retry.LONGEST_WAIT


def test_a_service_that_refuses_connections_is_asked_again_12_5(monkeypatch):
    waits = []
    monkeypatch.setattr(request_sender, "retry_delay", lambda attempt, _after: waits.append(attempt) or 0)
    client = CatalogClient("http://127.0.0.1:9")
    with pytest.raises(ServerError, match="could not be reached"):
        client.get("/x")
    client.close()
    assert waits == [1, 2, 3]


@pytest.mark.parametrize("status", [500, 502, 504, "drop"])
def test_a_write_that_may_have_taken_effect_is_not_repeated(service, api, status):
    service.fail(status)
    with pytest.raises(ServerError):
        api.post("/x", {"a": 1})
    assert len(service.seen) == 1


def test_a_write_that_was_not_processed_is_repeated(service, api):
    service.fail(503)
    assert api.post("/x", {"a": 1}) == {"ok": True}


def test_a_search_is_repeated_although_it_posts(service, api):
    service.fail(500, "drop")
    assert api.post("/search", {}, idempotent=True) == {"ok": True}


def test_streamed_content_is_sent_again_by_each_attempt(service, api):
    service.fail(500)
    parts = [b"abc", b"def"]
    api.request("PUT", "/x", content=lambda: iter(parts), headers={"Content-Length": "6"})
    assert [body for *_, body in service.seen] == [b"abcdef", b"abcdef"]


def test_the_token_goes_to_the_api_only(service, api):
    other = ScriptedServer()
    try:
        api.get("/x")
        api.request("GET", service.url + "/y")
        api.request("GET", other.url + "/z")
    finally:
        other.stop()
    assert [seen[2].get("Authorization") for seen in service.seen] == ["Bearer secret", "Bearer secret"]
    assert "Authorization" not in other.seen[0][2]


def test_a_redirect_is_not_followed(service, api):
    service.fail(307, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    with pytest.raises(Exception, match="no") as raised:
        api.get("/x")
    assert raised.value.status == 307  # type: ignore[attr-defined]


def test_the_token_is_not_in_any_repr():
    client = CatalogClient("http://127.0.0.1:9", auth=Auth(user="me", token="secret"))
    assert "secret" not in repr(client) + repr(client.auth) + str(client.auth)


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequestError), (404, NotFoundError), (409, ConflictError)]
)
def test_answers_become_errors_12_3(service, api, status, error):
    service.fail(status, document={"code": "X", "description": "what is wrong"})
    with pytest.raises(error, match="what is wrong") as raised:
        api.get("/x")
    assert raised.value.status == status
    assert len(service.seen) == 1


def test_a_rate_limit_says_how_long_to_wait_12_3(service, api):
    service.fail(*[429] * 4, headers={"Retry-After": "7"})
    with pytest.raises(RateLimitError) as raised:
        api.get("/x")
    assert raised.value.retry_after == 7.0
    assert len(service.seen) == 4


def test_an_unreachable_service_is_a_server_error():
    with pytest.raises(ServerError, match="could not be reached"):
        CatalogClient("http://127.0.0.1:9", retries=0).get("/x")


def test_params_and_headers_reach_the_service_1_27(service, api):
    from landbridge.catalog import Band, Image, Product

    service.fail(*[404] * 4)
    extra = {"client": api, "request_params": {"a": "b"}, "headers": {"X-Test": "1"}}
    for use in (
        lambda: Product.get("p", **extra),
        lambda: Image.get("p:i", **extra),
        lambda: Band.get("p:b", **extra),
        lambda: Product.get_or_create("p", **extra),
    ):
        use()
    for _, path, headers, _ in service.seen:
        assert path.endswith("?a=b")
        assert headers["X-Test"] == "1"
    assert len(service.seen) == 4


def test_a_conflict_in_another_services_words_is_one_readable_line_13_4(service, api):
    detail = {"detail": "One or more related objects exist", "title": "Related objects exist"}
    service.fail(409, document={"errors": [{**detail, "status": "409"}], "jsonapi": {"version": "1.0"}})
    with pytest.raises(ConflictError) as raised:
        api.request("DELETE", "/collections/x")
    (line,) = str(raised.value).strip().splitlines()
    assert detail["detail"] in line
    assert "{" not in line


def test_only_the_embedded_stack_goes_without_certificates_and_compression(service, api, monkeypatch):
    made = []

    def session(**kwargs):
        made.append(kwargs)
        return httpx.Client(**kwargs)

    monkeypatch.setattr(CatalogClient, "_session_class", session)
    monkeypatch.delenv("LANDBRIDGE_URL", raising=False)
    embedded = CatalogClient()
    embedded._state = EmbeddedState(url=service.url, private_url=service.url, token="t", store=Path(), pid=1)
    for path in ("/x", "/y", service.url + "/z"):
        embedded.get(path)
    api.get("/x")
    assert [kwargs["verify"] for kwargs in made] == [False, True, True]
    assert [seen[2]["Accept-Encoding"] == "identity" for seen in service.seen] == [True, True, False, False]
    embedded.close()


def test_default_clients_1_27():
    client = CatalogClient("http://127.0.0.1:9")
    CatalogClient.set_default_client(client)
    assert CatalogClient.get_default_client() is client
    CatalogClient.clear_all_default_clients()
    assert CatalogClient.get_default_client() is not client
    with pytest.raises(ValueError, match="CatalogClient"):
        CatalogClient.set_default_client("http://x")


def test_jsonapi_documents():
    assert CatalogClient.jsonapi_document("product", {"a": 1}) == {
        "data": {"type": "product", "attributes": {"a": 1}}
    }
    many = CatalogClient.jsonapi_collection("product", [{"a": 1}, {"a": 2}], ["x", "y"])
    assert [entry["id"] for entry in many["data"]] == ["x", "y"]


def test_bands_are_cached_until_they_are_forgotten_6_2(api):
    reads = []
    for _ in range(3):
        api.cached_bands("p", lambda name: reads.append(name) or [name])
    assert reads == ["p"]
    api.forget_bands("p")
    assert api.cached_bands("p", lambda name: [name, "new"]) == ["p", "new"]
