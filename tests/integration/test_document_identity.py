"""Identity of documents: each comes back as sent, by every way to write and after any number of patches.

Lists, nulls and nested members of items share parts with the `item_assets` of their collection, which is what
pgstac stores items without (dehydration).
"""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from typing import TYPE_CHECKING, Any

import jsonpatch
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from conftest import LONG, REPOSITORY
from landbridge.catalog import CatalogClient, Image
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.documents import incoming, projection
from landbridge.stac_api.pgstac import bulk_load, pools, writes

from .conftest import stac_collection, stac_item

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "𒍟※"
HREF = "https://example.org/red.tif"
SERVER_OWNS = frozenset({"created", "updated", "catalog:acquired_end"})
OTHERS = {"bands": []}  # a collection with no bands of ours: nothing is completed in its items' assets
TRANSFORM = [10, 0, 600000, 0, -10, 4000000]
ELSEWHERE = [10, 0, 399960, 0, -10, 4500000]


def new_collection(http: Any, item_assets: dict[str, Any], **members: Any) -> str:
    name = f"local:identity-{uuid.uuid4().hex[:10]}"
    body = stac_collection(name, item_assets=item_assets, **{**OTHERS, **members})
    http.post("/collections", json=body).raise_for_status()
    return name


def foreign_item(collection: str, name: str, assets: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return an Item without members of this project."""
    item = stac_item(collection, name)
    del item["properties"]["catalog:storage_state"]
    return {**item, "assets": assets, **members}


def url(item: dict[str, Any]) -> str:
    return f"/collections/{item['collection']}/items/{item['id']}"


def written(document: Any) -> str:
    """Return JSON that tells 1, 1.0 and true apart, and not the order of members."""
    return json.dumps(document, sort_keys=True)


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item without members that the server owns, and without a `proj:epsg` beside `proj:code`."""
    item = copy.deepcopy(item)
    projection.drop_epsg(item)
    left = {key: value for key, value in item.items() if key not in ("links", "stac_extensions", "geometry")}
    properties = item.get("properties") or {}
    left["properties"] = {key: value for key, value in properties.items() if key not in SERVER_OWNS}
    return left


def assert_same(got: dict[str, Any], sent: dict[str, Any]) -> None:
    assert written(shown(got)) == written(shown(sent))
    assert (
        got["geometry"] == sent["geometry"]
    )  # of coordinates, PostGIS keeps the numbers and not how they are written


def without_nulls(value: Any) -> Any:
    """Return the value as pgstac's own functions show it: they drop members that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return value


def of(stack: Any) -> Settings:
    return Settings(
        database_url=stack.database, store_url=stack.store.as_uri(), token=stack.token, worker=False
    )


# Each way to write an item: (http, stack, item).


def post(http: Any, stack: Any, item: dict[str, Any]) -> None:
    http.post(f"/collections/{item['collection']}/items", json=item).raise_for_status()


def post_features(http: Any, stack: Any, item: dict[str, Any]) -> None:
    body = {"type": "FeatureCollection", "features": [item]}
    http.post(f"/collections/{item['collection']}/items", json=body).raise_for_status()


def bulk(method: str) -> Callable[..., None]:
    def write(http: Any, stack: Any, item: dict[str, Any]) -> None:
        if method == "upsert":
            post(http, stack, foreign_item(item["collection"], item["id"], {}))
        body = {"items": {item["id"]: item}, "method": method}
        http.post(f"/collections/{item['collection']}/bulk_items", json=body).raise_for_status()

    return write


def put(http: Any, stack: Any, item: dict[str, Any]) -> None:
    post(http, stack, foreign_item(item["collection"], item["id"], {"x": {"href": HREF}}))
    http.put(url(item), json=item).raise_for_status()


def json_patch(http: Any, stack: Any, item: dict[str, Any]) -> None:
    post(http, stack, foreign_item(item["collection"], item["id"], {}))
    members = ("assets", "properties", *(key for key in item if key.startswith("x:")))
    body = [{"op": "add", "path": f"/{key}", "value": item[key]} for key in members]
    http.patch(url(item), json=body).raise_for_status()


def load(http: Any, stack: Any, item: dict[str, Any]) -> None:
    parent = http.get(f"/collections/{item['collection']}").json()
    bulk_load.load_items(stack.database, parent["id"], incoming.each_item([copy.deepcopy(item)], parent, "/"))


def upload_job(http: Any, stack: Any, item: dict[str, Any]) -> None:
    """Store an item as the job of an upload does."""

    async def store() -> None:
        read, write = await pools.open_pools(of(stack))
        try:
            await writes.create_items(
                write,
                item["collection"],
                lambda parent: [incoming.item(copy.deepcopy(item), parent, "/")],
                replace=True,
            )
        finally:
            await read.close()
            await write.close()

    asyncio.run(store())


WAYS = {
    "POST": post,
    "FeatureCollection": post_features,
    "bulk insert": bulk("insert"),
    "bulk upsert": bulk("upsert"),
    "PUT": put,
    "JSON Patch": json_patch,
    "load_items": load,
    "upload job": upload_job,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_list_that_resembles_that_of_item_assets_comes_back(http: Any, stack: Any, way: Any) -> None:
    collection = new_collection(http, {"red": {"type": "image/tiff", "proj:transform": TRANSFORM}})
    asset = {"href": HREF, "type": "image/tiff", "proj:transform": ELSEWHERE}
    item = foreign_item(collection, "a", {"red": asset})
    way(http, stack, item)
    assert http.get(url(item)).json()["assets"]["red"]["proj:transform"] == ELSEWHERE
    for number in range(3):
        http.patch(url(item), json={"properties": {"x:number": number}}).raise_for_status()
        item["properties"]["x:number"] = number
        assert_same(http.get(url(item)).json(), item)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nulls_come_back(http: Any, stack: Any, way: Any) -> None:
    collection = new_collection(http, {"red": {"nodata": 0, "deep": {"a": 1}, "list": [1, {"b": 2}]}})
    asset = {"href": HREF, "nodata": None, "deep": {"a": None}, "list": [None, {"b": None}], "own": None}
    item = foreign_item(collection, "a", {"red": asset}, **{"x:top": None, "x:deep": [{"y": None}]})
    item["properties"] |= {
        "datetime": None,
        "start_datetime": "2024-05-01T00:00:00Z",
        "end_datetime": "2024-05-02T00:00:00Z",
        "x:none": None,
    }
    way(http, stack, item)
    assert_same(http.get(url(item)).json(), item)
    http.patch(url(item), json={"properties": {"x:more": 1}}).raise_for_status()
    item["properties"]["x:more"] = 1
    assert_same(http.get(url(item)).json(), item)


def test_an_items_member_that_pgstacs_loader_takes_for_its_own_comes_back(http: Any, stack: Any) -> None:
    collection = new_collection(http, {"red": {"title": "Red"}})
    item = foreign_item(collection, "a", {"red": {"href": HREF}}, private={"x": 1})
    post_features(http, stack, item)
    assert http.get(url(item)).json()["private"] == {"x": 1}


def test_items_stay_when_the_item_assets_of_their_collection_change(http: Any, stack: Any) -> None:
    first = {"red": {"title": "Red", "list": [1, 2, {"a": 1}]}, "nir": {"title": "NIR"}}
    collection = new_collection(http, first)
    items = [
        foreign_item(collection, "shared", {"red": {"href": HREF, **first["red"]}}),
        foreign_item(collection, "whole", {"red": {"href": HREF, "title": None, "list": [None, 2, 3]}}),
    ]
    for item in items:
        post(http, stack, item)
    document = http.get(f"/collections/{collection}").json()
    second = {"red": {"title": "Rot", "list": [9, 2, {"a": 9}], "new": 1}, "swir": {"title": "SWIR"}}
    http.put(f"/collections/{collection}", json={**document, "item_assets": second}).raise_for_status()
    for item in items:
        assert_same(http.get(url(item)).json(), item)
    http.patch(f"/collections/{collection}", json={"item_assets": {"red": {"title": "Rouge"}}})
    for number, item in enumerate(items):
        assert_same(http.get(url(item)).json(), item)
        http.patch(url(item), json={"properties": {"x:number": number}}).raise_for_status()
        item["properties"]["x:number"] = number
        assert_same(http.get(url(item)).json(), item)


# Few values, so that an item and its item_assets often have the same.
SCALARS = st.sampled_from([None, 0, 1, True, False, 0.5, "a", "", MARKER])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=5,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["nodata", "proj:transform", "x:list", "x:object"]), VALUES, max_size=4
)
KEYS = ("red", "nir", "q")
ITEM_ASSETS = st.dictionaries(st.sampled_from(KEYS), MEMBERS, max_size=3)


@st.composite
def near(draw: Any, base: Any) -> Any:
    """Draw a value that shares parts with another."""
    choice = draw(st.integers(0, 5))
    if choice == 0:
        return draw(VALUES)
    if isinstance(base, dict):
        mine = {key: draw(near(value)) for key, value in base.items() if draw(st.integers(0, 3))}
        return mine | (draw(st.dictionaries(st.sampled_from("abc"), SCALARS, max_size=1)))
    if isinstance(base, list):
        mine = [draw(near(value)) for value in base]
        return mine[: draw(st.integers(max(len(mine) - 1, 0), len(mine)))]
    return base


@st.composite
def assets_near(draw: Any, item_assets: dict[str, Any]) -> dict[str, Any]:
    assets = {}
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        base = item_assets.get(key, {})
        mine = {member: draw(near(value)) for member, value in base.items() if draw(st.integers(0, 3))}
        assets[key] = {**mine, **draw(MEMBERS.filter(lambda one: len(one) < 2)), "href": HREF}
    return assets


@st.composite
def cases(draw: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[Any]]:
    """Draw item assets, an item's assets and other members, and patches of either kind."""
    item_assets = draw(ITEM_ASSETS)
    assets = draw(assets_near(item_assets))
    members = draw(st.dictionaries(st.sampled_from(["x:a", "x:b"]), VALUES, max_size=2))
    patches: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        new = draw(assets_near(item_assets))
        properties = draw(st.dictionaries(st.sampled_from(["x:p", "x:q"]), VALUES, max_size=2))
        if draw(st.booleans()):
            patches.append({"properties": properties, "assets": new})
        else:
            operations = [{"op": "add", "path": f"/assets/{key}", "value": one} for key, one in new.items()]
            operations += [
                {"op": "add", "path": f"/properties/{key}", "value": one} for key, one in properties.items()
            ]
            patches.append(operations)
    return item_assets, assets, members, patches


def merged(document: Any, patch: Any) -> Any:
    """Apply a merge patch as section 2 of RFC 7396 does."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@settings(max_examples=200 if LONG else 8, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_any_item_comes_back_by_every_way_and_after_patches(http: Any, stack: Any, case: Any) -> None:
    item_assets, assets, members, patches = case
    collection = new_collection(http, item_assets)
    expected = {}
    for name, way in WAYS.items():
        item = foreign_item(collection, name.replace(" ", "-"), copy.deepcopy(assets), **members)
        item["properties"] |= {"x:p": members.get("x:a"), "x:none": None}
        way(http, stack, copy.deepcopy(item))
        expected[item["id"]] = item
    for patch in ([], *patches):
        for item in expected.values():
            if patch:
                http.patch(url(item), json=patch).raise_for_status()
                changed = jsonpatch.apply_patch if isinstance(patch, list) else merged
                item.update(changed(item, patch))
            assert_same(http.get(url(item)).json(), item)
    found = http.post("/search", json={"collections": [collection], "limit": 100}).json()["features"]
    assert len(found) == len(expected)
    for item in found:
        assert_same(item, expected[item["id"]])
    with psycopg.connect(stack.database, options="-c search_path=pgstac,public") as conn:
        # pgstac's functions give the same, except nulls and texts like their own mark, which they never show.
        for name, item in expected.items():
            if MARKER in json.dumps(item, ensure_ascii=False):
                continue
            query = "SELECT pgstac.get_item(%s, %s)"
            theirs = conn.execute(query, (name, collection)).fetchone()[0]
            assert written(without_nulls(shown(theirs))) == written(without_nulls(shown(item)))


def test_a_clients_save_leaves_the_rest_as_it_was(http: Any, stack: Any) -> None:
    collection = new_collection(http, {"red": {"proj:transform": TRANSFORM, "nodata": 0, "x:a": [1, {}]}})
    asset = {"href": HREF, "proj:transform": ELSEWHERE, "nodata": None, "x:a": [None, {}]}
    item = foreign_item(collection, "a", {"red": asset})
    item["properties"] |= {"x:none": None, "eo:cloud_cover": 10}
    post(http, stack, item)
    client = CatalogClient()
    try:
        image = Image.get(f"{collection}:a", client=client)
        for cloud in (0.25, 0.5, 0.75):
            image.cloud_fraction = cloud
            image.save()
            item["properties"]["eo:cloud_cover"] = 100 * cloud
            got = http.get(url(item)).json()
            assert got["assets"] == item["assets"]
            assert got["properties"]["x:none"] is None
            assert got["properties"]["eo:cloud_cover"] == 100 * cloud
    finally:
        client.close()


SHARED = REPOSITORY.parent / "shared" / "data"


def published() -> list[Any]:
    """Read every file of documents beside the repository, with its collections and items."""
    found = []
    for path in sorted(SHARED.rglob("*.json")):
        document = json.loads(path.read_text())
        kinds: dict[str, list[Any]] = {"Collection": [], "Feature": []}
        parts = [*document.get("collections", []), *document.get("items", []), *document.get("features", [])]
        for part in parts or [document]:
            one = part.get("document", part)
            kinds.setdefault(one.get("type", "Collection"), []).append(one)
        if kinds["Feature"]:
            found.append(pytest.param(*kinds.values(), id=str(path.relative_to(SHARED))))
    return found or [pytest.param([], [], marks=pytest.mark.skip(reason=f"no documents at {SHARED}"))]


@pytest.mark.parametrize(("collections", "items"), published())
def test_a_published_item_comes_back(http: Any, stack: Any, collections: Any, items: Any) -> None:
    bases = {one["id"]: one.get("item_assets") or {} for one in collections}
    base = next((bases[one["collection"]] for one in items if one.get("collection") in bases), {})
    collection, sent, refused = new_collection(http, base), {}, []
    for number, item in enumerate(items):
        mine = {**copy.deepcopy(item), "id": f"single-{number}", "collection": collection}
        answer = http.post(f"/collections/{collection}/items", json=mine)
        if answer.status_code == 400:
            refused.append(answer.json()["description"])
            continue
        http.patch(url(mine), json={"properties": {"x:patched": number}}).raise_for_status()
        mine["properties"]["x:patched"] = number
        twin = {**copy.deepcopy(item), "id": f"bulk-{number}", "collection": collection}
        sent |= {mine["id"]: mine, twin["id"]: twin}
    if not sent:
        pytest.skip(f"not accepted: {refused[0]}")
    twins = {name: item for name, item in sent.items() if name.startswith("bulk")}
    http.post(f"/collections/{collection}/bulk_items", json={"items": twins}).raise_for_status()
    found = http.post("/search", json={"collections": [collection], "limit": 1000}).json()["features"]
    assert len(found) == len(sent)
    for got in found:
        mine = sent[got["id"]]
        if "proj:code" in got["properties"] and "proj:epsg" in mine["properties"]:
            # A document of an older STAC version is read as one of the current version.
            mine["properties"].setdefault("proj:code", got["properties"]["proj:code"])
        for one in (got, mine):
            projection.drop_epsg(one)
        assert got["assets"] == mine["assets"]
        owned = {key: value for key, value in got["properties"].items() if key in SERVER_OWNS}
        assert got["properties"] == mine["properties"] | owned


def damage(stack: Any, item: dict[str, Any], *patched: dict[str, Any]) -> None:
    """Store an item as pgstac's own functions do, and again as its damaged copies were stored."""
    with psycopg.connect(stack.database, options="-c search_path=pgstac,public", autocommit=True) as conn:
        conn.execute("SELECT pgstac.create_item(%s)", (Jsonb(item),))
        for one in patched:
            conn.execute("SELECT pgstac.update_item(%s)", (Jsonb(one),))


def test_rows_that_were_damaged_are_found_and_mended(http: Any, stack: Any) -> None:
    from landbridge.stac_api.__main__ import doctor

    collection = new_collection(http, {"red": {"proj:transform": TRANSFORM, "x:deep": [{"a": [1, 2]}, 3]}})
    hollow = [None, None, 399960, None, None, 4500000]
    assets = {"red": {"href": HREF, "proj:transform": ELSEWHERE, "x:deep": [{"a": [1, 9]}, 3]}}
    once, twice, lost = (foreign_item(collection, name, assets) for name in ("once", "twice", "lost"))
    damage(stack, once)
    read = copy.deepcopy(assets) | {"red": {**assets["red"], "proj:transform": hollow}}
    damage(stack, twice, {**twice, "assets": read})
    damage(stack, lost, {**lost, "assets": read})
    with psycopg.connect(stack.database, autocommit=True) as conn:
        # The value of the base item is lost.
        conn.execute(
            "UPDATE pgstac.items SET content = jsonb_set(content, '{assets,red,proj:transform}', %s) "
            "WHERE collection = %s AND id = 'lost'",
            (Jsonb([MARKER, 399960]), collection),
        )
    assert http.get(url(once)).json()["assets"]["red"]["proj:transform"] == hollow

    def found(**options: Any) -> dict[str, str]:
        every = [one for one in asyncio.run(doctor(of(stack), **options)) if collection in one.subject]
        assert all(one.kind == "damaged" for one in every)
        return {one.subject.rpartition("/")[2]: one.detail for one in every}

    before = found()
    assert set(before) == {"once", "twice", "lost"}
    assert "write the item anew" in before["lost"]
    assert "repair" in before["once"]
    assert set(found(repair=True)) == {"lost"}
    for item in (once, twice):
        assert_same(http.get(url(item)).json(), item)
    http.put(url(lost), json=lost).raise_for_status()
    assert found() == {}
    assert_same(http.get(url(lost)).json(), lost)
