"""Registered searches, and signed URLs of tiles.

/searches/register      POST   register a search as a map layer
/searches/{search_id}   GET    read it; DELETE   drop it
/tiles/signatures       POST   sign URLs of tiles for clients that cannot send headers
"""

# No deferred annotations here: FastAPI could not resolve the names of the functions' types.
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from pydantic import ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from landbridge.mappings import times
from landbridge.stac_api.access import signed_urls, tile_tokens
from landbridge.stac_api.access.principal import Principal, request_principal
from landbridge.stac_api.access.rules import request_access
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import request as requests
from landbridge.stac_api.search.client import JSON, respond
from landbridge.stac_api.search.extensions import QueryPost, SearchPost
from landbridge.stac_api.search.parameters import check_body
from landbridge.stac_api.tiles.api import documents, matrix_sets, registered_searches, tile_search
from landbridge.stac_api.tiles.api.registered_searches import RegisteredSearch
from landbridge.stac_api.tiles.api.targets import collection_target, item_target, search_target

__all__ = ["router"]

router = APIRouter(tags=["Maps"])

_MOST_SIGNED: Final = 100
# Collections that a token of an operator can read, which it names one by one.
_MOST_COLLECTIONS: Final = 50
_BELOW: Final = re.compile(r"/collections/([^/]+)(?:/items/([^/]+))?|/searches/([^/]+)")


class RegisteredSearchBody(SearchPost, QueryPost):
    """Body of `/searches/register`: the conditions of a search."""

    model_config = ConfigDict(populate_by_name=True)

    bbox: list[float] | None = None
    datetime: str | None = None


@router.post("/searches/register", response_class=Response)
async def register(request: Request, body: RegisteredSearchBody) -> Response:
    """Register a search whose images are a map layer; each caller sees those that it can read."""
    await check_body(request, RegisteredSearchBody)
    principal = request_principal(request)
    if principal.user is None and not principal.operator:
        raise HTTPException(
            401,
            "Registering a search needs an `Authorization: Bearer` header with a token. Without one, narrow "
            "the tiles of a collection by the parameters `filter`, `datetime` and `ids`.",
            {"WWW-Authenticate": 'Bearer realm="landbridge"'},
        )
    asked = await requests.in_thread(request, requests.from_post, body)
    tile_search.check(asked)
    settings = request.app.state.landbridge
    async with request.app.state.writepool.acquire() as conn, conn.transaction():
        found = await registered_searches.register(conn, asked, principal, settings.max_registered_searches)
    return _respond(request, found, principal)


@router.get("/searches/{search_id}", response_class=Response)
async def registered_search(search_id: str, request: Request) -> Response:
    """Return the links to the map of a registered search; its conditions too if the caller registered it."""
    found = await registered_searches.find(request.app.state.readpool, search_id)
    return _respond(request, found, request_principal(request))


@router.delete("/searches/{search_id}", response_class=Response, status_code=204)
async def drop_search(search_id: str, request: Request) -> Response:
    """Drop a registered search, which ends its map layer."""
    principal = request_principal(request)
    await registered_searches.delete(request.app.state.writepool, search_id, principal)
    return Response(status_code=204)


def _respond(request: Request, found: RegisteredSearch, principal: Principal) -> Response:
    base = links.base_url(request)
    here = f"{base}searches/{found.id}"
    default = matrix_sets.DEFAULT
    document: dict[str, Any] = {
        "id": found.id,
        "created": times.format_utc(found.created),
        "links": [
            {"rel": "self", "type": JSON, "href": here},
            {
                "rel": "xyz",
                "type": "image/png",
                "title": "Map tiles",
                "href": f"{here}/tiles/{default}/{documents.TILE}.png",
            },
            {
                "rel": "tilejson",
                "type": JSON,
                "title": "TileJSON of the map tiles",
                "href": f"{here}/{default}/tilejson.json",
            },
            {
                "rel": "wmts",
                "type": "application/xml",
                "title": "WMTS of the map tiles",
                "href": f"{here}/WMTSCapabilities.xml",
                "wmts:layer": ["default"],
                "wmts:encoding": "rest",
            },
        ],
    }
    if found.is_owned_by(principal):
        document["search"] = found.to_json()
    answer = respond(document, base, JSON)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/tiles/signatures", response_class=Response)
async def sign_tiles(request: Request) -> Response:
    """Return URLs of tiles with a token, for clients that cannot send headers: `{"hrefs": [...]}`.

    A token reads what the caller can read below one collection, item or search, for a limited time.
    """
    body = incoming.parse(await request.body())
    given = body.get("hrefs") if isinstance(body, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadRequestError("The body needs `hrefs`: an array of URLs of tiles.")
    if len(given) > _MOST_SIGNED:
        raise BadRequestError(f"{len(given)} hrefs are too many; one request may have {_MOST_SIGNED}.")
    base, tokens = links.base_url(request), request.app.state.tile_tokens
    if not tokens.enabled:
        raise BadRequestError("This server has no `token`, from which the keys of signatures are made.")
    principal = request_principal(request)
    expires = int(datetime.now(UTC).timestamp()) + signed_urls.lifetime(
        principal, request.app.state.landbridge.tile_token_seconds
    )
    made: dict[str, str] = {}
    for one in given:
        path = _path_below(one, base)
        if path not in made:
            made[path] = tokens.make(path, principal, expires, await _collections(request, path))
    hrefs = [_with_token(one, made[_path_below(one, base)]) for one in given]
    ends = times.format_utc(datetime.fromtimestamp(expires, UTC))
    answer = respond({"hrefs": hrefs, "expires": ends}, base, JSON)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _path_below(href: str, base: str) -> str:
    """Return the path of the collection, item or search of a URL of tiles."""
    path = unquote(urlsplit("/" + href.removeprefix(base)).path) if href.startswith(base) else ""
    match = tile_tokens.TILE_PATH.fullmatch(path)
    if match is None:
        raise BadRequestError(f"{href!r:.300} is not a URL of map tiles of this server.")
    return match[1]


async def _collections(request: Request, path: str) -> tuple[str, ...] | None:
    """Check that the caller may see what is below a path; return the collections of an operator's token."""
    match = _BELOW.fullmatch(path)
    assert match is not None
    collection, item, search = match.groups()
    if search is not None:
        target = await search_target(request, search)
    elif item is not None:
        target = await item_target(request, collection, item)
    else:
        target = await collection_target(request, collection)
    if not (await request_access(request)).unrestricted:
        return None
    names = tuple(target.states or ())
    if target.states is None or len(names) > _MOST_COLLECTIONS:
        raise HTTPException(
            403,
            f"An operator can sign the tiles of a search only if it names its collections, at most "
            f"{_MOST_COLLECTIONS}.",
        )
    return names


def _with_token(href: str, token: str) -> str:
    return f"{href}{'&' if '?' in href else '?'}{tile_tokens.PARAMETER}={token}"
