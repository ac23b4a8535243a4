"""Conversion of filters and sorts on Catalog attributes to CQL2 JSON on STAC properties.

The input is the serialized form of the client's expressions. ``{"eq": {name: value}}``, ``ne``, ``prefix``,
``like``, ``ilike`` and ``{"range": {name: {"gt": ..., "lte": ...}}}`` take one or more attributes each. The
others are ``{"isnull": name}``, ``{"isnotnull": name}``, ``{"and": [...]}`` and ``{"or": [...]}``, and
``{"cql2": node}`` for CQL2 JSON on STAC properties, which stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table, ids, tables, times, values
from landbridge.mappings.codecs import CODECS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from landbridge.mappings.tables import Row

__all__ = ["geometry_filter", "sortby", "text_filter", "to_cql2"]

Node = dict[str, Any]

_COMPARISONS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
# Attributes that are the id or the collection of a document.
_ITEM_FIELDS: Mapping[str, Mapping[str, str]] = {
    "image": {"product_id": "collection", "name": "id"},
    "product": {"id": "id"},
    "blob": {},
}
# Kinds whose id consists of the Collection's and the Item's id.
_KINDS_WITH_SPLIT_ID = ("image", "blob")


def to_cql2(expression: Mapping[str, Any], kind: str) -> Node:
    """Return the CQL2 JSON of a serialized expression.

    Values are converted to the unit of their STAC property, and dates to instants in UTC. A comparison with
    a list looks among its members. A missing value satisfies no comparison.

    Parameters
    ----------
    expression
        The expression; see the module's text for its form.
    kind
        The kind of object whose attributes it names: ``"image"``, ``"product"`` or ``"blob"``.

    Raises
    ------
    AttributeError
        If an attribute does not exist or cannot be filtered by.
    ValueError
        If the expression is malformed, or a value does not fit its attribute.
    """
    if len(expression) != 1:
        raise ValueError(f"{dict(expression)!r} is not an expression: it must have exactly one operator")
    ((operator, operand),) = expression.items()
    if operator in ("and", "or"):
        return _combine(operator, [to_cql2(part, kind) for part in operand])
    if operator == "cql2":
        return dict(operand)
    if operator in ("isnull", "isnotnull"):
        names = [operand] if isinstance(operand, str) else list(operand)
        test = _is_null if operator == "isnull" else _is_not_null
        return _combine("and", [test(_row(name, kind), kind) for name in names])
    if operator not in _OPERATORS:
        known = ", ".join([*_OPERATORS, "and", "or", "isnull", "isnotnull", "cql2"])
        raise ValueError(f"{operator!r} is not an operator; use one of {known}")
    compile_ = _OPERATORS[operator]
    return _combine("and", [compile_(_row(name, kind), value, kind) for name, value in operand.items()])


def sortby(attribute: str, ascending: bool = True, kind: str = "image") -> list[dict[str, str]]:
    """Return the STAC API's ``sortby`` for one attribute.

    Raises AttributeError if the attribute does not exist or has no order.
    """
    row = _table(kind).rows.get(attribute)
    if row is None or not row.sort:
        why = "there is no such attribute" if row is None else "it has no order"
        raise AttributeError(f"cannot sort by {attribute!r}: {why} (kind {kind!r})")
    direction = "asc" if ascending else "desc"
    if row.codec == "identifier":
        fields = ["collection", "id"] if attribute == "id" else [_ITEM_FIELDS[kind][attribute]]
    else:
        in_properties = _table(kind).document == "Item"
        fields = [f"properties.{row.property_name}" if in_properties else str(row.property_name)]
    return [{"field": field, "direction": direction} for field in fields]


def text_filter(text: str, kind: str) -> Node:
    """Return the CQL2 JSON that finds objects whose searchable attributes contain every word of a text.

    Raises ValueError if the text has no words.
    """
    rows = [row for row in _table(kind).rows.values() if row.search]

    def contains(word: str) -> Node:
        pattern = _node("casei", f"%{_escaped(word)}%")
        return _combine("or", [_node("like", _node("casei", _property(row, kind)), pattern) for row in rows])

    return _combine("and", [contains(word) for word in text.split()])


def geometry_filter(geometry: Mapping[str, Any], match_null_geometry: bool = False) -> Node:
    """Return the CQL2 JSON that finds Items that intersect a geometry.

    If ``match_null_geometry`` is set, it also finds Items without a geometry.
    """
    node = _node("s_intersects", {"property": "geometry"}, dict(geometry))
    # An Item has a bbox if and only if it has a geometry.
    return _combine("or", [node, _node("isNull", {"property": "bbox"})]) if match_null_geometry else node


def _table(kind: str) -> tables.Table:
    if kind not in _ITEM_FIELDS:
        raise ValueError(f"a STAC API cannot search for {kind!r}; use one of {', '.join(_ITEM_FIELDS)}")
    return tables.load(kind)


def _row(name: str, kind: str) -> Row:
    row = _table(kind).rows.get(name)
    if row is None:
        raise AttributeError(
            f"the attribute {name!r} does not exist, so it cannot be filtered by (kind {kind!r})"
        )
    if not row.filter or row.property_name is None:
        raise AttributeError(f"the attribute {name!r} cannot be filtered by (kind {kind!r})")
    return row


def _combine(operator: str, parts: Sequence[Node]) -> Node:
    if not parts:
        raise ValueError(f"{operator!r} needs at least one expression")
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat += part["args"] if part.get("op") == operator else [part]
    return {"op": operator, "args": flat}


def _node(operator: str, *args: Any) -> Node:
    return {"op": operator, "args": list(args)}


def _property(row: Row, kind: str) -> Node:
    if row.codec == "identifier":
        return {"property": _ITEM_FIELDS[kind][row.name]}
    return {"property": row.property_name}


def _value(row: Row, value: Any) -> Any:
    """Return a value in the unit and form of its STAC property. Raises ValueError if it does not fit."""
    definition = row.queryable or row.schema
    try:
        if definition.get("format") == "date-time":
            return {"timestamp": times.normalize(value)}
        value = _of_type(definition, value)
        encode = CODECS[row.codec].encode if row.codec in CODECS else None
        if row.is_list or encode is None:
            return _plain(value)
        return encode(
            float(value) if definition.get("type") == "number" and isinstance(value, str) else value
        )
    except compiled_table.CODEC_ERRORS as error:
        raise ValueError(f"cannot filter by {row.name} and {value!r}: {error}") from error


def _of_type(definition: Mapping[str, Any], value: Any) -> Any:
    """Return a value in the type of its property. Raises ValueError if the type cannot hold it."""
    kind = definition.get("type")
    if kind == "array":
        kind = definition.get("items", {}).get("type")
    if kind == "boolean" and not isinstance(value, str):
        if value not in (0, 1):
            raise ValueError("use True or False")
        return bool(value)
    if kind in ("number", "integer") and isinstance(value, str):
        return float(value)
    if (kind == "string") != isinstance(value, str) and kind in ("string", "boolean"):
        raise ValueError(f"the attribute is a {kind}")
    return value


def _plain(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise TypeError("use a string, a number or a boolean")
    if why := values.problem(value):
        raise ValueError(why)
    return value


def _comparison(row: Row, operator: str, value: Any, kind: str) -> Node:
    """Return one comparison. If the attribute has an overflow member, either member may satisfy it."""
    if kind in _KINDS_WITH_SPLIT_ID and row.name == "id":
        return _id_comparison(operator, value, kind)
    stac = _value(row, value)
    node = _node(operator, _property(row, kind), stac)
    if row.overflow:
        return _combine("or", [node, _node(operator, {"property": row.overflow}, stac)])
    return node


def _id_comparison(operator: str, value: Any, kind: str) -> Node:
    try:
        collection, item = ids.split(value) if kind == "image" else _split_blob(value)
    except (ValueError, AttributeError) as error:
        raise ValueError(f"cannot filter by id and {value!r}: {error}") from error
    if operator not in ("=", "<>"):
        raise ValueError(f"ids have no order, so {operator!r} cannot compare them")
    parts = [
        _node(operator, {"property": "collection"}, collection),
        _node(operator, {"property": "id"}, item),
    ]
    return _combine("and" if operator == "=" else "or", parts)


def _split_blob(value: str) -> tuple[str, str]:
    storage_type, namespace, name = ids.split_blob_id(value)
    return ids.blob_collection_id(storage_type), ids.blob_item_id(namespace, name)


def _eq(row: Row, value: Any, kind: str) -> Node:
    if value is None:
        return _is_null(row, kind)
    if row.is_list:
        return _node("a_contains", _property(row, kind), [_value(row, value)])
    return _comparison(row, "=", value, kind)


def _ne(row: Row, value: Any, kind: str) -> Node:
    if value is None:
        return _is_not_null(row, kind)
    if row.is_list:
        return _node("not", _eq(row, value, kind))
    return _comparison(row, "<>", value, kind)


def _range(row: Row, bounds: Mapping[str, Any], kind: str) -> Node:
    if unknown := set(bounds) - set(_COMPARISONS):
        raise ValueError(f"{min(unknown)!r} is not a bound of a range; use gt, gte, lt or lte")
    if row.is_list:
        raise ValueError(f"{row.name} is a list, which has no order")
    if not row.overflow:
        return _combine(
            "and", [_comparison(row, _COMPARISONS[bound], value, kind) for bound, value in bounds.items()]
        )
    # Both bounds must hold for the same member.
    members = [row.property_name, row.overflow]
    stac = {_COMPARISONS[bound]: _value(row, value) for bound, value in bounds.items()}
    return _combine(
        "or",
        [
            _combine("and", [_node(op, {"property": member}, value) for op, value in stac.items()])
            for member in members
        ],
    )


def _prefix(row: Row, value: Any, kind: str) -> Node:
    if not isinstance(value, str):
        raise ValueError(f"cannot filter by {row.name}: the prefix {value!r} is not a string")  # noqa: TRY004 - one error for all
    if kind == "image" and row.name == "id":
        # The prefix ends in the product's id or in the name.
        whole = _node("like", {"property": "collection"}, _escaped(value) + "%")
        product_id, colon, name = value.rpartition(":")
        if not colon:
            return whole
        same = _node("=", {"property": "collection"}, product_id)
        parts = [same, _node("like", {"property": "id"}, _escaped(name) + "%")] if name else [same]
        return _combine("or", [whole, _combine("and", parts)])
    if kind == "blob" and row.name == "id":
        storage_type, slash, rest = value.partition("/")
        if not slash:
            return _node("like", {"property": "collection"}, _escaped(ids.blob_collection_id(value)) + "%")
        same = _node("=", {"property": "collection"}, ids.blob_collection_id(storage_type))
        return _combine(
            "and", [same, _node("like", {"property": "id"}, _escaped(ids.encode_blob_path(rest)) + "%")]
        )
    return _like(row, _escaped(value) + "%", kind)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _like(row: Row, pattern: Any, kind: str) -> Node:
    _check_pattern(row, pattern, kind)
    return _node("like", _property(row, kind), pattern)


def _ilike(row: Row, pattern: Any, kind: str) -> Node:
    _check_pattern(row, pattern, kind)
    return _node("like", _node("casei", _property(row, kind)), _node("casei", pattern))


def _check_pattern(row: Row, pattern: Any, kind: str) -> None:
    if not isinstance(pattern, str):
        raise ValueError(f"cannot filter by {row.name}: the pattern {pattern!r} is not a string")  # noqa: TRY004 - one error for all
    if (
        row.schema.get("type") != "string"
        or row.schema.get("format")
        or (kind in _KINDS_WITH_SPLIT_ID and row.name == "id")
    ):
        raise ValueError(f"{row.name} is not a string, so it cannot be compared with the pattern {pattern!r}")


def _is_null(row: Row, kind: str) -> Node:
    if kind in _KINDS_WITH_SPLIT_ID and row.name == "id":
        return _node("isNull", {"property": "id"})
    node = _node("isNull", _property(row, kind))
    if row.is_list:
        # An empty list counts as a missing value.
        return _combine("or", [node, _node("a_equals", _property(row, kind), [])])
    if row.overflow:
        return _combine("and", [node, _node("isNull", {"property": row.overflow})])
    return node


def _is_not_null(row: Row, kind: str) -> Node:
    return _node("not", _is_null(row, kind))


_OPERATORS: Mapping[str, Callable[[Row, Any, str], Node]] = {
    "eq": _eq,
    "ne": _ne,
    "range": _range,
    "prefix": _prefix,
    "like": _like,
    "ilike": _ilike,
}
