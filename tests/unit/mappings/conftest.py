"""Strategies for Catalog attributes, and models of the database and the server."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from landbridge.mappings import tables

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
WORD = st.text("abcXYZ019_.-", min_size=1, max_size=8)
NAMESPACE = st.text("abcXYZ019:._-", min_size=1, max_size=8)
BLOB_NAME = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(
    lambda name: name.isprintable() and "," not in name and name.strip("/").strip() == name
)
DATA_TYPES = ["Byte", "UInt16", "Int16", "UInt32", "Int32", "Float32", "Float64"]
DATA_TYPES += ["Int8", "Int64", "UInt64", "Float16"]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBER = FINITE | st.integers(-(2**53), 2**53)
INTEGER = st.integers(0, 2**31)
MOMENT = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
# Keys that collide with what the encoding of nulls and the documents themselves use.
KEY = TEXT | st.sampled_from(
    ["catalog:null", "catalog:null~", "catalog:null~~", "platform", "a/b", "~", "gsd"]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
PAIR = st.lists(FINITE, min_size=2, max_size=2)
TAGS = st.lists(TEXT, max_size=4)
EXTRA = st.dictionaries(KEY, JSON, max_size=4)
RESOLUTION = st.fixed_dictionaries(
    {"value": st.floats(1e-9, 1e7) | st.integers(1, 10**6), "unit": st.sampled_from(["meters", "degrees"])}
)
SUBJECTS = st.lists(st.sampled_from(["user:a", "org:b", "email:c@d.e", "group:f"]), max_size=3)
LONLAT = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
HEX = st.sampled_from([32, 40, 64, 128]).flatmap(
    lambda n: st.text("0123456789abcdef", min_size=n, max_size=n)
)

GEOMETRY = st.one_of(
    LONLAT.map(lambda point: {"type": "Point", "coordinates": point}),
    st.lists(LONLAT, min_size=2, max_size=4).map(lambda line: {"type": "LineString", "coordinates": line}),
    st.lists(LONLAT, min_size=3, max_size=5).map(
        lambda ring: {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    ),
    st.lists(LONLAT, min_size=3, max_size=5).map(
        lambda ring: {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]},
                {"type": "MultiPoint", "coordinates": ring},
            ],
        }
    ),
)
FILE = st.fixed_dictionaries(
    {"href": st.text("abc/:.", min_size=1, max_size=12)},
    optional={
        "size_bytes": INTEGER,
        "hash": HEX | TEXT,
        "provider_id": TEXT,
        "provider_href": TEXT,
    },
)
WKT = st.sampled_from(
    ['PROJCRS["x",BASEGEOGCRS["y"]]', 'GEOGCS["WGS 84"]', "+proj=utm +zone=15 +datum=WGS84", "", "PROJ"]
)
STEP = st.fixed_dictionaries(
    {"function": TEXT, "parameter": TEXT}, optional={"index": INTEGER, "data_range": PAIR}
)

SPECIAL: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "product": {
        "name": TEXT.filter(bool),
        "description": TEXT,
        "resolution_min": RESOLUTION,
        "resolution_max": RESOLUTION,
        "owners": SUBJECTS,
        "readers": SUBJECTS,
        "writers": SUBJECTS,
    },
    "band": {
        "data_type": st.sampled_from(DATA_TYPES),
        "nodata": NUMBER | st.sampled_from([math.inf, -math.inf]),
        "resolution": RESOLUTION,
        "wavelength_nm_center": st.floats(1, 1e6) | st.integers(1, 10**6),
        "wavelength_nm_fwhm": st.floats(0, 1e6) | st.integers(0, 10**6),
        "colormap": st.lists(st.lists(st.integers(0, 255), min_size=4, max_size=4), max_size=3),
        "processing_levels": st.dictionaries(WORD, TEXT | st.lists(STEP, max_size=2), max_size=2),
        "derived_params": st.fixed_dictionaries({"function": TEXT, "bands": TAGS}),
    },
    "image": {
        "acquired_end": MOMENT,
        "geometry": GEOMETRY,
        "cs_code": st.sampled_from(["EPSG:32615", "EPSG:4326", "ESRI:102008"]),
        "projection": WKT,
        "geotrans": st.lists(FINITE, min_size=6, max_size=6),
        "x_pixels": INTEGER,
        "y_pixels": INTEGER,
        "cloud_fraction": st.floats(0, 1),
        "view_angle": st.floats(-180, 180),
        "azimuth_angle": st.floats(-180, 720),
        "incidence_angle": st.floats(-180, 180),
        "solar_azimuth_angle": st.floats(-180, 720),
        "files": st.lists(FILE, min_size=1, max_size=3, unique_by=lambda file: file["href"]),
        "provider_url": TEXT.filter(bool),
        "preview_url": TEXT.filter(bool),
    },
    "blob": {"geometry": GEOMETRY, "href": TEXT.filter(bool), "size_bytes": INTEGER, "hash": HEX | TEXT},
}


def _of_schema(schema: Any) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "maximum" in schema and schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if schema.get("format") == "date-time":
        return MOMENT
    if schema["type"] == "array":
        return st.lists(
            _of_schema(schema["items"]),
            min_size=schema.get("minItems", 0),
            max_size=schema.get("maxItems", 3),
        )
    simple = {"string": TEXT, "integer": INTEGER, "boolean": st.booleans()}
    if schema["type"] == "number":
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        exclude = "exclusiveMinimum" in schema
        return st.floats(
            low, schema.get("maximum"), allow_nan=False, allow_infinity=False, exclude_min=exclude
        )
    return simple[schema["type"]]


def _attribute(kind: str, row: tables.Row) -> st.SearchStrategy[Any]:
    if row.name in SPECIAL[kind]:
        return SPECIAL[kind][row.name]
    if row.name == "tags":
        return TAGS
    if row.name == "extra_properties":
        return EXTRA
    return _of_schema(row.schema)


def _objects(kind: str, required: dict[str, st.SearchStrategy[Any]], *, without: Any = ()) -> Any:
    optional = {
        row.name: _attribute(kind, row)
        for row in tables.load(kind).rows.values()
        if row.name not in required and row.name not in without and row.codec != "identifier"
    }
    return st.fixed_dictionaries(required, optional=optional)


def _bands(type_: str) -> Any:
    others = [row.name for row in tables.load("band").rows.values() if row.types and type_ not in row.types]
    required = {"name": WORD, "product_id": st.just("o:p"), "type": st.just(type_)}
    return _objects("band", required, without=others).map(lambda band: {**band, "id": f"o:p:{band['name']}"})


def drop_nulls(value: Any) -> Any:
    """Return an Item as pgstac stores it: objects lose their null members, arrays keep theirs."""
    if isinstance(value, dict):
        return {key: drop_nulls(inner) for key, inner in value.items() if inner is not None}
    return [drop_nulls(inner) for inner in value] if isinstance(value, list) else value


def stored(document: dict[str, Any], *, item: bool) -> dict[str, Any]:
    """Return a document as the database returns it: members sorted, without nulls in Items."""
    text = json.loads(json.dumps(document, sort_keys=True, allow_nan=False))
    return drop_nulls(text) if item else text


def merged(target: Any, patch: Any) -> Any:
    """Apply a merge patch, as in the appendix of RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merged(target.get(key), value)
    return target


class Strategies(SimpleNamespace):
    """Namespace with a short repr, for readable reports of failed tests."""

    def __repr__(self) -> str:
        return "make"


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Hypothesis strategies of whole objects, by kind, and of single values."""
    product = _objects("product", {"id": WORD.map("o:{}".format)})
    image = _objects("image", {"name": WORD, "product_id": st.just("o:p"), "acquired": MOMENT}).map(
        lambda image: {**image, "id": f"o:p:{image['name']}"}
    )
    blob = st.builds(
        lambda blob: {**blob, "id": f"{blob['storage_type']}/{blob['namespace']}/{blob['name']}"},
        _objects(
            "blob",
            {"storage_type": st.just("data"), "namespace": NAMESPACE, "name": BLOB_NAME},
            without=["id"],
        ),
    )
    return Strategies(
        blob=blob,
        product=product,
        image=image,
        bands={type_: _bands(type_) for type_ in tables.BAND_TYPES},
        foreign=st.dictionaries(
            st.sampled_from(["gsd", "instruments", "landsat:wrs_path", "title", "processing:level", "a"]),
            JSON.filter(lambda value: drop_nulls(value) == value and value is not None),
        ),
        json=JSON,
    )


@pytest.fixture(scope="session")
def database() -> SimpleNamespace:
    """Models of the database: `stored`, `merged` (RFC 7396)."""
    return SimpleNamespace(stored=stored, merged=merged, copy=deepcopy)
