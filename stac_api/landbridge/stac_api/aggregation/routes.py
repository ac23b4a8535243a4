"""The STAC API Aggregation extension; buckets also have the sum of bytes.

https://github.com/stac-api-extensions/aggregation
"""

# No deferred annotations here: FastAPI could not resolve the names of this module.
from dataclasses import replace
from typing import Annotated, Any, Literal

import attr
from fastapi import APIRouter, FastAPI, Path, Query, Request
from pydantic import Field
from stac_fastapi.api.routes import create_async_endpoint
from stac_fastapi.extensions.aggregation import AggregationConformanceClasses
from stac_fastapi.types.extension import ApiExtension
from stac_fastapi.types.search import APIRequest, BaseSearchGetRequest, BaseSearchPostRequest, str2list
from starlette.responses import Response

from landbridge.stac_api.access.rules import request_access
from landbridge.stac_api.aggregation.counting import AGGREGATIONS, DATES, DEFAULT, Wanted, aggregate
from landbridge.stac_api.documents import links
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import collection_queries
from landbridge.stac_api.search import request as requests
from landbridge.stac_api.search.client import JSON, respond
from landbridge.stac_api.search.extensions import FilterGet, FilterPost, QueryGet, QueryPost
from landbridge.stac_api.search.parameters import check_body, check_query
from landbridge.stac_api.search.request import Search

_Interval = Literal["year", "quarter", "month", "week", "day", "hour", "minute"]


def _names(
    value: Annotated[
        str | None, Query(description=f"Aggregations to compute: {', '.join(AGGREGATIONS)}.")
    ] = None,
) -> list[str] | None:
    return str2list(value)


@attr.s
class _Intervals(APIRequest):
    datetime_frequency_interval: Annotated[_Interval | None, Query()] = attr.ib(default=None)
    created_frequency_interval: Annotated[_Interval | None, Query()] = attr.ib(default=None)
    updated_frequency_interval: Annotated[_Interval | None, Query()] = attr.ib(default=None)
    published_frequency_interval: Annotated[_Interval | None, Query()] = attr.ib(default=None)


@attr.s
class AggregateGet(BaseSearchGetRequest, FilterGet, QueryGet, _Intervals):
    """Parameters of `/aggregate`."""

    aggregations: list[str] | None = attr.ib(default=None, converter=_names)


@attr.s
class CollectionAggregateGet(AggregateGet):
    """Parameters of a collection's `/aggregate`."""

    collection_id: Annotated[str, Path(description="Collection ID")] = attr.ib(kw_only=True)


class AggregatePost(FilterPost, QueryPost, BaseSearchPostRequest):
    """Body of `/aggregate`."""

    aggregations: list[str] | None = Field(
        None, description=f"Aggregations to compute: {', '.join(AGGREGATIONS)}."
    )
    datetime_frequency_interval: _Interval | None = None
    created_frequency_interval: _Interval | None = None
    updated_frequency_interval: _Interval | None = None
    published_frequency_interval: _Interval | None = None


@attr.s
class Aggregation(ApiExtension):
    """Routes `/aggregate` and `/aggregations` of all items and of a collection, by GET and by POST."""

    conformance_classes: list[str] = attr.ib(
        factory=lambda: [AggregationConformanceClasses.AGGREGATION.value]
    )
    schema_href: str | None = attr.ib(default=None)

    def register(self, app: FastAPI) -> None:
        """Add the routes."""
        router = APIRouter(prefix=app.state.router_prefix, tags=["Aggregation"])
        of_one = "/collections/{collection_id}"
        for prefix, get in (("", AggregateGet), (of_one, CollectionAggregateGet)):
            router.add_api_route(
                f"{prefix}/aggregate",
                create_async_endpoint(_by_get, get),
                methods=["GET"],
                response_class=Response,
            )
        router.add_api_route("/aggregate", _by_post, methods=["POST"], response_class=Response)
        router.add_api_route(
            f"{of_one}/aggregate", _of_one_by_post, methods=["POST"], response_class=Response
        )
        # One route for each method: OpenAPI needs an id for each.
        for method in ("GET", "POST"):
            router.add_api_route("/aggregations", _offered, methods=[method], response_class=Response)
            router.add_api_route(
                f"{of_one}/aggregations", _offered_of_one, methods=[method], response_class=Response
            )
        app.include_router(router)


async def _by_get(
    request: Request,
    aggregations: list[str] | None = None,
    collection_id: str | None = None,
    **kwargs: Any,
) -> Response:
    check_query(request)
    intervals = {date: kwargs.pop(f"{date}_frequency_interval", None) for date in DATES}
    asked = requests.from_get(**kwargs)
    return await _answer(request, asked, aggregations, intervals, collection_id)


async def _by_post(request: Request, body: AggregatePost) -> Response:
    """Aggregate the items that match a search."""
    return await _posted(request, body, None)


async def _of_one_by_post(request: Request, collection_id: str, body: AggregatePost) -> Response:
    """Aggregate the items of a collection that match a search."""
    return await _posted(request, body, collection_id)


async def _posted(request: Request, body: AggregatePost, collection_id: str | None) -> Response:
    await check_body(request, AggregatePost)
    intervals = {date: getattr(body, f"{date}_frequency_interval") for date in DATES}
    asked = await requests.in_thread(request, requests.from_post, body)
    return await _answer(request, asked, body.aggregations, intervals, collection_id)


async def _answer(
    request: Request,
    asked: Search,
    names: list[str] | None,
    intervals: dict[str, str | None],
    collection_id: str | None,
) -> Response:
    wanted = [_wanted(name, intervals) for name in dict.fromkeys(names or DEFAULT)]
    access = await request_access(request)
    async with request.app.state.get_connection(request, "r") as conn:
        if collection_id is not None:
            await collection_queries.get_collection(conn, collection_id, access)
            asked = replace(asked, collections=(collection_id,))
        found = await aggregate(conn, asked, wanted, access)
    return _collection(request, found, collection_id)


def _wanted(name: str, intervals: dict[str, str | None]) -> Wanted:
    if name not in AGGREGATIONS:
        raise BadRequestError(f"Aggregation {name!r} does not exist; choose from {', '.join(AGGREGATIONS)}.")
    return Wanted(name, intervals.get(name.removesuffix("_frequency")) or "month")


async def _offered(request: Request) -> Response:
    """List the available aggregations."""
    return _collection(request, _OFFERED, None)


async def _offered_of_one(request: Request, collection_id: str) -> Response:
    """List the available aggregations of a collection's items."""
    access = await request_access(request)
    async with request.app.state.get_connection(request, "r") as conn:
        await collection_queries.get_collection(conn, collection_id, access)
    return _collection(request, _OFFERED, collection_id)


_OFFERED = [
    {"name": name, "data_type": kind}
    | ({"frequency_distribution_data_type": "datetime"} if name.removesuffix("_frequency") in DATES else {})
    for name, kind in AGGREGATIONS.items()
]


def _collection(request: Request, found: list[dict[str, Any]], collection_id: str | None) -> Response:
    base = links.base_url(request)
    here = links.collection_url(base, collection_id) + "/" if collection_id else base
    document = {
        "type": "AggregationCollection",
        "aggregations": found,
        "links": [
            {"rel": "self", "type": JSON, "href": str(request.url)},
            {"rel": "root", "type": JSON, "href": base},
            {"rel": "aggregate", "type": JSON, "href": f"{here}aggregate"},
            {"rel": "aggregations", "type": JSON, "href": f"{here}aggregations"},
        ],
    }
    return respond(document, base, JSON)
