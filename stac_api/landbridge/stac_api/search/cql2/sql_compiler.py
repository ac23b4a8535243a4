"""CQL2 JSON written as a condition in SQL.

CQL2 is three-valued as SQL is: a property that is missing, or of another type than what it is compared
with, makes a comparison neither true nor false, and never an error. Everything a client sent is a parameter
of the statement or an escaped literal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import limits, sql
from landbridge.stac_api.search.cql2 import literals
from landbridge.stac_api.search.sql import Parameters, Sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.stac_api.search.sql import Kind

__all__ = ["condition"]

_NULL = Sql("null", "NULL")
_NEVER = Sql("truth", "NULL::boolean")
_COMPARISONS = {
    "=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "!=": "<>", "eq": "=", "neq": "<>", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=",
}  # fmt: skip
_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "div")
# How JSON is read as a value of each kind.
_READERS: dict[Kind, str] = {
    "string": "landbridge.as_text",
    "truth": "landbridge.as_boolean",
    "instant": "landbridge.as_timestamptz",
    "members": "landbridge.as_array",
}
_SPATIAL = {
    "s_intersects": "ST_Intersects",
    "s_contains": "ST_Contains",
    "s_crosses": "ST_Crosses",
    "s_disjoint": "ST_Disjoint",
    "s_equals": "ST_Equals",
    "s_overlaps": "ST_Overlaps",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
}
# Of intervals a to b and c to d (OGC 21-065r2, table 8).
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
    """The SQL condition that a filter asks for.

    Args:
        tree: the filter, as `read` gives it.
        parameters: takes the values.
        columns: the properties of another table than pgstac's `items` and `collections_asitems`.

    Raises:
        BadRequestError: what the filter says makes no sense, with what would.
        NotAColumnError: it names what `columns` have not.
    """
    writer = _Writer(parameters, columns)
    return writer.truth(writer.write(tree)).text


class _Writer:
    def __init__(self, parameters: Parameters, columns: Mapping[str, tuple[str, Kind]] | None) -> None:
        self._parameters = parameters
        self._columns = columns
        self._negated = False

    # Values
    def write(self, node: Any) -> Sql:
        if isinstance(node, Mapping):
            written = self._write_object(node)
            # Some operators repeat an argument, so nesting them multiplies what is written.
            if len(written.text) > limits.MOST_SQL:
                raise BadRequestError(
                    f"The filter is too large: operators in one another repeat what is in them, and its SQL "
                    f"would have more than {limits.MOST_SQL:,} characters. Nest fewer of them."
                )
            return written
        if node is None:
            return _NULL
        if isinstance(node, bool):
            return Sql("truth", "TRUE" if node else "FALSE")
        if isinstance(node, str):
            return Sql("string", self._parameters.add(node, "text"))
        if isinstance(node, int | float):
            return Sql("number", self._parameters.add(literals.double(node), "double precision"))
        if isinstance(node, list):
            return literals.array(node, self._parameters)
        raise BadRequestError(f"{node!r} is no part of a filter.")

    def _write_object(self, node: Mapping[str, Any]) -> Sql:
        if "op" in node:
            return self._operation(node)
        if "property" in node:
            return sql.value_of(node["property"], self._parameters, self._columns)
        if "timestamp" in node or "date" in node:
            return literals.instant(node.get("timestamp", node.get("date")), self._parameters)
        if "interval" in node:
            return self._interval(node["interval"])
        if "bbox" in node:
            return literals.geometries(literals.boxes(node["bbox"]), self._parameters)
        if "type" in node:
            return literals.geometry(node, self._parameters)
        if "function" in node:
            raise BadRequestError(f"There is no function {node['function']!r}.")
        raise BadRequestError(
            f"{literals.short(node)} is no part of a filter; it has neither op nor property, timestamp, "
            "date, interval, bbox or type."
        )

    def _interval(self, bounds: Any) -> Sql:
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise BadRequestError(
                f"An interval is an array of its start and its end, not {literals.short(bounds)}."
            )
        start, end = (
            Sql("instant", f"'{open_}infinity'::timestamptz")
            if bound in ("..", "", None)
            else self._as(self.write(bound), "instant")
            if isinstance(bound, Mapping)
            else literals.instant(bound, self._parameters)
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
            return self._compared(_COMPARISONS[name], self.write(one), self.write(other))
        if name in _ARITHMETIC:
            one, other = (self._as(self.write(arg), "number") for arg in self._exactly(op, args, 2))
            return Sql("number", f"landbridge.safe_arithmetic('{name}', {one.text}, {other.text})")
        for table, write in (
            (_SPATIAL, self._spatial),
            (_TEMPORAL, self._temporal),
            (_ARRAYS, self._arrays),
        ):
            if name in table:
                one, other = self._exactly(op, args, 2)
                return write(name, one, other)
        if name not in self._OTHERS:
            raise BadRequestError(f"There is no operator or function {op!r}.")
        return self._OTHERS[name](self, op, args)

    @staticmethod
    def _exactly(op: str, args: list[Any], count: int) -> list[Any]:
        if len(args) != count:
            raise BadRequestError(f"{op} takes {count} arguments, not {len(args)}.")
        return args

    def _joined(self, op: str, args: list[Any]) -> Sql:
        parts = [self.truth(self.write(arg)).text for arg in args]
        if not parts:
            return Sql("truth", "TRUE" if op.lower() == "and" else "FALSE")
        return Sql("truth", "(" + f" {op.upper()} ".join(parts) + ")")

    def _not(self, op: str, args: list[Any]) -> Sql:
        (arg,) = self._exactly(op, args, 1)
        self._negated = not self._negated
        inner = self.truth(self.write(arg)).text
        self._negated = not self._negated
        return Sql("truth", f"(NOT {inner})")

    def _is_null(self, op: str, args: list[Any]) -> Sql:
        (arg,) = self._exactly(op, args, 1)
        value = self.write(arg)
        if value.kind == "geometry":
            # A blob without a geometry has an empty one.
            return Sql("truth", f"ST_IsEmpty({value.text})")
        text = f"nullif({value.text}, 'null'::jsonb)" if value.kind == "json" else value.text
        return Sql("truth", f"({text} IS NULL)")

    def _between(self, op: str, args: list[Any]) -> Sql:
        if len(args) == 2 and isinstance(args[1], list):  # as drafts of CQL2 had it
            args = [args[0], *args[1]]
        value, low, high = (self.write(arg) for arg in self._exactly(op, args, 3))
        above, below = self._compared(">=", value, low), self._compared("<=", value, high)
        return Sql("truth", f"({above.text} AND {below.text})")

    def _in(self, op: str, args: list[Any]) -> Sql:
        value, choices = self._exactly(op, args, 2)
        if not isinstance(choices, list):
            raise BadRequestError(f"in takes a value and an array of choices, not {literals.short(choices)}.")
        found = self.write(value)
        texts = [one for one in choices if isinstance(one, str)]
        numbers = [literals.double(one) for one in choices if literals.is_number(one)]
        others = [one for one in choices if not isinstance(one, str) and not literals.is_number(one)]
        # True, false and null are each compared once, however often they are given.
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
            return Sql("truth", f"({' OR '.join(parts) or 'FALSE'})")
        parts += [self._compared("=", found, self.write(one)).text for one in others]
        # A value of another type is not among them, which is no riddle; what is missing is one.
        known = f"{found.text} IS NOT NULL"
        if found.kind == "json":
            known = f"jsonb_typeof({found.text}) IN ('string', 'number', 'boolean')"
        each = [f"coalesce({part}, FALSE)" for part in parts]
        return Sql("truth", f"({' OR '.join([*each, f'CASE WHEN {known} THEN FALSE END'])})")

    def _like(self, op: str, args: list[Any]) -> Sql:
        value, pattern = self._exactly(op, args, 2)
        found, wanted = self._as(self.write(value), "string"), self.write(pattern)
        if wanted.kind != "string" or not literals.is_constant(pattern):
            raise BadRequestError(
                f"{op} takes a value and a pattern in which % and _ stand for any characters."
            )
        text = literals.constant(pattern)
        if (len(text) - len(text.rstrip("\\"))) % 2:
            raise BadRequestError(f"The pattern {text!r} ends in a backslash with nothing after it.")
        return Sql("truth", f"({found.text} LIKE {wanted.text})")

    def _folded(self, op: str, args: list[Any]) -> Sql:
        (arg,) = self._exactly(op, args, 1)
        inner = self._as(self.write(arg), "string").text
        function = "landbridge.fold_case" if op.lower() == "casei" else "landbridge.strip_accents"
        return Sql("string", f"{function}({inner})")

    _OTHERS: Mapping[str, Callable[[_Writer, str, list[Any]], Sql]] = {
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
        a, b = self.write(one), self.write(other)
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
            # GEOS knows no collections here; an item's would end the search of all.
            kinds = " OR ".join(
                f"GeometryType({side.text}) = 'GEOMETRYCOLLECTION'"
                for side in (a, b)
                if side.text == "geometry"
            )
            exact = f"CASE WHEN {kinds} THEN NULL ELSE {exact} END" if kinds else exact
        elif column:
            exact = f"CASE WHEN ST_IsEmpty(geometry) THEN NULL ELSE {exact} END"
        if name == "s_disjoint" or self._negated or not column:
            return Sql("truth", f"({exact})")
        # Where neither false nor unknown is looked at, the index may be.
        return Sql("truth", f"({a.text} && {b.text} AND {exact})")

    def _temporal(self, name: str, one: Any, other: Any) -> Sql:
        a, b = (self._as_interval(self.write(arg), name) for arg in (one, other))
        return Sql("truth", "(" + _TEMPORAL[name].format(a=a.text, b=a.end, c=b.text, d=b.end) + ")")

    def _as_interval(self, value: Sql, name: str) -> Sql:
        if value.kind == "interval":
            return value
        if value.kind not in ("instant", "json", "string", "null"):
            raise BadRequestError(f"{name} takes properties, timestamps, dates and intervals.")
        schema = sql.definition(value.name)
        if schema and schema.get("format") != "date-time":
            raise BadRequestError(
                f"{name} takes timestamps, dates, intervals and properties that hold them; "
                f"{value.name!r} is a {schema['type']}."
            )
        moment = self._as(value, "instant")
        return Sql("interval", moment.text, moment.text)

    def _arrays(self, name: str, one: Any, other: Any) -> Sql:
        # A bare value is meant as an array of it, as text has no array of one element.
        a, b = (self.write(arg if isinstance(arg, Mapping | list) else [arg]) for arg in (one, other))
        a, b = self._as(a, "members"), self._as(b, "members")
        return Sql("truth", "(" + _ARRAYS[name].format(a=a.text, b=b.text) + ")")

    # Kinds
    def truth(self, value: Sql) -> Sql:
        """A value as a condition."""
        if value.kind not in ("truth", "json", "null"):
            raise BadRequestError(f"A {value.kind} stands in the filter where a condition is needed.")
        return self._as(value, "truth")

    def _as(self, value: Sql, kind: Kind) -> Sql:
        """A value as one of another kind; NULL where it is none."""
        if value.kind == kind:
            return value
        if value.kind == "json":
            if kind == "number":
                return Sql("number", sql.number(value.text, value.name))
            return Sql(kind, f"{_READERS[kind]}({value.text})")
        if value.kind == "string" and kind == "instant":
            return Sql("instant", f"landbridge.as_timestamptz(to_jsonb({value.text}))")
        types = {"string": "text", "number": "double precision", "truth": "boolean", "members": "jsonb"}
        return Sql(kind, f"NULL::{types.get(kind, 'timestamptz')}")

    def _compared(self, op: str, a: Sql, b: Sql) -> Sql:
        kinds = {a.kind, b.kind}
        if "null" in kinds:
            return _NEVER
        if kinds & {"geometry", "interval"}:
            raise BadRequestError(f"{op} compares no geometries and no intervals; s_... and t_... do.")
        if kinds == {"json"}:
            return self._compared_json(op, a, b)
        if kinds == {"json", "members"}:
            equal = f"({self._as(a, 'members').text} = {self._as(b, 'members').text})"
            return Sql("truth", equal if op == "=" else f"(NOT {equal})") if op in ("=", "<>") else _NEVER
        if "instant" in kinds:
            a, b = self._as(a, "instant"), self._as(b, "instant")
        elif "json" in kinds:
            kind = (kinds - {"json"}).pop()
            a, b = self._as(a, kind), self._as(b, kind)
        elif len(kinds) > 1:
            return _NEVER
        text = f'{a.text} {op} {b.text} COLLATE "C"' if a.kind == "string" else f"{a.text} {op} {b.text}"
        return Sql("truth", f"({text})")

    @staticmethod
    def _compared_json(op: str, a: Sql, b: Sql) -> Sql:
        if op in ("=", "<>"):
            alike = f"landbridge.json_equal({a.text}, {b.text})"
            return Sql("truth", alike if op == "=" else f"(NOT {alike})")
        return Sql("truth", f"(landbridge.compare_json({a.text}, {b.text}) {op} 0)")
