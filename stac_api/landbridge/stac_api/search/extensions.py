"""Filter and query extensions of stac-fastapi with all filter languages and query operators of this API."""

# No deferred annotations here: FastAPI could not resolve the names of this module.
from typing import Annotated, Any, Literal

import attr
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from stac_fastapi.extensions import (
    CollectionSearchFilterExtension,
    ItemCollectionFilterExtension,
    SearchFilterExtension,
)
from stac_fastapi.extensions.query import QueryConformanceClasses, QueryExtension
from stac_fastapi.extensions.query.request import QueryExtensionGetRequest as QueryGet
from stac_fastapi.types.search import APIRequest, Limit
from stac_pydantic.api.extensions.sort import SortExtension

from landbridge.stac_api.search import limits
from landbridge.stac_api.search.queryables import Queryables

__all__ = [
    "FilterGet",
    "FilterPost",
    "QueryGet",
    "QueryPost",
    "collection_search",
    "item_collection",
    "search",
]

_Language = Literal["cql2-json", "cql2-text", "cql-json"]
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
# Each class is tested in tests/integration/test_server_conformance.py.
CQL2_CLASSES = [
    f"{_CQL2}{name}"
    for name in (
        "cql2-text",
        "cql2-json",
        "basic-cql2",
        "advanced-comparison-operators",
        "case-insensitive-comparison",
        "accent-insensitive-comparison",
        "basic-spatial-functions",
        "basic-spatial-functions-plus",
        "spatial-functions",
        "temporal-functions",
        "array-functions",
        "property-property",
        "arithmetic",
    )
]


@attr.s
class FilterGet(APIRequest):
    """Parameters of a filter."""

    filter_expr: Annotated[
        str | None, Query(alias="filter", description="A condition on the items, as CQL2 text or JSON.")
    ] = attr.ib(default=None)
    filter_crs: Annotated[
        str | None,
        Query(alias="filter-crs", description="Only longitude and latitude (CRS84) are supported."),
    ] = attr.ib(default=None)
    filter_lang: Annotated[
        _Language | None, Query(alias="filter-lang", description="Language of the filter.")
    ] = attr.ib(default=None)


class FilterPost(BaseModel):
    """Members of the body of a filtered request, with the limits of this API.

    GeoJSON is a plain object here: a model of it takes seconds, and `request` checks it in milliseconds.
    """

    model_config = ConfigDict(populate_by_name=True)

    intersects: dict[str, Any] | None = Field(
        None,
        description=f"Only return items that intersect this GeoJSON geometry, which may have "
        f"{limits.MOST_POSITIONS:,} positions. Excludes bbox.",
        json_schema_extra={"examples": [{"type": "Point", "coordinates": [-73.6, 45.5]}]},
    )
    ids: Annotated[list[str], Field(max_length=limits.MOST_IDS)] | None = None
    collections: Annotated[list[str], Field(max_length=limits.MOST_COLLECTIONS)] | None = None
    filter_expr: dict[str, Any] | bool | str | None = Field(
        None,
        alias="filter",
        description="A condition on the items, as CQL2 JSON or text.",
        json_schema_extra={
            "examples": [{"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]}, "eo:cloud_cover < 20"]
        },
    )
    filter_crs: str | None = Field(
        None, alias="filter-crs", description="Only longitude and latitude (CRS84) are supported."
    )
    filter_language: _Language | None = Field(
        None, alias="filter-lang", description="Language of the filter."
    )


class SearchPost(FilterPost):
    """Members of the body of `/search`, with the limits of this API."""

    sortby: Annotated[list[SortExtension], Field(max_length=limits.MOST_SORTED)] | None = Field(
        None,
        description="Fields and directions to sort by.",
        json_schema_extra={"examples": [[{"field": "properties.datetime", "direction": "desc"}]]},
    )


class QueryPost(BaseModel):
    """Member of the body of a request with a query."""

    query: dict[str, dict[str, Any]] | None = Field(
        None,
        description="Operators and values by property: eq, neq, lt, lte, gt, gte, in, startsWith, endsWith, "
        "contains.",
        json_schema_extra={"examples": [{"eo:cloud_cover": {"lt": 20}}]},
    )


class _Search(SearchFilterExtension):
    GET, POST = FilterGet, SearchPost


class _Items(ItemCollectionFilterExtension):
    GET, POST = FilterGet, FilterPost


class _Collections(CollectionSearchFilterExtension):
    GET, POST = FilterGet, FilterPost


class _Query(QueryExtension):
    POST = QueryPost


def _filter(kind: type[Any]) -> Any:
    extension = kind(client=Queryables())
    extension.conformance_classes = [*extension.conformance_classes, *CQL2_CLASSES]
    return extension


def search() -> dict[str, Any]:
    """Return the extensions of `/search`."""
    return {"filter": _filter(_Search), "query": _Query()}


def item_collection() -> dict[str, Any]:
    """Return the extensions of `/collections/{collection_id}/items`."""
    query = _Query(conformance_classes=[QueryConformanceClasses.ITEMS])
    return {"filter": _filter(_Items), "query": query}


def collection_search() -> dict[str, Any]:
    """Return the extensions of `/collections`."""
    query = _Query(conformance_classes=[QueryConformanceClasses.COLLECTIONS])
    return {"filter": _filter(_Collections), "query": query}


def collections_get(model: type[APIRequest]) -> type[APIRequest]:
    """Return the parameters of `/collections` with a default limit that lists them all in most catalogs.

    Some clients read the first page only (eodag).
    """

    @attr.s
    class CollectionsGet(model):  # type: ignore[misc, valid-type]
        limit: Annotated[Limit | None, Query(description="Maximum number of collections per page.")] = (
            attr.ib(default=100)
        )

    return CollectionsGet
