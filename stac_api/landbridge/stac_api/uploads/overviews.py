"""Overviews of uploaded files: each band by its own resampling method, without masked pixels.

GDAL builds all overviews of a file by one method, without the pixels that it considers masked. Therefore the
bands of one method are put into a virtual file, with the alpha band as its mask, and get overviews there;
another virtual file refers to the overviews of each band. The metadata state how the overviews were made.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rasterio.io import DatasetReader, DatasetWriter

METHOD_ITEM, HIDDEN_ITEM = "OVERVIEW_RESAMPLING", "OVERVIEW_EXCLUDES"
MASK, NOTHING = "mask", "nothing"
MIXED = "PER_BAND"
_CLASSES = ("class", "mask")
_SELECTING = ("NEAREST", "MODE")
_RASTERIO_NAMES = {
    "CUBICSPLINE": "cubic_spline"
}  # GDAL's name in the COG driver -> rasterio's, if it differs
_OVERVIEW_FILE = {"COMPRESS_OVERVIEW": "ZSTD", "ZSTD_LEVEL_OVERVIEW": "1", "BIGTIFF_OVERVIEW": "IF_SAFER"}


@dataclass(frozen=True, slots=True)
class OverviewMethods:
    """Resampling methods of a file's overviews.

    Attributes
    ----------
    bands : tuple of str
        GDAL's name of the method of each band.
    alpha : int
        Number of the band whose zeros mask pixels; 0 if there is no such band.
    mask : bool
        The file has a mask band.
    known_alpha : int
        Number of the band that GDAL knows as alpha; 0 if there is no such band.
    """

    bands: tuple[str, ...]
    alpha: int
    mask: bool
    known_alpha: int

    @property
    def single(self) -> str | None:
        """Method by which GDAL can build all overviews at once; None if they need several."""
        # Any method suits an alpha band that GDAL knows: it stays 0 if all its pixels are masked.
        methods = {method for number, method in enumerate(self.bands, 1) if number != self.known_alpha}
        if len(methods) != 1 or (self.alpha != self.known_alpha and methods != {"NEAREST"}):
            return None
        return methods.pop()

    @property
    def excludes(self) -> str:
        """Masked pixels that overviews leave out, as the metadata state it."""
        if self.mask:
            return MASK
        return str(self.alpha) if self.alpha else NOTHING

    def describe(self, dataset: DatasetWriter) -> None:
        """Write the methods into the metadata of a file, once if all bands have the same."""
        dataset.update_tags(**{METHOD_ITEM: self.single or MIXED, HIDDEN_ITEM: self.excludes})
        for number, method in enumerate(self.bands, 1):
            stale = {METHOD_ITEM, HIDDEN_ITEM} & dataset.tags(number).keys()
            if stale or self.single is None:
                items = {METHOD_ITEM: self.single or method, HIDDEN_ITEM: self.excludes}
                dataset.update_tags(number, **items)


def methods_of(
    source: DatasetReader, bands: Sequence[Mapping[str, Any]], nodata: float | None, wanted: str | None
) -> OverviewMethods:
    """Return the methods of a file's overviews.

    Parameters
    ----------
    source : DatasetReader
        File with the pixels.
    bands : sequence of mapping
        Band of the product at each band index.
    nodata : float or None
        Nodata value of the COG.
    wanted : str or None
        GDAL's name of the method asked for; by default averages. Classes and masks get a method that selects
        pixels in any case.
    """
    flags = source.mask_flag_enums[0]
    kinds = list(source.colorinterp)
    known = kinds.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in kinds else 0
    alpha = known or _alpha_of(bands)
    mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
    exact = [kind is ColorInterp.palette for kind in kinds]
    for number, band in enumerate(bands[: source.count]):
        exact[number] |= band.get("type") in _CLASSES
    selecting = wanted if wanted in _SELECTING else "NEAREST"
    methods = [selecting if is_exact else wanted or "AVERAGE" for is_exact in exact]
    mixed = {method for number, method in enumerate(methods, 1) if number != alpha}
    masks = [alpha > 0, mask, nodata is not None]
    if (alpha and (sum(masks) > 1 or "MODE" in mixed)) or (mask and len({*methods}) > 1):
        # GDAL leaves out pixels masked by one of these. With "nearest" all bands get the same pixels.
        methods = ["NEAREST"] * source.count
    return OverviewMethods(tuple(methods), alpha, mask, known)


def _alpha_of(bands: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of the band that is marked or named as alpha; 0 if there is no such band."""
    for named in ([band.get("is_alpha") for band in bands], [band.get("name") == "alpha" for band in bands]):
        if any(named):
            return named.index(next(filter(None, named))) + 1
    return 0


def resampling_of(method: str) -> str:
    """Return rasterio's name of a method."""
    return _RASTERIO_NAMES.get(method, method.lower())


@contextmanager
def with_overviews(
    text: bytes, target: Path, methods: OverviewMethods, factors: Sequence[int]
) -> Iterator[DatasetReader]:
    """Open a virtual file with overviews in temporary files next to the target."""
    stem = target.with_suffix(".part")
    try:
        with rasterio.open(_build(text, stem, methods, factors)) as dataset:
            yield dataset
    finally:
        for part in stem.parent.glob(f"{stem.name}.*"):
            part.unlink()


def _build(text: bytes, stem: Path, methods: OverviewMethods, factors: Sequence[int]) -> Path:
    """Build overviews of a virtual file; return another virtual file of the same pixels that has them."""
    groups: dict[str, list[int]] = {}
    for number, method in enumerate(methods.bands, 1):
        groups.setdefault(method, []).append(number)
    whole = ET.fromstring(text)  # noqa: S314 - GDAL wrote it
    bands = whole.findall("VRTRasterBand")
    for method, numbers in groups.items():
        part = Path(f"{stem}.{method.lower()}.vrt")
        part.write_bytes(_part(text, numbers, 0 if method in _SELECTING else methods.alpha))
        with rasterio.Env(**_OVERVIEW_FILE), rasterio.open(part, "r+") as chosen:
            chosen.build_overviews(list(factors), Resampling[resampling_of(method)])
        for position, number in enumerate(numbers, 1):
            for level in range(1, len(factors) + 1):
                overview = ET.SubElement(bands[number - 1], "Overview")
                name = ET.SubElement(overview, "SourceFilename", relativeToVRT="0")
                name.text = f"GTIFF_DIR:{level}:{part}.ovr"
                ET.SubElement(overview, "SourceBand").text = str(position)
    target = Path(f"{stem}.whole.vrt")
    target.write_bytes(ET.tostring(whole))
    return target


def _part(text: bytes, numbers: Sequence[int], alpha: int) -> bytes:
    """Return a virtual file of some bands of another, with the alpha band as its mask."""
    part = ET.fromstring(text)  # noqa: S314 - GDAL wrote it
    bands = part.findall("VRTRasterBand")
    for kept in [*bands, *part.findall("OverviewList")]:
        part.remove(kept)
    for position, number in enumerate(numbers, 1):
        bands[number - 1].set("band", str(position))
        part.append(bands[number - 1])
    if alpha:
        mask = ET.SubElement(ET.SubElement(part, "MaskBand"), "VRTRasterBand", dataType="Byte")
        mask.extend(copy.deepcopy(source) for source in bands[alpha - 1].iter("SimpleSource"))
    return ET.tostring(part)
