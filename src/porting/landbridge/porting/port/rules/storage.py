"""The Storage service: blobs of the Catalog in place of values by key."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, Literal

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Operand, Part
from landbridge.porting.port.old_api import Function, Member, Type
from landbridge.porting.port.rules.common import BLOB, PROPERTIES, chain, keep
from landbridge.porting.port.rules.searches import refuse_in_try
from landbridge.porting.port.values import Bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.porting.port.plan import Use

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

Kind = Literal["text", "bytes"]

# Functions that read both text and bytes, and those that read or make only one of them.
_READS_BOTH: Final = frozenset({"json.loads", "loads"})
_READS_BYTES: Final = frozenset({
    "pickle.loads", "cPickle.loads", "joblib.load", "io.BytesIO", "BytesIO", "np.frombuffer",
    "numpy.frombuffer", "np.fromstring", "gzip.decompress", "zlib.decompress",
})  # fmt: skip
_READS_TEXT: Final = frozenset({
    "io.StringIO", "StringIO", "int", "float", "ast.literal_eval", "yaml.safe_load", "csv.reader",
})  # fmt: skip
_MAKES: Final[dict[str, Kind]] = {
    "json.dumps": "text", "dumps": "text", "str": "text", "repr": "text", "pickle.dumps": "bytes",
    "cPickle.dumps": "bytes", "bytes": "bytes", "gzip.compress": "bytes", "zlib.compress": "bytes",
}  # fmt: skip
_MAKES_BY_METHOD: Final[dict[str, Kind]] = {
    "decode": "text", "encode": "bytes", "format": "text", "getvalue": "bytes", "join": "text",
    "to_csv": "text", "to_json": "text", "tobytes": "bytes",
}  # fmt: skip


def _key(use: Use, *names: str) -> dict[str, ast.expr]:
    """Return the arguments of a method for one key."""
    given = use.arguments(*names, "storage_type")
    if "storage_type" in given and use.constant(given["storage_type"]) != "data":
        raise Refusal("its storage type is not 'data'")
    if "key" not in given:
        raise Refusal("it has no key")
    return given


def _set(method: str, value: str) -> Callable[[Use], None]:
    """Return the rule of a method that stores a value in place of an earlier one."""

    def rule(use: Use) -> None:
        given = _key(use, "key", value)
        if not isinstance(use.parent, ast.Expr):
            raise Refusal("its result is used")
        use.replace(BLOB, "(name=", given["key"], f").{method}(", given[value], ", overwrite=True)")

    return rule


def _get(use: Use) -> None:
    given = _key(use, "key")
    refuse_in_try(use)
    kind = _kind_read(use) or _kind_stored(use, given["key"])
    if kind is None:
        raise Refusal("the value may be text or bytes: use Blob.get(name=...).data(), and decode() for text")
    decode = ".decode()" if kind == "text" else ""
    use.replace(BLOB, ".get(name=", given["key"], f").data(){decode}")


def _kind_read(use: Use) -> Kind | None:
    """Return what the place needs that a value is passed to."""
    match use.parent:
        case ast.Call(func=function, args=[first, *_]) if first is use.node:
            name = ast.unparse(function)
            if name in _READS_BOTH | _READS_BYTES:
                return "bytes"
            return "text" if name in _READS_TEXT else None
        case ast.Attribute(attr="decode"):
            return "bytes"
        case ast.Attribute(attr="split" | "splitlines" | "strip" | "encode"):
            return "text"
    return None


def _kind_stored(use: Use, key: ast.expr) -> Kind | None:
    """Return what the script stores under the same key, if all its calls store the same."""
    kinds = set()
    text = ast.dump(key)
    for node in use.inference.scopes.nodes:
        if not isinstance(node, ast.Call):
            continue
        function = use.value(node.func)
        if isinstance(function, Bound) and function.owner.type == "Storage" and function.name == "set":
            arguments = {keyword.arg: keyword.value for keyword in node.keywords}
            arguments |= dict(zip(("key", "value"), node.args, strict=False))
            if "key" in arguments and ast.dump(arguments["key"]) == text:
                kinds.add(_kind_made(use, arguments.get("value")))
    return kinds.pop() if len(kinds) == 1 else None


def _kind_made(use: Use, node: ast.expr | None) -> Kind | None:
    match node:
        case ast.JoinedStr():
            return "text"
        case ast.Call(func=ast.Attribute(attr=name)) if name in _MAKES_BY_METHOD:
            return _MAKES_BY_METHOD[name]
        case ast.Call():
            return _MAKES.get(ast.unparse(node.func))
        case ast.Name():
            scope = use.inference.scopes.names[node].find(node.id)
            bindings = scope.bindings[node.id] if scope else []
            if len(bindings) == 1 and bindings[0].kind == "value" and not bindings[0].path:
                made = bindings[0].node
                return None if isinstance(made, ast.Name) else _kind_made(use, made)  # type: ignore[arg-type]
            return None
    known = use.constant(node)
    return "text" if isinstance(known, str) else "bytes" if isinstance(known, bytes) else None


def _get_file(use: Use) -> None:
    given = _key(use, "key", "file_obj")
    refuse_in_try(use)
    if "file_obj" not in given or not isinstance(use.parent, ast.Expr):
        raise Refusal("its result is used")
    use.replace(BLOB, ".get(name=", given["key"], ").download(", given["file_obj"], ")")


def _exists(use: Use) -> None:
    use.replace(BLOB, ".exists(name=", _key(use, "key")["key"], ")")


def _delete(use: Use) -> None:
    given = _key(use, "key")
    refuse_in_try(use)
    if not isinstance(use.parent, ast.Expr):
        raise Refusal("its result is used")
    use.replace(BLOB, ".get(name=", given["key"], ").delete()")


def _list(use: Use) -> None:
    given = use.arguments("prefix", "storage_type")
    if "storage_type" in given and use.constant(given["storage_type"]) != "data":
        raise Refusal("its storage type is not 'data'")
    steps: list[list[Part]] = [
        [".filter(", PROPERTIES, ".namespace == ", BLOB, ".namespace_id(None))"],
        [".filter(", PROPERTIES, '.storage_type == "data")'],
    ]
    if not use.is_none(given.get("prefix")):
        steps.append([".filter(", PROPERTIES, ".name.prefix(", Operand(given["prefix"]), "))"])
    found = chain(use, [BLOB, ".search()"], [*steps, ['.sort("name")']])
    use.replace("[blob.name for blob in ", *found, "]")


def _iter_list(use: Use) -> None:
    if not (isinstance(use.parent, (ast.For, ast.comprehension)) and use.parent.iter is use.node):
        raise Refusal("it is not iterated over at once")
    _list(use)


def _method(rule: Callable[[Use], None], result: str = "plain") -> Member:
    return Member(result, rule, is_method=True)


TYPES: Final = {
    "Storage": Type(
        {
            "set": _method(_set("upload_data", "value")),
            "set_file": _method(_set("upload", "file_obj")),
            "get": _method(_get),
            "get_file": _method(_get_file),
            "exists": _method(_exists),
            "delete": _method(_delete),
            "list": _method(_list, "[plain]"),
            "iter_list": _method(_iter_list, "[plain]"),
        },
        is_client=True,
        label="Storage",
    )
}

FUNCTIONS: Final = {"storage.Storage": Function("Storage", keep)}

CLIENTS: Final = {"storage": "Storage"}
