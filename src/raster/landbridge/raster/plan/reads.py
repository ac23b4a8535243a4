"""Reads of a plan: the bands that each file of an image provides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from landbridge.raster.model import Band, Source
from landbridge.raster.plan.calibration import Calibration

# Integer bands with fewer distinct values lose too much precision in averaged overviews.
_FEW_VALUES = 100


@dataclass(frozen=True, slots=True)
class FileRead:
    """Bands to read from one file of an image.

    `indexes` are band numbers in the file, from 1; `positions` are positions in `Plan.read_bands`. `nodata`
    are the Bands' values, used if the file has none. `declared` are the bands of the file that the product
    declares; an alpha band that is not among them masks the file. `categorical` marks bands of classes or of
    very few values, which must not be interpolated. `alpha` is the number of the band that hides pixels: 0 if
    there is none, -1 if it is in another read. `calibrations` lead to the requested processing level; None
    keeps the stored values. If `picked` is true, the bands are read by nearest neighbor with any resampler.
    `certain` marks bands whose `nodata` takes precedence over the file's; empty: none.
    """

    href: str
    names: tuple[str, ...]
    indexes: tuple[int, ...]
    positions: tuple[int, ...]
    nodata: tuple[float | None, ...]
    declared: frozenset[int]
    calibrations: tuple[Calibration | None, ...]
    categorical: tuple[bool, ...] = ()
    alpha: int = 0
    picked: bool = False
    certain: tuple[bool, ...] = ()

    @property
    def calibrated(self) -> bool:
        """True if any band's stored values are calibrated."""
        return any(calibration is not None for calibration in self.calibrations)

    def single_band(self, number: int) -> "FileRead":
        """Return the read of one of the bands, without calibration."""
        return replace(
            self,
            names=self.names[number : number + 1],
            indexes=self.indexes[number : number + 1],
            positions=self.positions[number : number + 1],
            nodata=self.nodata[number : number + 1],
            calibrations=(None,),
            categorical=self.categorical[number : number + 1],
            certain=self.certain[number : number + 1],
        )


@dataclass(frozen=True, slots=True)
class SourceRead:
    """Image and its file reads, which omit bands without a file."""

    source: Source
    files: tuple[FileRead, ...]


def _is_categorical(band: Band) -> bool:
    """Return whether a band's values must not be interpolated: it has classes, or very few values."""
    low, high = band.data_range or (0, _FEW_VALUES)
    return band.type in ("mask", "class") or high - low < _FEW_VALUES


def file_reads(
    source: Source, read_bands: Sequence[str], alpha: str | None, marks: frozenset[str] = frozenset()
) -> list[tuple[int, FileRead]]:
    """Return the reads of an image's files without calibration, with their positions in `files`.

    A file whose bands are partly in `marks`, masks that are computed from stored values, has two reads.
    """
    alpha_place = None if alpha is None else source.place(alpha)
    files: dict[tuple[int, bool], list[tuple[int, int]]] = {}
    for position, name in enumerate(read_bands):
        if place := source.place(name):
            files.setdefault((place[0], name in marks), []).append((position, place[1]))
    stored = {file for file, _ in files}
    known: dict[int, list[int]] = {}
    for name in source.bands:
        if (place := source.place(name)) and place[0] in stored:
            known.setdefault(place[0], []).append(place[1] + 1)
    reads = []
    for (file, picked), found in files.items():
        bands = [source.bands[read_bands[position]] for position, _ in found]
        read = FileRead(
            href=source.files[file],
            names=tuple(band.name for band in bands),
            indexes=tuple(index + 1 for _, index in found),
            positions=tuple(position for position, _ in found),
            nodata=tuple(band.nodata for band in bands),
            declared=frozenset(known[file]),
            calibrations=(None,) * len(bands),
            categorical=tuple(map(_is_categorical, bands)),
            alpha=0
            if alpha is None
            else alpha_place[1] + 1
            if alpha_place and alpha_place[0] == file and not picked
            else -1,
            picked=picked,
        )
        reads.append((file, read))
    return reads
