"""STAC documents without Catalog members, and one function for each way to write an item."""

from __future__ import annotations

import copy
import itertools
import uuid
from typing import Any

from integration.conftest import stac_collection, stac_item

_numbers = itertools.count(1)


def fresh() -> str:
    return f"local:foreign-{next(_numbers)}-{uuid.uuid4().hex[:6]}"


def foreign_collection(**members: Any) -> dict[str, Any]:
    """Return a Collection without Catalog members."""
    document = stac_collection(fresh(), **members)
    if "bands" not in members:
        del document["bands"]
    return document


def foreign_item(collection: str, **members: Any) -> dict[str, Any]:
    """Return an Item without Catalog members."""
    document = {**stac_item(collection, f"i{next(_numbers)}"), **copy.deepcopy(members)}
    document["properties"].pop("catalog:storage_state", None)
    return document


def post_item(http, item):
    return http.post(f"/collections/{item['collection']}/items", json=item)


def put_item(http, item):
    first = foreign_item(item["collection"], id=item["id"])
    assert post_item(http, first).status_code == 201
    return http.put(f"/collections/{item['collection']}/items/{item['id']}", json=item)


def patch_item(http, item):
    first = foreign_item(item["collection"], id=item["id"])
    assert post_item(http, first).status_code == 201
    changes = [{"op": "add", "path": f"/{name}", "value": value} for name, value in item.items()]
    changes += [{"op": "remove", "path": f"/{name}"} for name in first if name not in item]
    return http.patch(f"/collections/{item['collection']}/items/{item['id']}", json=changes)


def bulk_item(http, item):
    return http.post(
        f"/collections/{item['collection']}/bulk_items",
        json={"items": {item["id"]: item}, "method": "upsert"},
    )


def post_features(http, item):
    body = {"type": "FeatureCollection", "features": [item]}
    return http.post(f"/collections/{item['collection']}/items", json=body)


WRITES = [post_item, put_item, patch_item, bulk_item, post_features]


def stored(http, item):
    answer = http.get(f"/collections/{item['collection']}/items/{item['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()
