"""The arguments of the rastering methods, checked and completed; nothing here reads a file."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.geo.units import METERS_PER_DEGREE

if TYPE_CHECKING:
    from landbridge.geo import GeoContext
    from landbridge.raster.model import Band

RESAMPLERS = {
    # The Catalog's name: GDAL's (rasterio's) name.
    "near": "nearest",
    "bilinear": "bilinear",
    "cubic": "cubic",
    "cubicspline": "cubic_spline",
    "lanczos": "lanczos",
    "average": "average",
    "mode": "mode",
    "max": "max",
    "min": "min",
    "med": "med",
    "q1": "q1",
    "q3": "q3",
}
# These make values that no pixel has; the others pick one of the pixels.
INTERPOLATING = ("bilinear", "cubic", "cubicspline", "lanczos")
BLENDING = (*INTERPOLATING, "average")
_LARGE_DEGREES = 3.0
FORMATS = ("tif", "png", "jpg")
METHODS = ("last", "first", "mean", "median", "min", "max", "count")


def parse_bands(bands: str | Sequence[str]) -> tuple[str, ...]:
    """Band names from a text separated by single spaces, a list or a tuple.

    Raises:
        TypeError: it is of another type, or a name is no text.
        ValueError: there is no band, or an empty name (as from a double space).
    """
    if isinstance(bands, str):
        names: Sequence[str] = bands.split(" ")
    elif isinstance(bands, (list, tuple)):
        names = bands
    else:
        raise TypeError(f"bands must be a string, list or tuple of band names, got {type(bands).__name__}")
    if not names:
        raise ValueError("bands must name at least one band")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"band names must be strings, got {name!r}")
        if not name:
            raise ValueError(f"bands holds an empty name: {bands!r} (names are separated by one space)")
    return tuple(names)


def check_available(names: Sequence[str], bands: Mapping[str, Any], product_id: str = "") -> None:
    """Raise ValueError for the first name that a product has no band of."""
    for name in names:
        if name not in bands:
            where = f" in product {product_id!r}" if product_id else ""
            raise ValueError(f"band {name!r} is not available{where}: it has {', '.join(sorted(bands))}")


def resolve_alpha(
    mask_alpha: bool | str | None, products: Sequence[Mapping[str, "Band"]], product_ids: Sequence[str] = ()
) -> str | None:
    """The name of the band that masks by alpha, or None.

    None asks for one exactly if every product has it: the band marked `is_alpha`, else the band named
    "alpha". A name is taken literally.

    Raises:
        ValueError: `mask_alpha` is neither None, a bool nor a band's name, or a product lacks the band.
    """
    if mask_alpha is False:
        return None
    if mask_alpha is not None and mask_alpha is not True and not isinstance(mask_alpha, str):
        raise ValueError(f"mask_alpha must be None, a band name, or a bool, got {mask_alpha!r}")
    name = mask_alpha if isinstance(mask_alpha, str) else _alpha_name(products)
    lacking = [
        product_ids[position] if position < len(product_ids) else ""
        for position, bands in enumerate(products)
        if name not in bands
    ]
    if not lacking:
        return name
    if mask_alpha is None:
        return None
    raise ValueError(f"mask_alpha is {mask_alpha!r}, but there is no band {name!r} in product {lacking[0]!r}")


def check_alpha_position(names: Sequence[str], alpha: str | None) -> None:
    """Raise ValueError if the alpha band is requested elsewhere than last."""
    if alpha is not None and alpha in names[:-1]:
        raise ValueError(f"the alpha band {alpha!r} must be the last of the bands, got {' '.join(names)!r}")


def check_resampler(resampler: str) -> str:
    """A resampler's name, if it is one.

    Raises:
        ValueError: it is not one of the twelve.
    """
    if not isinstance(resampler, str) or resampler not in RESAMPLERS:
        raise ValueError(f"resampler must be one of {', '.join(RESAMPLERS)}, got {resampler!r}")
    return next(name for name in RESAMPLERS if name == resampler)


def check_method(method: str) -> str:
    """A mosaic's method, if it is one.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    return next(name for name in METHODS if name == method)


def move_bands_axis(array: np.ndarray[Any, Any], bands_axis: int) -> np.ndarray[Any, Any]:
    """An array (band, y, x) with its bands on another axis, -2 to 2.

    Raises:
        ValueError: the axis is out of range.
    """
    if not -2 <= bands_axis <= 2:
        raise ValueError(f"bands_axis must be within -2 to 2, got {bands_axis}")
    return np.moveaxis(array, 0, bands_axis) if bands_axis else array


def move_stack_bands_axis(array: np.ndarray[Any, Any], bands_axis: int) -> np.ndarray[Any, Any]:
    """An array (image, band, y, x) with its bands on another axis: 1 to 3, -1 or -2.

    Raises:
        NotImplementedError: the axis is that of the images, 0 or -4.
        ValueError: the axis is -3 or out of range.
    """
    if bands_axis in (0, -4):
        raise NotImplementedError("bands_axis 0 is the axis of the images in a stack; use 1, 2 or 3")
    if bands_axis not in (1, 2, 3, -1, -2):
        raise ValueError(f"bands_axis of a stack must be 1, 2, 3, -1 or -2, got {bands_axis}")
    return np.moveaxis(array, 1, bands_axis) if bands_axis != 1 else array


def check_resolution(context: "GeoContext", *, whole: bool = False) -> None:
    """Raise ValueError if an area would be one pixel because its resolution is in the unit of another system.

    Small areas may lie within a pixel, but no pixels are several degrees large that show half of them; and
    the `whole` area of an image is never within half a pixel.
    """
    step: float | None = getattr(context, "resolution", None)
    if step is None or not (whole or step >= _LARGE_DEGREES):
        return
    from landbridge.raster.grids.crs import crs_of
    from landbridge.raster.grids.geobox import bounds_of

    given: Any = context
    try:
        is_geographic = crs_of(given.crs).geographic
        if not (whole or is_geographic):
            return
        left, bottom, right, top = bounds_of(context)
    except ValueError:
        return  # reading tells, with all arguments
    width, height = right - left, top - bottom
    if step < 2 * max(width, height) or not max(width, height):
        return
    unit, hint = "units of the crs", ""
    if is_geographic:
        unit, hint = "degrees", f"; {step:g} m are about {step / METERS_PER_DEGREE:.3g} degrees"
    raise ValueError(
        f"resolution {step:g} is larger than the whole area, which is {width:.6g} x {height:.6g} in "
        f"{given.crs!r}: the result would be one pixel. A resolution is in {unit}{hint}"
    )


def override(
    geocontext: "GeoContext",
    *,
    crs: str | None = None,
    resolution: float | None = None,
    all_touched: bool | None = None,
) -> "GeoContext":
    """A GeoContext with the overrides that are not None.

    Raises:
        ValueError: the GeoContext's kind cannot change in that.
    """
    given = {
        name: value
        for name, value in (("crs", crs), ("resolution", resolution), ("all_touched", all_touched))
        if value is not None
    }
    if not given:
        return geocontext
    assign = getattr(geocontext, "assign", None)
    if assign is not None:
        try:
            changed: GeoContext = assign(**given)
        except TypeError:
            # The kind's assign() lacks the field, or the value is of a wrong type; AOI's TypeErrors say
            # which.
            if hasattr(geocontext, "shape"):
                raise
        else:
            return changed
    raise ValueError(
        f"a {type(geocontext).__name__} cannot change its {' and '.join(given)}: give an AOI instead"
    )


def default_name(stem: str, bands: Sequence[str], format: str = "tif") -> str:
    """The file name a download gets by default: `{stem}-{band}-{band}.{format}`."""
    return f"{stem}-{'-'.join(bands)}.{check_format(format)}"


def check_format(format: str) -> str:
    """A download format, if it is one.

    Raises:
        ValueError: it is not tif, png or jpg, in lower case.
    """
    if format not in FORMATS:
        raise ValueError(f"the format must be one of {', '.join(FORMATS)}, got {format!r}")
    return next(name for name in FORMATS if name == format)


def format_of(path: Any) -> str:
    """The download format of a path, by its extension.

    Raises:
        TypeError: it is neither text nor a path.
        ValueError: the extension is not .tif, .png or .jpg, in lower case.
    """
    if not isinstance(path, (str, PurePath)):
        raise TypeError(f"the destination must be a path, got {type(path).__name__}")
    extension = PurePath(path).suffix
    try:
        return check_format(extension.removeprefix("."))
    except ValueError:
        raise ValueError(
            f"the extension of {str(path)!r} must be one of .{', .'.join(FORMATS)}, got {extension!r}"
        ) from None


def _alpha_name(products: Sequence[Mapping[str, "Band"]]) -> str:
    marked = {band.name for bands in products for band in bands.values() if band.is_alpha}
    everywhere = [name for name in sorted(marked) if all(name in bands for bands in products)]
    return everywhere[0] if everywhere and "alpha" not in everywhere else "alpha"
