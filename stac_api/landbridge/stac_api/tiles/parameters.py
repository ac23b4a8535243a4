"""Query parameters of tiles and other pictures, parsed into a `View`.

The names are those of titiler if they have the same meaning; `bands`, `scaling`, `method` and `style` are
our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles import colormaps
from landbridge.stac_api.tiles.band_selection import SELECTION, Selection, select
from landbridge.stac_api.tiles.formats import Format
from landbridge.stac_api.tiles.scaling import DISPLAY, scaling_of
from landbridge.stac_api.tiles.styles import styles_of
from landbridge.stac_api.tiles.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import Colormap

__all__ = ["PARAMETERS", "Parameter", "parse"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, for the API's description and the documentation.

    Attributes
    ----------
    name : str
        Name in the query.
    description : str
        Meaning, allowed values and default.
    example : str
        A valid value.
    is_repeated : bool
        True if the parameter may occur several times.
    """

    name: str
    description: str
    example: str
    is_repeated: bool = False


# titiler's name -> the engine's name
RESAMPLINGS: Final = {
    "nearest": "near",
    "bilinear": "bilinear",
    "cubic": "cubic",
    "cubic_spline": "cubicspline",
    "lanczos": "lanczos",
    "average": "average",
    "mode": "mode",
}
METHODS: Final = ("last", "mean", "median", "min", "max", "count")
# titiler's name -> the engine's name: "first" is the first item that the search finds, which is on top.
PIXEL_SELECTIONS: Final = {
    "first": "last",
    "lowest": "min",
    "highest": "max",
    "mean": "mean",
    "median": "median",
    "count": "count",
}
MAX_BUFFER: Final = 64.0

PARAMETERS: Final = (
    Parameter(
        "style",
        "Name of one of the collection's styles, as its `renders` and the WMTS capabilities list them; other "
        "parameters override it. Without any of `style`, `bands`, `assets` and `expression` it is `default`",
        "default",
    ),
    Parameter(
        "bands",
        "Names of bands, separated by commas: one or three for a picture",
        "red,green,blue",
        is_repeated=True,
    ),
    Parameter(
        "assets",
        "Keys of assets, whose bands are taken in order, or those that `bidx` lists; `key|bidx=3,2,1` lists "
        "those of one asset",
        "data",
        is_repeated=True,
    ),
    Parameter("bidx", "Positions of bands in each asset of `assets`, from 1", "3,2,1", is_repeated=True),
    Parameter(
        "expression",
        "Expressions of bands, separated by semicolons: names of bands, `b1` for the first of `bands` or "
        "`assets`, numbers, parentheses, `+ - * / % **`, comparisons, `&`, `|`, and the functions abs, sqrt, "
        "exp, log, log10, sin, cos, tan, arctan, arctan2, floor, ceil, min, max and where",
        "(nir-red)/(nir+red)",
    ),
    Parameter(
        "asset_as_band", "Accepted for titiler's clients: an expression may always name assets", "true"
    ),
    Parameter(
        "rescale",
        "Lowest and highest value of the picture, once for all bands or once for each",
        "0,4000",
        is_repeated=True,
    ),
    Parameter(
        "scaling",
        "Scaling as in Landbridge's Python client: `display`, `raw` or `physical`, or as JSON a list with an "
        "entry for each band, or an object from names of bands. Pictures have `display` by default, which is "
        "the display range of each band; GeoTIFF and NPY have unchanged values",
        '{"red": [0, 4000], "default_": "display"}',
    ),
    Parameter(
        "colormap_name",
        "Name of a colormap of matplotlib, for one band or expression; `_r` reverses it",
        "viridis",
    ),
    Parameter(
        "colormap",
        "Colors of the values of one band or expression, as JSON: an object from values to colors, or an "
        "array of intervals and colors",
        '{"1": [0, 0, 255, 255], "2": "#00ff00"}',
    ),
    Parameter(
        "resampling",
        f"Resampling method: {', '.join(RESAMPLINGS)}; `nearest` by default",
        "bilinear",
    ),
    Parameter(
        "reproject", "Another name of `resampling`: pixels are read and warped in one step", "bilinear"
    ),
    Parameter(
        "method",
        f"Way to combine items: {', '.join(METHODS)}. `last`, the default, has the first item that the "
        f"search finds, the newest, on top",
        "last",
    ),
    Parameter(
        "pixel_selection",
        f"titiler's names for `method`: {', '.join(PIXEL_SELECTIONS)}",
        "first",
    ),
    Parameter("nodata", "Value of missing pixels, instead of the bands' own; `nan` for not-a-number", "0"),
    Parameter("return_mask", "Add a band that tells valid pixels from others; `true` by default", "true"),
    Parameter(
        "buffer",
        f"Pixels to add to each side of a tile, a multiple of 0.5 up to {MAX_BUFFER:.0f}",
        "1",
    ),
    Parameter(
        "padding",
        "Accepted for titiler's clients: resampling always reads the pixels beyond the edges that it needs",
        "0",
    ),
)
"""All parameters that `parse` reads. It ignores others, such as `filter`, which belong to the search."""

# Parameters of titiler that have no meaning here. To ignore them would be a wrong picture.
_REFUSED: Final = {
    "unscale": "use scaling=physical",
    "color_formula": "use rescale, scaling or expression",
    "algorithm": "use expression",
    "algorithm_params": "use expression",
    "asset_bidx": "use assets=key|bidx=1,2",
    "asset_indexes": "use assets=key|bidx=1,2",
    "asset_expression": "use expression",
    "bands_as_assets": "use bands",
}
_NAMES = {parameter.name: parameter for parameter in PARAMETERS}
_MAX_VALUES = 64


def parse(
    query: Iterable[tuple[str, str]],
    products: Sequence[TileProduct],
    format: Format = Format.AUTO,
) -> View:
    """Return the view of query parameters.

    Parameters
    ----------
    query : iterable of (str, str)
        Names and values of the query, in order.
    products : sequence of TileProduct
        Collections whose items may be drawn; all must have the view's bands.
    format : Format
        Format of the answer. Pictures are scaled by the display ranges if the query does not say how;
        GeoTIFF and NPY hold the values unchanged then.

    Raises
    ------
    BadRequestError
        If a value is not allowed; the message has the parameter, its value, and what is allowed.
    """
    given = _with_style(_grouped(query), products, format)
    selection = select(given, products)
    colormap = _colormap(given, selection, products, format)
    scaling, as_bytes = scaling_of(given, selection, format, colormap)
    _check_outputs(selection, colormap, format)
    return View(
        bands=selection.bands,
        expressions=selection.expressions,
        scaling=scaling,
        as_bytes=as_bytes,
        colormap=colormap,
        resampling=_resampling(given),
        method=_method(given),
        nodata=_nodata(given),
        alpha=_flag(given, "return_mask", default=True),
        buffer=_buffer(given),
        format=format,
    )


def _grouped(query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of each parameter of tiles."""
    found: dict[str, list[str]] = {}
    for name, value in query:
        if name in _REFUSED:
            raise BadRequestError(f"{name} is not supported: {_REFUSED[name]}.")
        if name in _NAMES:
            found.setdefault(name, []).append(value)
    for name, values in found.items():
        most = _MAX_VALUES if _NAMES[name].is_repeated else 1
        if len(values) > most:
            raise BadRequestError(f"{name} may be given {most} times at most, got {len(values)}.")
    return found


def _with_style(
    given: dict[str, list[str]], products: Sequence[TileProduct], format: Format
) -> Mapping[str, list[str]]:
    """Return the parameters with those of the style, which count if the query has none of their kind."""
    if not products:
        raise BadRequestError("There is no collection whose bands could be drawn.")
    named = given.get("style")
    if named is None and any(name in given for name in SELECTION):
        return given
    styles = {style.name: style for style in styles_of(products[0])}
    if named is None and not styles:
        raise BadRequestError(f"Collection {products[0].id!r} describes no bands that could be drawn.")
    if named is not None and named[0] not in styles:
        raise BadRequestError(
            f"style={named[0][:40]!r} is not a style of {products[0].id!r}, which has "
            f"{', '.join(styles) or 'none'}."
        )
    style = styles[named[0]] if named else next(iter(styles.values()))
    merged = dict(given)
    groups: list[tuple[str, ...]] = [SELECTION, ("resampling", "reproject"), ("nodata",)]
    if format.is_picture:
        groups += [DISPLAY, ("colormap", "colormap_name")]
    for group in groups:
        if not any(name in given for name in group):
            for name, value in style.parameters:
                if name in group:
                    merged.setdefault(name, []).append(value)
    return merged


def _check_outputs(selection: Selection, colormap: Colormap | None, format: Format) -> None:
    count = len(selection.outputs)
    if colormap is not None and count != 1:
        raise BadRequestError(
            f"A colormap needs one band or expression, got {count}: {', '.join(selection.outputs)}."
        )
    if format.is_picture and count not in (1, 3):
        raise BadRequestError(
            f"A picture needs one or three bands or expressions, got {count}: "
            f"{', '.join(selection.outputs)}. Take the format tif or npy for others."
        )


def _colormap(
    given: Mapping[str, list[str]], selection: Selection, products: Sequence[TileProduct], format: Format
) -> Colormap | None:
    if "colormap" in given and "colormap_name" in given:
        raise BadRequestError("Give either colormap or colormap_name, not both.")
    if "colormap" in given:
        return colormaps.of_json(given["colormap"][0])
    if "colormap_name" in given:
        return colormaps.named(given["colormap_name"][0])
    if not format.is_picture or selection.expressions or any(name in given for name in DISPLAY):
        return None
    return products[0].class_colors.get(selection.bands[0]) if len(selection.bands) == 1 else None


def _one_of(given: Mapping[str, list[str]], name: str, known: Iterable[str]) -> str | None:
    if name not in given:
        return None
    value = given[name][0]
    if value not in known:
        raise BadRequestError(f"{name}={value[:40]!r} is not allowed; it must be one of {', '.join(known)}.")
    return value


def _resampling(given: Mapping[str, list[str]]) -> str:
    found = {
        RESAMPLINGS[value]
        for name in ("resampling", "reproject")
        if (value := _one_of(given, name, RESAMPLINGS))
    }
    if len(found) > 1:
        raise BadRequestError(
            "resampling and reproject must be equal, because pixels are read and warped in one step; got "
            f"{given['resampling'][0]!r} and {given['reproject'][0]!r}."
        )
    return next(iter(found), "near")


def _method(given: Mapping[str, list[str]]) -> str:
    method = _one_of(given, "method", METHODS)
    selection = _one_of(given, "pixel_selection", PIXEL_SELECTIONS)
    if method and selection and method != PIXEL_SELECTIONS[selection]:
        raise BadRequestError(
            f"Give either method or pixel_selection: pixel_selection={selection!r} is method="
            f"{PIXEL_SELECTIONS[selection]!r}, got method={method!r}."
        )
    return method or PIXEL_SELECTIONS[selection or "first"]


def _nodata(given: Mapping[str, list[str]]) -> float | None:
    if "nodata" not in given:
        return None
    try:
        return float(given["nodata"][0])
    except ValueError:
        raise BadRequestError(f"nodata={given['nodata'][0][:40]!r} must be a number or nan.") from None


def _flag(given: Mapping[str, list[str]], name: str, *, default: bool) -> bool:
    value = _one_of(given, name, ("true", "false", "True", "False", "1", "0"))
    return default if value is None else value in ("true", "True", "1")


def _buffer(given: Mapping[str, list[str]]) -> float:
    for name in ("buffer", "padding"):
        text = given.get(name, ["0"])[0]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= MAX_BUFFER or value * 2 % 1:
            raise BadRequestError(
                f"{name}={text[:40]!r} must be a multiple of 0.5 from 0 to {MAX_BUFFER:.0f}."
            )
    _flag(given, "asset_as_band", default=False)
    return float(given.get("buffer", ["0"])[0])
