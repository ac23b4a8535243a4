"""A STAC API that serves published documents."""

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from support.local_server import LocalServer, QuietHandler

SHARED = Path(__file__).parents[3] / "shared" / "data"


def published():
    """Yield (name, collections, items) of each set of real documents; items without a collection get one."""
    for path in sorted((SHARED / "sources" / "documents").glob("*/*.json")):
        content = json.loads(path.read_text())
        collections, items = (
            [one.get("document", one) for one in content[member]] for member in ("collections", "items")
        )
        yield from _sets(f"{path.parent.name}/{path.stem}", collections, items)
    collections, items = [], []
    for path in sorted((SHARED / "stac").glob("*.json")) + sorted((SHARED / "stac").glob("*.ndjson")):
        for line in path.read_text().splitlines() if path.suffix == ".ndjson" else [path.read_text()]:
            document = json.loads(line)
            (collections if document["type"] == "Collection" else items).append(document)
    yield from _sets("stac", collections, items)


def _sets(name, collections, items):
    # A Collection can be listed by several crawls: the last one counts.
    known = {one["id"]: one for one in collections}
    for item in items:
        item.setdefault("collection", name.rpartition("/")[2])
        # Items of one data set may name several Collections; an API has each of them.
        known.setdefault(item["collection"], bare_collection(item["collection"]))
    yield name, list(known.values()), items


def bare_collection(identifier):
    """Return a Collection without bands, as many APIs have."""
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": identifier,
        "description": identifier,
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
    }


class ReplayServer(LocalServer):
    """STAC API of these documents, running until `stop`."""

    def __init__(self, collections, items):
        self.collections = {one["id"]: one for one in collections}
        self.items = items
        self.requests = []
        replay = self

        class Handler(QuietHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                self.send_json(*replay.answer("GET", unquote(url.path), query))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_json(*replay.answer("POST", urlsplit(self.path).path, json.loads(body)))

        super().__init__(Handler)

    def answer(self, method, path, query):
        """Return status and document of a request."""
        self.requests.append((method, path))
        parts = path.strip("/").split("/")
        fixed = {
            "/": {"type": "Catalog", "id": "replay", "description": "", "links": [], "conformsTo": []},
            "/collections": {"collections": list(self.collections.values()), "links": []},
        }
        if path in fixed:
            return 200, fixed[path]
        if path == "/search":
            found = [
                item
                for item in self.items
                if item["collection"] in query.get("collections", [item["collection"]])
                and item["id"] in query.get("ids", [item["id"]])
            ]
            start, page = int(query.get("token", 0)), self._page(found, query)
            if start + len(page["features"]) < len(found):
                position = {"token": start + len(page["features"])}
                page["links"] = [
                    {"rel": "next", "href": "search", "method": "POST", "merge": True, "body": position}
                ]
            return 200, page
        if parts[0] == "collections" and parts[1] in self.collections:
            of_it = [item for item in self.items if item["collection"] == parts[1]]
            if len(parts) == 2:
                return 200, self.collections[parts[1]]
            if len(parts) == 3:
                return 200, self._page(of_it, query)
            item = next((item for item in of_it if item["id"] == "/".join(parts[3:])), None)
            if item is not None:
                return 200, item
        return 404, {"code": "NotFound", "description": f"there is no {path}"}

    @staticmethod
    def _page(items, query):
        start, limit = int(query.get("token", 0)), int(query.get("limit", 10))
        return {"type": "FeatureCollection", "features": items[start : start + limit], "links": []}
