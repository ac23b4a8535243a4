"""HEAD and OPTIONS are answered on every route, and `Allow` tells the truth."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from integration.conftest import stac_item


def paths(http: httpx.Client, collection: str) -> dict[str, set[str]]:
    """Return the methods of every path of the OpenAPI document, about existing resources."""
    found: dict[str, set[str]] = {}
    known = {"collection_id": collection, "item_id": "one", "storage_type": "data"}
    templates = http.get("/api").json()["paths"]
    for template in templates:
        path = re.sub(r"{(\w+)}", lambda match: known.get(match[1], "1"), template)
        if path.startswith("/assets/"):
            continue  # any path may be that of a file
        # A path such as /searches/register is also one of a template, /searches/{search_id}.
        found[path] = {
            name.upper()
            for one, operations in templates.items()
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", one), path)
            for name in operations
            if name in ("get", "post", "put", "patch", "delete")
        }
    return found


@pytest.fixture
def filled(http: httpx.Client, collection: str) -> str:
    http.post(f"/collections/{collection}/items", json=stac_item(collection, "one")).raise_for_status()
    return collection


def allowed(answer: httpx.Response) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


def test_options_tell_the_methods_of_every_route(http: httpx.Client, filled: str) -> None:
    for path, methods in paths(http, filled).items():
        answer = http.options(path)
        assert (answer.status_code, answer.content) == (204, b""), path
        expected = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        assert allowed(answer) - {"HEAD"} == expected - {"HEAD"}, path
        assert ("HEAD" in allowed(answer)) >= ("GET" in methods), path


def test_head_has_the_headers_of_get(http: httpx.Client, filled: str) -> None:
    for path, methods in paths(http, filled).items():
        if "GET" not in methods or path.startswith(("/_mgmt", "/access")):
            continue
        with http.stream("GET", path, headers={"Accept-Encoding": "identity"}) as got:
            got.read()
        head = http.head(path, headers={"Accept-Encoding": "identity"})
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in ("Content-Type", "Content-Length", "ETag", "Allow"):
            if got.status_code == 200:
                assert head.headers.get(name) == got.headers.get(name), (path, name)


def test_a_method_that_no_route_has_gives_405_with_the_allowed_methods(
    http: httpx.Client, filled: str
) -> None:
    for path, methods in paths(http, filled).items():
        for method in {"POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = http.request(method, path, content=b"{}")
            assert answer.status_code == 405, (method, path)
            assert methods <= allowed(answer), path
            assert method not in allowed(answer), path


def test_no_route_is_no_route_for_any_method(http: httpx.Client) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        assert http.request(method, "/nothing/here").status_code == 404


@pytest.mark.parametrize("path", ["/collections/{}", "/collections/{}/items/one"])
def test_allow_names_the_methods_that_the_caller_may_use(
    stack: Any, http: httpx.Client, filled: str, path: str
) -> None:
    editing = {"PUT", "PATCH", "DELETE"}
    with httpx.Client(base_url=stack.private_url) as anonymous:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert allowed(http.request(method, path.format(filled))) >= editing
            assert not allowed(anonymous.request(method, path.format(filled))) & editing
    with httpx.Client(base_url=stack.private_url) as anonymous:
        assert "POST" in allowed(http.options("/collections"))
        assert "POST" not in allowed(anonymous.options("/collections"))
        assert "POST" in allowed(anonymous.options("/search"))


def test_pages_of_other_origins_may_read_these_headers(http: httpx.Client) -> None:
    answer = http.get("/", headers={"Origin": "http://localhost:8080"})
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"Allow", "ETag", "Link", "Location"}
    asked = {
        "Origin": "http://localhost:8080",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "if-match, content-type, authorization",
    }
    answer = http.options("/collections/x", headers=asked)
    assert answer.status_code == 200
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "if-match" in answer.headers["Access-Control-Allow-Headers"].lower()
