"""Overviews: their resampling methods, and whether a call may read them.

An overview is read if the call's resampler would make comparable pixels from the full resolution.
`docs/guide/rasters.md` states the rules.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

from landbridge.raster.array_types import Array

if TYPE_CHECKING:
    from landbridge.raster.plan.reads import FileRead


METHOD_ITEM, HIDDEN_ITEM = "OVERVIEW_RESAMPLING", "OVERVIEW_EXCLUDES"
"""Metadata items of a band: the resampling method of its overviews in GDAL's terms, and the pixels that were
excluded: those that a mask hides (`MASK`), or those that the alpha band of this number hides.
"""
# Smallest number of blocks with different pixels, and the share of them that must equal their average.
_MIN_BLOCKS, _MIN_AGREEMENT = 64, 0.99
MASK, NOTHING = "mask", "nothing"
ALL_BANDS = -1

_GDAL_ITEM = "RESAMPLING"
# These methods pick one of the pixels; the others mix several.
_PICKING = ("NEAREST", "MODE")
_MIXING = ("AVERAGE", "BILINEAR", "CUBIC", "CUBICSPLINE", "LANCZOS", "GAUSS")
# These resamplers rank all pixels, of which an overview lacks most.
_RANKING = ("mode", "max", "min", "med", "q1", "q3")


@dataclass(frozen=True, slots=True)
class OverviewOrigin:
    """Origin of one band's overviews.

    `method` is GDAL's name of the resampling method, or None if it is unknown; `excludes` the pixels that
    were excluded, as in `HIDDEN_ITEM`.
    """

    method: str | None = None
    excludes: str = NOTHING


def read_items(
    count: int, own: Sequence[tuple[str, int, str]], overview: Sequence[tuple[str, int, str]]
) -> tuple[OverviewOrigin, ...]:
    """Return the origins of the overviews of a file's bands.

    `own` and `overview` are the metadata items (name, band from 0 or `ALL_BANDS`, value) of the file and of
    its first overview.
    """
    gdal = [value.upper() for name, _, value in overview if name == _GDAL_ITEM]
    methods = {band: value.upper() for name, band, value in own if name == METHOD_ITEM}
    excludes = {band: value for name, band, value in own if name == HIDDEN_ITEM}
    method = methods.get(ALL_BANDS, gdal[0] if gdal else None)
    hidden = excludes.get(ALL_BANDS, NOTHING)
    return tuple(
        OverviewOrigin(methods.get(band, method), excludes.get(band, hidden)) for band in range(count)
    )


def items_of(text: str | None) -> list[tuple[str, int, str]]:
    """Return the items (name, band from 0 or `ALL_BANDS`, value) of a TIFF's GDAL metadata."""
    # GDAL writes no document that declares entities.
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
    # Equal pixels do not distinguish the methods.
    differing = np.ptp(blocks, axis=(1, 3)) >= (2 if overview.dtype.kind in "ui" else 1e-6)
    if differing.sum() < _MIN_BLOCKS:
        return False
    off = np.abs(blocks.mean((1, 3)) - overview)[differing]
    within = 0.5 if overview.dtype.kind in "ui" else 1e-5 * np.abs(overview[differing])
    return bool((off <= within + 1e-9).mean() > _MIN_AGREEMENT)


def overviews_fit(
    origins: Sequence[OverviewOrigin],
    nodata: Sequence[float | None],
    file: "FileRead",
    resampler: str,
    *,
    alpha: int,
    mask: bool,
) -> bool:
    """Return whether all bands of a read may be read from overviews, by its resampler.

    `origins` and `nodata` are those of the file's bands, `alpha` is the number of an alpha band that the
    product does not declare (0: none), and `mask` is True if a mask accompanies the bands.
    """
    # The writer of these overviews did not know an alpha band of another file, or a second one.
    if resampler in _RANKING or file.alpha < 0 or (file.alpha and alpha):
        return False
    hiding = [MASK] if mask else []
    alpha = file.alpha or alpha
    if alpha:
        hiding.append(str(alpha))
    certain = file.certain or (False,) * len(file.indexes)
    return all(
        _band_fits(
            origins[index - 1],
            is_certain or (nodata[index - 1] is None and declared is not None),
            categorical,
            resampler,
        )
        and (not hiding or _excludes_hidden(origins, index, hiding, alpha))
        for index, declared, categorical, is_certain in zip(
            file.indexes, file.nodata, file.categorical, certain, strict=True
        )
        if index != file.alpha
    )


def _band_fits(how: OverviewOrigin, mixed: bool, categorical: bool, resampler: str) -> bool:
    """Return whether a band's overviews fit; `mixed` if their writer did not know the nodata value."""
    picks = how.method in _PICKING
    if resampler == "near":
        return picks if categorical or mixed else True
    # Overviews of integer bands hold rounded averages.
    return how.method in _MIXING and not categorical and not mixed


def _excludes_hidden(
    origins: Sequence[OverviewOrigin], index: int, hiding: Sequence[str], alpha: int
) -> bool:
    """Return whether a band's overviews contain no hidden pixels.

    Either they were excluded, or pixels and alpha were picked at the same positions.
    """
    if hiding == [origins[index - 1].excludes]:
        return True
    return hiding == [str(alpha)] and origins[index - 1].method == origins[alpha - 1].method == "NEAREST"
