"""Capabilities of a STAC API: what it declares, and what its source's table knows better."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from landbridge.exceptions import ClientError
from landbridge.mappings import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from landbridge.mappings.sources.model import ApiRules

__all__ = [
    "EMBEDDED",
    "Capabilities",
    "Observations",
    "aggregation_names",
    "from_landing_page",
    "read",
    "with_rules",
]

_NO_PAGE = frozenset({301, 302, 307, 308, 404, 405})
JSON_FILTER, TEXT_FILTER = "cql2-json", "cql2-text"

# The names of conformance classes after the address of their specification and its version.
_STAC_CLASS = re.compile(r"https?://api\.stacspec\.org/v[^/]+/(.+)\Z")
_CQL2_CLASS = re.compile(r"https?://www\.opengis\.net/spec/cql2/[^/]+/(?:conf|req)/(.+)\Z")
_FEATURES_CLASS = re.compile(r"https?://www\.opengis\.net/spec/ogcapi-features-\d/[^/]+/(?:conf|req)/(.+)\Z")

# Operators of CQL2 by the conformance class that has them.
_OPERATORS: Mapping[str, frozenset[str]] = {
    "basic-cql2": frozenset({"and", "or", "not", "=", "<>", "<", "<=", ">", ">=", "isNull"}),
    "advanced-comparison-operators": frozenset({"like", "between", "in"}),
    "case-insensitive-comparison": frozenset({"casei"}),
    "array-functions": frozenset({"a_contains", "a_equals"}),
    "basic-spatial-functions": frozenset({"s_intersects"}),
    "spatial-functions": frozenset({"s_intersects"}),
}
_BASIC = _OPERATORS["basic-cql2"]
_ALL_OPERATORS = frozenset().union(*_OPERATORS.values())


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Extensions, methods and limits of one STAC API.

    Attributes
    ----------
    is_landbridge : bool
        True for a Landbridge service, whose answers are exact and need no check.
    search_path : str
        Path of the item search below the address of the API, or its absolute URL.
    post : bool
        False if items can be searched by GET only.
    filter_languages : frozenset of str
        Languages of the filter extension: "cql2-json" and "cql2-text"; empty without the extension.
    operators : frozenset of str
        Operators of CQL2 that filters can have.
    query : bool
        True with the query extension.
    filter_properties : frozenset of str, optional
        The only properties that filters and queries can name; None for all.
    sort, fields, text, collection_search, transactions, aggregation : bool
        True with the extension of this name.
    sorts_one_page : bool
        True if the API declares that it sorts, and the rules say that its sorted pages are not right.
    count : bool
        False if the number of matches in an answer is wrong.
    page_size : int, optional
        Largest number of items of a page, if it is known.
    requires_collections : bool
        True if a search must name its collections.
    signs_assets : bool
        True if the API signs the URLs of its assets as a Landbridge service does.
    tiles : bool
        True if the API renders map tiles and registers searches as layers, as Landbridge services do.
    """

    is_landbridge: bool = False
    search_path: str = "/search"
    post: bool = True
    filter_languages: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    query: bool = False
    filter_properties: frozenset[str] | None = None
    sort: bool = False
    sorts_one_page: bool = False
    fields: bool = False
    text: bool = False
    collection_search: bool = False
    transactions: bool = False
    aggregation: bool = False
    count: bool = True
    page_size: int | None = None
    requires_collections: bool = False
    signs_assets: bool = False
    tiles: bool = False

    def filters_by(self, name: str) -> bool:
        """Return whether filters can name a property."""
        return self.filter_properties is None or name in self.filter_properties


# The service of this package needs no request to be known.
EMBEDDED = Capabilities(
    is_landbridge=True,
    filter_languages=frozenset({JSON_FILTER, TEXT_FILTER}),
    operators=_ALL_OPERATORS,
    query=True,
    sort=True,
    fields=True,
    text=True,
    collection_search=True,
    transactions=True,
    aggregation=True,
    signs_assets=True,
    tiles=True,
)


@dataclass(slots=True)
class Observations:
    """Limits of an API that one client has met, beyond those that the API declares.

    Attributes
    ----------
    page_size : int, optional
        Largest page that the API answered after it had refused a larger one.
    post_failed : bool
        True after a search by POST was refused and the same search by GET was answered.
    sorts : dict
        Whether the API sorts by an attribute, by the attribute's name, for those that were tried.
    obeys_collections : bool, optional
        False if the API answers a search with the items of other collections too; None until it was tried.
    """

    page_size: int | None = None
    post_failed: bool = False
    sorts: dict[str, bool] = field(default_factory=dict)
    obeys_collections: bool | None = None


def read(get: Callable[[str], Any], url: str, rules: ApiRules | None) -> Capabilities:
    """Return the capabilities of the API at `url` by one or two requests; `rules` are those of its table."""
    page = _get_landing_page(get)
    conforms_to = None
    if isinstance(page, dict) and not page.get("conformsTo"):
        conforms_to = _linked_conformance(get, page)
    declared = from_landing_page(page, url, conforms_to)
    return declared if rules is None else with_rules(declared, rules)


def _get_landing_page(get: Callable[[str], Any]) -> Any:
    """Return the landing page; None if the address has none, as a part of an API may not."""
    for path in ("/", ""):  # some servers know only one of the two
        try:
            return get(path)
        except ClientError as error:
            if error.status not in _NO_PAGE:
                raise
    return None


def _linked_conformance(get: Callable[[str], Any], page: Mapping[str, Any]) -> Any:
    """Return the conformance classes of a page of their own, which older APIs have."""
    links = [link for link in page.get("links") or () if isinstance(link, dict)]
    if not any(link.get("rel") == "conformance" for link in links):
        return None
    try:
        document = get("/conformance")
    except ClientError:
        return None
    return document.get("conformsTo") if isinstance(document, dict) else None


def from_landing_page(page: Any, url: str, conforms_to: Any = None) -> Capabilities:
    """Return the capabilities that the landing page of an API at `url` declares.

    `conforms_to` are its conformance classes, if the page does not list them itself.
    """
    if not isinstance(page, dict):
        page = {}
    links = [link for link in page.get("links") or () if isinstance(link, dict)]
    if _has_link(links, schema.ASSET_SIGNATURES_REL):
        tiles = _has_link(links, schema.TILE_SIGNATURES_REL)
        return EMBEDDED if tiles else replace(EMBEDDED, tiles=False)
    declared = page.get("conformsTo") or conforms_to or ()
    classes = _classes(uri for uri in declared if isinstance(uri, str))
    languages, operators = _filters(classes)
    search_links = [link for link in links if link.get("rel") == "search"]
    return Capabilities(
        search_path=_search_path(search_links, url),
        # A link without a method says nothing about POST.
        post=not search_links or any(link.get("method") != "GET" for link in search_links),
        filter_languages=languages,
        operators=operators,
        query="item-search#query" in classes,
        sort="item-search#sort" in classes,
        fields="item-search#fields" in classes,
        text="collection-search#free-text" in classes,
        collection_search="collection-search" in classes,
        transactions=not classes.isdisjoint(
            {"ogcapi-features/extensions/transaction", "collections/extensions/transaction", "simpletx"}
        ),
        aggregation="aggregation" in classes,
    )


def with_rules(declared: Capabilities, rules: ApiRules) -> Capabilities:
    """Return capabilities with what is known of the API in place of what it declares."""
    changes: dict[str, Any] = {
        "requires_collections": rules.requires_collections,
        "sorts_one_page": declared.sort and rules.sort is False,
    }
    for name in ("sort", "fields", "text", "collection_search", "count", "page_size"):
        if (value := getattr(rules, name)) is not None:
            changes[name] = value
    if rules.filter is not None:
        language = rules.filter if rules.filter in (JSON_FILTER, TEXT_FILTER) else None
        changes["filter_languages"] = frozenset({language} if language else ())
        changes["operators"] = declared.operators or (_BASIC if language else frozenset())
        changes["query"] = rules.filter == "query" or (language is not None and declared.query)
    if rules.filter_properties is not None:
        changes["filter_properties"] = frozenset(rules.filter_properties)
    if rules.method is not None:
        changes["post"] = rules.method != "GET"
    return replace(declared, **changes)


def aggregation_names(document: Any) -> frozenset[str]:
    """Return the names in the answer of /aggregations; empty if they do not include the sum of bytes."""
    try:
        names = frozenset(aggregation["name"] for aggregation in document["aggregations"])
    except (LookupError, TypeError):
        return frozenset()
    # Without the bytes, the counts of other services are not enough for a summary.
    return names if "total_bytes" in names else frozenset()


def _has_link(links: Iterable[Mapping[str, Any]], rel: str) -> bool:
    """Return whether a landing page has a link that only a Landbridge service has."""
    return any(link.get("rel") == rel for link in links)


def _classes(uris: Iterable[str]) -> frozenset[str]:
    """Return the names of conformance classes, without specification and version."""
    found = set()
    for uri in uris:
        if match := _STAC_CLASS.match(uri):
            found.add(match[1].replace("/#", "#").rstrip("/"))
            if "-beta." in uri and "#filter" in uri:
                found.add("cql1")
        elif match := _CQL2_CLASS.match(uri):
            found.add(f"cql2:{match[1]}")
        elif match := _FEATURES_CLASS.match(uri):
            found.add(match[1])
    return frozenset(found)


def _filters(classes: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the languages and the operators of filters; both empty without the filter extension."""
    if "item-search#filter" not in classes and "item-search#filter:item-search-filter" not in classes:
        return frozenset(), frozenset()
    languages = frozenset(name for name in (JSON_FILTER, TEXT_FILTER) if f"cql2:{name}" in classes)
    if not languages:
        if "cql1" in classes:  # the language before CQL2, whose JSON is another
            return frozenset(), frozenset()
        languages = frozenset({JSON_FILTER})
    operators = {name for each, names in _OPERATORS.items() if f"cql2:{each}" in classes for name in names}
    return languages, frozenset(operators) | _BASIC


def _search_path(links: Iterable[Mapping[str, Any]], url: str) -> str:
    """Return the path of the search link; the usual one if it leads to another host than the API's.

    Behind a proxy an API may know its own address wrongly.
    """
    base = urlsplit(url)
    for link in links:
        href = link.get("href")
        if isinstance(href, str) and href:
            whole = urljoin(f"{url}/", href)
            parts = urlsplit(whole)
            if parts.netloc == base.netloc:
                inside = parts.path.startswith(f"{base.path}/")
                return parts.path.removeprefix(base.path) if inside else whole
    return "/search"
