"""Choice between JSON and a page for people, by the parameter `f` and the header `Accept`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search.parameters import JSON_FORMATS

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["asks_by_parameter", "wants_html"]

_HTML_FORMATS: Final = ("html", "text/html")
_JSON_TYPES: Final = frozenset({"application/json", "application/geo+json", "application/*"})


def wants_html(request: Request) -> bool:
    """Return whether a request asks for HTML: by `f=html`, or by an explicit `text/html` in `Accept`.

    Without either, the response is JSON, also for `*/*`. If `Accept` names both, the one with the higher
    quality is sent, and JSON if they are equal.

    Raises:
        BadRequestError: if `f` has an unknown value.
    """
    given = request.query_params.getlist("f")
    if given:
        return _is_html(given)
    return _prefers_html(", ".join(request.headers.getlist("accept")))


def asks_by_parameter(request: Request) -> bool:
    """Return whether a request has the parameter `f`, which the links of its page have to keep."""
    return "f" in request.query_params


# A program sends the same header with each request.
@lru_cache(maxsize=256)
def _prefers_html(accept: str) -> bool:
    qualities = _qualities(accept)
    html = qualities.get("text/html", 0.0)
    return html > max((qualities.get(name, 0.0) for name in _JSON_TYPES), default=0.0)


def _is_html(given: list[str]) -> bool:
    value = given[0].strip().lower()
    if len(given) == 1 and value in (*_HTML_FORMATS, *JSON_FORMATS):
        return value in _HTML_FORMATS
    raise BadRequestError(f"f is {', '.join(given)!r:.100}; it can be json or html.")


def _qualities(accept: str) -> dict[str, float]:
    """Return the quality of each media type of an `Accept` header (RFC 9110, section 12.5.1)."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        given = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        found[name] = max(found.get(name, 0.0), _quality(given))
    return found


def _quality(given: str) -> float:
    try:
        value = float(given)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
