"""Checks and defaults of the arguments of raster calls; reads no file."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.geo.units import METERS_PER_DEGREE
from landbridge.suggestions import did_you_mean

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
# These compute new values; the others pick the value of one pixel.
INTERPOLATING = ("bilinear", "cubic", "cubicspline", "lanczos")
BLENDING = (*INTERPOLATING, "average")
_LARGE_DEGREES = 3.0
_MOST_NAMES = 20
FORMATS = ("tif", "png", "jpg")
METHODS = ("last", "first", "mean", "median", "min", "max", "count")


def parse_bands(bands: str | Sequence[str]) -> tuple[str, ...]:
    """Return band names from a string separated by single spaces, a list or a tuple.

    Raises:
        TypeError: if the argument has another type, or a name is not a string.
        ValueError: if there is no band, or an empty name (as from a double space).
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
    """Raise ValueError for the first name without a band in a product."""
    for name in names:
        if name not in bands:
            where = f" in product {product_id!r}" if product_id else ""
            hint = did_you_mean(name, bands)
            raise ValueError(f"band {name!r} is not available{where}: it has {_some(bands)}.{hint}")


def _some(names: Iterable[str]) -> str:
    """Return names as a list in words, of which at most 20 are shown."""
    known = sorted(names)
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return ", ".join(known[:_MOST_NAMES]) + more


def resolve_alpha(
    mask_alpha: bool | str | None, products: Sequence[Mapping[str, "Band"]], product_ids: Sequence[str] = ()
) -> str | None:
    """Return the name of the band that masks by alpha, or None.

    With `mask_alpha` None, an alpha band is used if every product has it: the band marked `is_alpha`,
    otherwise the band named "alpha". A name is used as given.

    Raises:
        ValueError: if `mask_alpha` is neither None, a bool nor a band's name, or a product lacks the band.
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
    """Raise ValueError if the alpha band is requested but is not the last band."""
    if alpha is not None and alpha in names[:-1]:
        raise ValueError(f"the alpha band {alpha!r} must be the last of the bands, got {' '.join(names)!r}")


def check_resampler(resampler: str) -> str:
    """Return a resampler's name unchanged if it is valid.

    Raises:
        ValueError: if it is not one of `RESAMPLERS`.
    """
    return _check_name("resampler", resampler, RESAMPLERS)


def check_method(method: str) -> str:
    """Return the name of a mosaic method unchanged if it is valid.

    Raises:
        ValueError: if it is not one of `METHODS`.
    """
    return _check_name("method", method, METHODS)


def _check_name(argument: str, value: str, names: Collection[str]) -> str:
    """Return the name that equals an argument's value, as a plain string: the value may be an enum's."""
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{argument} must be one of {', '.join(names)}, got {value!r}")
    return next(name for name in names if name == value)


def check_resolution(context: "GeoContext", *, whole: bool = False) -> None:
    """Raise ValueError if an area is smaller than half a pixel because the resolution has a wrong unit.

    A small area may lie within one pixel, but a pixel of several degrees, or one that exceeds twice the
    `whole` area of an image, points to a resolution in meters for a system in degrees.
    """
    step: float | None = getattr(context, "resolution", None)
    if step is None or not (whole or step >= _LARGE_DEGREES):
        return
    from landbridge.geo.grids.crs import parse_crs
    from landbridge.geo.grids.geobox import bounds_of

    given: Any = context
    try:
        is_geographic = parse_crs(given.crs).geographic
        if not (whole or is_geographic):
            return
        left, bottom, right, top = bounds_of(context)
    except ValueError:
        return  # the read reports the error, with all arguments
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
    """Return a GeoContext with the overrides that are not None.

    Raises:
        ValueError: if the GeoContext's class does not allow the change.
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
            # The class's assign() lacks the field, or the value has a wrong type. AOI's TypeErrors name the
            # value.
            if hasattr(geocontext, "shape"):
                raise
        else:
            return changed
    raise ValueError(
        f"a {type(geocontext).__name__} cannot change its {' and '.join(given)}: give an AOI instead"
    )


def default_name(stem: str, bands: Sequence[str], format: str = "tif") -> str:
    """Return the default file name of a download: `{stem}-{band}-{band}.{format}`."""
    return f"{stem}-{'-'.join(bands)}.{check_format(format)}"


def check_format(format: str) -> str:
    """Return a download format unchanged if it is valid.

    Raises:
        ValueError: if it is not tif, png or jpg, in lower case.
    """
    if format not in FORMATS:
        raise ValueError(f"the format must be one of {', '.join(FORMATS)}, got {format!r}")
    return next(name for name in FORMATS if name == format)


def format_of(path: Any) -> str:
    """Return the download format of a path, by its extension.

    Raises:
        TypeError: if the argument is neither a string nor a path.
        ValueError: if the extension is not .tif, .png or .jpg, in lower case.
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


def move_bands_axis(array: np.ndarray[Any, Any], bands_axis: int) -> np.ndarray[Any, Any]:
    """Return an array (band, y, x) with its bands on another axis, from -2 to 2.

    Raises:
        ValueError: if the axis is out of range.
    """
    if not -2 <= bands_axis <= 2:
        raise ValueError(f"bands_axis must be within -2 to 2, got {bands_axis}")
    return np.moveaxis(array, 0, bands_axis) if bands_axis else array


def check_stack_bands_axis(bands_axis: int) -> None:
    """Raise an error if a stack (image, band, y, x) cannot have its bands on this axis.

    Raises:
        NotImplementedError: if the axis is that of the images, 0 or -4.
        ValueError: if the axis is -3 or out of range.
    """
    if bands_axis in (0, -4):
        raise NotImplementedError("bands_axis 0 is the axis of the images in a stack; use 1, 2 or 3")
    if bands_axis not in (1, 2, 3, -1, -2):
        raise ValueError(f"bands_axis of a stack must be 1, 2, 3, -1 or -2, got {bands_axis}")


def move_stack_bands_axis(array: np.ndarray[Any, Any], bands_axis: int) -> np.ndarray[Any, Any]:
    """Return an array (image, band, y, x) with its bands on another axis: 1 to 3, -1 or -2.

    Raises:
        NotImplementedError: if the axis is that of the images, 0 or -4.
        ValueError: if the axis is -3 or out of range.
    """
    check_stack_bands_axis(bands_axis)
    return np.moveaxis(array, 1, bands_axis) if bands_axis != 1 else array
