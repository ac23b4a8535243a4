"""Reader of one band of a file for odc-loader, by the engine's tiles if possible."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, RasterSource, resolve_dst_nodata, resolve_src_nodata
from odc.loader import RioReader as GdalReader
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from landbridge.kernels import CELL, MISSING, Canvas
from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.compositor import FileLayer
from landbridge.raster.composite.read_block import composite_file_tiles
from landbridge.raster.errors import CredentialsError, RasterError, StaleHeaderError, raise_without_context
from landbridge.raster.io.expiring_url import access_of, credential_of, renewed
from landbridge.raster.io.file_access import Credential
from landbridge.raster.io.file_protocol import FileChangedError
from landbridge.raster.io.file_windows import OpenFile
from landbridge.raster.io.gdal_access import gdal_access
from landbridge.raster.io.gdal_cache import single_version
from landbridge.raster.io.gdal_threads import run_jobs
from landbridge.raster.io.headers import Header, tile_reader_for
from landbridge.raster.io.overview_choice import choose_read_level
from landbridge.raster.io.read_errors import refusal_hint
from landbridge.raster.io.redact import redact_error_text, redact_logs, redact_url
from landbridge.raster.io.tile_reader import Tile, TileReader
from landbridge.raster.odc.load import Load
from landbridge.raster.odc.signed_href import signed
from landbridge.raster.resample.block import Block, BlockMappings

__all__ = ["Reader"]

_logger = logging.getLogger(__name__)

_NOTHING = np.s_[0:0, 0:0]
_NO_CONTEXT: Any = None
_READ_ERRORS = (RasterioError, CPLE_BaseError, OSError, IndexError)


class _SharedTiles(TileReader):
    """Tiles that are decoded once for all bands, which odc-loader reads one by one over the whole grid."""

    __slots__ = ()

    def decoded(
        self,
        indexes: Sequence[int],
        tile_indexes: Sequence[tuple[int, int]],
        is_unshared: Callable[[tuple[int, int]], bool],
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        if self.page.planar or self.page.samples == 1:
            return super().decoded(indexes, tile_indexes, is_unshared)
        # The key of a tile contains its bands: a decoded tile has all of them, whichever is asked for.
        return super().decoded((1,), tile_indexes, lambda _: False)


class Reader:
    """Reader of one band of a file, for odc-loader."""

    def __init__(self, source: RasterSource, load: Load) -> None:
        self._source, self._load = source, load

    def read(
        self,
        cfg: RasterLoadParams,
        dst_geobox: GeoBox,
        *,
        dst: Array | None = None,
        selection: Any = None,
    ) -> tuple[Window, Array]:
        """Return the window of a grid in which the file has pixels, and the pixels.

        Nearest pixels of tiled TIFFs are read by the tile reader, all others by odc-loader's own reader.
        """
        try:
            try:
                return self._read(cfg, dst_geobox, dst, selection)
            except StaleHeaderError:
                self._load.state.forget_replaced(self._source.uri)
                return self._read(cfg, dst_geobox, dst, selection)
        except FileChangedError as error:
            # A load by dask may be computed again.
            self._load.state.forget_changed(self._source.uri)
            return self._failed(cfg, error)
        except _READ_ERRORS as error:
            return self._failed(cfg, error)

    def _failed(self, cfg: RasterLoadParams, error: Exception) -> tuple[Window, Array]:
        if cfg.fail_on_error:
            raise_without_context(self._error(error))
        _logger.warning("%s; the file is left out (fail_on_error=False)", self._error(error))
        return _NOTHING, np.empty((0, 0), cfg.dtype)

    def _read(
        self, cfg: RasterLoadParams, grid: GeoBox, dst: Array | None, selection: Any
    ) -> tuple[Window, Array]:
        if dst is None and selection is None and cfg.nearest and not self._source.subdataset:
            found = self._read_tiles(cfg, grid)
            if found is not None:
                return found
        return self._read_by_gdal(cfg, grid, dst, selection)

    def _error(self, error: Exception) -> RasterError:
        href = redact_url(self._source.uri)
        address = self._source.uri
        cause = redact_error_text(str(error), address, address)
        if not isinstance(error, CredentialsError):
            cause += refusal_hint(error, access_of(signed(address)))
        return RasterError(f"cannot read band {self._source.band} of {href!r}: {cause}", file=href)

    def _read_by_gdal(
        self, cfg: RasterLoadParams, grid: GeoBox, dst: Array | None, selection: Any
    ) -> tuple[Window, Array]:
        source = self._source
        address = signed(source.uri)
        if redact_url(address) != address or address is not source.uri:
            redact_logs()

        file = self._load.state.file(source.uri)

        def read(address: str, credential: Credential | None) -> tuple[Window, Array]:
            # GDAL keeps parts of files for other loads, without asking whether they are still the same.
            with gdal_access(address, credential) as opened, single_version(opened, file) as name:
                # The reader does not use its context.
                reader = GdalReader(replace(source, uri=name), _NO_CONTEXT)
                return reader.read(replace(cfg, fail_on_error=True), grid, dst=dst, selection=selection)

        def read_or_renew() -> tuple[Window, Array]:
            credential = credential_of(address)
            try:
                return read(address, credential)
            except _READ_ERRORS:
                fresh = renewed(address, credential)
                if fresh is None:
                    raise
            return read(fresh, credential_of(fresh))

        # Credentials in GDAL's options would apply to the whole process on the main thread.
        return read_or_renew() if access_of(address) is None else run_jobs([read_or_renew], 1)[0]

    def _read_tiles(self, cfg: RasterLoadParams, grid: GeoBox) -> tuple[Window, Array] | None:
        """Return the pixels of a grid; None if only GDAL can read them."""
        band, state = self._source.band, self._load.state
        try:
            header = state.header(self._source.uri)
        except OSError:
            # GDAL may know credentials of S3 that odc-loader was configured with.
            if self._source.uri.startswith("s3://"):
                return None
            raise
        if header is None or not 0 < band <= header.count:
            return None
        read_level = choose_read_level(
            header, self._load.geobox, "near", use_overviews=bool(cfg.use_overviews)
        )
        tiles = tile_reader_for(header, read_level.level, state.tiles)
        dtype = np.dtype(cfg.dtype or header.dtypes[band - 1])
        if tiles is None or not np.can_cast(tiles.page.dtype, dtype, "safe"):
            return None
        tiles = _SharedTiles(tiles.file, tiles.page, tiles.number, tiles.fill, tiles.cache)
        block = _block_of(grid, self._load.geobox)
        mappings = BlockMappings(block, state.coordinate_grids)
        return _composite(
            OpenFile(header, read_level, tiles), mappings, band, _Nodata.of(cfg, header, band, dtype), dtype
        )


@dataclass(frozen=True, slots=True)
class _Nodata:
    """Nodata value of a file, the value that replaces it, and the value of pixels outside the file."""

    source: float | None
    target: float | None
    outside: float

    @classmethod
    def of(cls, cfg: RasterLoadParams, header: Header, band: int, dtype: np.dtype[Any]) -> "_Nodata":
        """Return the values by odc-loader's rules."""
        source = resolve_src_nodata(header.nodata[band - 1], cfg)
        target = resolve_dst_nodata(dtype, cfg, source)
        # The value with which odc-loader fills its array before it adds the files.
        outside = resolve_dst_nodata(dtype, cfg, resolve_src_nodata(cfg.fill_value, cfg))
        return cls(source, target, dtype.type(0) if outside is None else outside)

    @property
    def is_replaced(self) -> bool:
        """True if the file's value is not the one that the result has."""
        if self.source is None or self.target is None:
            return False
        return self.source != self.target and not (math.isnan(self.source) and math.isnan(self.target))


def _block_of(grid: GeoBox, whole: GeoBox) -> Block:
    """Return a part of the whole grid of a load as a block."""
    corner = ~whole.transform @ grid.transform
    return Block(grid, (round(corner.f), round(corner.c)), whole.shape.yx)


def _composite(
    opened: OpenFile, mappings: BlockMappings, band: int, nodata: _Nodata, dtype: np.dtype[Any]
) -> tuple[Window, Array]:
    """Return the pixels of one band on a block."""
    assert opened.tiles is not None
    stored = opened.tiles.page.dtype
    shape = (1, *mappings.block.grid.shape.yx)
    values, state = np.empty(shape, stored), np.empty(shape, np.uint8)
    is_final = stored == dtype and not nodata.is_replaced
    canvas = Canvas(values, state, fill_values=np.array([nodata.outside], stored) if is_final else None)
    # Values that are nodata are kept, as odc-loader keeps them, and NaN as well.
    layer = FileLayer((band,), (0,), (0,), (None,), show_invalid=stored.kind == "f")
    composite_file_tiles(opened, mappings, layer, canvas)
    if (canvas.initialised_rows == np.arange(0, shape[1], CELL)[None, :, None]).all():
        return _NOTHING, np.empty((0, 0), dtype)
    canvas.initialise()
    pixels = values[0]
    if not is_final:
        pixels = pixels.astype(dtype)
        if nodata.source is not None and nodata.target is not None and nodata.is_replaced:
            np.copyto(pixels, dtype.type(nodata.target), where=_is_nodata(pixels, nodata.source))
        np.copyto(pixels, nodata.outside, where=state[0] == MISSING)
    return np.s_[0 : shape[1], 0 : shape[2]], pixels


def _is_nodata(pixels: Array, nodata: float) -> BoolArray:
    equal: BoolArray = pixels == nodata
    return equal | np.isnan(pixels) if pixels.dtype.kind == "f" else equal
