"""stac-geoparquet files: what is written is read again, by us and by others, in bounded memory."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge.catalog.tables.parquet_reader import read_collections, read_items
from landbridge.catalog.tables.parquet_writer import write_items
from support.lazy_import import LazyModule
from support.published_items import MISSING, SHARED, published_items

geopandas = LazyModule("geopandas")
rustac = LazyModule("rustac")

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner | st.none(), max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["a", "eo:cloud_cover", "id", "type", "links", "properties.id", "x.y", "é", ""])
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001 - made UTC below
    lambda moment: moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
)
POSITIONS = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
GEOMETRIES = st.none() | st.one_of(
    POSITIONS.map(lambda place: {"type": "Point", "coordinates": place}),
    st.lists(POSITIONS, min_size=2, max_size=4).map(lambda line: {"type": "LineString", "coordinates": line}),
    POSITIONS.map(
        lambda place: {
            "type": "GeometryCollection",
            "geometries": [{"type": "Point", "coordinates": [*place, 12.5]}],
        }
    ),
)


LINKS = st.lists(st.fixed_dictionaries({"href": st.text(max_size=3), "rel": st.just("x")}), max_size=2)
ASSETS = st.dictionaries(st.text(max_size=3), st.dictionaries(NAMES, VALUES, max_size=3), max_size=2)


@st.composite
def items(draw):
    moment = draw(MOMENTS | st.just("no time"))
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": draw(st.text(min_size=1, max_size=5)),
        "collection": draw(st.sampled_from(["a", "b"])),
        "geometry": draw(GEOMETRIES),
        "properties": {"datetime": moment, **draw(st.dictionaries(NAMES, VALUES, max_size=4))},
        "links": draw(
            st.lists(st.fixed_dictionaries({"href": st.text(max_size=3), "rel": st.just("x")}), max_size=2)
        ),
        "assets": draw(
            st.dictionaries(st.text(max_size=3), st.dictionaries(NAMES, VALUES, max_size=3), max_size=2)
        ),
    }
    if draw(st.booleans()):
        item["bbox"] = draw(st.lists(st.floats(-180, 180), min_size=4, max_size=4))
    if draw(st.booleans()):
        item["other:member"] = draw(VALUES)
    return item


def without_nulls(value):
    """Return a value as the format keeps it: a member that is null is a missing one."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def same(one, other):
    """Compare Items but for nulls and for the text of a moment."""
    return comparable(one) == comparable(other)


def comparable(item):
    item = without_nulls(item)
    item["links"], item["assets"] = item.get("links") or [], item.get("assets") or {}
    if item.get("geometry") and not re.search(r"\d", json.dumps(item["geometry"])):
        item["geometry"] = "empty"  # an empty polygon has several forms
    for name in ("datetime", "start_datetime", "end_datetime", "created", "updated", "published", "expires"):
        if name in item["properties"]:
            try:
                item["properties"][name] = datetime.fromisoformat(item["properties"][name])
            except ValueError:
                continue
    return item


@given(st.lists(items(), min_size=1, max_size=6))
@settings(max_examples=300 if LONG else 40)
def test_any_items_come_back_as_they_were(tmp_path_factory, documents):
    path = tmp_path_factory.mktemp("parquet") / "items.parquet"
    assert write_items(iter(documents), path) == len(documents)
    found = list(read_items(path))
    assert [comparable(item) for item in found] == [comparable(item) for item in documents]
    assert [item.name for item in path.parent.iterdir()] == ["items.parquet"]


def plain(number):
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    west = -120 + number % 200 * 0.5
    ring = [[west, 40], [west + 0.4, 40], [west + 0.4, 40.4], [west, 40.4], [west, 40]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
        "id": f"scene-{number}",
        "collection": "local:scenes",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, 40, west + 0.4, 40.4],
        "properties": {
            "datetime": moment.isoformat().replace("+00:00", "Z"),
            "eo:cloud_cover": number % 101 + 0.25,
            "platform": f"satellite-{number % 3}",
            "proj:transform": [10.0, 0.0, 5e5, 0.0, -10.0, 4.5e6],
            "keywords": ["a", "b"],
        },
        "links": [{"rel": "self", "href": f"https://example.com/items/scene-{number}"}],
        "assets": {
            key: {"href": f"https://example.com/{number}/{key}.tif", "roles": ["data"], "file:size": number}
            for key in ("red", "green", "blue", "nir")
        },
    }


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "plain.parquet"
    write_items(map(plain, range(250)), path, [{"type": "Collection", "id": "local:scenes"}])
    return path


def test_the_file_is_read_by_rustac(file):
    found = rustac.read_sync(str(file))["features"]
    assert [item["id"] for item in found] == [f"scene-{number}" for number in range(250)]
    first = {name: value for name, value in found[7].items() if name not in ("links", "stac_version")}
    first["bbox"] = list(first["bbox"])
    assert first == {name: value for name, value in plain(7).items() if name in first}


def test_the_file_is_read_by_geopandas(file):
    frame = geopandas.read_parquet(file, bbox=(-120, 40, -119.7, 40.2))
    assert set(frame["id"]) == {"scene-0", "scene-200"}
    assert frame.crs.to_epsg() == 4326 or "CRS84" in frame.crs.to_string()
    assert str(frame["datetime"].dtype).endswith("UTC]")


def test_collections_are_kept_in_the_file(file):
    assert read_collections(file) == [{"type": "Collection", "id": "local:scenes"}]


def test_a_file_of_rustac_is_read(tmp_path):
    path = tmp_path / "theirs.parquet"
    rustac.write_sync(str(path), [plain(number) for number in range(3)])
    found = list(read_items(path))
    assert [{**item, "links": []} for item in found] == [
        {**plain(number), "links": []} for number in range(3)
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason=MISSING)
def test_published_items_come_back_as_they_were(tmp_path):
    documents = published_items()
    path = tmp_path / "published.parquet"
    write_items(iter(documents), path)
    for found, sent in zip(read_items(path), documents, strict=True):
        assert same(found, sent), sent["id"]


def test_a_member_of_the_last_of_many_items_is_kept(tmp_path):
    documents = [plain(number) for number in range(25_000 if LONG else 300)]
    documents[-1]["properties"]["late"] = {"value": [1, "two"]}
    path = tmp_path / "late.parquet"
    write_items(iter(documents), path)
    assert list(read_items(path))[-1]["properties"]["late"] == {"value": [1, "two"]}


def test_an_empty_file_has_no_items(tmp_path):
    assert write_items(iter(()), tmp_path / "none.parquet") == 0
    assert list(read_items(tmp_path / "none.parquet")) == []


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "items.parquet"
    write_items([plain(1)], path)
    broken = plain(2) | {"geometry": {"type": "Polygon", "coordinates": "none"}}
    with pytest.raises(ValueError, match="Item 'scene-2' has a geometry that cannot be written"):
        write_items([plain(1), broken], path)
    assert [item["id"] for item in read_items(path)] == ["scene-1"]
    assert [each.name for each in tmp_path.iterdir()] == ["items.parquet"]


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    path = tmp_path / "text.parquet"
    path.write_text("text")
    with pytest.raises(ValueError, match="is not a Parquet file"):
        list(read_items(path))


# `ru_maxrss` of a new process begins with that of its parent (getrusage(2)), so the peak is read from /proc.
PROGRAM = """
import sys
sys.path[:0] = {path!r}
from unit.catalog.test_item_parquet import plain
from landbridge.catalog.tables.parquet_writer import write_items
count = write_items(map(plain, range({count})), {target!r})
with open("/proc/self/status") as status:
    print(count, *(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not LONG, reason="a minute; run by make test-long")
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_memory_is_bounded(tmp_path):
    target = str(tmp_path / "many.parquet")
    program = PROGRAM.format(path=sys.path, count=200_000, target=target)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, megabytes = map(int, done.stdout.split())
    assert count == 200_000
    assert megabytes < 512
