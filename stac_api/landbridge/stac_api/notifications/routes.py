"""Notifications over HTTP.

/notifications/destinations                       POST, GET
/notifications/destinations/{id}                  GET, PATCH, DELETE
/notifications/destinations/{id}/test             POST   send a test event
/notifications/subscriptions                      POST, GET
/notifications/subscriptions/{id}                 GET, PATCH, DELETE
/notifications/subscriptions/{id}/dead-letters    GET, POST (send again)

Objects belong to the user that made them; others do not see them. Operators see all.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from landbridge.stac_api.access import audit
from landbridge.stac_api.access.principal import API_CREDENTIAL, request_principal
from landbridge.stac_api.access.rules import (
    BLOB_COLLECTIONS,
    check_own_namespace,
    collection_not_found,
    request_access,
)
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.notifications import deliveries, events, records, request_bodies
from landbridge.stac_api.notifications.matching import Matcher
from landbridge.stac_api.notifications.records import Owner
from landbridge.stac_api.pgstac import collection_queries
from landbridge.stac_api.search.client import JSON, respond

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.access.principal import Principal
    from landbridge.stac_api.core.settings import Settings

router = APIRouter(prefix="/notifications", tags=["Notifications"])

_DESTINATION: Final = "destination"
_SUBSCRIPTION: Final = "subscription"
_Limit = Annotated[int, Query(ge=1, le=1000)]
_Offset = Annotated[int, Query(ge=0, le=2**31)]


@router.post(
    "/destinations",
    response_class=Response,
    status_code=201,
    openapi_extra=request_bodies.request_body(request_bodies.DESTINATION, "name", "url"),
)
async def create_destination(request: Request) -> Response:
    """Make a destination; only this answer has the secret of its signatures."""
    body, settings = incoming.parse(await request.body()), _settings(request)
    name, parts = _new_id(request, body)
    given = request_bodies.destination_columns(body, settings.notification_urls)
    given["properties"] = {**parts, **given.get("properties", {})}
    secret = events.new_secret()
    values = {"id": name, "secret": secret, **given}
    owner = Owner.of(request_principal(request))
    async with request.app.state.writepool.acquire() as conn, conn.transaction():
        await records.create(conn, _DESTINATION, owner, values, settings.max_notifications)
        made = await records.destination(conn, owner, name)
    shown = {**made.to_json(), "secret": events.written_secret(secret)}
    answer = respond(shown, links.base_url(request), JSON, 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/destinations", response_class=Response)
async def list_destinations(request: Request, limit: _Limit = 100, offset: _Offset = 0) -> Response:
    """Return the caller's destinations."""
    owner = Owner.of(request_principal(request))
    found, matched = await records.destinations(request.app.state.readpool, owner, limit, offset)
    shown = [one.to_json() for one in found]
    return _respond(request, {"destinations": shown, "numberMatched": matched})


@router.get("/destinations/{destination_id}", response_class=Response)
async def get_destination(destination_id: str, request: Request) -> Response:
    """Return a destination, without its secrets."""
    owner = Owner.of(request_principal(request))
    found = await records.destination(request.app.state.readpool, owner, destination_id)
    return _respond(request, found.to_json())


@router.patch(
    "/destinations/{destination_id}",
    response_class=Response,
    openapi_extra=request_bodies.request_body(request_bodies.DESTINATION),
)
async def change_destination(destination_id: str, request: Request) -> Response:
    """Change members of a destination; `headers` are replaced as a whole."""
    body = incoming.parse(await request.body())
    owner = Owner.of(request_principal(request))
    async with request.app.state.writepool.acquire() as conn, conn.transaction():
        stored = await records.destination(conn, owner, destination_id, lock=True)
        values = request_bodies.destination_columns(
            body, _settings(request).notification_urls, stored.properties
        )
        if values:
            await records.update(conn, _DESTINATION, destination_id, values)
        changed = await records.destination(conn, owner, destination_id)
    return _respond(request, changed.to_json())


@router.delete("/destinations/{destination_id}", response_class=Response, status_code=204)
async def delete_destination(destination_id: str, request: Request) -> Response:
    """Delete a destination that no subscription uses."""
    owner = Owner.of(request_principal(request))
    async with request.app.state.writepool.acquire() as conn, conn.transaction():
        await records.destination(conn, owner, destination_id, lock=True)
        await records.delete(conn, _DESTINATION, destination_id)
    return Response(status_code=204)


@router.post("/destinations/{destination_id}/test", response_class=Response)
async def test_destination(destination_id: str, request: Request) -> Response:
    """Send an event of the type `io.landbridge.ping` now, and return whether it was taken."""
    owner = Owner.of(request_principal(request))
    found = await records.destination(request.app.state.writepool, owner, destination_id)
    now, event_id, base = datetime.now(UTC), f"test-{uuid.uuid4().hex}", links.base_url(request)
    body = events.ping(event_id=event_id, destination=destination_id, now=now, base=base)
    signed = events.signed_headers(event_id, body, found.secret, now)
    outcome = await request.app.state.sender.post(found.url, {**found.headers, **signed}, body)
    shown = {"delivered": outcome.delivered, "status": outcome.status, "error": outcome.error or None}
    return _respond(request, shown)


@router.post(
    "/subscriptions",
    response_class=Response,
    status_code=201,
    openapi_extra=request_bodies.request_body(request_bodies.SUBSCRIPTION, "name", "products", "destination"),
)
async def create_subscription(request: Request) -> Response:
    """Ask for notifications of new images of products that the caller can read, from now on."""
    body, settings = incoming.parse(await request.body()), _settings(request)
    name, parts = _new_id(request, body)
    given = request_bodies.subscription_columns(body)
    given["properties"] = {**parts, **given.get("properties", {})}
    audit.add_targets(request, *given["products"])
    principal = request_principal(request)
    owner = Owner.of(principal)
    pool = request.app.state.writepool
    await _check_products(request, given["products"])
    conditions = (given.get("geometry"), given.get("filter"))
    await _check_conditions(request, given["products"][0], *conditions)
    values = {"id": name, "base_url": links.base_url(request), **_identity(principal, settings), **given}
    async with pool.acquire() as conn, conn.transaction():
        # The destination must be the caller's own: its headers and its secret are.
        await _check_destination(conn, owner, given["destination_id"])
        await records.create(conn, _SUBSCRIPTION, owner, values, settings.max_notifications)
        made = await _with_cursors(conn, owner, name)
    return await _shown(request, made, 201)


@router.get("/subscriptions", response_class=Response)
async def list_subscriptions(request: Request, limit: _Limit = 100, offset: _Offset = 0) -> Response:
    """Return the caller's subscriptions, with their progress."""
    owner, pool = Owner.of(request_principal(request)), request.app.state.readpool
    found, matched = await records.subscriptions(pool, owner, limit, offset)
    cursors, dead = await records.progress(pool, [one.id for one in found])
    shown = [one.to_json(cursors[one.id], dead.get(one.id, 0)) for one in found]
    return _respond(request, {"subscriptions": shown, "numberMatched": matched})


@router.get("/subscriptions/{subscription_id}", response_class=Response)
async def get_subscription(subscription_id: str, request: Request) -> Response:
    """Return a subscription, with its progress."""
    owner = Owner.of(request_principal(request))
    return await _shown(
        request, await records.subscription(request.app.state.readpool, owner, subscription_id)
    )


@router.patch(
    "/subscriptions/{subscription_id}",
    response_class=Response,
    openapi_extra=request_bodies.request_body(request_bodies.SUBSCRIPTION),
)
async def change_subscription(subscription_id: str, request: Request) -> Response:
    """Change members of a subscription.

    A change by the owner, also one of no member, confirms the owner's identity, ends a suspension, and lets
    failed notifications be tried at once.
    """
    body, settings = incoming.parse(await request.body()), _settings(request)
    principal = request_principal(request)
    owner, pool = Owner.of(principal), request.app.state.writepool
    before = await records.subscription(pool, owner, subscription_id)
    values = request_bodies.subscription_columns(body, before.properties)
    added = [one for one in values.get("products", ()) if one not in before.products]
    await _check_products(request, added)
    conditions = {name: values.get(name, getattr(before, name)) for name in ("geometry", "filter")}
    await _check_conditions(request, before.products[0], conditions["geometry"], conditions["filter"])
    # An operator may change the subscription of a user, but does not lend it the operator's rights.
    own = Owner(before.username, before.operator) == owner
    async with pool.acquire() as conn, conn.transaction():
        await records.subscription(conn, owner, subscription_id, lock=True)
        if "destination_id" in values:
            whose = Owner(before.username, before.operator)
            await _check_destination(conn, whose, values["destination_id"])
        if own:
            values |= {"base_url": links.base_url(request), **_identity(principal, settings)}
        if values:
            await records.update(conn, _SUBSCRIPTION, subscription_id, values)
        changed = await _with_cursors(conn, owner, subscription_id)
        await deliveries.wake(conn)
    return await _shown(request, changed)


@router.delete("/subscriptions/{subscription_id}", response_class=Response, status_code=204)
async def delete_subscription(subscription_id: str, request: Request) -> Response:
    """Delete a subscription, with its dead letters and what is left to deliver."""
    owner = Owner.of(request_principal(request))
    async with request.app.state.writepool.acquire() as conn, conn.transaction():
        await records.subscription(conn, owner, subscription_id, lock=True)
        await records.delete(conn, _SUBSCRIPTION, subscription_id)
    return Response(status_code=204)


@router.get("/subscriptions/{subscription_id}/dead-letters", response_class=Response)
async def list_dead_letters(
    subscription_id: str, request: Request, limit: _Limit = 100, offset: _Offset = 0
) -> Response:
    """Return the notifications of a subscription that were given up."""
    owner, pool = Owner.of(request_principal(request)), request.app.state.readpool
    await records.subscription(pool, owner, subscription_id)
    shown, matched = await records.dead_letters(pool, subscription_id, limit, offset)
    return _respond(request, {"dead_letters": shown, "numberMatched": matched})


@router.post(
    "/subscriptions/{subscription_id}/dead-letters",
    response_class=Response,
    openapi_extra=request_bodies.request_body(),
)
async def retry_dead_letters(subscription_id: str, request: Request) -> Response:
    """Send dead letters again, before new images: `{"ids": [...]}`, or `{}` for all."""
    letters = request_bodies.letters(incoming.parse(await request.body()))
    owner = Owner.of(request_principal(request))
    async with request.app.state.writepool.acquire() as conn, conn.transaction():
        await records.subscription(conn, owner, subscription_id)
        retried = await records.retry_dead_letters(conn, subscription_id, letters)
        await deliveries.wake(conn)
    return _respond(request, {"retried": retried})


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.landbridge
    return found


def _respond(request: Request, document: Any) -> Response:
    return respond(document, links.base_url(request), JSON)


async def _shown(request: Request, one: records.Subscription, status: int = 200) -> Response:
    cursors, dead = await records.progress(request.app.state.writepool, [one.id])
    document = one.to_json(cursors[one.id], dead.get(one.id, 0))
    return respond(document, links.base_url(request), JSON, status)


def _new_id(request: Request, body: Any) -> tuple[str, dict[str, Any]]:
    """Return the id of a new object, in a namespace of the caller, and the parts of the id."""
    principal = request_principal(request)
    namespace, name = request_bodies.new_id(body, principal.prefix)
    check_own_namespace(namespace, principal)
    audit.add_targets(request, name)
    return name, {"namespace": namespace, "name": body["name"]}


def _identity(principal: Principal, settings: Settings) -> dict[str, Any]:
    """Return what a subscription has to know of its owner, to read in the owner's name later."""
    by_token = (principal.credential or "").startswith(API_CREDENTIAL)
    trusted = timedelta(days=settings.notification_identity_days)
    return {
        "subjects": sorted(principal.subjects),
        "credential": principal.credential if by_token else None,
        "trusted_until": None if by_token or principal.operator else datetime.now(UTC) + trusted,
        "suspended": None,
    }


async def _check_products(request: Request, products: Sequence[str]) -> None:
    """Check that the caller can read products; a 404 hides the others."""
    access, pool = await request_access(request), request.app.state.writepool
    for product in products:
        if product in BLOB_COLLECTIONS or not await collection_queries.find_collection(pool, product, access):
            raise collection_not_found(product)


async def _check_conditions(
    request: Request, product: str, geometry: Mapping[str, Any] | None, filter_: Any
) -> None:
    """Check that the database accepts the filter, by a query that finds nothing."""
    async with request.app.state.readpool.acquire() as conn:
        await Matcher.of(product, geometry, filter_, ()).matching(conn, [""])


async def _check_destination(conn: asyncpg.Connection, owner: Owner, name: str) -> None:
    found = await records.destination(conn, owner, name)
    if (found.username, found.operator) != (owner.username, owner.operator):
        raise records.not_found(_DESTINATION, name)


async def _with_cursors(conn: asyncpg.Connection, owner: Owner, name: str) -> records.Subscription:
    """Return a subscription as stored, with cursors for the products in which it is active."""
    found = await records.subscription(conn, owner, name)
    active = found.state(datetime.now(UTC)) == "active"
    await records.replace_cursors(conn, name, found.products if active else ())
    return found
