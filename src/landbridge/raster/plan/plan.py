"""The plan of a rastering call: everything that is decided before a file is opened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from landbridge.raster.composite.reducers import worked_type
from landbridge.raster.dtypes import blended_type, common_type, data_type_of, numpy_type, stored_type
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.cutlines import Cutline, cutline_on, is_within_a_pixel
from landbridge.raster.grids.geobox import output_grid
from landbridge.raster.grids.grid_footprint import reach
from landbridge.raster.model import Band, Request, Source
from landbridge.raster.plan.arguments import (
    BLENDING,
    check_alpha_position,
    check_available,
    check_method,
    check_resampler,
    resolve_alpha,
)
from landbridge.raster.plan.calibration import Calibration, calibration
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.processing_levels import Level, level_of
from landbridge.raster.plan.scaling import Scale, collection_scaling_parameters

# A whole number of fewer steps than these loses too much in an overview of whole numbers.
_FEW = 100


@dataclass(frozen=True, slots=True)
class FileRead:
    """The bands that one file of an image gives: file bands count from one, positions in `Plan.fetched`.

    `nodata` are the Bands' own values, which count where the file has none. `declared` are the file's bands
    that the product knows, which tells an alpha band of its own from one that nobody speaks of. `exact` tells
    which bands have classes or very few values, of which nothing between means anything. `alpha` is the
    number of the band that hides pixels: 0 if there is none, -1 if it is in another file.
    `calibrations` lead to the processing level that is wanted; None: the band's pixels are taken as stored.
    """

    href: str
    names: tuple[str, ...]
    indexes: tuple[int, ...]
    positions: tuple[int, ...]
    nodata: tuple[float | None, ...]
    declared: frozenset[int]
    calibrations: tuple[Calibration | None, ...]
    exact: tuple[bool, ...] = ()
    alpha: int = 0

    @property
    def calibrated(self) -> bool:
        """Whether any band's pixels are taken otherwise than as stored."""
        return any(calibration is not None for calibration in self.calibrations)

    def only(self, number: int) -> "FileRead":
        """Return the read of a single one of the bands, as stored."""
        return replace(
            self,
            names=self.names[number : number + 1],
            indexes=self.indexes[number : number + 1],
            positions=self.positions[number : number + 1],
            nodata=self.nodata[number : number + 1],
            calibrations=(None,),
            exact=self.exact[number : number + 1],
        )


@dataclass(frozen=True, slots=True)
class SourceRead:
    """An image and the reads it takes; a band whose file it lacks is in none of them."""

    source: Source
    files: tuple[FileRead, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One output grid, what to read for it, and what becomes of the values.

    `bands` are the requested ones, `fetched` these plus an alpha band that is needed only to mask; `alpha` is
    its position there. `sources` keep the order of the call: by the method "last" the last wins.
    `data_type` is that of the values before they are scaled to `output_type`.
    """

    geobox: GeoBox
    bands: tuple[Band, ...]
    fetched: tuple[str, ...]
    alpha: int | None
    sources: tuple[SourceRead, ...]
    cutline: Cutline | None
    all_touched: bool
    mask_nodata: bool
    resampler: str
    data_type: str
    scales: tuple[Scale, ...] | None
    output_type: str
    method: str = "last"

    @property
    def masked(self) -> bool:
        """Whether the result has a mask."""
        return self.mask_nodata or self.alpha is not None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(bands, rows, columns) of the result."""
        rows, columns = self.geobox.shape.yx
        return (len(self.bands), rows, columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of the values before they are scaled."""
        return numpy_type(self.data_type)

    @property
    def worked_type(self) -> str:
        """The data type in which pixels are resampled and laid over each other: a floating one if the
        resampler makes values that no pixel has, so that they are rounded only once, in the output.
        """
        return blended_type(self.data_type) if self.blends else self.data_type

    @property
    def worked_dtype(self) -> np.dtype[Any]:
        """The numpy type of `worked_type`."""
        return numpy_type(self.worked_type)

    @property
    def blends(self) -> bool:
        """True if the resampler makes values that no pixel has."""
        return self.resampler in BLENDING

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """The numpy type of the result."""
        return numpy_type(self.output_type)

    @property
    def is_half(self) -> bool:
        """True if pixels of Float16 are taken as they are, so that nothing may be lost when they narrow."""
        return (
            self.output_type == "Float16"
            and self.data_type == stored_type(self.output_type)
            and self.scales is None
            and self.resampler == "near"
            and all(band.data_type == self.output_type for band in self.bands)
            and not any(file.calibrated for source in self.sources for file in source.files)
        )

    @property
    def hrefs(self) -> tuple[str, ...]:
        """The files the result may come from, each once."""
        return tuple(dict.fromkeys(file.href for source in self.sources for file in source.files))

    def widened(self, dtype: np.dtype[Any]) -> "Plan":
        """The plan with a type that also holds a file's values; the output's type too if it follows
        theirs.
        """
        wider = common_type([self.data_type, data_type_of(dtype)])
        follows = (
            self.scales is None and stored_type(self.output_type) == self.data_type and self.method != "count"
        )
        return replace(self, data_type=wider, output_type=wider if follows else self.output_type)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Parts that all plans of a call share.

    `levels` are by the identity of a product's bands and their names; `reads` are the files of images that
    have their bands in the same places.
    """

    geobox: GeoBox
    reach: BaseGeometry | None
    cutline: Cutline | None
    bands: tuple[Band, ...]
    levels: Mapping[int, Mapping[str, Level]]
    data_type: str
    scales: tuple[Scale, ...] | None
    output_type: str
    reads: dict[tuple[Any, ...], list[tuple[int, FileRead]]] = field(default_factory=dict)


def make_plan(sources: Sequence[Source], request: Request) -> Plan:
    """The plan of mosaicking images, the last on top; one image is read the same way. See `make_plans`."""
    return make_plans([sources], request)[0]


def make_plans(groups: Sequence[Sequence[Source]], request: Request) -> list[Plan]:
    """The plans of mosaicking each group of images, of one grid: the products of all decide their types and
    scales.

    Raises:
        ValueError: there are no images, a band is not available in every product, the GeoContext is not
            complete, an argument is out of range, or a processing level has a step that is not known.
        RasterError: an image has none of the files, as remote images have, or not the coefficients that a
            processing level takes.
    """
    if not all(groups):
        raise ValueError("there are no images to raster")
    sources = [source for group in groups for source in group]
    frame = _frame(_products(sources), request)
    near = Footprints(sources).touching(frame.reach)
    _check_held(sources, near, request.bands)
    touching = iter(near)
    return [_plan(group, [*islice(touching, len(group))], request, frame) for group in groups]


def _frame(products: Sequence[Source], request: Request) -> _Frame:
    for source in products:
        check_available(request.bands, source.bands, source.product_id)
    check_resampler(request.resampler)
    check_method(request.method)
    if request.method == "count" and request.scaling is not None:
        raise ValueError(
            f"the method count gives numbers of images, which no scaling applies to: got {request.scaling!r}"
        )
    geobox = output_grid(request.geocontext)
    typed = [[source.bands[name] for name in request.bands] for source in products]
    levels = {
        id(source.bands): {band.name: level_of(band, request.processing_level) for band in bands}
        for source, bands in zip(products, typed, strict=True)
    }
    scales, output_type = collection_scaling_parameters(
        typed, request.processing_level, request.scaling, request.data_type
    )
    if request.method == "count":
        output_type = request.data_type or worked_type(request.method, output_type)
    if scales is not None and all(scale is None for scale in scales):
        scales = None
    context: Any = request.geocontext
    geometry = context.geometry if "cutline" in request.geocontext.raster_params else None
    return _Frame(
        geobox=geobox,
        reach=reach(geobox),
        cutline=cutline_on(geometry, geobox),
        bands=tuple(typed[0]),
        levels=levels,
        data_type=stored_type(
            common_type(level.data_type for found in levels.values() for level in found.values())
        ),
        scales=None if scales is None else tuple(scales),
        output_type=output_type,
    )


def _plan(sources: Sequence[Source], touching: Sequence[bool], request: Request, frame: _Frame) -> Plan:
    products = _products(sources)
    alpha = resolve_alpha(
        request.mask_alpha, [source.bands for source in products], [source.product_id for source in products]
    )
    check_alpha_position(request.bands, alpha)
    fetched = request.bands if alpha is None or alpha in request.bands else (*request.bands, alpha)
    for source, near in zip(sources, touching, strict=True):
        if near:
            _check_alpha(source, alpha, request.bands)
    return Plan(
        geobox=frame.geobox,
        bands=frame.bands,
        fetched=fetched,
        alpha=None if alpha is None else fetched.index(alpha),
        sources=tuple(
            reads
            for source, near in zip(sources, touching, strict=True)
            if near and (reads := _reads(source, fetched, alpha, frame)).files
        ),
        cutline=frame.cutline,
        # An area smaller than a pixel may hold no pixel's center, and is still somewhere.
        all_touched=request.geocontext.all_touched or is_within_a_pixel(frame.cutline, frame.geobox),
        mask_nodata=bool(request.mask_nodata),
        resampler=request.resampler,
        data_type=frame.data_type,
        scales=frame.scales,
        output_type=frame.output_type,
        method=request.method,
    )


def _products(sources: Sequence[Source]) -> list[Source]:
    """One image of each product, in order; images of one product share its bands."""
    return list({(source.product_id, id(source.bands)): source for source in reversed(sources)}.values())[
        ::-1
    ]


def _check_held(sources: Sequence[Source], touching: Iterable[bool], names: Sequence[str]) -> None:
    """Refuse bands that no image has, and images in reach without any file.

    A band that only some of the images have is masked in the others.
    """
    missing = set(names)
    for source, near in zip(sources, touching, strict=True):
        held = {name for name in missing if source.place(name)}
        missing -= held
        if near and not held and not any(source.files):
            raise RasterError(
                f"image {source.id!r} has no file for {_named(names)}: its pixels are not stored here, as "
                "for images of storage state 'remote', and cannot be rastered",
                source.id,
                tuple(names),
            )
    if missing:
        source, lacking = sources[0], [name for name in names if name in missing]
        raise RasterError(
            f"image {source.id!r} has no {', no '.join(_asset(source, name) for name in lacking)}, nor has "
            "any other image of this call: ask for bands that the images have",
            source.id,
            tuple(lacking),
        )


def _check_alpha(source: Source, alpha: str | None, names: Sequence[str]) -> None:
    """Refuse an image without the alpha band that is read only to mask it: its pixels would be lost."""
    if alpha is not None and alpha not in names and source.place(alpha) is None:
        raise RasterError(
            f"image {source.id!r} has no {_asset(source, alpha)}, which masks its pixels: pass "
            "mask_alpha=False to read them unmasked",
            source.id,
            (alpha,),
        )


def _asset(source: Source, name: str) -> str:
    """Return a band's asset in words."""
    asset = source.bands[name].asset
    if asset is None:
        return f"asset with band {name!r}"
    return f"asset {asset!r} with band {name!r}"


def _is_exact(band: Band) -> bool:
    """Return whether nothing between a band's values means anything: it has classes, or very few values."""
    low, high = band.data_range or (0, _FEW)
    return band.type in ("mask", "class") or high - low < _FEW


def _reads(source: Source, fetched: Sequence[str], alpha: str | None, frame: _Frame) -> SourceRead:
    # Images of a product differ in their addresses and coefficients only, if not also in their files.
    key = (alpha, id(source.bands), (*map(bool, source.files),), (*source.places.items(),))
    reads = frame.reads.get(key)
    if reads is None:
        reads = frame.reads[key] = _files_of(source, fetched, alpha)
    levels = frame.levels[id(source.bands)]
    return SourceRead(
        source,
        tuple(
            FileRead(
                source.files[number],
                file.names,
                file.indexes,
                file.positions,
                file.nodata,
                file.declared,
                # An alpha band that is fetched only to mask has no level.
                tuple(
                    [
                        None if (level := levels.get(band.name)) is None else calibration(source, band, level)
                        for band in [source.bands[fetched[position]] for position in file.positions]
                    ]
                ),
                file.exact,
                file.alpha,
            )
            for number, file in reads
        ),
    )


def _files_of(source: Source, fetched: Sequence[str], alpha: str | None) -> list[tuple[int, FileRead]]:
    """Return what each of an image's files gives, as stored, by the file's position in `files`."""
    hiding = None if alpha is None else source.place(alpha)
    files: dict[int, list[tuple[int, int]]] = {}
    for position, name in enumerate(fetched):
        if place := source.place(name):
            files.setdefault(place[0], []).append((position, place[1]))
    known: dict[int, list[int]] = {}
    for name in source.bands:
        if (place := source.place(name)) and place[0] in files:
            known.setdefault(place[0], []).append(place[1] + 1)
    reads = []
    for file, found in files.items():
        bands = [source.bands[fetched[position]] for position, _ in found]
        read = FileRead(
            href=source.files[file],
            names=tuple(band.name for band in bands),
            indexes=tuple(index + 1 for _, index in found),
            positions=tuple(position for position, _ in found),
            nodata=tuple(band.nodata for band in bands),
            declared=frozenset(known[file]),
            calibrations=(None,) * len(bands),
            exact=tuple(map(_is_exact, bands)),
            alpha=0 if alpha is None else hiding[1] + 1 if hiding and hiding[0] == file else -1,
        )
        reads.append((file, read))
    return reads


def _named(names: Sequence[str]) -> str:
    return f"band{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
