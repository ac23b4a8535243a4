"""Any document is accepted and comes back, or is refused by a message that names its member: never a 5xx."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import LONG
from support.foreign_documents import WRITES, foreign_collection, foreign_item, fresh

if TYPE_CHECKING:
    import httpx

CASES = settings(
    max_examples=300 if LONG else 40,
    deadline=None,
    # A case is several requests: what failed is smaller, and sooner found, by LANDBRIDGE_LONG_TESTS=1.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if LONG else ())],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

VERSIONS = st.sampled_from(
    ["0.8.0", "0.8.1", "0.9.0", "1.0.0-beta.1", "1.0.0-beta.2", "1.0.0-rc.1", "1.0.0-rc.4", "1.0.0", "1.1.0"]
)
ODD_VERSIONS = st.sampled_from([None, 1, "", "1.0", "0.", "1.0.0-", "2.0.0", "0.9.0 ", "v1.0.0", []])
NAMES = st.sampled_from(
    [
        *(
            "eo",
            "view",
            "sar",
            "sat",
            "proj",
            "projection",
            "raster",
            "label",
            "item-assets",
            "asset",
            "file",
        ),
        *("datacube", "scientific", "version", "checksum", "commons", "collection-assets", "pointcloud"),
        *("processing", "single-file-stac", "tiled-assets", "timestamps", "dtr", "datetime-range", "mgrs"),
        *("unknown", "https://example.invalid/any/schema.json"),
        "https://stac-extensions.github.io/eo/v1.0.0/schema.json",
        "https://stac-extensions.github.io/projection/v1.0.0/schema.json",
    ]
)
# The members that a migration looks at, of the right types and of wrong ones.
MEMBERS = {
    "eo:bands": st.lists(
        st.integers(-2, 4) | st.fixed_dictionaries({"name": st.sampled_from("abc")}), max_size=3
    ),
    "eo:epsg": st.sampled_from([32635, None, "32635"]),
    "proj:epsg": st.sampled_from([32635, None]),
    "eo:gsd": st.sampled_from([10, 0.5]),
    "eo:platform": st.sampled_from(["a", ""]),
    "eo:instrument": st.sampled_from(["a", "", ["a"]]),
    "eo:sun_azimuth": st.floats(-360, 360),
    "view:sun_azimuth": st.floats(-1e6, 1e6),
    "eo:cloud_cover": st.floats(-10, 200) | st.sampled_from(["5", None, -0.0]),
    "dtr:start_datetime": st.just("2020-01-01T00:00:00Z"),
    "dtr:end_datetime": st.just("2021-01-01T00:00:00Z"),
    "checksum:multihash": st.just("90e40210"),
    "label:methods": st.lists(st.text(max_size=2), max_size=2),
    "license": st.sampled_from(["various", "proprietary", "CC0-1.0"]),
    "keywords": st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3), max_size=50
    ),
}
NUMBERS = (
    st.integers(-(2**65), 2**65)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([-0.0, 1e16, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30, 5e-324, 1.7e308])
)
VALUES = st.recursive(
    NUMBERS | st.text(st.characters(), max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
MEMBERSHIP = st.fixed_dictionaries({}, optional={**MEMBERS, "value": VALUES})
NUMBER = st.floats(-400, 400) | st.sampled_from([-180, 180, -90, 90, 0, 360, -170, 170])
BOXES = st.lists(
    st.tuples(NUMBER, st.floats(-90, 90), NUMBER, st.floats(-90, 90)).map(list)
    | st.lists(NUMBER | st.none(), max_size=7),
    max_size=3,
)
IDS = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=6) | st.sampled_from(
    ["a/b", "..", "a b", "a:b", "%2F", "é", "a?b#c"]
)


def refused_by(answer: httpx.Response) -> bool:
    """Return whether an answer refuses; it must name the reason."""
    assert answer.status_code < 500, answer.text
    if answer.status_code < 400:
        return False
    assert answer.status_code in (400, 409), answer.text
    assert len(answer.json()["description"]) > 15, answer.text
    return True


class Loose:
    """A client that may send invalid JSON."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def _send(self, method: str, path: str, document: Any) -> httpx.Response:
        content = json.dumps(document).encode()
        return self._http.request(method, path, content=content, headers={"Content-Type": "application/json"})

    def post(self, path: str, json: Any) -> httpx.Response:
        return self._send("POST", path, json)

    def put(self, path: str, json: Any) -> httpx.Response:
        return self._send("PUT", path, json)

    def patch(self, path: str, json: Any) -> httpx.Response:
        return self._send("PATCH", path, json)


def lost(before: Any, after: Any, place: str = "") -> list[tuple[str, Any, Any]]:
    """Yield the places of a value that did not come back: the path, the value sent and the value returned."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            one
            for key, value in before.items()
            for one in lost(value, after.get(key, "GONE"), f"{place}/{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            one
            for number, pair in enumerate(zip(before, after, strict=True))
            for one in lost(*pair, f"{place}/{number}")
        ]
    # A large float is served without an exponent, as digits that read as the same double.
    same = before == after or (
        isinstance(before, float) and isinstance(after, int) and before == float(after)
    )
    return [] if same else [(place, before, after)]


@pytest.fixture(scope="module")
def parents(http: httpx.Client) -> list[str]:
    """Collections with and without the members that items of STAC 0.9 have in them."""
    bands = [{"name": "a"}, {"name": "b", "common_name": "blue"}]
    made = [
        foreign_collection(),
        foreign_collection(properties={"eo:bands": bands, "license": "proprietary", "eo:off_nadir": 1}),
        foreign_collection(summaries={"eo:bands": bands}),
    ]
    for document in made:
        assert http.post("/collections", json=document).status_code == 201
    return [document["id"] for document in made]


@CASES
@given(
    parent=st.integers(0, 2),
    write=st.sampled_from(WRITES),
    version=VERSIONS | ODD_VERSIONS,
    names=st.lists(NAMES, max_size=4) | st.sampled_from([None, "eo", [1], {}]),
    properties=MEMBERSHIP,
    asset=MEMBERSHIP,
    geometry=st.sampled_from(["as it is", "null", "empty"]),
)
def test_an_item_of_any_version_comes_back_or_is_refused(
    http, parents, parent, write, version, names, properties, asset, geometry
):
    item = foreign_item(
        parents[parent], id=fresh().replace(":", "-"), stac_version=version, stac_extensions=names
    )
    item["properties"] |= properties
    item["assets"] = {"one": {"href": "https://x.invalid/a.tif", **asset}}
    if geometry != "as it is":
        item["geometry"] = None if geometry == "null" else {"type": "GeometryCollection", "geometries": []}
        del item["bbox"]
    if refused_by(write(Loose(http), copy.deepcopy(item))):
        return
    answer = http.get(f"/collections/{item['collection']}/items/{item['id']}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["stac_version"] == "1.1.0"
    assert (found["geometry"] is None) == (geometry != "as it is")
    assert lost(item["properties"].get("value"), found["properties"].get("value")) == []
    assert lost(item["assets"]["one"].get("value"), found["assets"]["one"].get("value")) == []
    if (
        isinstance(version, str)
        and version in ("1.0.0", "1.1.0")
        and all(":" in name for name in names or ())
    ):
        kept = {key: value for key, value in item["properties"].items() if value is not None}
        assert lost(kept, found["properties"]) == []
    change = http.patch(
        f"/collections/{item['collection']}/items/{item['id']}", json={"properties": {"n": 1}}
    )
    assert change.status_code == 200, change.text
    assert (
        lost({k: v for k, v in found["properties"].items() if k != "updated"}, change.json()["properties"])
        == []
    )


@CASES
@given(
    version=VERSIONS | ODD_VERSIONS,
    names=st.lists(NAMES, max_size=4),
    members=MEMBERSHIP,
    boxes=BOXES,
    list_extent=st.booleans(),
    ident=IDS,
)
def test_a_collection_of_any_version_comes_back_or_is_refused(
    http, version, names, members, boxes, list_extent, ident
):
    document = foreign_collection(stac_version=version, stac_extensions=names, **members)
    document["id"] = f"{fresh()}{ident}"
    document["extent"] = {"spatial": {"bbox": boxes}, "temporal": {"interval": [[None, None]]}}
    if list_extent and len(boxes) == 1:
        document["extent"]["spatial"] = boxes[0]
    before = copy.deepcopy(document)
    if refused_by(Loose(http).post("/collections", json=document)):
        return
    url = f"/collections/{quote(document['id'], safe='')}"
    answer = http.get(url)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["id"] == before["id"]
    if boxes and not list_extent:
        assert found["extent"]["spatial"]["bbox"] == boxes
    assert lost(before.get("value"), found.get("value")) == []
    assert lost(before.get("keywords"), found.get("keywords")) == []
    for box in boxes:
        middle = [box[0], box[1], box[0], box[1]]
        if len(box) == 4 and abs(box[0]) <= 180:
            listed = http.get("/collections", params={"bbox": ",".join(map(str, middle)), "limit": 1})
            assert listed.status_code == 200, listed.text
    assert http.patch(url, json={"note": 1}).status_code == 200
    assert http.delete(url).status_code in (204, 409)  # it may have bands


@CASES
@given(ident=IDS, write=st.sampled_from(WRITES))
def test_an_item_of_any_id_can_be_read_and_deleted_or_is_refused(http, parents, ident, write):
    item = foreign_item(parents[0], id=ident)
    path = f"/collections/{item['collection']}/items/{quote(ident, safe='', errors='replace')}"
    if write in (WRITES[1], WRITES[2]):
        return  # they name the id in their path, after a POST
    answer = write(Loose(http), item)
    if answer.status_code == 409:
        http.delete(path)
        return
    if refused_by(answer):
        return
    assert http.get(path).json()["id"] == ident
    found = http.post("/search", json={"collections": [parents[0]], "ids": [ident]}).json()
    assert [feature["id"] for feature in found["features"]] == [ident]
    assert http.delete(path).status_code == 204
