"""HEAD and OPTIONS for every route, and the `Allow` header.

`Allow` lists the methods that the caller is allowed, not all of the route: STAC Browser decides by it whether
to offer editing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from landbridge.mappings.access import Role
from landbridge.stac_api.access.authentication import READ_METHODS, is_read, served_path
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, Access, request_access
from landbridge.stac_api.http.preconditions import ENCODED_SUFFIX
from landbridge.stac_api.pgstac import collection_queries, item_queries

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HeadAndOptions", "allow_header", "methods_of_path", "routes_of"]

_COLLECTION: Final = "/collections/{collection_id}"
# The role in a collection, or in a blob's item, that a write needs.
_REQUIRED_ROLES: Final[Mapping[tuple[str, str], Role]] = {
    ("PUT", _COLLECTION): Role.WRITER,
    ("PATCH", _COLLECTION): Role.WRITER,
    ("DELETE", _COLLECTION): Role.OWNER,
    ("POST", f"{_COLLECTION}/items"): Role.WRITER,
    ("POST", f"{_COLLECTION}/bulk_items"): Role.WRITER,
    ("POST", f"{_COLLECTION}/deletion"): Role.WRITER,
    **{(method, f"{_COLLECTION}/items/{{item_id}}"): Role.WRITER for method in ("PUT", "PATCH", "DELETE")},
}
_ORDER: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


class HeadAndOptions:
    """ASGI middleware that answers HEAD for routes with GET only, and OPTIONS for all routes.

    It also gives Brotli-compressed responses an entity tag of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        if method not in ("HEAD", "OPTIONS"):
            await self.app(scope, receive, _with_encoded_tag(send))
            return
        known = methods_of_path(scope)
        if not known:
            await self.app(scope, receive, send)  # 404
        elif method == "OPTIONS":
            methods = await _allow_header_of(Request(scope, receive))
            await Response(status_code=204, headers={"Allow": methods})(scope, receive, send)
        elif "HEAD" in known:
            await self.app(scope, receive, send)
        else:
            await self.app({**scope, "method": "GET"}, receive, _without_body(_with_encoded_tag(send)))


def _with_encoded_tag(send: Send) -> Send:
    async def tagged(message: Message) -> None:
        # Most responses are not compressed, and need no further look.
        if message["type"] == "http.response.start" and (b"content-encoding", b"br") in message["headers"]:
            headers = MutableHeaders(raw=message["headers"])
            tag = headers.get("etag", "")
            if tag.startswith('"'):
                headers["etag"] = f'{tag[:-1]}{ENCODED_SUFFIX}"'
        await send(message)

    return tagged


def _without_body(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
        elif not message.get("more_body", False):
            await send({"type": "http.response.body", "body": b""})

    return bodiless


def methods_of_path(scope: Scope) -> dict[str, tuple[str, dict[str, str]]]:
    """Return, for each method of a path, the template and the parameters of its route."""
    path = served_path(scope) or "/"
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for template, (pattern, methods) in _method_table(scope["app"]).items():
        if (match := pattern.match(path)) is not None:
            for method in methods:
                found.setdefault(method, (template, match.groupdict()))
    return found


def _method_table(app: Any) -> dict[str, tuple[re.Pattern[str], frozenset[str]]]:
    """Return the pattern and the methods of each path template."""
    table: dict[str, tuple[re.Pattern[str], frozenset[str]]] | None = getattr(app.state, "methods", None)
    if table is None:
        table = {}
        for route in routes_of(app.router.routes):
            _, methods = table.get(route.path, (None, frozenset()))
            table[route.path] = (route.path_regex, methods.union(route.methods))
        app.state.methods = table
    return table


def routes_of(routes: Any) -> Iterator[Any]:
    """Return the routes of a router and of those that it includes."""
    for route in routes:
        if (included := getattr(route, "original_router", None)) is not None:
            yield from routes_of(included.routes)
        elif getattr(route, "methods", None):
            yield route


async def _allow_header_of(request: Request) -> str:
    """Return the `Allow` header of a request's path, looking up the caller's role."""
    known = methods_of_path(request.scope)
    parameters = next((values for template, values in known.values() if template.startswith(_COLLECTION)), {})
    collection, item = parameters.get("collection_id"), parameters.get("item_id")
    role = Role.NONE
    if collection is not None:
        access = await request_access(request)
        async with request.app.state.get_connection(request, "r") as conn:
            role = await _role_in(conn, collection, item, access)
    return allow_header(request, role)


async def _role_in(conn: Any, collection: str, item: str | None, access: Access) -> Role:
    if item is not None and collection in BLOB_COLLECTIONS:
        blob = await item_queries.get_item(conn, collection, item, access)
        return Role.NONE if blob is None else access.role(blob)
    document = await collection_queries.find_collection(conn, collection, access)
    return Role.NONE if document is None else access.role(document)


def allow_header(request: Request, role: Role) -> str:
    """Return the `Allow` header for a caller with a role in the request's collection or blob."""
    scope, writes = request.scope, "write" in request_principal(request).rights
    reads_by_post = is_read({**scope, "method": "POST"})
    # A routed request knows its route already.
    route = scope.get("route")
    if route is not None:
        names = _method_table(scope["app"])[route.path][1]
        place = _Place.of(route.path, request.path_params)
        return _header_of(_allowed(names, place, role, writes=writes, reads_by_post=reads_by_post))
    allowed: frozenset[str] = frozenset()
    for method, (template, parameters) in methods_of_path(scope).items():
        place = _Place.of(template, parameters)
        allowed |= _allowed(frozenset({method}), place, role, writes=writes, reads_by_post=reads_by_post)
    return _header_of(allowed)


class _Place(NamedTuple):
    """Template of a route and kind of its parameters, which decide about the role that a write needs."""

    template: str
    in_blobs: bool
    is_item: bool

    @classmethod
    def of(cls, template: str, parameters: Mapping[str, Any]) -> _Place:
        return cls(template, parameters.get("collection_id") in BLOB_COLLECTIONS, "item_id" in parameters)

    def required_role(self, method: str) -> Role:
        if self.in_blobs and self.is_item and method == "DELETE":
            return Role.OWNER
        if self.in_blobs and method == "POST":
            return Role.NONE  # every caller can create blobs in its own namespace
        return _REQUIRED_ROLES.get((method, self.template), Role.NONE)


# There are as many answers as routes and roles, and each response to a read has one.
@lru_cache(maxsize=1024)
def _allowed(
    methods: frozenset[str], place: _Place, role: Role, *, writes: bool, reads_by_post: bool
) -> frozenset[str]:
    """Return those of a route's methods that a caller may use."""
    allowed = set()
    for method in methods:
        if method in READ_METHODS:
            allowed |= {method, "HEAD"}
        elif (method == "POST" and reads_by_post) or (writes and role >= place.required_role(method)):
            allowed.add(method)
    return frozenset(allowed)


@lru_cache(maxsize=128)
def _header_of(methods: frozenset[str]) -> str:
    return ", ".join(method for method in _ORDER if method in methods or method == "OPTIONS")
