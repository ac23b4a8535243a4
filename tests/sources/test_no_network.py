"""Without a network, questions are answered soon by what is known, or by a clear error.

Seconds are those that the client waits between attempts: those of its work depend on the machine.
"""

import dataclasses
import socket
import time

import pytest

from landbridge import sources
from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image, Product
from landbridge.exceptions import LandbridgeError
from landbridge.mappings.sources import shipped
from support.replay.as_source import variables
from support.replay_server import ReplayServer
from support.s3_server import free_port

pytestmark = pytest.mark.filterwarnings("ignore")

# Address, and seconds of waiting: one that refuses connections may be starting, so that it is asked again.
ADDRESSES = {
    "no name can be resolved": (lambda: "https://earth-search.invalid/v1", 1),
    "connections are refused": (lambda: f"http://127.0.0.1:{free_port()}", 3),
}
ALIAS = "esa:sentinel-2:l2a:c1:v1"


@pytest.fixture(params=ADDRESSES)
def offline(request):
    """The shipped table of Earth Search at an address that can't be reached."""
    address, seconds = ADDRESSES[request.param]
    url = address()
    with variables({"LANDBRIDGE_SOURCES": "earth-search"}):
        sources.add(dataclasses.replace(shipped("earth-search"), url=url))
        yield url, seconds
        sources.remove("earth-search")


@pytest.fixture
def waits(monkeypatch):
    """The seconds that the client would have waited."""
    found = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def ask(question):
    """Return the answer or the error of a question."""
    try:
        return question()
    except LandbridgeError as error:
        return error


QUESTIONS = {
    "product by an alias": lambda: Product.get(ALIAS),
    "product by source": lambda: Product.get("earth-search:sentinel-2-c1-l2a"),
    "image": lambda: Image.get(f"{ALIAS}:a-scene"),
    "search": lambda: Image.search().filter(_of_alias()).collect(),
    "count": lambda: Image.search().filter(_of_alias()).count(),
}


def _of_alias():
    from landbridge.catalog import properties as p

    return p.product_id == ALIAS


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_to_a_source_that_cannot_be_reached_is_answered_soon(offline, question, waits):
    answer = ask(QUESTIONS[question])
    url, most = offline
    assert sum(waits) < most
    if isinstance(answer, LandbridgeError):
        host = url.partition("://")[2].partition("/")[0]
        assert "earth-search" in str(answer) or host in str(answer)
    else:
        assert answer.id == ALIAS


@pytest.fixture
def own_service():
    """A service of one's own with nothing in it."""
    service = ReplayServer([], [])
    before = CatalogClient.get_default_client()
    CatalogClient.set_default_client(CatalogClient(url=service.url, auth=Auth(user="local", org="local")))
    yield service
    CatalogClient.set_default_client(before)
    service.stop()


def test_an_unknown_id_is_asked_of_one_s_own_service_only(offline, own_service, waits, monkeypatch):
    asked = []
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: asked.append(host) or resolve(host, *a, **k)
    )
    assert ask(lambda: Product.get("nobody:has:this")) is None
    assert waits == []
    assert set(asked) <= {"127.0.0.1"}
    assert len(own_service.requests) == 1


def test_known_products_are_listed_without_a_network(offline, waits):
    found = {product.id for product in Product.search()}
    assert ALIAS in found or "esa:sentinel-2:l2a:v1" in found
    assert waits == []
