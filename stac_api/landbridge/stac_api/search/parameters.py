"""Checks for unknown parameters and members in a request.

An unknown member must not be ignored: a search that ignores `{"collection": "x"}` returns everything.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fastapi.dependencies.utils import get_flat_params

from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi.routing import APIRoute
    from pydantic import BaseModel
    from starlette.requests import Request

__all__ = ["JSON_FORMATS", "check_body", "check_query"]

JSON_FORMATS = ("json", "geojson", "application/json", "application/geo+json")
# Libraries send these with every request: jQuery `_` against caches, OGC clients `f` for the format.
_HARMLESS = {"_": None, "f": JSON_FORMATS}


def check_query(request: Request) -> None:
    """Check the parameters in a request's URL.

    Raises:
        BadRequestError: if the route does not have a parameter, or it is given twice.
    """
    given = request.query_params
    if not given:
        return
    known = _parameters(request.scope["route"])
    names = [name for name, _ in given.multi_items()]
    for name in names:
        if name in _HARMLESS and ((allowed := _HARMLESS[name]) is None or given[name].lower() in allowed):
            continue
        if name not in known:
            raise _unknown(request, [name], known)
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise BadRequestError(
            f"{repeated} is given more than once; put its values into one, separated by commas."
        )


async def check_body(request: Request, model: type[BaseModel]) -> None:
    """Check the members of a request's body, which has been read as a model.

    Raises:
        BadRequestError: if the model does not have a member.
    """
    body = await request.json()
    known = _members(model)
    if isinstance(body, dict) and (unknown := body.keys() - known):
        raise _unknown(request, unknown, known)


_PARAMETERS: WeakKeyDictionary[Any, frozenset[str]] = WeakKeyDictionary()


def _parameters(route: APIRoute) -> frozenset[str]:
    # A route has no hash, but its endpoint has.
    known = _PARAMETERS.get(route.endpoint)
    if known is None:
        known = frozenset(field.alias for field in get_flat_params(route.dependant))
        _PARAMETERS[route.endpoint] = known
    return known


@lru_cache(maxsize=64)
def _members(model: type[BaseModel]) -> frozenset[str]:
    fields: dict[str, Any] = model.model_fields
    return frozenset(field.alias or name for name, field in fields.items())


def _unknown(request: Request, names: Iterable[str], known: frozenset[str]) -> BadRequestError:
    name = min(names)
    close = get_close_matches(name, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return BadRequestError(
        f"{request.method} {request.scope['route'].path} knows no {name!r:.100}.{hint} "
        f"It knows {', '.join(sorted(known))}."
    )
