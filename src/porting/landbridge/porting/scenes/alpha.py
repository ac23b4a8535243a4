"""The band "alpha" of products that have none: the old products had it, and sources of today do not.

It is 1 at pixels at which a requested band has data, and 0 at pixels at which all of them are masked. Files
have no such band: their pixels without data have the nodata value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ALPHA", "read_with_alpha"]

ALPHA: Final = "alpha"
_DESCRIPTION: Final = {"name": ALPHA, "type": "mask", "data_range": (0, 1), "display_range": (0, 1)}


def read_with_alpha(
    read: Callable[..., Any],
    bands: str | Sequence[str],
    known: Sequence[str],
    *,
    bands_axis: int,
    mask_nodata: bool,
    mask_alpha: bool | str | None,
    scaling: Any,
    raster_info: bool,
    **options: Any,
) -> Any:
    """Return the pixels that a method of the Catalog reads, with an alpha band that its products may lack.

    Parameters
    ----------
    read : callable
        Method of an image or a collection that returns pixels.
    bands : str or sequence of str
        Names of the bands, which may include "alpha".
    known : sequence of str
        Names of the bands of all products.
    bands_axis : int
        Axis of the bands in the result.
    mask_nodata : bool
        Mask pixels without data, in each band.
    mask_alpha : bool or str or None
        Mask pixels at which alpha is 0, in all bands. None does if there is an alpha band.
    scaling : object
        Scaling as the method takes it.
    raster_info : bool
        Return a description too.
    **options
        Further arguments of the method.

    Returns
    -------
    numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and its description
        As the method returns.

    Raises
    ------
    ValueError
        If alpha is requested, and not as the last band.
    """
    names = bands.split(" ") if isinstance(bands, str) else list(bands)
    is_last = names[-1:] == [ALPHA]
    if ALPHA in known or not (ALPHA in names or mask_alpha is True or mask_alpha == ALPHA):
        masks = {"mask_nodata": mask_nodata, "mask_alpha": mask_alpha}
        return read(
            bands, bands_axis=bands_axis, scaling=scaling, raster_info=raster_info, **masks, **options
        )
    if ALPHA in names[:-1]:
        raise ValueError(f"'{ALPHA}' must be the last band; got {bands!r}.")
    options |= {"bands_axis": bands_axis, "scaling": _without_alpha(scaling, names), "raster_info": True}
    # Without another band, the first one of the product shows where there is data.
    others = [name for name in names if name != ALPHA] or list(known[:1])
    pixels, info = read(others, mask_nodata=True, mask_alpha=False, **options)
    mask = np.ma.getmaskarray(pixels)
    hidden = mask.all(axis=bands_axis, keepdims=True)
    if not mask_nodata:
        pixels, _ = read(others, mask_nodata=False, mask_alpha=False, **options)
        mask = np.broadcast_to(hidden & (mask_alpha is not False), mask.shape)
    values = np.where(mask, 0, np.ma.getdata(pixels)) if mask_nodata else np.ma.getdata(pixels)
    if is_last:
        alpha = (~hidden).astype(values.dtype)
        kept = len(names) - 1  # 0 if only alpha is requested
        values = np.concatenate([np.take(values, range(kept), bands_axis), alpha], axis=bands_axis)
        hidden_alpha = hidden & (mask_alpha is not False)
        mask = np.concatenate([np.take(mask, range(kept), bands_axis), hidden_alpha], axis=bands_axis)
        info = _with_alpha(info, kept)
    result = np.ma.MaskedArray(values, mask) if mask_nodata or mask_alpha is not False else values
    return (result, info) if raster_info else result


def _without_alpha(scaling: Any, names: Sequence[str]) -> Any:
    """Return a scaling without the entry of alpha, which is not scaled."""
    if isinstance(scaling, (list, tuple)) and names[-1:] == [ALPHA] and len(scaling) == len(names):
        return scaling[:-1] or None
    return scaling


def _with_alpha(info: Any, kept: int) -> Any:
    """Return descriptions of rasters, one or a list, with that of the alpha band after the first bands."""
    if isinstance(info, list):
        return [_with_alpha(each, kept) for each in info]
    described: Mapping[str, Any] = info
    first = described["bands"][0]
    alpha = {
        **first,
        "band": kept + 1,
        "description": {**_DESCRIPTION, "data_type": first["type"]},
        "colorInterpretation": "Alpha",
    }
    alpha.pop("noDataValue", None)
    return {**described, "bands": [*described["bands"][:kept], alpha]}
