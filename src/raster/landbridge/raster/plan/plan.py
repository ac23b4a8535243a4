"""Plan of a raster call: all decisions that need no file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.geobox import output_grid
from landbridge.raster.dtypes import (
    common_type,
    compute_type,
    data_type_of,
    file_data_type,
    interpolation_type,
    numpy_type,
)
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.cutlines import Cutline, cutline_on, is_within_a_pixel
from landbridge.raster.grids.grid_footprint import ground_footprint
from landbridge.raster.model import Band, Request, Source
from landbridge.raster.plan.arguments import (
    BLENDING,
    check_alpha_position,
    check_available,
    check_method,
    check_resampler,
    resolve_alpha,
)
from landbridge.raster.plan.calibration import calibration
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.image_levels import (
    certain_nodata,
    image_bases,
    stored_nodata,
    with_image_numbers,
    with_stored_types,
)
from landbridge.raster.plan.processing_levels import ProcessingLevel, processing_level_of
from landbridge.raster.plan.reads import FileRead, SourceRead, file_reads
from landbridge.raster.plan.scaling import Basis, collection_scaling_parameters
from landbridge.raster.rescale import Scale


@dataclass(frozen=True, slots=True)
class Plan:
    """Output grid, reads, and conversion of the values.

    `bands` are the requested bands; `read_bands` adds an alpha band that is read only to mask, and `alpha` is
    its position there. `sources` keep the order of the call: with the method "last" the last image wins.
    `data_type` is the type of the values before they are scaled to `output_type`.
    """

    geobox: GeoBox
    bands: tuple[Band, ...]
    read_bands: tuple[str, ...]
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
        """True if the result has a mask."""
        return self.mask_nodata or self.alpha is not None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (bands, rows, columns) of the result."""
        rows, columns = self.geobox.shape.yx
        return (len(self.bands), rows, columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Numpy type of the values before they are scaled."""
        return numpy_type(self.data_type)

    @property
    def compute_type(self) -> str:
        """Data type in which pixels are resampled and combined.

        It is a floating type if the resampler computes new values, so that they are rounded only once, in the
        output.
        """
        return interpolation_type(self.data_type) if self.blends else self.data_type

    @property
    def compute_dtype(self) -> np.dtype[Any]:
        """Numpy type of `compute_type`."""
        return numpy_type(self.compute_type)

    @property
    def blends(self) -> bool:
        """True if the resampler computes new values rather than picking pixels."""
        return self.resampler in BLENDING

    def resampler_of(self, file: FileRead) -> str:
        """Return the resampler of a file's bands."""
        return "near" if file.picked else self.resampler

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """Numpy type of the result."""
        return numpy_type(self.output_type)

    @property
    def passes_float16(self) -> bool:
        """True if Float16 pixels are returned unchanged, so that the final conversion must lose nothing."""
        return (
            self.output_type == "Float16"
            and self.data_type == file_data_type(self.output_type)
            and self.scales is None
            and self.resampler == "near"
            and all(band.data_type == self.output_type for band in self.bands)
            and not any(file.calibrated for source in self.sources for file in source.files)
        )

    @property
    def hrefs(self) -> tuple[str, ...]:
        """Addresses of the files that are read, without duplicates."""
        return tuple(dict.fromkeys(file.href for source in self.sources for file in source.files))

    def widened(self, dtype: np.dtype[Any]) -> "Plan":
        """Return the plan with a data type that also holds a file's values.

        The output type changes too if it follows from the data type.
        """
        wider = common_type([self.data_type, data_type_of(dtype)])
        follows = (
            self.scales is None
            and file_data_type(self.output_type) == self.data_type
            and self.method != "count"
        )
        return replace(self, data_type=wider, output_type=wider if follows else self.output_type)


@dataclass(frozen=True, slots=True)
class _SharedPlan:
    """Parts that all plans of a call share.

    The keys of `levels` are the identity of a product's bands and their names. `reads` caches the file reads
    of images that store their bands in the same files and positions.
    """

    geobox: GeoBox
    ground_footprint: BaseGeometry | None
    cutline: Cutline | None
    bands: tuple[Band, ...]
    levels: Mapping[int, Mapping[str, ProcessingLevel]]
    data_type: str
    scales: tuple[Scale, ...] | None
    output_type: str
    reads: dict[tuple[Any, ...], list[tuple[int, FileRead]]] = field(default_factory=dict)


def make_plan(sources: Sequence[Source], request: Request) -> Plan:
    """Return the plan of a mosaic of images, the last on top, or of a single image; see `make_plans`."""
    return make_plans([sources], request)[0]


def make_plans(groups: Sequence[Sequence[Source]], request: Request) -> list[Plan]:
    """Return the plans of the mosaics of groups of images, with one grid.

    Types and scales follow from the products of all groups.

    Raises:
        ValueError: if there are no images, a product lacks a band, the GeoContext is incomplete, an argument
            is out of range, or a processing level has an unknown step.
        RasterError: if an image has none of the files, as images of storage state 'remote', or lacks
            coefficients of a processing level.
    """
    if not all(groups):
        raise ValueError("there are no images to raster")
    sources = [source for group in groups for source in group]
    shared = _shared_plan(_products(sources), request, sources)
    touches = Footprints(sources).touching(shared.ground_footprint)
    _check_bands_present(sources, touches, request.bands)
    touching = iter(touches)
    return [_plan(group, [*islice(touching, len(group))], request, shared) for group in groups]


def _shared_plan(products: Sequence[Source], request: Request, sources: Sequence[Source]) -> _SharedPlan:
    for source in products:
        check_available(request.bands, source.bands, source.product_id)
    check_resampler(request.resampler)
    check_method(request.method)
    if request.method == "count" and request.scaling is not None:
        raise ValueError(
            f"the method count gives numbers of images, which no scaling applies to: got {request.scaling!r}"
        )
    geobox = output_grid(request.geocontext)
    typed = [
        with_stored_types([source.bands[name] for name in request.bands], sources) for source in products
    ]
    levels = {
        id(source.bands): {band.name: processing_level_of(band, request.processing_level) for band in bands}
        for source, bands in zip(products, typed, strict=True)
    }
    scales, output_type = collection_scaling_parameters(
        typed, request.processing_level, request.scaling, request.data_type
    )
    if request.method == "count":
        output_type = request.data_type or compute_type(request.method, output_type)
    if bases := image_bases(typed[0], request.processing_level, request.scaling, sources):
        levels = {
            id(source.bands): with_image_numbers(levels[id(source.bands)], bases, source.bands, sources)
            for source in products
        }
        if scales is not None:
            scales = [
                None if bases.get(name) is Basis.PHYSICAL else scale
                for name, scale in zip(request.bands, scales, strict=True)
            ]
    if scales is not None and all(scale is None for scale in scales):
        scales = None
    context: Any = request.geocontext
    geometry = context.geometry if "cutline" in request.geocontext.raster_params else None
    return _SharedPlan(
        geobox=geobox,
        ground_footprint=ground_footprint(geobox),
        cutline=cutline_on(geometry, geobox),
        bands=tuple(typed[0]),
        levels=levels,
        data_type=file_data_type(
            common_type(level.data_type for found in levels.values() for level in found.values())
        ),
        scales=None if scales is None else tuple(scales),
        output_type=output_type,
    )


def _plan(sources: Sequence[Source], touching: Sequence[bool], request: Request, shared: _SharedPlan) -> Plan:
    products = _products(sources)
    alpha = resolve_alpha(
        request.mask_alpha, [source.bands for source in products], [source.product_id for source in products]
    )
    check_alpha_position(request.bands, alpha)
    _check_is_stored(alpha, products)
    read_bands = request.bands if alpha is None or alpha in request.bands else (*request.bands, alpha)
    for source, touches in zip(sources, touching, strict=True):
        if touches:
            _check_alpha(source, alpha, request.bands)
    return Plan(
        geobox=shared.geobox,
        bands=shared.bands,
        read_bands=read_bands,
        alpha=None if alpha is None else read_bands.index(alpha),
        sources=tuple(
            reads
            for source, touches in zip(sources, touching, strict=True)
            if touches and (reads := _source_reads(source, read_bands, alpha, shared)).files
        ),
        cutline=shared.cutline,
        # An area smaller than a pixel may hold no pixel center, but must not be lost.
        all_touched=request.geocontext.all_touched or is_within_a_pixel(shared.cutline, shared.geobox),
        mask_nodata=bool(request.mask_nodata),
        resampler=request.resampler,
        data_type=shared.data_type,
        scales=shared.scales,
        output_type=shared.output_type,
        method=request.method,
    )


def _products(sources: Sequence[Source]) -> list[Source]:
    """Return one image of each product, in order; images of one product share its bands."""
    return list({(source.product_id, id(source.bands)): source for source in reversed(sources)}.values())[
        ::-1
    ]


def _check_bands_present(sources: Sequence[Source], touching: Iterable[bool], names: Sequence[str]) -> None:
    """Raise RasterError for bands that no image has, and for images on the grid without any file.

    A band that only some images have is masked in the others.
    """
    missing = set(names)
    for source, touches in zip(sources, touching, strict=True):
        present = {name for name in missing if source.place(name)}
        missing -= present
        if touches and not present and not any(source.files):
            raise RasterError(
                f"image {source.id!r} has no file for {_quoted_bands(names)}: its pixels are not stored "
                "here, as for images of storage state 'remote', and cannot be rastered",
                source.id,
                tuple(names),
            )
    if missing:
        source, lacking = sources[0], [name for name in names if name in missing]
        raise RasterError(
            f"image {source.id!r} has no {', no '.join(_asset_text(source, name) for name in lacking)}, nor "
            "has any other image of this call: ask for bands that the images have",
            source.id,
            tuple(lacking),
        )


def _check_alpha(source: Source, alpha: str | None, names: Sequence[str]) -> None:
    """Raise RasterError for an image without the alpha band that would mask all its pixels."""
    if alpha is not None and alpha not in names and source.place(alpha) is None:
        raise RasterError(
            f"image {source.id!r} has no {_asset_text(source, alpha)}, which masks its pixels: pass "
            "mask_alpha=False to read them unmasked",
            source.id,
            (alpha,),
        )


def _check_is_stored(alpha: str | None, products: Sequence[Source]) -> None:
    """Raise ValueError if the values of an alpha band are not those that its files store."""
    for source in products:
        if alpha is not None and processing_level_of(source.bands[alpha], None).marks:
            raise ValueError(
                f"band {alpha!r} of product {source.product_id!r} cannot be mask_alpha: its values are "
                "computed, and mask_alpha reads stored values; read the band and mask the pixels by it"
            )


def _asset_text(source: Source, name: str) -> str:
    """Return the text that names a band's asset in messages."""
    asset = source.bands[name].asset
    if asset is None:
        return f"asset with band {name!r}"
    return f"asset {asset!r} with band {name!r}"


def _source_reads(
    source: Source, read_bands: Sequence[str], alpha: str | None, shared: _SharedPlan
) -> SourceRead:
    # Images of a product usually differ only in addresses and coefficients.
    key = (alpha, id(source.bands), (*map(bool, source.files),), (*source.places.items(),))
    reads = shared.reads.get(key)
    levels = shared.levels[id(source.bands)]
    marks = frozenset(name for name, level in levels.items() if level.marks)
    if reads is None:
        reads = shared.reads[key] = file_reads(source, read_bands, alpha, marks)
    return SourceRead(
        source,
        tuple(
            FileRead(
                source.files[number],
                file.names,
                file.indexes,
                file.positions,
                _nodata(source, file, levels) if marks or source.stored else file.nodata,
                file.declared,
                # An alpha band that is read only to mask has no level.
                tuple(
                    [
                        None if (level := levels.get(band.name)) is None else calibration(source, band, level)
                        for band in [source.bands[read_bands[position]] for position in file.positions]
                    ]
                ),
                file.categorical,
                file.alpha,
                file.picked,
                certain_nodata(source, file.names) if source.stored else (),
            )
            for number, file in reads
        ),
    )


def _nodata(
    source: Source, file: FileRead, levels: Mapping[str, ProcessingLevel]
) -> tuple[float | None, ...]:
    """Return the nodata values of the stored pixels of a read."""
    return tuple(stored_nodata(source, source.bands[name], levels.get(name)) for name in file.names)


def _quoted_bands(names: Sequence[str]) -> str:
    return f"band{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
