"""Capabilities of APIs, from landing pages in all versions and from the rules of a table."""

from dataclasses import replace

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient
from landbridge.catalog.client.capabilities import EMBEDDED, Capabilities, from_landing_page, with_rules
from landbridge.mappings import schema
from landbridge.mappings.sources.model import ApiRules

URL = "https://api.example/stac/v1"
STAC, OGC = "https://api.stacspec.org", "http://www.opengis.net/spec"


def declared(*uris, links=()):
    return from_landing_page({"conformsTo": list(uris), "links": list(links)}, URL)


@pytest.mark.parametrize("version", ["v1.0.0", "v1.0.0-beta.2", "v1.0.0-rc.1", "v1.0.0-rc.3", "v1.1.0"])
@pytest.mark.parametrize("name", ["query", "sort", "fields"])
def test_extensions_of_the_item_search_in_all_versions(version, name):
    found = declared(f"{STAC}/{version}/item-search", f"{STAC}/{version}/item-search#{name}")
    assert getattr(found, name)
    assert found == Capabilities(**{name: True})
    # The same extension of another endpoint says nothing about searches for items.
    assert declared(f"{STAC}/{version}/collection-search#{name}") == Capabilities()
    assert declared(f"{STAC}/{version}/ogcapi-features#{name}") == Capabilities()


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "0.0"])
def test_languages_and_operators_of_filters(version):
    found = declared(
        f"{STAC}/v1.0.0-rc.2/item-search#filter",
        *(f"{OGC}/cql2/{version}/conf/{name}" for name in ("basic-cql2", "cql2-json", "cql2-text")),
    )
    assert found.filter_languages == {"cql2-json", "cql2-text"}
    assert {"and", "or", "not", "<", "isNull"} <= found.operators
    assert not {"like", "in", "a_contains", "s_intersects", "casei"} & found.operators
    found = declared(
        f"{STAC}/v1.0.0/item-search#filter",
        *(
            f"{OGC}/cql2/{version}/conf/{name}"
            for name in ("cql2-text", "advanced-comparison-operators", "basic-spatial-functions")
        ),
    )
    assert found.filter_languages == {"cql2-text"}
    assert {"like", "in", "s_intersects"} <= found.operators


def test_a_filter_needs_the_extension_and_cql2():
    assert declared(f"{OGC}/cql2/1.0/conf/cql2-json").filter_languages == set()
    assert declared(f"{STAC}/v1.0.0-rc.1/collection-search#filter").filter_languages == set()
    # Before CQL2 its JSON was another.
    old = declared(
        f"{STAC}/v1.0.0-beta.4/item-search#filter", f"{STAC}/v1.0.0-beta.4/item-search#filter:cql-json"
    )
    assert old.filter_languages == set()
    assert declared(f"{STAC}/v1.0.0-rc.1/item-search#filter").filter_languages == {"cql2-json"}


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        (f"{STAC}/v1.0.0/ogcapi-features/extensions/transaction", "transactions"),
        (f"{STAC}/v1.0.0-beta.2/ogcapi-features/extensions/transaction", "transactions"),
        (f"{STAC}/v1.0.0/collections/extensions/transaction", "transactions"),
        (f"{OGC}/ogcapi-features-4/1.0/conf/simpletx", "transactions"),
        (f"{STAC}/v0.3.0/aggregation", "aggregation"),
        (f"{STAC}/v1.0.0-rc.1/collection-search", "collection_search"),
        (f"{STAC}/v1.0.0-rc.1/collection-search#free-text", "text"),
    ],
)
def test_other_extensions(uri, name):
    assert declared(uri) == Capabilities(**{name: True})


def test_links_of_the_search():
    def with_links(*links):
        return declared(links=[{"rel": "search", **link} for link in links])

    assert with_links({"href": f"{URL}/search"}).post
    assert with_links({"href": f"{URL}/search", "method": "GET"}, {"href": "x", "method": "POST"}).post
    assert not with_links({"href": f"{URL}/search", "method": "GET"}).post
    assert with_links({"href": f"{URL}/search"}).search_path == "/search"
    assert with_links({"href": "items/search"}).search_path == "/items/search"
    assert with_links({"href": "https://api.example/search"}).search_path == "https://api.example/search"
    # Behind a proxy an API may know its own address wrongly.
    assert with_links({"href": "http://localhost:8080/search"}).search_path == "/search"


@pytest.mark.parametrize("page", [None, [], "x", {}, {"links": [None, 1], "conformsTo": [5]}])
def test_a_page_that_declares_nothing_has_no_capability(page):
    assert from_landing_page(page, URL) == Capabilities()


def test_a_landbridge_service_is_known_by_its_signatures():
    rels = (schema.ASSET_SIGNATURES_REL, schema.TILE_SIGNATURES_REL)
    page = {"conformsTo": [], "links": [{"rel": rel, "href": "x"} for rel in rels]}
    assert from_landing_page(page, URL) == EMBEDDED
    del page["links"][1]
    assert from_landing_page(page, URL) == replace(EMBEDDED, tiles=False)


def test_rules_of_a_table_win():
    everything = declared(
        *(f"{STAC}/v1.0.0/item-search#{name}" for name in ("query", "sort", "fields", "filter")),
        f"{OGC}/cql2/1.0/conf/cql2-json",
    )
    found = with_rules(
        everything, ApiRules(sort=False, fields=False, page_size=100, count=False, method="GET")
    )
    assert (found.sort, found.fields, found.page_size, found.count, found.post) == (
        False,
        False,
        100,
        False,
        False,
    )
    assert found.filter_languages == {"cql2-json"}
    assert with_rules(everything, ApiRules()) == everything
    only_query = with_rules(everything, ApiRules(filter="query", filter_properties=("eo:cloud_cover",)))
    assert only_query.query
    assert only_query.filter_languages == set()
    assert only_query.filters_by("eo:cloud_cover")
    assert not only_query.filters_by("platform")
    none = with_rules(everything, ApiRules(filter="none"))
    assert not none.query
    assert none.filter_languages == set()
    undeclared = with_rules(Capabilities(), ApiRules(filter="cql2-json", sort=True))
    assert undeclared.sort
    assert undeclared.filter_languages == {"cql2-json"}
    assert "=" in undeclared.operators


# Of a client


def connect(service, **kwargs):
    return CatalogClient(url=service.url, auth=Auth(token="t"), retries=0, **kwargs)


def test_a_client_reads_the_landing_page_once_for_everything(service):
    page = {"conformsTo": [f"{STAC}/v1.0.0/item-search#sort"], "links": []}
    service.answers.append((200, {}, page))
    client = connect(service)
    assert client.capabilities.sort
    assert not client.signs_assets
    assert client.aggregations == set()
    assert client.capabilities is client.capabilities
    assert [path for _, path, *_ in service.seen] == ["/"]


def test_a_landing_page_is_found_with_and_without_the_slash(service):
    service.fail(404)
    service.answers.append((200, {}, {"conformsTo": [f"{STAC}/v1.0.0/item-search#fields"]}))
    assert CatalogClient(url=f"{service.url}/stac", auth=Auth(token="t"), retries=0).capabilities.fields
    assert [path for _, path, *_ in service.seen] == ["/stac/", "/stac"]
    service.fail(404, 404)
    assert connect(service).capabilities == Capabilities()


def test_conformance_may_have_a_page_of_its_own(service):
    service.answers.append((200, {}, {"links": [{"rel": "conformance", "href": "x"}]}))
    service.answers.append((200, {}, {"conformsTo": [f"{STAC}/v1.0.0-beta.1/item-search#query"]}))
    assert connect(service).capabilities.query
    assert [path for _, path, *_ in service.seen] == ["/", "/conformance"]


def test_rules_come_from_the_table_of_the_client(service):
    class Sourced(CatalogClient):
        source = type("Table", (), {"api": ApiRules(sort=True, page_size=7)})

    service.answers.append((200, {}, {"conformsTo": []}))
    client = Sourced(url=service.url, auth=Auth(token="t"), retries=0)
    assert client.capabilities == Capabilities(sort=True, page_size=7)


def test_the_embedded_stack_is_known_without_a_request():
    client = CatalogClient(auth=Auth(token="t"))
    assert client.configured_url is None
    assert client.capabilities is EMBEDDED
