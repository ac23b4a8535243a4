"""HTTP server of a provider's API."""

from __future__ import annotations

import copy
import json
import socket
import threading
import time
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from support.replay import paging, queries
from support.replay.documents import local_address
from support.replay.queries import BadRequest


class Server:
    """HTTP server on a free port whose `answer(handler)` returns status, content and headers."""

    def __init__(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self):
                status, content, headers = answer(self)
                self.send_response(status)
                for name, value in {"Content-Length": len(content), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815

            def log_message(self, *_):
                """Log nothing."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128
            address_family = socket.AF_INET

            def handle_error(self, request, client_address):
                """Ignore clients that close their connection."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Api:
    """The API of a provider: answers requests about its Collections and records.

    `requests` are (method, path, query). Each of `faults` is asked before a request is answered: it gets
    method and path, and returns None or (status, document, headers).
    """

    def __init__(self, profile, collections, records, files, sign=None, latency=0.0):
        self.profile, self.files, self.sign = profile, files, sign
        self.collections = {one["id"]: one for one in collections}
        self.records = records
        self.by_id = {(record.collection, record.id): record for record in records}
        self.latency = latency
        self.requests = []
        self.faults = []
        # Pages of one search ask for the same items again.
        self.found = lru_cache(maxsize=64)(self._found)
        self.server = Server(self._answer)
        self.url = self.server.url

    def stop(self):
        self.server.stop()

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        path = unquote(parts.path).rstrip("/") or "/"
        text = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        time.sleep(self.latency)
        self.requests.append((handler.command, path, text.decode() or parts.query))
        for fault in self.faults:
            given = fault(handler.command, path)
            if given is not None:
                status, document, headers = given
                return status, orjson.dumps(document), {"Content-Type": "application/json", **headers}
        try:
            document = self._route(handler.command, path, parts.query, text)
            status = 200
        except BadRequest as error:
            status, document = error.status, {"code": str(error.status), "description": error.text}
        content = document if isinstance(document, bytes) else orjson.dumps(document)
        kind = "application/geo+json" if path.endswith(("search", "items")) else "application/json"
        return status, content, {"Content-Type": kind}

    def _route(self, method, path, text, body):
        steps = path.strip("/").split("/")
        if path == "/search":
            if method not in self.profile.search_methods:
                raise BadRequest(405, f"{method} is not allowed")
            return self._search(method, f"{self.url}/search", text, body)
        if method not in ("GET", "HEAD"):
            raise BadRequest(405, f"{method} is not allowed")
        fixed = {
            "/": self.landing,
            "/conformance": lambda: {"conformsTo": list(self.profile.conforms)},
            "/collections": lambda: self._collections(dict(parse_qsl(text))),
        }
        if path in fixed:
            return fixed[path]()
        if steps[:3] == ["api", "sas", "v1"] and self.sign is not None:
            return self.sign("/".join(steps[4:]))
        if steps[0] == "collections" and steps[1] in self.collections:
            return self._of_collection(steps[1], steps[2:], text)
        raise BadRequest(404, f"there is no {path}")

    def _of_collection(self, name, steps, text):
        if not steps:
            return self._collection(self.collections[name])
        if steps == ["items"]:
            return self._search("GET", f"{self.url}/collections/{name}/items", text, b"", collection=name)
        record = self.by_id.get((name, "/".join(steps[1:])))
        if steps[0] != "items" or record is None:
            raise BadRequest(404, f"there is no {'/'.join(steps)} in {name}")
        return self.item(record)

    def landing(self):
        """Return the landing page."""
        links = [
            {"rel": "self", "type": "application/json", "href": self.url},
            {"rel": "root", "type": "application/json", "href": self.url},
            {"rel": "data", "type": "application/json", "href": f"{self.url}/collections"},
            {"rel": "conformance", "type": "application/json", "href": f"{self.url}/conformance"},
        ]
        methods = self.profile.search_methods if self.profile.declares_methods else (None,)
        for method in methods:
            link = {"rel": "search", "type": "application/geo+json", "href": f"{self.url}/search"}
            links.append(link if method is None else {**link, "method": method})
        return {
            "type": "Catalog",
            "stac_version": self.profile.stac_version,
            "id": self.profile.id,
            "title": f"Replayed {self.profile.id}",
            "description": "A provider's API, replayed from its documents",
            "conformsTo": list(self.profile.conforms),
            "links": links,
        }

    def _collection(self, document):
        own = f"{self.url}/collections/{document['id']}"
        return {
            **document,
            "links": [
                {"rel": "self", "type": "application/json", "href": own},
                {"rel": "root", "type": "application/json", "href": self.url},
                {"rel": "parent", "type": "application/json", "href": self.url},
                {"rel": "items", "type": "application/geo+json", "href": f"{own}/items"},
            ],
        }

    def _collections(self, query):
        documents = [self._collection(one) for one in self.collections.values()]
        links = [{"rel": "self", "type": "application/json", "href": f"{self.url}/collections"}]
        size = self.profile.collections_page
        if size is not None:
            start = int(query.get("cursor") or 0)
            if start + size < len(documents):
                links.append({"rel": "next", "href": f"{self.url}/collections?cursor={start + size}"})
            documents = documents[start : start + size]
        return {"collections": documents, "links": links}

    def item(self, record):
        """Return an Item, its files at the addresses of this machine."""
        return orjson.loads(self._bytes(record))

    def _bytes(self, record):
        if "bytes" not in record.__dict__:
            item = copy.deepcopy(record.published)
            own = f"{self.url}/collections/{record.collection}"
            item["links"] = [
                {"rel": "self", "type": "application/geo+json", "href": f"{own}/items/{record.id}"},
                {"rel": "collection", "type": "application/json", "href": own},
                {"rel": "parent", "type": "application/json", "href": own},
                {"rel": "root", "type": "application/json", "href": self.url},
            ]
            for asset in item["assets"].values():
                for one in (asset, *asset.get("alternate", {}).values()):
                    if isinstance(one, dict) and "href" in one:
                        one["href"] = local_address(one["href"], self.files)
            record.__dict__["bytes"] = orjson.dumps(item)
        return record.__dict__["bytes"]

    def _found(self, text):
        return queries.matching(self.profile, json.loads(text), self.records)

    def _search(self, method, url, text, body, collection=None):
        if method == "POST":
            raw = query = json.loads(body or b"{}")
        else:
            raw, query = dict(parse_qsl(text, keep_blank_values=True)), queries.from_url(text)
        if query.get("intersects") and method == "GET" and not self.profile.intersects_by_get:
            raise BadRequest(400, "intersects is for POST")
        if collection is not None:
            query = {**query, "collections": [collection]}
        queries.check(self.profile, query)
        limit = queries.limit_of(self.profile, query)
        conditions = {name: one for name, one in query.items() if name not in (*queries.POSITIONS, "limit")}
        queries.order_of(self.profile, query)
        found = self.found(json.dumps(conditions, sort_keys=True))
        request = paging.Request(method, url, raw, query)
        start, link = paging.STYLES[self.profile.next_link](self.profile, request, found, limit)
        page = found[start : start + limit]
        if self.profile.largest_answer is not None and len(page) > self.profile.largest_answer:
            raise BadRequest(502, "Internal server error")
        members = {"type": "FeatureCollection", "stac_version": self.profile.stac_version}
        members["links"] = [{"rel": "root", "href": self.url}] + ([link] if link else [])
        if "numberMatched" in self.profile.counts or ("context" in self.profile.counts and collection):
            members["numberMatched"] = len(found)
        if "context" in self.profile.counts:
            members["context"] = {"matched": len(found), "returned": len(page), "limit": limit}
        members["numberReturned"] = len(page)
        if query.get("fields") and self.profile.fields:
            features = orjson.dumps([_chosen(self.item(record), query["fields"]) for record in page])
        else:
            features = b"[%s]" % b",".join(self._bytes(record) for record in page)
        return orjson.dumps(members)[:-1] + b',"features":' + features + b"}"


def _chosen(item, fields):
    """Return the chosen members of an Item; its type, id and collection are always there."""
    include, exclude = fields.get("include") or [], fields.get("exclude") or []
    out = {name: item[name] for name in ("type", "id", "collection")} if include else item
    for name in include:
        _copy(item, out, name.split("."))
    for name in exclude:
        _drop(out, name.split("."))
    return out


def _copy(source, target, names):
    # Names of properties may hold dots after a colon, but no asset or member of these documents does.
    if names[0] not in source:
        return
    if len(names) == 1:
        target[names[0]] = source[names[0]]
    else:
        _copy(source[names[0]], target.setdefault(names[0], {}), names[1:])


def _drop(target, names):
    if len(names) == 1:
        target.pop(names[0], None)
    elif isinstance(target.get(names[0]), dict):
        target[names[0]] = dict(target[names[0]])
        _drop(target[names[0]], names[1:])
