"""Hooks of the schemathesis run: most of its requests name objects that exist.

Most of its writes send what is nearly right: a document of the API with a part of what was generated in the
place of one of its own.
"""

import copy
import json
import os
import random

import schemathesis

_known = json.loads(os.environ.get("LANDBRIDGE_KNOWN_PATHS", "{}"))
_documents = json.loads(os.environ.get("LANDBRIDGE_KNOWN_DOCUMENTS", "{}"))
_random = random.Random(0)  # the same cases in each run
_ITEM = "/collections/{collection_id}/items/{item_id}"
_MOST_PIECES = 50


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Replace generated ids by existing ones, except in requests that delete."""
    operation = ctx.operation
    if operation.method.upper() == "DELETE" or operation.path.endswith("/deletion"):
        return path_parameters
    for name, value in _known.items():
        if path_parameters and name in path_parameters and _random.random() < 0.8:
            path_parameters[name] = value
    return path_parameters


@schemathesis.hook
def map_body(ctx, body):
    """Put generated values into valid documents."""
    write = _WRITES.get((ctx.operation.method.upper(), ctx.operation.path))
    if write is None or not _documents or _random.random() < 0.25:
        return body
    return write(list(_pieces(body))[:_MOST_PIECES] or [None])


def _pieces(value):
    try:
        json.dumps(value)
    except (TypeError, ValueError):  # bytes, in place of JSON
        return
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pieces(inner)


def _places(document, path=()):
    """Yield the paths of all members and elements of a document."""
    if isinstance(document, dict):
        inner = document.items()
    else:
        inner = enumerate(document) if isinstance(document, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _grafted(kind, pieces, **members):
    document = copy.deepcopy(_documents[kind]) | members
    for _ in range(_random.randrange(3)):
        *way, last = _random.choice(list(_places(document)))
        holder = document
        for key in way:
            holder = holder[key]
        holder[last] = _random.choice(pieces)
    return document


def _bulk(pieces):
    names = [f"b{_random.randrange(40)}" for _ in range(_random.randrange(1, 4))]
    items = {name: _grafted("item", pieces, id=name) for name in names}
    return {"items": items, "method": _random.choice(["insert", "upsert", "upsert", _random.choice(pieces)])}


def _features(pieces):
    name = f"f{_random.randrange(10**9)}"
    if _random.random() < 0.5:
        return _grafted("item", pieces, id=name)
    return {"type": "FeatureCollection", "features": [_grafted("item", pieces, id=name)]}


def _patch(kind):
    def write(pieces):
        if _random.random() < 0.5:
            document = _grafted(kind, pieces)
            return {name: document[name] for name in _random.sample(list(document), 2)}
        return [_operation(kind, pieces) for _ in range(_random.randrange(1, 4))]

    return write


def _operation(kind, pieces):
    way, other = (_random.choice(list(_places(_documents[kind]))) for _ in range(2))
    path, source = ("/" + "/".join(map(_escaped, one)) for one in (way, other))
    if _random.random() < 0.2:
        path += _random.choice(["/-", "/0", "/new", "/~2", "x"])
    op = _random.choice(["add", "remove", "replace", "move", "copy", "test"])
    return {"op": op, "path": path, "from": source, "value": _random.choice(pieces)}


def _escaped(key):
    return str(key).replace("~", "~0").replace("/", "~1")


_WRITES = {
    ("POST", "/collections"): lambda pieces: _grafted(
        "collection", pieces, id=f"c{_random.randrange(10**9)}"
    ),
    ("PUT", "/collections/{collection_id}"): lambda pieces: _grafted("collection", pieces),
    ("PATCH", "/collections/{collection_id}"): _patch("collection"),
    ("POST", "/collections/{collection_id}/items"): _features,
    ("POST", "/collections/{collection_id}/bulk_items"): _bulk,
    ("PUT", _ITEM): lambda pieces: _grafted("item", pieces),
    ("PATCH", _ITEM): _patch("item"),
}
