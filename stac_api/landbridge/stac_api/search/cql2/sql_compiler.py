"""Compiler of CQL2 JSON to a condition in SQL.

CQL2 has three truth values, as SQL has. A comparison with a missing property, or with a value of another
type, is neither true nor false, and never an error. Every value that a client sent is a parameter of the
statement or an escaped literal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import sql_builder
from landbridge.stac_api.pgstac.sql_builder import Parameters, Sql
from landbridge.stac_api.search import limits
from landbridge.stac_api.search.cql2 import literals

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.stac_api.pgstac.sql_builder import Kind

__all__ = ["condition"]

_NULL = Sql("null", "NULL")
_NEVER = Sql("boolean", "NULL::boolean")
_COMPARISONS = {
    "=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "!=": "<>", "eq": "=", "neq": "<>", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=",
}  # fmt: skip
_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "div")
# Functions that read a JSON value as each kind.
_READERS: dict[Kind, str] = {
    "string": "landbridge.as_text",
    "boolean": "landbridge.as_boolean",
    "timestamp": "landbridge.as_timestamptz",
    "array": "landbridge.as_array",
}
_SPATIAL = {
    "s_intersects": "st_intersects",
    "s_contains": "st_contains",
    "s_crosses": "st_crosses",
    "s_disjoint": "st_disjoint",
    "s_equals": "st_equals",
    "s_overlaps": "st_overlaps",
    "s_touches": "st_touches",
    "s_within": "st_within",
}
# For the intervals a to b and c to d (OGC 21-065r2, table 8).
_TEMPORAL = {
    "t_after": "{a} > {d}",
    "t_before": "{b} < {c}",
    "t_contains": "{a} < {c} AND {b} > {d}",
    "t_disjoint": "{b} < {c} OR {a} > {d}",
    "t_during": "{a} > {c} AND {b} < {d}",
    "t_equals": "{a} = {c} AND {b} = {d}",
    "t_finishedby": "{a} < {c} AND {b} = {d}",
    "t_finishes": "{a} > {c} AND {b} = {d}",
    "t_intersects": "{a} <= {d} AND {b} >= {c}",
    "t_meets": "{b} = {c}",
    "t_metby": "{a} = {d}",
    "t_overlappedby": "{a} > {c} AND {a} < {d} AND {b} > {d}",
    "t_overlaps": "{a} < {c} AND {b} > {c} AND {b} < {d}",
    "t_startedby": "{a} = {c} AND {b} > {d}",
    "t_starts": "{a} = {c} AND {b} < {d}",
}
_ARRAYS = {
    "a_contains": "{a} @> {b}",
    "a_containedby": "{a} <@ {b}",
    "a_contained_by": "{a} <@ {b}",
    "a_equals": "({a} @> {b} AND {a} <@ {b})",
    "a_overlaps": "CASE WHEN {a} IS NOT NULL AND {b} IS NOT NULL THEN EXISTS ("
    "SELECT FROM jsonb_array_elements({a}) AS one WHERE {b} @> jsonb_build_array(one)) END",
}


def condition(
    tree: Any, parameters: Parameters, columns: Mapping[str, tuple[str, Kind]] | None = None
) -> str:
    """Return the SQL condition of a filter.

    Args:
        tree: the filter, as returned by `read`.
        parameters: takes the values.
        columns: the properties that the table has, if it is not `items` or `collections_asitems`.

    Raises:
        BadRequestError: if the filter is invalid; the text says what is expected.
        NotAColumnError: if the filter names a property that is not in `columns`.
    """
    compiler = _Compiler(parameters, columns)
    return compiler.as_condition(compiler.compile(tree)).text


class _Compiler:
    def __init__(self, parameters: Parameters, columns: Mapping[str, tuple[str, Kind]] | None) -> None:
        self._parameters = parameters
        self._columns = columns
        self._negated = False

    # Values
    def compile(self, node: Any) -> Sql:
        if isinstance(node, Mapping):
            compiled = self._compile_object(node)
            # Some operators repeat an argument, so nesting them multiplies the SQL.
            if len(compiled.text) > limits.MOST_SQL:
                raise BadRequestError(
                    f"The filter is too large: nested operators repeat their arguments, and its SQL "
                    f"would have more than {limits.MOST_SQL:,} characters. Nest fewer of them."
                )
            return compiled
        if node is None:
            return _NULL
        if isinstance(node, bool):
            return Sql("boolean", "TRUE" if node else "FALSE")
        if isinstance(node, str):
            return Sql("string", self._parameters.add(node, "text"))
        if isinstance(node, int | float):
            return Sql("number", self._parameters.add(literals.double(node), "double precision"))
        if isinstance(node, list):
            return literals.array(node, self._parameters)
        raise BadRequestError(f"{node!r} is not part of a filter.")

    def _compile_object(self, node: Mapping[str, Any]) -> Sql:
        if "op" in node:
            return self._operation(node)
        if "property" in node:
            return sql_builder.value_of(node["property"], self._parameters, self._columns)
        if "timestamp" in node or "date" in node:
            return literals.timestamp(node.get("timestamp", node.get("date")), self._parameters)
        if "interval" in node:
            return self._interval(node["interval"])
        if "bbox" in node:
            return literals.geometries(literals.boxes(node["bbox"]), self._parameters)
        if "type" in node:
            return literals.geometry(node, self._parameters)
        if "function" in node:
            raise BadRequestError(f"There is no function {node['function']!r}.")
        raise BadRequestError(
            f"{literals.short(node)} is not part of a filter; it has neither op nor property, timestamp, "
            "date, interval, bbox or type."
        )

    def _interval(self, bounds: Any) -> Sql:
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise BadRequestError(
                f"An interval is an array of its start and its end, not {literals.short(bounds)}."
            )
        start, end = (
            Sql("timestamp", f"'{open_}infinity'::timestamptz")
            if bound in ("..", "", None)
            else self._as(self.compile(bound), "timestamp")
            if isinstance(bound, Mapping)
            else literals.timestamp(bound, self._parameters)
            for bound, open_ in zip(bounds, ("-", ""), strict=True)
        )
        return Sql("interval", start.text, end.text)

    # Operations
    def _operation(self, node: Mapping[str, Any]) -> Sql:
        op, args = node["op"], node.get("args")
        if not isinstance(op, str) or not isinstance(args, list):
            raise BadRequestError(
                f"An operation is {{'op': name, 'args': [...]}}, not {literals.short(node)}."
            )
        name = op.lower()
        if name in _COMPARISONS:
            one, other = self._exactly(op, args, 2)
            return self._compared(_COMPARISONS[name], self.compile(one), self.compile(other))
        if name in _ARITHMETIC:
            one, other = (self._as(self.compile(arg), "number") for arg in self._exactly(op, args, 2))
            return Sql("number", f"landbridge.safe_arithmetic('{name}', {one.text}, {other.text})")
        for table, compile_ in (
            (_SPATIAL, self._spatial),
            (_TEMPORAL, self._temporal),
            (_ARRAYS, self._arrays),
        ):
            if name in table:
                one, other = self._exactly(op, args, 2)
                return compile_(name, one, other)
        if name not in self._OTHERS:
            raise BadRequestError(f"There is no operator or function {op!r}.")
        return self._OTHERS[name](self, op, args)

    @staticmethod
    def _exactly(op: str, args: list[Any], count: int) -> list[Any]:
        if len(args) != count:
            raise BadRequestError(f"{op} takes {count} arguments, not {len(args)}.")
        return args

    def _joined(self, op: str, args: list[Any]) -> Sql:
        parts = [self.as_condition(self.compile(arg)).text for arg in args]
        if not parts:
            return Sql("boolean", "TRUE" if op.lower() == "and" else "FALSE")
        return Sql("boolean", "(" + f" {op.upper()} ".join(parts) + ")")

    def _not(self, op: str, args: list[Any]) -> Sql:
        (arg,) = self._exactly(op, args, 1)
        self._negated = not self._negated
        inner = self.as_condition(self.compile(arg)).text
        self._negated = not self._negated
        return Sql("boolean", f"(NOT {inner})")

    def _is_null(self, op: str, args: list[Any]) -> Sql:
        (arg,) = self._exactly(op, args, 1)
        value = self.compile(arg)
        if value.kind == "geometry":
            # A blob without a geometry is stored with an empty one.
            return Sql("boolean", f"ST_IsEmpty({value.text})")
        text = f"nullif({value.text}, 'null'::jsonb)" if value.kind == "json" else value.text
        return Sql("boolean", f"({text} IS NULL)")

    def _between(self, op: str, args: list[Any]) -> Sql:
        if len(args) == 2 and isinstance(args[1], list):  # the form of CQL2's drafts
            args = [args[0], *args[1]]
        value, low, high = (self.compile(arg) for arg in self._exactly(op, args, 3))
        above, below = self._compared(">=", value, low), self._compared("<=", value, high)
        return Sql("boolean", f"({above.text} AND {below.text})")

    def _in(self, op: str, args: list[Any]) -> Sql:
        value, choices = self._exactly(op, args, 2)
        if not isinstance(choices, list):
            raise BadRequestError(f"in takes a value and an array of choices, not {literals.short(choices)}.")
        found = self.compile(value)
        texts = [one for one in choices if isinstance(one, str)]
        numbers = [literals.double(one) for one in choices if literals.is_number(one)]
        others = [one for one in choices if not isinstance(one, str) and not literals.is_number(one)]
        # True, false and null are compared once each, even if repeated.
        others = [
            *dict.fromkeys(one for one in others if isinstance(one, bool | None)),
            *(one for one in others if not isinstance(one, bool | None)),
        ]
        parts = []
        if texts and found.kind in ("json", "string"):
            parts.append(f"{self._as(found, 'string').text} = ANY ({self._parameters.add(texts, 'text[]')})")
        if numbers and found.kind in ("json", "number"):
            known = self._parameters.add(numbers, "double precision[]")
            parts.append(f"{self._as(found, 'number').text} = ANY ({known})")
        if found.text in ("id", "collection"):
            return Sql("boolean", f"({' OR '.join(parts) or 'FALSE'})")
        parts += [self._compared("=", found, self.compile(one)).text for one in others]
        # A value of another type gives false; a missing one gives NULL.
        known = f"{found.text} IS NOT NULL"
        if found.kind == "json":
            known = f"jsonb_typeof({found.text}) IN ('string', 'number', 'boolean')"
        each = [f"coalesce({part}, FALSE)" for part in parts]
        return Sql("boolean", f"({' OR '.join([*each, f'CASE WHEN {known} THEN FALSE END'])})")

    def _like(self, op: str, args: list[Any]) -> Sql:
        value, pattern = self._exactly(op, args, 2)
        found, wanted = self._as(self.compile(value), "string"), self.compile(pattern)
        if wanted.kind != "string" or not literals.is_constant(pattern):
            raise BadRequestError(
                f"{op} takes a value and a pattern in which % and _ stand for any characters."
            )
        text = literals.constant(pattern)
        if (len(text) - len(text.rstrip("\\"))) % 2:
            raise BadRequestError(f"The pattern {text!r} ends in a backslash with nothing after it.")
        return Sql("boolean", f"({found.text} LIKE {wanted.text})")

    def _folded(self, op: str, args: list[Any]) -> Sql:
        (arg,) = self._exactly(op, args, 1)
        inner = self._as(self.compile(arg), "string").text
        function = "landbridge.fold_case" if op.lower() == "casei" else "landbridge.strip_accents"
        return Sql("string", f"{function}({inner})")

    _OTHERS: Mapping[str, Callable[[_Compiler, str, list[Any]], Sql]] = {
        "and": _joined,
        "or": _joined,
        "not": _not,
        "isnull": _is_null,
        "between": _between,
        "in": _in,
        "like": _like,
        "casei": _folded,
        "accenti": _folded,
    }

    def _spatial(self, name: str, one: Any, other: Any) -> Sql:
        a, b = self.compile(one), self.compile(other)
        if "geometry" not in (a.kind, b.kind):
            raise BadRequestError(f"{name} takes a geometry of the item and a GeoJSON geometry.")
        for side in (a, b):
            if side.kind != "geometry":
                what = f"The property {side.name!r}" if side.name else f"A {side.kind}"
                raise BadRequestError(
                    f"{name} takes geometries; {what} is not a geometry. An item's geometry is `geometry`."
                )
        exact = self._parameters.related(_SPATIAL[name], a.text, b.text)
        column = "geometry" in (a.text, b.text)
        if name != "s_intersects":
            # GEOS fails on collections here; one item with a collection would end the search.
            kinds = " OR ".join(
                f"GeometryType({side.text}) = 'GEOMETRYCOLLECTION'"
                for side in (a, b)
                if side.text == "geometry"
            )
            exact = f"CASE WHEN {kinds} THEN NULL ELSE {exact} END" if kinds else exact
        elif column:
            exact = f"CASE WHEN ST_IsEmpty(geometry) THEN NULL ELSE {exact} END"
        if name == "s_disjoint" or self._negated or not column:
            return Sql("boolean", f"({exact})")
        # The index may be used if the result only matters when it is true.
        return Sql("boolean", f"({a.text} && {b.text} AND {exact})")

    def _temporal(self, name: str, one: Any, other: Any) -> Sql:
        a, b = (self._as_interval(self.compile(arg), name) for arg in (one, other))
        return Sql("boolean", "(" + _TEMPORAL[name].format(a=a.text, b=a.end, c=b.text, d=b.end) + ")")

    def _as_interval(self, value: Sql, name: str) -> Sql:
        if value.kind == "interval":
            return value
        if value.kind not in ("timestamp", "json", "string", "null"):
            raise BadRequestError(f"{name} takes properties, timestamps, dates and intervals.")
        schema = sql_builder.definition(value.name)
        if schema and schema.get("format") != "date-time":
            raise BadRequestError(
                f"{name} takes timestamps, dates, intervals and properties that hold them; "
                f"{value.name!r} is a {schema['type']}."
            )
        moment = self._as(value, "timestamp")
        return Sql("interval", moment.text, moment.text)

    def _arrays(self, name: str, one: Any, other: Any) -> Sql:
        # A bare value stands for an array of one element, which CQL2 text cannot write.
        a, b = (self.compile(arg if isinstance(arg, Mapping | list) else [arg]) for arg in (one, other))
        a, b = self._as(a, "array"), self._as(b, "array")
        return Sql("boolean", "(" + _ARRAYS[name].format(a=a.text, b=b.text) + ")")

    # Kinds
    def as_condition(self, value: Sql) -> Sql:
        """Return a value as a condition."""
        if value.kind not in ("boolean", "json", "null"):
            raise BadRequestError(f"The filter needs a condition in place of a {value.kind}.")
        return self._as(value, "boolean")

    def _as(self, value: Sql, kind: Kind) -> Sql:
        """Return a value as another kind; NULL if it cannot be one."""
        if value.kind == kind:
            return value
        if value.kind == "json":
            if kind == "number":
                return Sql("number", sql_builder.number(value.text, value.name))
            return Sql(kind, f"{_READERS[kind]}({value.text})")
        if value.kind == "string" and kind == "timestamp":
            return Sql("timestamp", f"landbridge.as_timestamptz(to_jsonb({value.text}))")
        types = {"string": "text", "number": "double precision", "boolean": "boolean", "array": "jsonb"}
        return Sql(kind, f"NULL::{types.get(kind, 'timestamptz')}")

    def _compared(self, op: str, a: Sql, b: Sql) -> Sql:
        kinds = {a.kind, b.kind}
        if "null" in kinds:
            return _NEVER
        if kinds & {"geometry", "interval"}:
            raise BadRequestError(f"{op} compares no geometries and no intervals; s_... and t_... do.")
        if kinds == {"json"}:
            return self._compared_json(op, a, b)
        if kinds == {"json", "array"}:
            equal = f"({self._as(a, 'array').text} = {self._as(b, 'array').text})"
            return Sql("boolean", equal if op == "=" else f"(NOT {equal})") if op in ("=", "<>") else _NEVER
        if "timestamp" in kinds:
            a, b = self._as(a, "timestamp"), self._as(b, "timestamp")
        elif "json" in kinds:
            kind = (kinds - {"json"}).pop()
            a, b = self._as(a, kind), self._as(b, kind)
        elif len(kinds) > 1:
            return _NEVER
        text = f'{a.text} {op} {b.text} COLLATE "C"' if a.kind == "string" else f"{a.text} {op} {b.text}"
        return Sql("boolean", f"({text})")

    @staticmethod
    def _compared_json(op: str, a: Sql, b: Sql) -> Sql:
        if op in ("=", "<>"):
            alike = f"landbridge.json_equal({a.text}, {b.text})"
            return Sql("boolean", alike if op == "=" else f"(NOT {alike})")
        return Sql("boolean", f"(landbridge.compare_json({a.text}, {b.text}) {op} 0)")
