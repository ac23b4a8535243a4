"""Behaviour of the API of each provider: one row each. The evidence stands beside the real documents."""

from __future__ import annotations

from dataclasses import dataclass

_STAC = "https://api.stacspec.org/v1.0.0/"
_OLD = "https://api.stacspec.org/v1.0.0-beta.2/"
_CANDIDATE = "https://api.stacspec.org/v1.0.0-rc.1/"
_OGC = "http://www.opengis.net/spec/"
_FEATURES = (
    f"{_OGC}ogcapi-features-1/1.0/conf/core",
    f"{_OGC}ogcapi-features-1/1.0/conf/geojson",
    f"{_STAC}ogcapi-features",
)
_CQL2 = tuple(f"{_OGC}cql2/1.0/conf/{name}" for name in ("cql2-json", "cql2-text", "basic-cql2"))
_FILTER_RC = "https://api.stacspec.org/v1.0.0-rc.2/item-search#filter"


def _search(*names, version=_STAC):
    """Return the classes of item search and its extensions."""
    return (f"{version}item-search", *(f"{version}item-search#{name}" for name in names))


_STAC_SERVER = (
    f"{_STAC}core",
    f"{_STAC}collections",
    *_FEATURES,
    *_search("fields", "sort", "query"),
    "https://api.stacspec.org/v0.3.0/aggregation",
)
_PGSTAC = (
    f"{_STAC}core",
    f"{_STAC}collections",
    *_FEATURES,
    *_search("fields", "sort", "query"),
    _FILTER_RC,
    *_CQL2,
)
_CDSE = (
    *_PGSTAC,
    *(f"{_CANDIDATE}collection-search{name}" for name in ("", "#fields", "#filter", "#query", "#sort")),
    f"{_STAC}ogcapi-features/extensions/transaction",
)
_CMR = (
    f"{_STAC}core",
    f"{_STAC}ogcapi-features",
    *_search("fields", "features", "query", "sort", "context"),
    *(f"{_CANDIDATE}collection-search{name}" for name in ("", "#free-text", "#sort")),
    f"{_OGC}ogcapi-common-2/1.0/conf/simple-query",
)
_DATACUBE = (
    f"{_CANDIDATE}core",
    f"{_STAC}collections",
    *_search("fields", "sort", "filter"),
    f"{_OGC}ogcapi-features-3/1.0/conf/filter",
    *_CQL2,
    f"{_OGC}cql2/1.0/conf/advanced-comparison-operators",
    f"{_OGC}cql2/1.0/conf/spatial-operators",
)


@dataclass(frozen=True)
class Profile:
    """Behaviour of an API.

    `languages` are the filters that it evaluates, `refused` the parameters that it answers with 400; others
    are ignored. `queried` are the only properties that ``query`` compares (None: all); with `strict_query`
    another one is refused. `sorting` is "yes", "none", "repeats" (a sorted search pages for ever), "loses" (a
    sorted page begins after the last value, so that equal values are lost) or the names of the only fields.
    `over_limit` is "refuse" or "clamp"; a page of more than `largest_answer` items fails. `next_link` is the
    name of a function in `paging`. `ignored` are conditions that the API treats as if they were not there.
    """

    id: str
    conforms: tuple[str, ...]
    next_link: str
    stac_version: str = "1.0.0"
    languages: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    queried: tuple[str, ...] | None = None
    strict_query: bool = False
    inclusive_query: bool = False
    sorting: str | tuple[str, ...] = "yes"
    fields: bool = True
    default_limit: int = 10
    max_limit: int | None = None
    refuse_over: int | None = None
    over_limit: str = "refuse"
    largest_answer: int | None = None
    counts: tuple[str, ...] = ()
    link_on_last_page: bool = False
    search_methods: tuple[str, ...] = ("GET", "POST")
    declares_methods: bool = True
    requires_collections: bool = False
    flat_bbox: bool = False
    uuids: bool = False
    intersects_by_get: bool = True
    ids_alone: bool = False
    collections_page: int | None = None
    ignored: tuple[str, ...] = ()


PROFILES = {
    one.id: one
    for one in (
        Profile(
            "earth-search",
            _STAC_SERVER,
            "next_body",
            languages=("query",),
            largest_answer=267,
            counts=("numberMatched", "context"),
            link_on_last_page=True,
        ),
        Profile(
            "planetary-computer",
            _PGSTAC,
            "token",
            languages=("query", "cql2-json", "cql2-text"),
            sorting="loses",
            default_limit=250,
            max_limit=1000,
            requires_collections=True,
        ),
        Profile(
            "usgs",
            (f"{_OLD}core", *_search("fields", "sort", "query", version=_OLD)),
            "page",
            languages=("query",),
            sorting="repeats",
            max_limit=10_000,
            largest_answer=500,
            counts=("numberMatched", "context"),
            declares_methods=False,
        ),
        Profile(
            "cdse",
            _CDSE,
            "token",
            stac_version="1.1.0",
            languages=("query", "cql2-json", "cql2-text"),
            max_limit=1000,
        ),
        Profile(
            "lpcloud",
            _CMR,
            "cursor_by_get",
            languages=("query",),
            queried=("eo:cloud_cover",),
            inclusive_query=True,
            sorting=("startDate", "endDate", "id"),
            fields=False,
            max_limit=100,
            refuse_over=5000,
            over_limit="clamp",
            counts=("context",),
        ),
        *(
            Profile(
                name,
                _DATACUBE,
                "offset",
                languages=("cql2-json", "cql2-text"),
                refused=("query",),
                default_limit=20,
                max_limit=1000,
                counts=("numberMatched", "context"),
                flat_bbox=True,
                # Items of Africa have the names of their scenes.
                uuids=name == "dea",
            )
            for name in ("dea", "deafrica")
        ),
        Profile(
            "swisstopo",
            (f"{_STAC}core", f"{_STAC}collections", *_FEATURES, *_search()),
            "cursor_merged",
            languages=("query",),
            queried=("created", "updated", "title"),
            strict_query=True,
            sorting="none",
            fields=False,
            default_limit=100,
            max_limit=100,
            over_limit="clamp",
            intersects_by_get=False,
            ids_alone=True,
            collections_page=100,
        ),
    )
}
