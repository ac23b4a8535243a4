"""The old Catalog client: products, bands and images as objects."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Need, Operand, Part
from landbridge.porting.port.old_api import Function, Member, Type
from landbridge.porting.port.rules.common import (
    IMAGE,
    attribute,
    call_of,
    keep,
    keyword_parts,
    same_object,
    statement_indent,
)
from landbridge.porting.port.values import Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from landbridge.porting.port.plan import Use

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

_PRODUCT = Need("landbridge.catalog", "Product")
_RESOLUTION = Need("landbridge.catalog", "Resolution")

# Old keys, and the attributes of the Catalog.
_PRODUCT_KEYS: Final = {
    "title": "name",
    "description": "description",
    "start_datetime": "start_datetime",
    "end_datetime": "end_datetime",
    "tags": "tags",
    "writers": "writers",
}
_BAND_KEYS: Final = {
    "dtype": "data_type",
    "data_range": "data_range",
    "default_range": "display_range",
    "physical_range": "physical_range",
    "description": "description",
    "nodata": "nodata",
    "tags": "tags",
}
_IMAGE_KEYS: Final = {
    "proj4": "projection",
    "wkt_srs": "projection",
    "geotrans": "geotrans",
    "acquired": "acquired",
    "acquired_end": "acquired_end",
    "cloud_fraction": "cloud_fraction",
    "fill_fraction": "fill_fraction",
    "sat_id": "satellite_id",
    "identifier": "provider_id",
    "tags": "tags",
}
_BANDS: Final = {
    "spectral": "SpectralBand",
    "class": "ClassBand",
    "mask": "MaskBand",
    "microwave": "MicrowaveBand",
}


def _statement(use: Use) -> ast.Expr:
    """Return the statement that is the call alone."""
    statement = use.parent
    if not isinstance(statement, ast.Expr):
        raise Refusal("its result is used")
    if use.source.indent(statement) is None or not use.source.ends_line(statement):
        raise Refusal("the statement shares its line with another one")
    return statement


def _product_id(use: Use, node: ast.expr) -> list[Part]:
    """Return the full id of a product for an old id, which may lack the prefix of the organization."""
    known = use.constant(node)
    if isinstance(known, str):
        return [node] if ":" in known else [_PRODUCT, ".namespace_id(", node, ")"]
    if _is_id(use, node):
        return [node]
    raise Refusal("the id of the product may lack the prefix of the organization: use Product.namespace_id()")


def _is_id(use: Use, node: ast.expr) -> bool:
    """Return whether an expression is the id that a document of this client holds."""
    match node:
        case ast.Name():
            scope = use.inference.scopes.names[node].find(node.id)
            bindings = scope.bindings[node.id] if scope else []
            single = len(bindings) == 1 and bindings[0].kind == "value" and not bindings[0].path
            return single and isinstance(bindings[0].node, ast.expr) and _is_id(use, bindings[0].node)
        case (
            ast.Subscript(value=owner, slice=ast.Constant(value="id")) | ast.Attribute(value=owner, attr="id")
        ):
            value = use.value(owner)
            return isinstance(value, Instance) and value.type == "ProductData"
    return False


def _free_name(use: Use, name: str) -> str:
    """Return a name for a new variable that the script does not use."""
    taken = use.inference.scopes.taken
    return next(
        one for one in (name, f"new_{name}", f"catalog_{name}", f"landbridge_{name}") if one not in taken
    )


def _add_product(use: Use) -> None:
    given = use.arguments("product_id", "title", "description", "add_namespace", *_PRODUCT_KEYS)
    arguments: list[list[Part]] = [["id=", given["product_id"]], *keyword_parts(given, _PRODUCT_KEYS)]
    made = call_of([_PRODUCT], arguments, use)
    indent = statement_indent(use)
    outer, statement = _outermost(use)
    if isinstance(statement, ast.Expr) and outer is use.node:
        use.replace(*made, ".save()", node=_statement(use))
        return
    if not (isinstance(statement, ast.Assign) and statement.value is outer and len(statement.targets) == 1):
        raise Refusal("its result is a part of a larger expression")
    if use.source.indent(statement) is None or not use.source.ends_line(statement):
        raise Refusal("the statement shares its line with another one")
    (target,) = statement.targets
    if outer is use.node and isinstance(target, ast.Name):
        use.replace(
            target, " = ", *made, f"\n{indent}", target, ".save()", node=statement
        )  # fmt: skip
        return
    name = _free_name(use, "product")
    use.replace(
        f"{name} = ", *made, f"\n{indent}{name}.save()\n{indent}", target, f" = {name}.id", node=statement
    )  # fmt: skip


def _outermost(use: Use) -> tuple[ast.AST, ast.AST]:
    """Return the id of the result if the call is asked for it at once, else the call; and what is around."""
    node: ast.AST = use.node
    for key in ("data", "id"):
        parent = use.inference.scopes.parents[node]
        match parent:
            case ast.Subscript(slice=ast.Constant(value=name)) | ast.Attribute(attr=name) if name == key:
                node = parent
            case _:
                return use.node, use.parent
    return node, use.inference.scopes.parents[node]


def _get_product(use: Use) -> None:
    given = use.arguments("product_id", "add_namespace")
    use.replace(_PRODUCT, ".get(", *_product_id(use, given["product_id"]), ")")


def _change_product(use: Use) -> None:
    given = use.arguments("product_id", "add_namespace", *_PRODUCT_KEYS)
    statement = _statement(use)
    name, indent = _free_name(use, "product"), statement_indent(use)
    use.replace(
        f"{name} = ", _PRODUCT, ".get(", *_product_id(use, given["product_id"]), f")\n{indent}",
        *call_of([f"{name}.update"], keyword_parts(given, _PRODUCT_KEYS), use), f"\n{indent}{name}.save()",
        node=statement,
    )  # fmt: skip


def _remove_product(use: Use) -> None:
    given = use.arguments("product_id", "add_namespace", "cascade")
    if "cascade" in given and use.constant(given["cascade"]) is not False:
        raise Refusal("cascade: use delete_related_objects() and wait for it, then delete()")
    use.replace(
        _PRODUCT, ".get(", *_product_id(use, given["product_id"]), ").delete()", node=_statement(use)
    )  # fmt: skip


def _add_band(use: Use) -> None:
    keys = ("srcband", "dtype", "nbits", "data_range", "type", *_BAND_KEYS, "resolution", "resolution_unit")
    given = use.arguments("product_id", "name", "add_namespace", *dict.fromkeys(keys))
    kind = use.constant(given.get("type"))
    if kind not in _BANDS or "srcband" not in given:
        raise Refusal("the type or the position of the band is not written in the script")
    arguments: list[list[Part]] = [
        ["product_id=", *_product_id(use, given["product_id"])],
        ["name=", given["name"]],
        ["band_index=", *_before(use, given["srcband"])],
    ]
    if kind == "mask":
        given = {name: node for name, node in given.items() if not name.endswith("_range")}
        if not isinstance(use.constant(given["name"]), str):
            raise Refusal("the name of the mask, which may be alpha, is not written in the script")
        arguments.append([f"is_alpha={use.constant(given['name']) == 'alpha'}"])
    arguments += keyword_parts(given, _BAND_KEYS)
    if kind != "mask" and "default_range" not in given and "data_range" in given:
        arguments.append(["display_range=", given["data_range"]])
    if "nbits" in given:
        arguments.append(['extra_properties={"nbits": ', given["nbits"], "}"])
    if "resolution" in given:
        unit: list[Part] = [given["resolution_unit"]] if "resolution_unit" in given else ['"meters"']
        if use.constant(given.get("resolution_unit")) not in {None, "meters", "degrees"}:
            raise Refusal("the unit of the resolution is not known")
        arguments.append(["resolution=", _RESOLUTION, "(value=", given["resolution"], ", unit=", *unit, ")"])
    band = call_of([Need("landbridge.catalog", _BANDS[str(kind)])], arguments, use)
    use.replace(*band, ".save()", node=_statement(use))


def _before(use: Use, node: ast.expr) -> list[Part]:
    """Return a position from 0 for one from 1."""
    known = use.constant(node)
    return [str(known - 1)] if type(known) is int and known > 0 else [Operand(node), " - 1"]


def _upload_ndarray(use: Use) -> None:
    names = ("proj4", "wkt_srs", "geotrans", "raster_meta", "overviews", "overview_resampler")
    given = use.arguments("ndarray", "product_id", "image_id", *names, "add_namespace", *_IMAGE_KEYS)
    statement = _statement(use)
    pixels = given["ndarray"]
    if not isinstance(pixels, ast.Name):
        raise Refusal("the array is computed in the call: assign it to a name")
    if "acquired" not in given:
        raise Refusal("it has no acquired: the old client took the time of the upload")
    if {"proj4", "wkt_srs"} <= set(given):
        raise Refusal("it has two reference systems")
    image: list[list[Part]] = [
        ["product_id=", *_product_id(use, given["product_id"])],
        ["name=", given["image_id"]],
        *keyword_parts(given, _IMAGE_KEYS),
    ]
    options = {name: name for name in ("raster_meta", "overviews", "overview_resampler")}
    # The Catalog has the bands in the first axis.
    first: list[Part] = [pixels, " if ", pixels, ".ndim == 2 else ", pixels, ".transpose(2, 0, 1)"]
    upload: list[list[Part]] = [first, *keyword_parts(given, options), ["overwrite=True"]]
    name, indent = _free_name(use, "image"), statement_indent(use)
    use.replace(
        f"{name} = ", *call_of([IMAGE], image, use), "\n", indent,
        *call_of([f"{name}.upload_ndarray"], upload), node=statement,
    )  # fmt: skip


def _attributes(names: Mapping[str, str]) -> dict[str, Member]:
    return {name: Member("plain", attribute(new)) for name, new in names.items()}


def _method(rule: Callable[[Use], None] | None, result: str = "plain") -> Member:
    return Member(result, rule, is_method=True, makes=result != "plain")


def _without_rule(names: Sequence[str]) -> dict[str, Member]:
    return {name: _method(None) for name in names}


TYPES: Final = {
    "Catalog": Type(
        {
            "add_product": _method(_add_product, "ProductDocument"),
            "get_product": _method(_get_product, "ProductDocument"),
            "change_product": _method(_change_product),
            "remove_product": _method(_remove_product),
            "add_band": _method(_add_band),
            "upload_ndarray": _method(_upload_ndarray),
            **_without_rule((
                "add_image", "change_band", "change_image", "get_band", "get_image", "iter_upload_results",
                "namespace_product", "own_bands", "own_products", "product_deletion_status", "remove_band",
                "remove_image", "replace_band", "replace_image", "replace_product", "upload_image",
                "upload_result", "upload_results",
            )),
        },
        is_client=True,
        label="Catalog",
    ),
    "ProductDocument": Type({"data": Member("ProductData", same_object)}, label="a product's document"),
    "ProductData": Type(
        {
            "id": Member("plain", attribute("id")),
            "attributes": Member("ProductAttributes", same_object),
        },
        label="a product's document",
    ),
    "ProductAttributes": Type(
        _attributes({"title": "name", "name": "name", "description": "description"}),
        label="a product's attributes",
    ),
}  # fmt: skip

FUNCTIONS: Final = {"catalog_client.Catalog": Function("Catalog", keep)}

CLIENTS: Final[dict[str, str]] = {}
