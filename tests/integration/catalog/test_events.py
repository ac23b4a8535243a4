"""Destinations and subscriptions as objects of the Catalog, on a live stack."""

from __future__ import annotations

import pickle
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from integration.conftest import stac_item
from landbridge.catalog import CatalogClient, DocumentState, Image, Product
from landbridge.catalog import properties as p
from landbridge.catalog.events import (
    EventApiDestination,
    EventApiDestinationCollection,
    EventConnectionParameter,
    EventSubscription,
    EventSubscriptionCollection,
    EventSubscriptionTarget,
    EventType,
    NewImageEventSubscription,
)
from landbridge.exceptions import BadRequestError, ConflictError
from landbridge.utils import Properties
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from support.receiver import Receiver

AREA = {"type": "Polygon", "coordinates": [[[30, 30], [32, 30], [32, 32], [30, 32], [30, 30]]]}


@pytest.fixture(scope="module", autouse=True)
def client(stack: Any) -> Iterator[None]:
    CatalogClient.clear_all_default_clients()
    yield
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def hook(receiver: Receiver) -> EventApiDestination:
    made = EventApiDestination(name=f"hook{uuid.uuid4().hex[:8]}", endpoint=receiver.url)
    made.save()
    return made


@pytest.fixture
def product() -> Product:
    made = Product(id=f"events{uuid.uuid4().hex[:8]}", name="Watched")
    made.save()
    return made


def new(product: Product, hook: EventApiDestination, **more: Any) -> NewImageEventSubscription:
    target = EventSubscriptionTarget(rule_id=hook.id)
    name = f"one{uuid.uuid4().hex[:8]}"
    return NewImageEventSubscription(product.id, name=name, targets=[target], **more)


def test_new_images_that_match_are_sent(
    http: httpx.Client, product: Product, hook: EventApiDestination, receiver: Receiver
) -> None:
    subscription = new(product, hook, geometry=AREA, event_filters=[p.cloud_fraction < 0.2])
    subscription.save()
    assert subscription.state == DocumentState.SAVED
    assert subscription.owner in subscription.owners
    for name, cover in (("cloudy", 80), ("clear", 10)):
        body = stac_item(product.id, name, corner=(31.0, 31.0), **{"eo:cloud_cover": cover})
        assert http.post(f"/collections/{product.id}/items", json=body).is_success
    wait_until(lambda: receiver.items() == ["clear"])
    assert receiver.is_signed(0, str(hook.signing_secret))
    image = Image.get(receiver.events[0]["subject"])
    assert image is not None
    assert image.cloud_fraction == 0.1


def test_an_object_is_read_changed_found_and_deleted(product: Product, hook: EventApiDestination) -> None:
    subscription = new(product, hook, description="First", tags=["a"], extra_properties={"b": 1})
    subscription.save()
    with pytest.raises(ConflictError):
        NewImageEventSubscription(product.id, name=subscription.name, targets=subscription.targets).save()
    found = NewImageEventSubscription.get(name=subscription.name)
    assert found == subscription
    assert found is not None
    assert (found.description, found.tags, found.extra_properties) == ("First", ["a"], {"b": 1})
    assert found.event_namespace == [product.id]
    found.enabled = False
    found.geometry = AREA
    found.expires = "2099-01-01"
    found.save()
    subscription.reload()
    assert (subscription.enabled, subscription.geometry.bounds) == (False, (30, 30, 32, 32))
    same = EventSubscription.get_or_create(subscription.id, enabled=False)
    assert same.state == DocumentState.SAVED

    search = EventSubscription.search().filter(p.name == subscription.name)
    assert [one.id for one in search] == [subscription.id]
    assert search.intersects({"type": "Point", "coordinates": [31, 31]}).count() == 1
    assert search.intersects({"type": "Point", "coordinates": [0, 0]}).count() == 0
    assert isinstance(search.collect(), EventSubscriptionCollection)
    destinations = EventApiDestination.search().filter(p.name == hook.name).collect()
    assert isinstance(destinations, EventApiDestinationCollection)

    with pytest.raises(ConflictError):
        hook.delete()
    assert EventSubscription.delete(subscription.id)
    hook.delete()
    assert not EventSubscription.exists(subscription.id)
    assert EventApiDestination.get(hook.id) is None


def test_credentials_are_sent_and_never_shown(
    receiver: Receiver, http: httpx.Client, product: Product
) -> None:
    header = EventConnectionParameter(Key="X-Team", Value="sesame", IsValueSecret=True)
    hook = EventApiDestination(
        namespace="local",
        name=f"hook{uuid.uuid4().hex[:8]}",
        endpoint=receiver.url,
        connection_header_parameters=[header],
        connection_authorization_type="BASIC",
        connection_basic_username="ann",
        connection_basic_password="sesame",
    )
    assert b"sesame" not in pickle.dumps(hook)
    hook.save()
    assert hook.signing_secret
    for text in (repr(hook), repr(header), repr(hook.connection_header_parameters), str(hook.serialize())):
        assert "sesame" not in text
        assert hook.signing_secret not in text
    assert hook.signing_secret.encode() not in pickle.dumps(hook)
    names = [one.Key for one in EventApiDestination.get(hook.id).connection_header_parameters]
    assert names == ["Authorization", "X-Team"]
    assert http.post(f"/notifications/destinations/{hook.id}/test").json()["delivered"]
    assert receiver.headers[0]["authorization"] == "Basic YW5uOnNlc2FtZQ=="
    assert receiver.headers[0]["x-team"] == "sesame"
    hook.connection_authorization_type = "API_KEY"
    hook.connection_api_key_name, hook.connection_api_key_value = "X-Key", "other"
    with pytest.raises(BadRequestError, match="would be lost"):
        hook.save()
    hook.connection_header_parameters = [header]
    hook.save()
    names = [one.Key for one in EventApiDestination.get(hook.id).connection_header_parameters]
    assert names == ["X-Key", "X-Team"]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"event_type": [EventType.SCHEDULED]}, "new images only"),
        ({"event_source": ["elsewhere"]}, "one source"),
        ({"readers": ["user:bob"]}, "belongs to the user"),
        ({"targets": []}, "one EventSubscriptionTarget"),
        ({"targets": [{"rule_id": "local:a", "detail_template": "{}"}]}, "detail_template"),
        ({"event_filters": [p.cloud_fraction < 0.2, p.name == "a"]}, "combine them"),
        ({"event_filters": [Properties().no_such_attribute == 1]}, "no_such_attribute"),
    ],
)
def test_what_the_service_cannot_do_is_refused_with_advice(
    product: Product, hook: EventApiDestination, attributes: dict[str, Any], message: str
) -> None:
    subscription = new(product, hook)
    subscription.update(**attributes)
    with pytest.raises(BadRequestError, match=message):
        subscription.save()


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"method": "PUT"}, "sent by POST"),
        ({"invocation_rate": 5}, "429"),
        ({"connection_oauth_client_id": "a"}, "signing_secret"),
        ({"connection_authorization_type": "OAUTH_CLIENT_CREDENTIALS"}, "API_KEY"),
        ({"connection_api_key_name": "X-Key"}, "connection_authorization_type"),
        ({"endpoint": "ftp://hooks.example"}, "https://"),
    ],
)
def test_what_a_destination_cannot_do_is_refused_with_advice(
    attributes: dict[str, Any], message: str
) -> None:
    hook = EventApiDestination(**{"name": "a", "endpoint": "https://hooks.example/", **attributes})
    with pytest.raises(BadRequestError, match=message):
        hook.save()
