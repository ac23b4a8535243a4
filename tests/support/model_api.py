"""A STAC API with any capabilities and any style of paging, which need not do what it declares."""

from __future__ import annotations

import contextlib
import functools
import json
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import cql2
import shapely
from shapely.geometry import shape

from support.local_server import LocalServer, QuietHandler

STAC, OGC = "https://api.stacspec.org/v1.0.0", "http://www.opengis.net/spec/cql2/1.0/conf"
CLASSES = {
    "item-search": [f"{STAC}/item-search"],
    "query": [f"{STAC}/item-search#query"],
    "sort": [f"{STAC}/item-search#sort"],
    "fields": [f"{STAC}/item-search#fields"],
    "cql2-json": [
        f"{STAC}-rc.2/item-search#filter", f"{OGC}/cql2-json", f"{OGC}/basic-cql2",
        f"{OGC}/advanced-comparison-operators",
    ],
    "cql2-text": [
        f"{STAC}-rc.2/item-search#filter", f"{OGC}/cql2-text", f"{OGC}/basic-cql2",
        f"{OGC}/advanced-comparison-operators",
    ],
    "transaction": [f"{STAC}/ogcapi-features/extensions/transaction"],
    "collection-search": [f"{STAC}-rc.1/collection-search"],
}  # fmt: skip
_CONDITIONS = ("collections", "ids", "intersects", "bbox", "datetime", "filter", "query", "sortby")
# The member with the position of a page, where it is not "token".
_NAMES = {"offset": "_o", "cursor": "cursor", "page": "page", "next": "next"}
STYLES = ("token", "merge", "page", "cursor", "offset", "headers", "next")


class ModelApi(LocalServer):
    """STAC API of these items.

    `declares` are names of CLASSES; `has` are those that it does (by default the same), and "intersects",
    "datetime" and "ids". `style` is the way of its next links. A search for more than `largest` items is
    refused with the status `refusal`, or cut silently if that is None. `methods` are those of its search.
    `repeats` items of each page appear again on the next. `stated` is the way to state the number of matches:
    "numberMatched", "context" or None.
    """

    def __init__(
        self, items, declares=("item-search",), has=None, style="token", largest=1000, refusal=None,
        methods=("GET", "POST"), repeats=0, stated="numberMatched", collections=(), broken=None,
    ):  # fmt: skip
        self.configure(
            items, declares=declares, has=has, style=style, largest=largest, refusal=refusal, methods=methods,
            repeats=repeats, stated=stated, collections=collections, broken=broken,
        )  # fmt: skip
        api = self

        class Handler(QuietHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                query = dict(parse_qsl(url.query, keep_blank_values=True))
                self.send_json(*api.answer("GET", unquote(url.path), query, self.headers))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_json(
                    *api.answer("POST", urlsplit(self.path).path, json.loads(body or b"{}"), self.headers)
                )

            def do_PATCH(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_json(*api.answer(self.command, self.path, {}, self.headers))

            do_PUT = do_DELETE = do_PATCH  # noqa: N815 - the names are http.server's

        super().__init__(Handler)

    def configure(
        self, items, declares=("item-search",), has=None, style="token", largest=1000, refusal=None,
        methods=("GET", "POST"), repeats=0, stated="numberMatched", collections=(), broken=None,
    ):  # fmt: skip
        """Become another API, at the same address."""
        self.items, self.style, self.largest, self.refusal = items, style, largest, refusal
        self.declares = set(declares)
        self.has = (self.declares if has is None else set(has)) | {"item-search"}
        if has is None:
            self.has |= {"intersects", "datetime", "ids", "collections"}
        self.methods, self.repeats, self.stated = methods, repeats, stated
        self.broken = broken
        ids = dict.fromkeys([*(one["id"] for one in collections), *(item["collection"] for item in items)])
        known = {one["id"]: one for one in collections}
        self.collections = {name: known.get(name, {"type": "Collection", "id": name}) for name in ids}
        self.requests, self._answers = [], {}

    @property
    def searches(self):
        """The searches that were asked, as (method, query)."""
        return [(method, query) for method, path, query, _ in self.requests if path == "/search"]

    def answer(self, method, path, query, headers):
        """Return status and document of a request."""
        self.requests.append((method, path, query, dict(headers)))
        if path == "/search":
            if method not in self.methods:
                return 405, {"detail": "Method Not Allowed"}
            return self._search(method, query, headers)
        if method != "GET":
            return 405, {"detail": "Method Not Allowed"}
        document = self._document(path)
        return (404, {"detail": f"there is no {path}"}) if document is None else (200, document)

    def _document(self, path):
        parts = path.strip("/").split("/")
        if path == "/":
            uris = [uri for name in self.declares for uri in CLASSES.get(name, ())]
            links = [{"rel": "search", "href": f"{self.url}/search", "type": "application/geo+json"}]
            page = {"type": "Catalog", "stac_version": "1.0.0", "id": "model", "description": "A model."}
            return {**page, "conformsTo": uris, "links": links}
        if path == "/collections":
            return {"collections": list(self.collections.values()), "links": []}
        if len(parts) == 2:
            return self.collections.get(parts[1])
        name = "/".join(parts[3:])
        found = (item for item in self.items if (item["collection"], item["id"]) == (parts[1], name))
        return next(found, None)

    # Conditions
    def _search(self, method, query, headers):
        known = _from_get(query) if method == "GET" else dict(query)
        size = int(known.get("limit", 10))
        if size > self.largest:
            if self.refusal is not None:
                return self.refusal, {"detail": "Bad request."}
            size = self.largest
        found = self._found({name: value for name, value in known.items() if name in _CONDITIONS})
        start = 0 if self.broken == "one page again" else self._start(known, headers, size)
        page = found[max(start - self.repeats, 0) if start else 0 : start + size]
        answer = {"type": "FeatureCollection", "features": page, "links": []}
        if "fields" in self.has and "fields" in known:
            answer["features"] = [_reduced(item, known["fields"]) for item in page]
        if self.stated == "numberMatched":
            answer["numberMatched"] = len(found)
        elif self.stated == "context":
            answer["context"] = {"matched": len(found), "returned": len(page)}
        # Some APIs have a link on the last page too.
        if start + size < len(found) or (self.style == "next" and page) or self.broken:
            position = size if self.broken == "same link" else start + size
            answer["links"].append(self._link(method, query, position, size))
        return 200, answer

    def _found(self, query):
        """Return the items that satisfy the conditions of a search, in its order; they are computed once."""
        # Read first: `configure` may run meanwhile, if a page was asked for ahead and is not needed any more.
        answers, key = self._answers, json.dumps(query, sort_keys=True)
        if key not in answers:
            found = [item for item in self.items if self._matches(query, item)]
            for order in reversed(query.get("sortby") or () if "sort" in self.has else ()):
                name, descending = order["field"], order["direction"] == "desc"
                found.sort(key=functools.partial(_order, name), reverse=descending)
            answers[key] = found
        return answers[key]

    def _matches(self, query, item):
        wanted = query.get("collections")
        if wanted and "collections" in self.has and item["collection"] not in wanted:
            return False
        if query.get("ids") and "ids" in self.has and item["id"] not in query["ids"]:
            return False
        if "intersects" in self.has and not _lies_in(query, item.get("geometry")):
            return False
        if query.get("datetime") and "datetime" in self.has and not _within(item, query["datetime"]):
            return False
        item, given = _indexed(item), query.get("filter")
        if given is not None and self.has & {"cql2-json", "cql2-text"} and not _satisfies(item, given):
            return False
        return not query.get("query") or "query" not in self.has or _queried(item, query["query"])

    # Pages
    def _start(self, query, headers, size):
        if self.style == "headers":
            return int(headers.get("X-Position") or 0)
        if self.style == "page":
            return (int(query.get("page", 1)) - 1) * size
        return int(query.get(_NAMES.get(self.style, "token"), 0))

    def _link(self, method, sent, position, size):
        href = f"{self.url}/search"
        if self.style == "cursor" or (method == "GET" and self.style != "headers"):
            name = _NAMES.get(self.style, "token")
            value = position // size + 1 if name == "page" else position
            parameters = _to_get(sent) | {name: value, "limit": size}
            return {"rel": "next", "href": f"search?{urlencode(parameters)}"}
        if self.style == "headers":
            link = {"rel": "next", "href": href, "headers": {"X-Position": str(position)}}
            if method == "GET":
                return link | {"href": f"{href}?{urlencode(sent)}"}
            return link | {"method": "POST", "body": sent}
        bodies = {
            "token": {**sent, "token": str(position)},
            "merge": {"token": str(position)},
            "page": {**sent, "page": position // size + 1, "limit": size},
            "offset": {"_o": position},
            "next": {**sent, "next": str(position)},
        }
        merge = {"merge": True} if self.style in ("merge", "offset") else {}
        if self.style == "next":
            merge = {"merge": False}
        return {"rel": "next", "href": href, "method": "POST", "body": bodies[self.style], **merge}


def _lies_in(query, geometry):
    wanted = [shape(query["intersects"])] if query.get("intersects") else []
    wanted += [shapely.box(*query["bbox"])] if query.get("bbox") else []
    return all(geometry is not None and shapely.intersects(shape(geometry), one) for one in wanted)


def _from_get(query):
    """Return the parameters of a GET as the members of a POST."""
    found = dict(query)
    for name in ("collections", "ids"):
        if name in found:
            found[name] = found[name].split(",")
    if "bbox" in found:
        found["bbox"] = list(map(float, found["bbox"].split(",")))
    for name in ("intersects", "query"):
        if name in found:
            found[name] = json.loads(found[name])
    if "filter" in found and query.get("filter-lang") != "cql2-text":
        found["filter"] = json.loads(found["filter"])
    if "sortby" in found:
        found["sortby"] = [
            {"field": one.lstrip("+-"), "direction": "desc" if one[0] == "-" else "asc"}
            for one in found["sortby"].split(",")
        ]
    if "fields" in found:
        names = found["fields"].split(",")
        found["fields"] = {
            "include": [one for one in names if one[0] != "-"],
            "exclude": [one[1:] for one in names if one[0] == "-"],
        }
    return found


def _to_get(query):
    """Return the members of a POST as parameters of a GET."""
    return {name: _parameter(name, value) for name, value in query.items()}


def _parameter(name, value):
    if name == "sortby" and not isinstance(value, str):
        return ",".join(("-" if one["direction"] == "desc" else "+") + one["field"] for one in value)
    if name == "fields" and not isinstance(value, str):
        return ",".join([*value.get("include", ()), *(f"-{one}" for one in value.get("exclude", ()))])
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _reduced(item, fields):
    """Return an item with the members that `fields` includes."""
    kept = {name for name in fields.get("include", ()) if "." not in name} or set(item)
    kept -= set(fields.get("exclude", ()))
    reduced = {name: value for name, value in item.items() if name in kept | {"id", "collection"}}
    for name in fields.get("include", ()):
        if name.startswith("properties.") and (inner := name.partition(".")[2]) in item["properties"]:
            reduced.setdefault("properties", {})[inner] = item["properties"][inner]
    return reduced


def _order(field, item):
    value = item["properties"].get(field.removeprefix("properties."), item.get(field))
    return (value is None, str(type(value)), value if value is not None else 0)


def _within(item, interval):
    first, _, last = interval.partition("/")
    properties = item["properties"]
    start = properties.get("start_datetime") or properties["datetime"]
    end = properties.get("end_datetime") or properties["datetime"]
    last = last or first
    return (first in ("..", "") or end >= first) and (last in ("..", "") or start <= last)


def _indexed(item):
    """Return an item as services compare it: pgstac casts texts of numbers, Elasticsearch coerces them."""
    properties = dict(item["properties"])
    for name in _NUMERIC & properties.keys():
        if isinstance(properties[name], str):
            with contextlib.suppress(ValueError):
                properties[name] = float(properties[name])
    return item | {"properties": properties}


def _satisfies(item, given):
    expression = cql2.parse_text(given) if isinstance(given, str) else cql2.Expr(given)
    try:
        return bool(expression.matches(item))
    except Exception:  # noqa: BLE001 - the package raises nothing more special: neither true nor false
        return False


_NUMERIC = {"eo:cloud_cover", "view:sun_elevation", "view:off_nadir"}
_QUERY = {
    "eq": lambda value, wanted: value == wanted,
    "neq": lambda value, wanted: value != wanted,
    "lt": lambda value, wanted: value < wanted,
    "lte": lambda value, wanted: value <= wanted,
    "gt": lambda value, wanted: value > wanted,
    "gte": lambda value, wanted: value >= wanted,
    "startsWith": lambda value, wanted: value.startswith(wanted),
    "in": lambda value, wanted: value in wanted,
}


def _queried(item, query):
    for name, tests in query.items():
        value = item["properties"].get(name, item.get(name))
        for operator, wanted in tests.items():
            try:
                if value is None or not _QUERY[operator](value, wanted):
                    return False
            except (TypeError, AttributeError):
                return False
    return True
