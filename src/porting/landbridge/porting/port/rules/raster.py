"""The Raster service: rasters of image collections, and DLTiles in place of GeoJSON."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Part, Primary
from landbridge.porting.port.old_api import Function, Member, Type
from landbridge.porting.port.rules.common import (
    AOI,
    DLTILE,
    IMAGE,
    IMAGES,
    attribute,
    call_of,
    chain,
    check_ignored,
    keep,
    list_parts,
    same_object,
    statement_indent,
)
from landbridge.porting.port.rules.optional import may_be_none
from landbridge.porting.port.values import Instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.porting.port.plan import Use

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

_GRID = ("srs", "resolution", "dimensions", "cutline", "bounds", "bounds_srs", "align_pixels")
_ARGUMENTS = ("inputs", "bands", "scales", "data_type", *_GRID, "resampler", "order", "dltile")
_NAMED = ("processing_level", "cutline_all_touched", "mask_nodata", "progress", "max_workers")
_REFUSED = ("masked", "mask_alpha", "drop_alpha", "place", "mask_nodata", "dimensions")
# Names of arguments in the first versions.
_RENAMED: Final = {"ot": "data_type", "keys": "inputs", "outsize": "dimensions"}


def _given(use: Use) -> dict[str, ast.expr]:
    found = use.arguments(*_ARGUMENTS, *_NAMED, *_REFUSED, *_RENAMED)
    if len(use.call.args) > len(_ARGUMENTS):
        raise Refusal("it has many arguments without names")
    given = {_RENAMED.get(name, name): node for name, node in found.items()}
    check_ignored(use, given, *_REFUSED)
    for name, node in given.items():
        if may_be_none(node, use.inference):
            raise Refusal(f"{name} may be None, and the raster depends on it")
    return {name: node for name, node in given.items() if not use.is_none(node)}


def _bands(use: Use, given: dict[str, ast.expr]) -> list[str]:
    """Return the names of the bands; they decide about alpha, and about the axes of one band."""
    names = use.constant(given.get("bands"))
    if isinstance(names, str):
        names = names.split()
    if not isinstance(names, (list, tuple)) or not names:
        raise Refusal("the bands are not written in the script")
    if "alpha" in names:
        raise Refusal("alpha was made by the Raster service; mask_alpha of the Catalog replaces it")
    return [str(name) for name in names]


def _grid(use: Use, given: dict[str, ast.expr]) -> list[Part]:
    """Return the geocontext of a raster."""
    if "dltile" in given:
        if {"resolution", "srs", "bounds", "cutline", "align_pixels"} & set(given):
            raise Refusal("it has a tile and another grid")
        return _tile(use, given["dltile"])
    if "resolution" not in given or not {"bounds", "cutline"} & set(given):
        raise Refusal("it names no resolution, or no area: the Catalog needs both")
    if "srs" not in given:
        raise Refusal("it names no reference system: the Catalog needs the crs of the geocontext")
    if isinstance(use.constant(given.get("cutline")), str) or isinstance(given.get("cutline"), ast.Call):
        raise Refusal("the cutline is not known to be GeoJSON or a geometry")
    arguments: list[list[Part]] = []
    if "cutline" in given:
        arguments.append(["geometry=", given["cutline"]])
    arguments += [["resolution=", given["resolution"]], ["crs=", given["srs"]]]
    if "bounds" in given:
        system = given.get("bounds_srs", given["srs"])
        arguments += [["bounds=", given["bounds"]], ["bounds_crs=", system]]
    align: list[Part] = [given["align_pixels"]] if "align_pixels" in given else ["False"]
    arguments.append(["align_pixels=", *align])
    if "cutline_all_touched" in given:
        arguments.append(["all_touched=", given["cutline_all_touched"]])
    return call_of([AOI], arguments)


def _tile(use: Use, node: ast.expr) -> list[Part]:
    value = use.value(node)
    if isinstance(value, Instance) and value.type == "Tile":
        return [node]
    if isinstance(use.constant(node), str) or _is_key(use, node):
        return [DLTILE, ".from_key(", node, ")"]
    raise Refusal("the tile is not known to be a key or a tile of this script")


def _is_key(use: Use, node: ast.expr) -> bool:
    """Return whether an expression is the key of a tile."""
    match node:
        case (
            ast.Subscript(value=owner, slice=ast.Constant(value="key"))
            | ast.Attribute(value=owner, attr="key")
        ):
            value = use.value(owner)
            return isinstance(value, Instance) and value.type == "TileProperties"
    return False


def _scaling(use: Use, given: dict[str, ast.expr], bands: list[str]) -> list[list[Part]]:
    if "scales" not in given:
        return []
    scales = use.constant(given["scales"])
    if not isinstance(scales, (list, tuple)) or "data_type" not in given:
        raise Refusal("the scales are not written in the script, or have no data type")
    pairs = []
    for scale in scales:
        if not isinstance(scale, (list, tuple)) or len(scale) not in {2, 4}:
            raise Refusal("a scale is no list of two or four numbers")
        pairs.append(tuple(scale) if len(scale) == 4 else (*scale, 0, 255))
    if len(pairs) != len(bands):
        raise Refusal("it does not have a scale for each band")
    return [["scaling=", repr(pairs)]]


def _raster_arguments(use: Use, given: dict[str, ast.expr], axis: int, info: bool) -> list[list[Part]]:
    bands = _bands(use, given)
    arguments: list[list[Part]] = [[given["bands"]], _grid(use, given)]
    if axis:
        arguments.append([f"bands_axis={axis}"])
    arguments += _scaling(use, given, bands)
    for name in ("data_type", "resampler", "processing_level", "progress", "max_workers"):
        if name in given:
            arguments.append([f"{name}=", given[name]])
    if info:
        arguments.append(["raster_info=True"])
    return arguments


def _order(use: Use, given: dict[str, ast.expr]) -> str:
    order = use.constant(given["order"]) if "order" in given else "image"
    if order not in {"image", "gdal"}:
        raise Refusal("the order is not known")
    return str(order)


def _ndarray(use: Use) -> None:
    given = _given(use)
    one = len(_bands(use, given)) == 1
    axis = -1 if _order(use, given) == "image" and not one else 0
    images = [IMAGES, "(", IMAGE, ".get_many(", *list_parts(use, given["inputs"]), "))"]

    def steps(info: bool) -> list[list[Part]]:
        return [images, call_of([".mosaic"], _raster_arguments(use, given, axis, info))]

    _with_info(use, steps, "[0]" if one else "")


def _stack(use: Use) -> None:
    given = _given(use)
    axis = -1 if _order(use, given) == "image" else 1
    if not isinstance(use.constant(given.get("inputs")), (list, tuple)) and isinstance(
        given.get("inputs"), ast.List
    ):
        raise Refusal("the inputs may be groups of images")
    images = [IMAGES, "(", IMAGE, ".get_many(", *list_parts(use, given["inputs"]), "))"]

    def steps(info: bool) -> list[list[Part]]:
        arguments = _raster_arguments(use, given, 0 if axis == 1 else axis, info)
        return [images, call_of([".stack"], arguments)]

    _with_info(use, steps, "")


def _with_info(use: Use, steps: Callable[[bool], list[list[Part]]], index: str) -> None:
    """Replace a call that returned pixels, without a mask, and their description."""
    filled = f"{index}.filled(0)"
    use.remark("pixels without data are 0 now; they had the nodata value of their band")
    match use.parent:
        case ast.Subscript(slice=ast.Constant(value=0)):
            use.replace(*_chained(use, [*steps(False), [filled]]), node=use.parent)
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name() as target, info])]) as statement:
            if use.source.indent(statement) is None or not use.source.ends_line(statement):
                raise Refusal("the statement shares its line with another one")
            if not use.inference.definitions.is_used(info):
                use.replace(target, " = ", *_chained(use, [*steps(False), [filled]]), node=statement)
                return
            use.replace(
                target, ", ", info, " = ", *_chained(use, steps(True)), f"\n{statement_indent(use)}",
                target, " = ", target, filled, node=statement,
            )  # fmt: skip
        case _:
            raise Refusal("its result is a tuple that is not unpacked into two names")


def _chained(use: Use, steps: list[list[Part]]) -> list[Part]:
    return chain(use, steps[0], steps[1:])


# --- tiles


def _from_key(use: Use) -> None:
    use.replace(DLTILE, ".from_key(", use.arguments("key")["key"], ")")


def _from_latlon(use: Use) -> None:
    use.arguments("lat", "lon", "resolution", "tilesize", "pad")
    use.replace(DLTILE, ".from_latlon", node=use.call.func)


def _from_shape(function: str, *, keys: bool = False) -> Callable[[Use], None]:
    def rule(use: Use) -> None:
        given = use.arguments("resolution", "tilesize", "pad", "shape", "maxtiles")
        names = ("shape", "resolution", "tilesize", "pad")
        if not set(names) <= set(given):
            raise Refusal("an argument is missing")
        arguments: list[list[Part]] = [[f"{name}=", given[name]] for name in names]
        if keys:
            arguments.append(["keys_only=True"])
        use.replace(*call_of([DLTILE, f".{function}"], arguments))

    return rule


def _list_of(name: str) -> Member:
    def rule(use: Use) -> None:
        use.replace("list(", use.instance, f".{name})")

    return Member("plain", rule)


def _geometry(use: Use) -> None:
    use.replace(Primary(use.instance), ".geometry.__geo_interface__")


def _method(result: str, rule: Callable[[Use], None] | None, makes: bool = False) -> Member:
    return Member(result, rule, is_method=True, makes=makes)


TYPES: Final = {
    "Raster": Type(
        {
            "ndarray": _method("(plain, RasterInfo)", _ndarray, makes=True),
            "stack": _method("(plain, [RasterInfo])", _stack, makes=True),
            "dltile": _method("Tile", _from_key, makes=True),
            "dltile_from_latlon": _method("Tile", _from_latlon, makes=True),
            "dltiles_from_shape": _method("TileCollection", _from_shape("from_shape"), makes=True),
            "iter_dltiles_from_shape": _method("Tiles", _from_shape("iter_from_shape"), makes=True),
            "dlkeys_from_shape": _method("[plain]", _from_shape("from_shape", keys=True)),
            **{
                name: _method("plain", None)
                for name in (
                    "dlkeys_from_place", "dltiles_from_place", "get_bands_by_constellation",
                    "get_bands_by_id", "get_bands_by_key", "raster",
                )
            },
        },
        is_client=True,
        label="Raster",
    ),
    # The description of the bands differs.
    "RasterInfo": Type(
        {
            name: Member("plain", keep)
            for name in (
                "coordinateSystem", "cornerCoordinates", "driverShortName", "geoTransform", "size",
                "wgs84Extent",
            )
        },
        label="a raster's description",
    ),
    "TileCollection": Type({"features": Member("Tiles", same_object)}, label="the tiles"),
    "Tiles": Type(element="Tile", label="the tiles"),
    "Tile": Type(
        {"geometry": Member("plain", _geometry), "properties": Member("TileProperties", same_object)},
        label="a tile",
    ),
    "TileProperties": Type(
        {
            "cs_code": Member("plain", attribute("crs")),
            "geotrans": _list_of("geotrans"),
            "outputBounds": _list_of("bounds"),
            **{
                name: Member("plain", attribute(name))
                for name in ("key", "pad", "proj4", "resolution", "ti", "tilesize", "tj", "wkt", "zone")
            },
        },
        label="a tile's properties",
    ),
}  # fmt: skip

FUNCTIONS: Final = {"raster.Raster": Function("Raster", keep)}

CLIENTS: Final = {"raster": "Raster"}
