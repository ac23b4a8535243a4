"""Requests of searches: by POST with a body, or by GET with the same members as parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from landbridge.mappings import cql2_text
from landbridge.mappings.geometry import bbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["PageRequest", "next_request", "to_get"]

# Members of a next link of a Landbridge service that hold the position of the next page.
_POSITION = frozenset({"token", "offset", "page", "next"})
_LONGEST_GEOMETRY = 4000  # characters of a geometry in an address
# Members of a search that a next link's body must repeat unless it is merged.
_CONDITIONS = frozenset({"collections", "ids", "bbox", "intersects", "datetime", "filter", "query"})


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Request of one page.

    `query` is the body of a POST, or the parameters of a GET beside those that are in `path`.
    """

    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def limit(self) -> int | None:
        """Number of entries that the page may have; None if the request leaves it to the API."""
        value = self.query.get("limit", dict(parse_qsl(urlsplit(self.path).query)).get("limit"))
        try:
            return None if value is None else int(value)
        except (TypeError, ValueError):
            return None

    @property
    def counts_pages(self) -> bool:
        """True if the position of the page is a number of pages, which depends on their size."""
        return "page" in self.query or "page" in dict(parse_qsl(urlsplit(self.path).query))

    def with_limit(self, limit: int) -> PageRequest:
        """Return the request with another size of the page."""
        parts = urlsplit(self.path)
        parameters = parse_qsl(parts.query, keep_blank_values=True)
        if "limit" not in self.query and any(name == "limit" for name, _ in parameters):
            changed = [(name, str(limit) if name == "limit" else value) for name, value in parameters]
            return replace(self, path=urlunsplit(parts._replace(query=urlencode(changed))))
        return replace(self, query={**self.query, "limit": limit})

    def fingerprint(self) -> bytes:
        """Return a value that two requests of the same page share."""
        import orjson

        content = [self.method, self.path, dict(self.query), dict(self.headers)]
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)

    def send(self, client: CatalogClient, member: str) -> Any:
        """Return the answer; the entries of its `member` may be parsed when they are iterated."""
        if self.method == "GET":
            return client.get(self.path, self.query or None, headers=self.headers, entries=member)
        return client.post(self.path, self.query, headers=self.headers, idempotent=True, entries=member)


def to_get(request: PageRequest, languages: frozenset[str]) -> PageRequest:
    """Return a search by POST as a search by GET, with a filter in a language that the API knows."""
    import orjson

    parameters: dict[str, Any] = {}
    for name, value in request.query.items():
        if value is None or name == "filter-lang":
            continue
        if name == "intersects":
            text = orjson.dumps(value).decode()
            if len(text) > _LONGEST_GEOMETRY:
                # Servers refuse long addresses. The client checks what lies in the box.
                parameters["bbox"] = ",".join(map(str, bbox(value)))
                continue
        if name in ("collections", "ids", "bbox"):
            parameters[name] = ",".join(map(str, value))
        elif name == "sortby" and not isinstance(value, str):
            signs = {"asc": "+", "desc": "-"}
            parameters[name] = ",".join(signs[each.get("direction", "asc")] + each["field"] for each in value)
        elif name == "fields" and not isinstance(value, str):
            excluded = (f"-{each}" for each in value.get("exclude") or ())
            parameters[name] = ",".join([*(value.get("include") or ()), *excluded])
        elif name == "filter" and not isinstance(value, str):
            as_text = "cql2-text" in languages or "cql2-json" not in languages
            parameters[name] = cql2_text.to_text(value) if as_text else orjson.dumps(value).decode()
            parameters["filter-lang"] = "cql2-text" if as_text else "cql2-json"
        elif isinstance(value, (dict, list)):
            parameters[name] = orjson.dumps(value).decode()
        else:
            parameters[name] = value
    return PageRequest("GET", request.path, parameters, request.headers)


def next_request(
    client: CatalogClient, request: PageRequest, page: Mapping[str, Any], headers: Mapping[str, str]
) -> PageRequest | None:
    """Return the request of the page after `page` as its link "next" describes it; None without one.

    `headers` are the headers of the search. They are not sent to another origin than the API's.
    """
    links = page.get("links")
    link = next(
        (
            link
            for link in (links if isinstance(links, (list, tuple)) else ())
            if isinstance(link, dict) and link.get("rel") == "next"
        ),
        None,
    )
    if link is None or not isinstance(href := link.get("href"), str):
        return None
    body = link.get("body")
    if client.capabilities.is_landbridge:
        # Behind a proxy the service may know its own address wrongly: only the position is taken.
        changes = body or dict(parse_qsl(urlsplit(href).query))
        kept = {name: value for name, value in request.query.items() if name not in _POSITION}
        return replace(request, query={**changes, **kept})
    method = str(link.get("method") or ("GET" if body is None else "POST")).upper()
    path, own = _target(client, request, href)
    own_headers = link.get("headers")
    sent = {**(headers if own else {}), **(_texts(own_headers) if isinstance(own_headers, dict) else {})}
    if method == "GET":
        return PageRequest("GET", path, {}, sent)
    following = dict(body) if isinstance(body, dict) else dict(parse_qsl(urlsplit(href).query))
    before = request.query if request.method == "POST" else {}
    merge = link.get("merge")
    # Some APIs send only the position and forget to say that the rest stays: nothing else may be lost.
    if merge or (merge is None and any(name in before and name not in following for name in _CONDITIONS)):
        following = {**before, **following}
    return PageRequest("POST", path, following, sent)


def _texts(headers: Mapping[Any, Any]) -> dict[str, str]:
    """Return the headers of a link; a value may be a list of texts."""
    return {
        str(name): ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in headers.items()
    }


def _target(client: CatalogClient, request: PageRequest, href: str) -> tuple[str, bool]:
    """Return path or absolute URL of a link, and whether it leads to the API itself."""
    base = client.url
    current = request.path if "://" in request.path else base + request.path
    whole = urlsplit(urljoin(current, href))
    own = urlsplit(base)
    if whole.netloc == own.netloc and whole.scheme in ("http", own.scheme):
        # A proxy that ends TLS hides it from the API, whose links then say http.
        whole = whole._replace(scheme=own.scheme)
        if whole.path.startswith(f"{own.path}/"):
            return urlunsplit(("", "", whole.path.removeprefix(own.path), whole.query, "")), True
        return urlunsplit(whole), True
    return urlunsplit(whole), False
