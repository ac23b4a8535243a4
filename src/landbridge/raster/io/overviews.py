"""Overviews: by which method a file's were made, and whether they fit what a call asks for.

An overview is read if its pixels are such as the resampler would make of the file's own pixels.
`docs/guide/rasters.md` states the rules.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

if TYPE_CHECKING:
    from landbridge.raster.plan.plan import FileRead

Array = np.ndarray[Any, Any]

METHOD_ITEM, HIDDEN_ITEM = "OVERVIEW_RESAMPLING", "OVERVIEW_EXCLUDES"
"""Metadata items of a band: the method of its overviews in GDAL's words, and what was left out of them: what
a mask hides (`MASK`), or the alpha band of this number.
"""
# Of so many blocks at least that differ within, this part must agree.
_FEWEST_TELLING, _AGREED = 64, 0.99
MASK, NOTHING = "mask", "nothing"
ALL_BANDS = -1

_GDAL_ITEM = "RESAMPLING"
# These pick one of the file's pixels; all others mix several.
_PICKING = ("NEAREST", "MODE")
_MIXING = ("AVERAGE", "BILINEAR", "CUBIC", "CUBICSPLINE", "LANCZOS", "GAUSS")
# These rank the pixels themselves: an overview no longer has them.
_RANKING = ("mode", "max", "min", "med", "q1", "q3")


@dataclass(frozen=True, slots=True)
class Overviews:
    """Origin of one band's overviews: GDAL's name of the method, None if it is not known, and what was left
    out, as `HIDDEN_ITEM` tells it.
    """

    method: str | None = None
    excludes: str = NOTHING


def read_items(
    count: int, own: Sequence[tuple[str, int, str]], overview: Sequence[tuple[str, int, str]]
) -> tuple[Overviews, ...]:
    """Return how the overviews of a file's bands were made.

    `own` and `overview` are the metadata items (name, band from zero or `ALL_BANDS`, value) of the file and
    of its first overview.
    """
    gdal = [value.upper() for name, _, value in overview if name == _GDAL_ITEM]
    methods = {band: value.upper() for name, band, value in own if name == METHOD_ITEM}
    excludes = {band: value for name, band, value in own if name == HIDDEN_ITEM}
    method = methods.get(ALL_BANDS, gdal[0] if gdal else None)
    hidden = excludes.get(ALL_BANDS, NOTHING)
    return tuple(Overviews(methods.get(band, method), excludes.get(band, hidden)) for band in range(count))


def items_of(text: str | None) -> list[tuple[str, int, str]]:
    """Return the items (name, band from zero or `ALL_BANDS`, value) of a TIFF's GDAL metadata."""
    # A document that declares entities is not one of GDAL's.
    if not text or not text.lstrip().startswith("<GDALMetadata") or re.search(r"<!", text):
        return []
    try:
        root = ET.fromstring(text.strip(" \0\n"))  # noqa: S314 - see above
    except ET.ParseError:
        return []
    return [
        (item.get("name", ""), int(item.get("sample", ALL_BANDS)), (item.text or "").strip())
        for item in root.iter("Item")
        if item.get("sample", "0").isdigit() and item.get("role") is None
    ]


def is_average(pixels: Array, overview: Array, nodata: float | None) -> bool:
    """Return whether pixels (y, x) of an overview are the averages of two by two pixels each."""
    blocks = pixels.reshape(len(overview), 2, overview.shape[1], 2).astype(np.float64)
    if nodata is not None:
        blocks[blocks == nodata] = np.nan
    # All methods agree on pixels that are alike.
    telling = np.ptp(blocks, axis=(1, 3)) >= (2 if overview.dtype.kind in "ui" else 1e-6)
    if telling.sum() < _FEWEST_TELLING:
        return False
    off = np.abs(blocks.mean((1, 3)) - overview)[telling]
    within = 0.5 if overview.dtype.kind in "ui" else 1e-5 * np.abs(overview[telling])
    return bool((off <= within + 1e-9).mean() > _AGREED)


def fit(
    known: Sequence[Overviews],
    nodata: Sequence[float | None],
    file: "FileRead",
    resampler: str,
    *,
    alpha: int,
    mask: bool,
) -> bool:
    """Return whether all bands of a read may be read from overviews, by its resampler.

    `known` and `nodata` are those of the file's bands, `alpha` is the number of an alpha band that hides
    pixels though the product does not know it (0: none), and `mask` tells of a mask beside the bands.
    """
    # Alpha of another file, or a second one: no writer of these overviews knew of it.
    if resampler in _RANKING or file.alpha < 0 or (file.alpha and alpha):
        return False
    hiding = [MASK] if mask else []
    alpha = file.alpha or alpha
    if alpha:
        hiding.append(str(alpha))
    return all(
        _fits(known[index - 1], nodata[index - 1] is None and declared is not None, exact, resampler)
        and (not hiding or _hides(known, index, hiding, alpha))
        for index, declared, exact in zip(file.indexes, file.nodata, file.exact, strict=True)
        if index != file.alpha
    )


def _fits(how: Overviews, mixed: bool, exact: bool, resampler: str) -> bool:
    """Return whether a band's overviews fit; `mixed`: their writer did not know its nodata value."""
    picks = how.method in _PICKING
    if resampler == "near":
        return picks if exact or mixed else True
    # Averages of whole numbers are whole numbers in an overview of them.
    return how.method in _MIXING and not exact and not mixed


def _hides(known: Sequence[Overviews], index: int, hiding: Sequence[str], alpha: int) -> bool:
    """Return whether nothing hidden is in a band's overviews: it was left out, or what hides it was picked at
    the same places.
    """
    if hiding == [known[index - 1].excludes]:
        return True
    return hiding == [str(alpha)] and known[index - 1].method == known[alpha - 1].method == "NEAREST"
