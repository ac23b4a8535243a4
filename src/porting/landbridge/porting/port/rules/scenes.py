"""Scenes: an Image in place of a Scene, an ImageCollection in place of a SceneCollection."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from landbridge.porting.port.contexts import Refusal, is_known_function
from landbridge.porting.port.edits import Part, Primary
from landbridge.porting.port.old_api import Function, Member, Type
from landbridge.porting.port.rules.common import (
    IMAGE,
    IMAGES,
    TIMES,
    attribute,
    by_key,
    chain,
    check_ignored,
    keep,
    same_object,
    statement_indent,
    time_text,
)
from landbridge.porting.port.rules.searches import image_steps, refuse_in_try

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from landbridge.porting.port.plan import Use

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

_SEARCH = ("aoi", "products", "start_datetime", "end_datetime", "cloud_fraction")
_SEARCH_ONLY = (
    "storage_state", "limit", "sort_field", "sort_order", "date_field", "query", "randomize", "raster_client",
    "metadata_client",
)  # fmt: skip
_IGNORED = ("raster_client", "metadata_client")

# Old arguments of raster methods in their order, after bands and ctx.
_NDARRAY = ("mask_nodata", "mask_alpha", "bands_axis", "raster_info", "resampler", "processing_level")
_SCALED = ("scaling", "data_type", "progress")
_LAST = ("max_workers", "raster_info", "mask_alpha", "nodata")  # by name only
_STACK = (
    "flatten",
    "mask_nodata",
    "mask_alpha",
    "bands_axis",
    "raster_info",
    "resampler",
    "processing_level",
)
_DOWNLOAD = ("dest", "format", "resampler", "processing_level")
_MOSAIC = ("mask_nodata", "mask_alpha", "bands_axis", "resampler", "processing_level")


def _unpack(use: Use, made: Sequence[Part], context_of: str = ".geocontext") -> None:
    """Replace a call that returned an object and its geocontext.

    `scene, ctx = call()` becomes two statements, `call()[0]` the object, and `call()[1]` its geocontext.

    Raises
    ------
    Refusal
        If the tuple itself is used otherwise.
    """
    match use.parent:
        case ast.Subscript(slice=ast.Constant(value=0)):
            use.replace(*made, node=use.parent)
        case ast.Subscript(slice=ast.Constant(value=1)):
            use.replace(*made, context_of, node=use.parent)
        case ast.Assign(targets=[ast.Tuple(elts=[target, context])]) as statement if isinstance(
            target, (ast.Name, ast.Attribute)
        ):
            if use.source.indent(statement) is None or not use.source.ends_line(statement):
                raise Refusal("the statement shares its line with another one")
            parts: list[Part] = [target, " = ", *made]
            if use.inference.definitions.is_used(context):
                parts += [f"\n{statement_indent(use)}", context, " = ", target, context_of]
            use.replace(*parts, node=statement)
        case _:
            raise Refusal("its result is a tuple that is not unpacked into two names")


def _search(use: Use) -> None:
    given = use.arguments(*_SEARCH, *_SEARCH_ONLY) if len(use.call.args) <= len(_SEARCH) else {}
    if not given:
        raise Refusal("it has many arguments without names")
    if not use.is_none(given.get("date_field")) and use.constant(given["date_field"]) != "acquired":
        raise Refusal("the dates are those of another field")
    check_ignored(use, given, "query", "randomize")
    if use.is_none(given.get("aoi")):
        raise Refusal("it has no area")
    if isinstance(use.constant(given["aoi"]), str):
        raise Refusal("the area is the name of a place: use a geometry")
    _unpack(
        use,
        chain(
            use,
            [IMAGE, ".search()"],
            [
                *image_steps(
                    use,
                    given,
                    "aoi",
                ),
                [".collect()"],
            ],
        ),
    )


def _from_id(use: Use) -> None:
    given = use.arguments("scene_id", "metadata_client")
    check_ignored(use, given, "metadata_client")
    refuse_in_try(use)
    # The area of the pixels, without the footprint that an image's geocontext has.
    _unpack(use, [IMAGE, ".get(", given["scene_id"], ")"], ".geocontext.assign(geometry=None)")


def _raster(*names: str) -> Callable[[Use], None]:
    """Return the rule of a raster method: the same method, with the context as `geocontext`."""

    def rule(use: Use) -> None:
        if len(use.call.args) > 2 + len(names):
            raise Refusal("it has many arguments without names")
        given = use.arguments("bands", "ctx", *names, *_SCALED, *_LAST, *_IGNORED)
        bands = use.constant(given.get("bands"))
        wanted = bands.split() if isinstance(bands, str) else bands
        if isinstance(wanted, (list, tuple)) and "alpha" in wanted:
            raise Refusal("alpha was made for products without it: leave it out, and use the mask")
        arguments: list[list[Part]] = []
        for name, node in given.items():
            if name in _IGNORED:
                continue
            if name in {"bands", "ctx"} and node in use.call.args:
                arguments.append([node])
            elif name == "flatten":
                arguments.append(["flatten=", *_predicate(use, node)])
            else:
                arguments.append([f"{'geocontext' if name == 'ctx' else name}=", node])
        _replace_arguments(use, arguments)

    return rule


def _replace_arguments(use: Use, arguments: list[list[Part]]) -> None:
    """Replace the arguments that changed; leave the others, and the layout of the call, as they are."""
    old = [*use.call.args, *use.call.keywords]
    if len(old) == len(arguments):
        for before, after in zip(old, arguments, strict=True):
            node = before.value if isinstance(before, ast.keyword) else before
            name = f"{before.arg}=" if isinstance(before, ast.keyword) else ""
            if [part for part in after if part != ""] != [*([name] if name else []), node]:
                use.replace(*after, node=before)
        return
    parts: list[Part] = [use.call.func, "("]
    for position, argument in enumerate(arguments):
        parts += [", "] * bool(position) + argument
    use.replace(*parts, ")")


def _predicate(use: Use, node: ast.expr) -> list[Part]:
    """Return a predicate: paths below `properties` begin at the image; functions are rewritten inside."""
    if isinstance(node, (ast.List, ast.Tuple)):
        parts: list[Part] = ["["]
        for position, item in enumerate(node.elts):
            parts += [", "] * bool(position) + _predicate(use, item)
        return [*parts, "]"]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [_path(node.value)]
    if is_known_function(node, use.inference):
        return [node]
    raise Refusal("the predicate is neither a text nor a function")


def _path(path: str) -> str:
    """Return the path from an image for a path from a scene."""
    first, _, rest = path.partition(".")
    if first == "properties":
        name, _, rest = rest.partition(".")
        is_time = name == "date" and rest.partition(".")[0] in _PARTS
        first = "acquired" if is_time else _SAME.get(name, "")
    elif first != "geometry":
        first = ""
    if not first:
        raise Refusal(f"the values of the path {path!r} differ, or it is not known")
    return f'"{first}{"." + rest if rest else ""}"'


def _by_predicates(use: Use) -> None:
    for item in use.call.args:
        parts = _predicate(use, item)
        if parts != [item]:
            use.replace(*parts, node=item)
    for keyword in use.call.keywords:
        if keyword.arg != "reverse":
            raise Refusal(f"the argument {keyword.arg!r} has no equal in the Catalog API")


def _collection(use: Use) -> None:
    given = use.arguments("iterable", "raster_client")
    check_ignored(use, given, "raster_client")
    use.replace(IMAGES, "(", *([given["iterable"]] if "iterable" in given else []), ")")


def _own_area(use: Use) -> None:
    use.arguments()
    use.replace(Primary(use.instance), ".geocontext.assign(geometry=None)")


# Properties of a scene, and the attributes of an image.
_SAME: Final = {
    "area": "area",
    "azimuth_angle": "azimuth_angle",
    "bright_fraction": "bright_fraction",
    "cloud_fraction": "cloud_fraction",
    "cs_code": "cs_code",
    "fill_fraction": "fill_fraction",
    "geotrans": "geotrans",
    "id": "id",
    "identifier": "provider_id",
    "incidence_angle": "incidence_angle",
    "key": "id",
    "product": "product_id",
    "roll_angle": "roll_angle",
    "sat_id": "satellite_id",
    "solar_azimuth_angle": "solar_azimuth_angle",
    "solar_elevation_angle": "solar_elevation_angle",
    "tags": "tags",
    "view_angle": "view_angle",
}
# Parts of a time that are the same with and without a time zone.
_PARTS: Final = frozenset({
    "date", "day", "hour", "isocalendar", "isoweekday", "microsecond", "minute", "month", "second",
    "strftime", "time", "timetuple", "toordinal", "weekday", "year",
})  # fmt: skip


def _date(use: Use) -> None:
    """Read the time of an image; the old one had no time zone."""
    is_part = isinstance(use.parent, ast.Attribute) and use.parent.attr in _PARTS
    use.replace(Primary(use.instance), ".acquired" if is_part else ".acquired.replace(tzinfo=None)")


def _crs(use: Use) -> None:
    use.replace("(", Primary(use.instance), ".cs_code or ", Primary(use.instance), ".projection)")


_PROPERTIES: Final = {
    **{name: Member("plain", attribute(new)) for name, new in _SAME.items()},
    **{name: Member("plain", time_text(new)) for name, new in TIMES.items()},
    "date": Member("plain", _date),
    "crs": Member("plain", _crs),
}
_EACH: Final = {name: _PROPERTIES[name] for name in (*_SAME, *TIMES, "date")}


def _method(result: str, rule: Callable[[Use], None], callback: str | None = None) -> Member:
    return Member(result, rule, is_method=True, callback=callback)


TYPES: Final = {
    "SceneCollection": Type(
        {
            "each": Member("SceneEach", keep),
            "filter": _method("self", _by_predicates, "Scene"),
            "filter_coverage": _method("self", keep),
            "groupby": _method("[(plain, self)]", _by_predicates, "Scene"),
            "map": _method("[returned]", _by_predicates, "Scene"),
            "sorted": _method("self", _by_predicates, "Scene"),
            "mosaic": _method("plain", _raster(*_MOSAIC)),
            "stack": _method("plain", _raster(*_STACK)),
            "download": _method("plain", _raster(*_DOWNLOAD)),
            "download_all": _method("plain", _raster(*_DOWNLOAD)),
            "scaling_parameters": _method("plain", keep),
            "download_mosaic": _method("plain", _raster(*_DOWNLOAD)),
        },
        element="Scene",
        label="the scenes",
    ),
    "Scene": Type(
        {
            "properties": Member("SceneProperties", same_object),
            "geometry": Member("plain", keep),
            "__geo_interface__": Member("plain", keep),
            "coverage": _method("plain", keep),
            "default_geocontext": _method("plain", _own_area),
            "ndarray": _method("plain", _raster(*_NDARRAY)),
            "download": _method("plain", _raster(*_DOWNLOAD)),
            "scaling_parameters": _method("plain", keep),
        },
        label="a scene",
    ),
    "SceneProperties": Type(
        {**_PROPERTIES, "get": by_key(_PROPERTIES)},
        label="a scene's properties",
    ),
    "SceneEach": Type(
        {
            "properties": Member("SceneEachProperties", same_object),
            "geometry": Member("plain", keep),
            "ndarray": _method("plain", _raster(*_NDARRAY)),
            "download": _method("plain", _raster(*_DOWNLOAD)),
            "coverage": _method("plain", keep),
        },
        element="Scene",
        label="each scene",
    ),
    "SceneEachProperties": Type(
        _EACH,
        label="each scene's properties",
    ),
}

FUNCTIONS: Final = {
    "scenes.search": Function("(SceneCollection, plain)", _search),
    "scenes.Scene.from_id": Function("(Scene, plain)", _from_id),
    "scenes.SceneCollection": Function("SceneCollection", _collection),
}

CLIENTS: Final[dict[str, str]] = {}
