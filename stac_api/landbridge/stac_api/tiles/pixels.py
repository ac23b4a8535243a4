"""Pixels of a view on a grid, by the raster engine; runs in the worker process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import shape

from landbridge.geo import AOI
from landbridge.mappings import stored_pixels
from landbridge.raster import Request, Source, mosaic_pages, scaling_parameters
from landbridge.raster.model import StoredPixels
from landbridge.raster.plan.band_attributes import DEFAULT_TYPE, engine_band
from landbridge.raster.plan.stated_pixels import Statement, differences
from landbridge.raster.rescale import convert, rescale_values
from landbridge.stac_api.tiles import colormaps, expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from landbridge.raster import Band, CancelToken, PixelCache, Raster
    from landbridge.stac_api.tiles.grid import Grid
    from landbridge.stac_api.tiles.view import ScalingEntry, View

__all__ = ["Picture", "Scene", "render"]

Array = np.ndarray[Any, np.dtype[Any]]
_BYTE = np.dtype(np.uint8)
_OPAQUE, _CLEAR = np.uint8(255), np.uint8(0)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Rendered outputs.

    Attributes
    ----------
    values : numpy.ndarray
        Values (output, y, x); 0 where no output is valid.
    valid : numpy.ndarray of bool
        Pixels (output, y, x) of each output that are valid.
    alpha : numpy.ndarray of uint8, optional
        Opacity (y, x) if the outputs are colors of a colormap.
    bounds : tuple of float
        West, south, east and north edge.
    crs : str
        Coordinate reference system.
    """

    values: Array
    valid: Array
    alpha: Array | None
    bounds: tuple[float, float, float, float]
    crs: str

    @property
    def opacity(self) -> Array:
        """Opacity (y, x) from 0 to 255: a pixel is drawn if any of its outputs is valid."""
        drawn = np.where(self.valid.any(0), _OPAQUE, _CLEAR)
        return drawn if self.alpha is None else np.minimum(drawn, self.alpha)


class Scene:
    """Items of one request, as the raster engine takes them.

    Parameters
    ----------
    products : mapping
        Records of the products by id, as `item_files.records_of` returns them.
    pages : iterable of sequences of mapping
        Records of the items by pages, as `item_files.ItemFiles.record` returns them.
    nodata : float, optional
        Value of missing pixels, instead of the bands' own.
    """

    def __init__(
        self,
        products: Mapping[str, Mapping[str, Any]],
        pages: Iterable[Sequence[Mapping[str, Any]]],
        nodata: float | None = None,
    ) -> None:
        self._bands: dict[str, dict[str, Band]] = {
            key: {name: _band(record) for name, record in product["bands"].items()}
            for key, product in products.items()
        }
        self._own = {
            key: frozenset(name for name, record in product["bands"].items() if record["is_own"])
            for key, product in products.items()
        }
        self._records = pages
        self._nodata = nodata
        self.count = 0

    @property
    def first_bands(self) -> Mapping[str, Band]:
        """Bands of the first product."""
        return next(iter(self._bands.values()))

    def pages(self) -> Iterator[list[Source]]:
        """Yield the items by pages, the topmost first."""
        for page in self._records:
            self.count += len(page)
            yield [self._source(record) for record in page]

    def _source(self, record: Mapping[str, Any]) -> Source:
        bands = self._bands[record["product"]]
        places = {
            name: None if place is None else (place[0], place[1])
            for name, place in record["places"].items()
            if name in bands
        }
        radiometry: dict[str, tuple[float, float]] = {}
        stored: dict[str, StoredPixels] = {}
        if "stated" in record:
            radiometry, stored = self._stated(record, bands, places)
        if self._nodata is not None:
            stored = {
                name: StoredPixels(stored[name].data_type if name in stored else None, self._nodata, True)
                for name in bands
            }
        geometry = record["geometry"]
        return Source(
            id=record["id"],
            files=tuple(record["files"]),
            bands=bands,
            geometry=None if geometry is None else shape(geometry),
            product_id=record["product"],
            coefficients=record.get("coefficients", {}),
            places=places,
            radiometry=radiometry,
            stored=stored,
        )

    def _stated(
        self,
        record: Mapping[str, Any],
        bands: Mapping[str, Band],
        places: Mapping[str, tuple[int, int] | None],
    ) -> tuple[dict[str, tuple[float, float]], dict[str, StoredPixels]]:
        packed = [
            (key, tuple(stored_pixels.StoredPixels(*one) for one in statements))
            for key, statements in record["stated"]
        ]

        def stated_for(key: str, index: int) -> Statement | None:
            stated = stored_pixels.unpack(packed, key, index)
            if stated is None:
                return None
            return Statement(stored_pixels.scaling_of(stated), stated.nodata, stated.data_type)

        return differences(bands, self._own[record["product"]], record["keys"], places, stated_for)


def _band(record: Mapping[str, Any]) -> Band:
    place = record["place"]
    default = DEFAULT_TYPE if record["is_own"] else None
    return engine_band(record["attributes"], (place[0], place[1]), record["asset"], default)


def render(
    view: View, grid: Grid, scene: Scene, cache: PixelCache | None = None, cancel: CancelToken | None = None
) -> Picture:
    """Render the outputs of a view.

    Raises
    ------
    ValueError
        If the view does not fit the bands of the items.
    RasterError
        If a file is missing or broken.
    RenderCancelledError
        If `cancel` ended the rendering.
    """
    context = AOI(bounds=grid.bounds, bounds_crs=grid.crs, crs=grid.crs, shape=(grid.height, grid.width))
    scaling = None if view.expressions or all(entry is None for entry in view.scaling) else list(view.scaling)
    request = Request(
        bands=view.bands,
        geocontext=context,
        resampler=view.resampling,
        scaling=scaling,
        data_type="Byte" if view.as_bytes and not view.expressions else None,
        method=view.method,
    )
    pages = scene.pages()
    first = next(pages, None)
    while first is not None and not first:
        first = next(pages, None)
    if first is None:
        values, valid = _nothing(view, grid, scene)
    else:
        raster = mosaic_pages(_chained(first, pages), request, cache=cache, cancel=cancel)
        values, valid = raster.data, _valid(raster)
        if view.expressions:
            values, valid = _expressions(view, values, valid)
    alpha = None
    if view.colormap is not None:
        colors = colormaps.apply(view.colormap, values[0])
        values, alpha, valid = colors[:3], colors[3], np.repeat(valid, 3, axis=0)
        values = np.where(valid & (alpha > 0), values, 0)
    return Picture(values, valid, alpha, grid.bounds, grid.crs)


def _chained(first: list[Source], others: Iterator[list[Source]]) -> Iterator[list[Source]]:
    yield first
    yield from others


def _valid(raster: Raster) -> Array:
    return np.ones(raster.data.shape, bool) if raster.mask is None else ~raster.mask


def _nothing(view: View, grid: Grid, scene: Scene) -> tuple[Array, Array]:
    """Return values without a valid pixel, in the type that items would have."""
    dtype: np.dtype[Any] = _BYTE if view.as_bytes else np.dtype(np.float32)
    if not view.as_bytes and not view.expressions:
        bands = [scene.first_bands[name] for name in view.bands]
        _, name = scaling_parameters(bands, None, list(view.scaling))
        dtype = _dtype(name)
    values = np.zeros((len(view.outputs), grid.height, grid.width), dtype)
    return values, np.zeros(values.shape, bool)


def _dtype(name: str) -> np.dtype[Any]:
    from landbridge.raster.dtypes import NUMPY_TYPES

    return np.dtype(NUMPY_TYPES[name])


def _expressions(view: View, values: Array, valid: Array) -> tuple[Array, Array]:
    """Return the values and the valid pixels of the expressions of bands."""
    bands = {name: band.astype(np.float32) for name, band in zip(view.bands, values, strict=True)}
    masks = dict(zip(view.bands, valid, strict=True))
    results, masked = [], []
    for text, entry in zip(view.expressions, view.scaling, strict=True):
        tree = expression.parse(text)
        found = expression.evaluate(tree, bands)
        good = np.isfinite(found)
        for name in expression.band_names(tree):
            good &= masks[name]
        scaled = _scaled(np.where(good, found, np.float32(0)), entry, as_bytes=view.as_bytes)
        results.append(np.where(good, scaled, scaled.dtype.type(0)))
        masked.append(good)
    return np.stack(results), np.stack(masked)


def _scaled(values: Array, entry: ScalingEntry, *, as_bytes: bool) -> Array:
    dtype = _BYTE if as_bytes else values.dtype
    if entry is None or isinstance(entry, str):
        return convert(values, dtype)
    low, high, *output = (float(bound) for bound in entry)
    first, last = output or (0.0, 255.0)
    return rescale_values(values, (low, high, first, last), dtype)
