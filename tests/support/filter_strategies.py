"""Hypothesis strategies for items and CQL2 filters, and their evaluation by the `cql2` package.

Left out is where CQL2 leaves a choice, or where the oracle has none of the answers a standard could mean:

- a division or remainder by zero: an infinity there, null here;
- `in` with choices of several types, or that are no literals: false there, null or true here;
- `between` on instants: compared as text there, as instants here; on truth values and arrays: false there,
  null here;
- timestamps against text that is no date: an error there, null here;
- comparisons of objects: an error there, null here; the order of arrays that differ: null here;
- letters that lose more than an accent or a case (ß, æ, İ): they fold by other tables;
- `datetime` of an item with a start and an end: null there where it is null, the start here.
"""

from __future__ import annotations

from typing import Any

import cql2
from hypothesis import strategies as st

ABSENT = object()
_LETTERS = "abzABZéÀñ09_% '-."
_words = st.text(_LETTERS, max_size=4)
_numbers = st.one_of(
    st.integers(-3, 9),
    st.sampled_from([0.5, -2.25, 55.5, 1e-3, 100, 1e9]),
)
_moments = st.builds(
    "20{:02}-0{}-{:02}T{:02}:00:00{}".format,
    st.integers(19, 24),
    st.integers(1, 9),
    st.integers(1, 28),
    st.integers(0, 23),
    st.sampled_from(["Z", ".5Z", "+05:00"]),
)
_arrays = st.one_of(st.lists(_words, max_size=3), st.lists(_numbers, max_size=3))
_any = st.one_of(_numbers, _words, st.booleans(), st.none(), _arrays, _moments)

# Property -> its values; some are registered with the database, some are not.
_PROPERTIES = {
    "eo:cloud_cover": st.one_of(st.integers(0, 100), st.floats(0, 100, width=32)),
    "catalog:area": _numbers.map(abs),
    "x:number": _numbers,
    "platform": _words.filter(bool),
    "x:text": _words,
    "x:flag": st.booleans(),
    "x:array": _arrays,
    "x:when": _moments,
    "published": _moments.map(lambda text: text.replace("+05:00", "Z")),
    "x:any": _any,
    "with space": _numbers,
    "it's": _words,
}
_BY_TYPE = {
    "number": ("eo:cloud_cover", "catalog:area", "x:number", "x:any", "with space", "x:missing"),
    "text": ("platform", "x:text", "x:any", "it's", "x:missing"),
    "truth": ("x:flag", "x:any", "x:missing"),
    "array": ("x:array", "x:any", "x:missing"),
    "moment": ("x:when", "published", "datetime", "x:missing"),
    "any": ("x:any", "x:array", "x:flag"),
}


@st.composite
def items(draw: st.DrawFn, collection: str, item_id: str) -> dict[str, Any]:
    """Draw an item with some of the properties and a footprint on a grid of five degrees."""
    x, y = draw(st.integers(-4, 3)) * 5, draw(st.integers(-4, 3)) * 5
    size = draw(st.integers(1, 3)) * 5
    kind = draw(st.sampled_from(["Polygon", "Point", "LineString"]))
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    coordinates: Any = {"Polygon": [ring], "Point": ring[0], "LineString": ring[:2]}[kind]
    properties = {
        name: draw(values) for name, values in _PROPERTIES.items() if draw(st.integers(0, 3), label=name)
    }
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": item_id,
        "collection": collection,
        "geometry": {"type": kind, "coordinates": coordinates},
        "bbox": [x, y, x + size, y + size],
        "properties": {"datetime": draw(_moments).replace("+05:00", "Z"), **properties},
        "assets": {},
        "links": [],
    }


def _property(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(_BY_TYPE[kind]).map(lambda name: {"property": name})


def _op(name: Any, *args: Any) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(name) if isinstance(name, list | tuple) else st.just(name)
    return st.builds(lambda op, *rest: {"op": op, "args": list(rest)}, names, *args)


_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_number_values = st.recursive(
    st.one_of(_property("number"), _numbers),
    lambda inner: st.one_of(
        _op(("+", "-", "*"), inner, inner),
        _op(("/", "%", "div"), inner, st.sampled_from([2, 3, -4, 0.5])),
        _op("^", inner, st.sampled_from([0, 1, 2])),
    ),
    max_leaves=3,
)


def _is_certain(value: Any) -> bool:
    """Return whether a value is of one type in all items."""
    return value != {"property": "x:any"}


_text_values = st.one_of(_property("text"), _words)
_folded = st.one_of(
    _text_values.map(lambda value: {"op": "casei", "args": [value]}),
    _text_values.map(lambda value: {"op": "accenti", "args": [value]}),
    _text_values.map(lambda value: {"op": "casei", "args": [{"op": "accenti", "args": [value]}]}),
)
_patterns = st.lists(st.sampled_from(["%", "_", "a", "B", "é", "z", "\\%", "\\_", "1"]), max_size=4).map(
    "".join
)
_instants = _moments.map(lambda text: {"timestamp": text})
_intervals = st.builds(
    lambda one, other, opened: {
        "interval": [
            ".." if opened == 1 else min(one, other),
            ".." if opened == 2 else max(one, other),
        ]
    },
    _moments.map(lambda text: text[:19] + "Z"),
    _moments.map(lambda text: text[:19] + "Z"),
    st.integers(0, 4),
)
_corners = st.integers(-4, 4).map(lambda number: number * 5)


def _box(x: int, y: int, width: int, height: int) -> dict[str, Any]:
    ring = [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


_sizes = st.integers(1, 4).map(lambda number: number * 5)
_boxes = st.builds(_box, _corners, _corners, _sizes, _sizes)
_geometries = st.one_of(
    _boxes,
    _boxes.map(lambda box: {"bbox": [*box["coordinates"][0][0], *box["coordinates"][0][2]]}),
    st.builds(lambda x, y: {"type": "Point", "coordinates": [x, y]}, _corners, _corners),
)
_footprint = st.just({"property": "geometry"})
_TEMPORAL = (
    "t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedBy", "t_finishes",
    "t_intersects", "t_meets", "t_metBy", "t_overlappedBy", "t_overlaps", "t_startedBy", "t_starts",
)  # fmt: skip
_SPATIAL = (
    "s_intersects", "s_contains", "s_crosses", "s_disjoint", "s_equals", "s_overlaps", "s_touches",
    "s_within",
)  # fmt: skip

_leaves = st.one_of(
    _op(_COMPARISONS, _number_values, _number_values),
    _op(_COMPARISONS, _text_values, _text_values),
    _op(("=", "<>"), _folded, _folded),
    _op(("=", "<>"), _property("truth"), st.booleans()),
    _op(_COMPARISONS, _property("moment"), _instants),
    _property("any").flatmap(lambda value: _op(_COMPARISONS, st.just(value), st.just(value))),
    _op(_COMPARISONS, _property("number"), _words),
    _op(_COMPARISONS, _property("text"), _numbers),
    _op("between", _number_values.filter(_is_certain), _numbers, _numbers),
    _op("between", _property("text").filter(_is_certain), _words, _words),
    _op("in", _property("number"), st.lists(_numbers, max_size=3)),
    _op("in", _property("text"), st.lists(_words, max_size=3)),
    _op("like", _property("text"), _patterns),
    _op(
        "like",
        _property("text").map(lambda value: {"op": "casei", "args": [value]}),
        _patterns.map(lambda text: {"op": "casei", "args": [text]}),
    ),
    _op("isNull", st.sampled_from(sorted({*_PROPERTIES, "x:missing"})).map(lambda name: {"property": name})),
    _op(("a_contains", "a_containedBy", "a_overlaps", "a_equals"), _property("array"), _arrays),
    _op(_SPATIAL, _footprint, _geometries),
    _op(_TEMPORAL, _property("moment"), st.one_of(_instants, _intervals)),
    _op(("=", "<>"), st.just({"property": "id"}), st.sampled_from(["item-0", "item-1", "x"])),
    _property("truth"),
    st.booleans(),
)

filters = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda args: {"op": "and", "args": args}),
        st.lists(inner, min_size=2, max_size=3).map(lambda args: {"op": "or", "args": args}),
        inner.map(lambda arg: {"op": "not", "args": [arg]}),
    ),
    max_leaves=5,
)


def matches(filter_: Any, item: dict[str, Any]) -> bool | None:
    """Return whether the filter matches the item by the oracle, or None if the oracle fails."""
    try:
        return bool(cql2.Expr(filter_).matches(item))
    except Exception as error:  # noqa: BLE001 - it raises nothing more special
        # Neither true nor false: not matched.
        return False if "reduce expression to boolean" in str(error) else None
