"""Next links of the providers: a function each, which returns the first item of a page and its next link."""

from __future__ import annotations

import base64
from urllib.parse import quote, urlencode

from support.replay.queries import BadRequest, order_of, to_qs, value_of


class Request:
    """A search: method, address, the query as it came (`raw`), and in one form (`query`)."""

    def __init__(self, method, url, raw, query):
        self.method, self.url, self.raw, self.query = method, url, raw, query


def _link(request, changes, **members):
    """Return a next link with the whole query: in the address of GET, in the body of POST."""
    if request.method == "GET":
        query = {name: value for name, value in request.raw.items() if name not in changes} | changes
        return {"rel": "next", "type": "application/geo+json", "method": "GET"} | {
            "href": f"{request.url}?{urlencode(query)}"
        }
    return {
        "rel": "next",
        "type": "application/geo+json",
        "method": "POST",
        "href": request.url,
        "body": {**request.raw, **changes},
        **members,
    }


def _index_after(found, name):
    collection, _, identifier = name.partition(":")
    for index, record in enumerate(found):
        if (record.collection, record.id) == (collection, identifier):
            return index + 1
    raise BadRequest(400, f"{name} is no position")


def next_body(profile, request, found, limit):
    """Links of stac-server: the body holds the whole query and `next`; GET has it in the address."""
    position = request.query.get("next")
    start = 0
    if position:
        _, identifier, collection = position.rsplit(",", 2)
        start = _index_after(found, f"{collection}:{identifier}")
    last = found[start : start + limit][-1:]
    if not last or (start + limit >= len(found) and not profile.link_on_last_page):
        return start, None
    token = f"{last[0].properties.get('datetime')},{last[0].id},{last[0].collection}"
    return start, _link(request, {"limit": limit, "next": token}, merge=False)


def token(profile, request, found, limit):
    """Links of pgstac: the whole query and the last item as `token`.

    If sorted pages lose items, the next page begins after the last value.
    """
    position = request.query.get("token")
    start = 0
    if position:
        start = _index_after(found, position.removeprefix("next:"))
        order = order_of(profile, request.query)
        if order and profile.sorting == "loses":
            field = order[0][0]
            last = value_of(found[start - 1], field)
            while start < len(found) and value_of(found[start], field) == last:
                start += 1
    if start + limit >= len(found):
        return start, None
    last = found[start + limit - 1]
    return start, _link(request, {"limit": limit, "token": f"next:{last.collection}:{last.id}"})


def page(profile, request, found, limit):
    """Links of older stac-servers: the number of the page. A sorted search has no number in its link."""
    number = int(request.query.get("page", 1))
    start = (number - 1) * limit
    if start + limit >= len(found):
        return start, None
    if order_of(profile, request.query) and profile.sorting == "repeats":
        return 0, _link(request, {"limit": limit}, merge=False)
    return start, _link(request, {"limit": limit, "page": number + 1}, merge=False)


def _cursor(number):
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode().rstrip("=")


def _number(cursor):
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("after "))
    except ValueError:
        raise BadRequest(400, f"{cursor} is no cursor") from None


def cursor_by_get(profile, request, found, limit):
    """Links of CMR: a cursor in an address for GET, without a method, after POST too."""
    start = _number(request.query["cursor"]) if request.query.get("cursor") else 0
    if start + limit >= len(found):
        return start, None
    pairs = to_qs({**request.query, "limit": limit, "cursor": _cursor(start + limit)})
    text = "&".join(f"{quote(name, safe='[]')}={quote(value)}" for name, value in pairs)
    return start, {"rel": "next", "type": "application/geo+json", "href": f"{request.url}?{text}"}


def cursor_merged(profile, request, found, limit):
    """Links of service-stac: a cursor; after POST only the changes of the body, to be merged."""
    start = _number(request.query["cursor"]) if request.query.get("cursor") else 0
    if start + limit >= len(found):
        return start, None
    cursor = _cursor(start + limit)
    if request.method == "GET":
        return start, _link(request, {"limit": limit, "cursor": cursor})
    return start, {
        "rel": "next",
        "method": "POST",
        "href": request.url,
        "merge": True,
        "body": {"limit": str(limit), "cursor": cursor},
    }


def offset(profile, request, found, limit):
    """Links of datacube-explorer: an offset `_o`; after POST only that, to be merged."""
    start = int(request.query.get("_o", 0))
    if start + limit >= len(found):
        return start, None
    if request.method == "GET":
        return start, _link(request, {"limit": limit, "_o": start + limit})
    return start, {
        "rel": "next",
        "method": "POST",
        "href": request.url,
        "merge": True,
        "body": {"_o": start + limit},
    }


STYLES = {one.__name__: one for one in (next_body, token, page, cursor_by_get, cursor_merged, offset)}
