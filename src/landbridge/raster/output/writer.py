"""Writing rasters: GeoTIFF in the cloud-optimized layout, PNG and JPEG, whole or not at all."""

import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window as RasterioWindow

from landbridge.errors import LandbridgeError
from landbridge.raster.api import pixel_count, render_whole, widened
from landbridge.raster.composite.last_valid import WiderTypeError
from landbridge.raster.composite.reduction import renderer_of
from landbridge.raster.composite.render import BLOCK, blocks, default_workers, run, workers_for
from landbridge.raster.dtypes import held_nodata
from landbridge.raster.grids.crs import crs_on
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import Window, shape_of
from landbridge.raster.io.tiff_directory import end_of_data
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.model import Raster, Request, Source
from landbridge.raster.output.chunks import windows
from landbridge.raster.plan.arguments import check_format, format_of
from landbridge.raster.plan.plan import Plan, make_plan
from landbridge.raster.runtime.cluster import active_client, render_on
from landbridge.raster.runtime.progress import Progress, progress_bar

Array = np.ndarray[Any, Any]

# What each format takes: numbers of bands (None: any), pixel types (None: any), GDAL's driver and its
# options.
_COUNTS = {"tif": None, "png": (1, 3, 4), "jpg": (1, 3)}
_TYPES = {"tif": None, "png": ("uint8", "uint16"), "jpg": ("uint8",)}
_DRIVERS: dict[str, tuple[str, dict[str, Any]]] = {
    "tif": (
        "COG",
        {
            "BLOCKSIZE": 512,
            "COMPRESS": "LZW",
            "PREDICTOR": "YES",
            # Other ways of making overviews mix classes, and masked pixels with valid ones.
            "OVERVIEW_RESAMPLING": "NEAREST",
            "BIGTIFF": "IF_SAFER",
            "NUM_THREADS": "ALL_CPUS",
        },
    ),
    "png": ("PNG", {}),
    "jpg": ("JPEG", {"QUALITY": 90}),
}
_STAGING = {
    "driver": "GTiff",
    "tiled": True,
    "blockxsize": 512,
    "blockysize": 512,
    "interleave": "band",
    "bigtiff": "IF_SAFER",
    "sparse_ok": True,
}
# Pixels wait in memory up to this many bytes, beyond that on disk.
_STAGING_MEMORY = 128 * 2**20

# Beyond, rasterio rounds the nodata of integers.
_EXACT = 2**53

Put = Callable[[Window, Array, BoolArray | None], None]


class _UnmarkedError(LandbridgeError):
    """A file can't tell all its masked pixels from valid ones in the way that was tried."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """Marks of pixels that are not valid, if there may be any.

    `nodata` is a value that no valid pixel may have; without it there is a mask, which all bands have in
    common; `strict` says that it may be tried otherwise.
    """

    masked: bool
    nodata: float | None = None
    strict: bool = True


def _marks_of(plan: Plan) -> _Marks:
    declared = {band.nodata for band in plan.bands}
    as_stored = plan.scales is None and plan.method != "count" and len(declared) == 1
    return _Marks(plan.masked, declared.pop() if as_stored else None)


def _marked(put_all: Callable[[_Marks], Path], marks: _Marks, dtype: np.dtype[Any]) -> Path:
    """Write a file, and again with other marks if some masked pixels can't be told from valid ones."""
    tried = [marks, replace(marks, nodata=None)]
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        tried += [replace(marks, nodata=value) for value in (0, limits.max, limits.min)]
    for each in tried:
        try:
            return put_all(each)
        except _UnmarkedError:
            continue
    return put_all(replace(marks, nodata=None, strict=False))


def write(raster: Raster, path: str | Path, format: str | None = None, nodata: float | None = None) -> Path:
    """Write a raster to a file.

    Masked pixels are `nodata`, which a GeoTIFF also notes; without it what all bands declare if their values
    are as stored, else NaN in floating types, else 0 with a mask in the GeoTIFF. PNG and JPEG have no mask:
    there they are 0. GDAL has no half floats before 3.11: a GeoTIFF of Float16 holds 32 bits.

    The path's extension tells the format unless one is given. Missing folders are made and an existing file
    is replaced; if writing fails nothing is left.

    Raises:
        ValueError: the extension, the number of bands, the data type or `nodata` does not fit the format.
        OSError: the file cannot be written.
    """
    path = Path(path)
    names = [band.name for band in raster.bands]

    def put_all(marks: _Marks) -> Path:
        target = _Target(path, format, raster.data.shape[0], raster.data.dtype, nodata, marks)
        with _staged(target, raster.geobox, names) as put:
            for window in blocks(raster.geobox, 1):
                y, x = window
                put(window, raster.data[:, y, x], None if raster.mask is None else raster.mask[:, y, x])
        return path

    return _marked(put_all, _Marks(raster.mask is not None), raster.data.dtype)


def download(
    source: Source,
    request: Request,
    path: str | Path,
    *,
    format: str | None = None,
    nodata: float | None = None,
    progress: bool | None = None,
    max_workers: int | None = None,
) -> Path:
    """Write one image's pixels, read in this process, to a file, block by block (see `write`), on so many
    threads at most.

    Raises:
        ValueError: an argument is not valid for the image or the format.
        RasterError: a file of the image is missing, broken or cut short.
    """
    plan = make_plan([source], request)
    return _streamed(plan, path, format, nodata, progress, source.id, max_workers, chunks=False)


def download_mosaic(
    sources: Sequence[Source],
    request: Request,
    path: str | Path,
    *,
    format: str | None = None,
    nodata: float | None = None,
    progress: bool | None = None,
    chunks: Any = None,
) -> Path:
    """Write a mosaic of images to a file, block by block (see `write`).

    The mosaic may be larger than memory; only if a band is scaled by its actual range ("auto") is it held
    whole. `chunks` is as in `mosaic`.

    Raises:
        ValueError: there are no images, or an argument is not valid for them or the format.
        RasterError: a file of an image is missing, broken or cut short.
    """
    return _streamed(make_plan(sources, request), path, format, nodata, progress, "mosaic", chunks=chunks)


def _streamed(
    plan: Plan,
    path: str | Path,
    format: str | None,
    nodata: float | None,
    progress: bool | None,
    name: str,
    max_workers: int | None = None,
    chunks: Any = None,
) -> Path:
    path = Path(path)
    workers = max_workers or workers_for([plan])
    if plan.scales is not None and () in plan.scales:
        # The values of a pixel depend on all others.
        raster = render_whole([plan], bool(progress), name, workers, chunks)[0]
        return write(raster, path, format, nodata)
    # A download shows its progress only when asked to.
    with progress_bar(bool(progress), pixel_count(plan.geobox), name) as bar:
        while True:
            render = partial(_render_into, plan, path, format, nodata, bar, workers, chunks)
            try:
                return _marked(render, _marks_of(plan), plan.output_dtype)
            except WiderTypeError as wider:
                (plan,) = widened([plan], wider.dtype)


def _render_into(
    plan: Plan,
    path: Path,
    format: str | None,
    nodata: float | None,
    bar: Progress,
    workers: int,
    chunks: Any,
    marks: _Marks,
) -> Path:
    target = _Target(path, format, len(plan.bands), plan.output_dtype, nodata, marks)
    client = active_client(chunks)
    with _staged(target, plan.geobox, [band.name for band in plan.bands]) as put:
        if client is not None:
            for _, window, pixels, hidden in render_on(client, [plan], chunks):
                put(window, pixels, hidden)
                bar.update(math.prod(shape_of(window)))
            return path
        renderer = renderer_of(plan, TileCache())

        def render(window: Window) -> None:
            y, x = window
            shape = (len(plan.bands), y.stop - y.start, x.stop - x.start)
            values = np.empty(shape, plan.output_dtype)
            mask = np.empty(shape, bool) if plan.masked else None
            renderer.render(window, values, mask)
            put(window, values, mask)
            bar.update(shape[1] * shape[2])

        places = windows(plan.geobox, chunks, default_workers(), most=BLOCK)
        try:
            run([partial(render, window) for window in places], workers)
        finally:
            renderer.close()
    return path


class _Target:
    """A file to be written, checked before any pixel is read."""

    def __init__(
        self,
        path: Path,
        format: str | None,
        count: int,
        dtype: np.dtype[Any],
        nodata: float | None,
        marks: _Marks,
    ) -> None:
        self.path = path
        self.format = format_of(path) if format is None else check_format(format)
        self.count = count
        self.dtype = dtype
        self.nodata: float | None = None
        self.has_mask = self.is_chosen = self.strict = False
        counts, types = _COUNTS[self.format], _TYPES[self.format]
        if counts is not None and count not in counts:
            raise ValueError(f"a {self.format} has {' or '.join(map(str, counts))} bands, got {count}")
        if types is not None and dtype.name not in types:
            raise ValueError(
                f"a {self.format} holds {' or '.join(types)} values, got {dtype}: use a scaling or "
                "data_type, or write a tif"
            )
        if nodata is not None and self.format == "tif":
            self.nodata = held_nodata(dtype, nodata)
            if self.nodata is None:
                raise ValueError(f"nodata {nodata} is no value of the data type {dtype}")
        elif marks.masked and self.format == "tif":
            held = None if marks.nodata is None else held_nodata(dtype, marks.nodata)
            self.is_chosen = held is not None and not abs(held) > _EXACT
            self.nodata = held if self.is_chosen else math.nan if dtype.kind == "f" else None
            self.has_mask = self.nodata is None
            self.strict = marks.strict
        if self.nodata is not None and dtype.kind == "f":
            self.nodata = float(dtype.type(self.nodata))

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The numpy type of the file's pixels."""
        return np.dtype("float32") if self.dtype == np.float16 else self.dtype

    def marked(self, values: Array, mask: BoolArray | None) -> tuple[Array, BoolArray | None]:
        """Return pixels (band, y, x) as the file holds them, and which of them its mask (y, x) shows.

        Raises:
            _UnmarkedError: they can't be told from those that are masked.
        """
        shown: BoolArray | None = None
        if mask is not None and self.nodata is not None:
            marked = np.where(mask, values.dtype.type(self.nodata), values)
            if self.is_chosen and self._is_taken(marked, mask):
                raise _UnmarkedError
            values = marked
        elif mask is not None and self.has_mask:
            shown = np.logical_not(mask.all(axis=0, keepdims=True))[0]
            if (mask & shown).any():
                if self.strict:
                    raise _UnmarkedError
                self._tell_of_masks()
        return values.astype(self.stored_dtype, copy=False), shown

    def _is_taken(self, marked: Array, mask: BoolArray) -> bool:
        """Return whether other pixels than those that are masked have the nodata value."""
        others = np.count_nonzero(marked) if self.nodata == 0 else np.count_nonzero(marked != self.nodata)
        return marked.size - int(others) > int(np.count_nonzero(mask))

    def _tell_of_masks(self) -> None:
        warnings.warn(
            f"{self.path}: some pixels are masked in some bands only, and a file has one mask for all bands: "
            "there these bands are 0. Give `nodata` to keep the mask of each band.",
            UserWarning,
            stacklevel=2,
        )


@contextmanager
def _staged(target: _Target, geobox: GeoBox, names: Sequence[str]) -> Iterator[Put]:
    """A function that takes blocks in any order, from any thread; the file appears when all are there."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.path.name}.", dir=target.path.parent))
    rows, columns = geobox.shape.yx
    size = rows * columns * target.count * target.dtype.itemsize
    staging = f"/vsimem/{folder.name}/pixels.tif" if size <= _STAGING_MEMORY else str(folder / "pixels.tif")
    profile = {
        **_STAGING,
        "width": columns,
        "height": rows,
        "count": target.count,
        "dtype": target.stored_dtype,
        "crs": crs_on(geobox).to_wkt(),
        "transform": geobox.transform,
        "nodata": target.nodata,
        # Else GDAL takes the fourth of four Byte bands for alpha.
        "photometric": "RGB" if target.count == 3 and target.dtype == np.uint8 else "MINISBLACK",
    }
    lock = Lock()
    try:
        with rasterio.open(staging, "w", **profile) as dataset:
            dataset.descriptions = tuple(names)
            if target.has_mask:
                with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
                    dataset.write_mask(np.zeros((1, 1), bool), window=RasterioWindow(0, 0, 1, 1))

            def put(window: Window, values: Array, mask: BoolArray | None) -> None:
                values, shown = target.marked(values, mask)
                place = RasterioWindow.from_slices(*window)
                with lock:
                    dataset.write(values, window=place)
                    if shown is not None:
                        dataset.write_mask(shown, window=place)

            yield put
        finished = folder / f"finished.{target.format}"
        # Not on the caller's thread, for the settings.
        run([partial(_finish, staging, finished, target.format)])
        os.replace(finished, target.path)  # noqa: PTH105 - what Path.replace does, named for being atomic
    except (RasterioError, CPLE_BaseError) as error:
        raise OSError(f"cannot write {target.path}: {error}") from error
    finally:
        if staging.startswith("/vsimem/") and rasterio.shutil.exists(staging):
            rasterio.shutil.delete(staging)
        shutil.rmtree(folder, ignore_errors=True)


def _finish(staging: str, path: Path, format: str) -> None:
    driver, options = _DRIVERS[format]
    # No .aux.xml beside a PNG or JPEG.
    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        rasterio.shutil.copy(staging, path, driver=driver, **options)
    # GDAL does not tell of what fails when a file is closed.
    if format == "tif" and not _is_complete(path):
        raise RasterioIOError("not all of it was written: the disk may be full")


def _is_complete(path: Path) -> bool:
    """Whether a TIFF holds all the tiles that it says."""
    return 0 < end_of_data(path) <= path.stat().st_size
