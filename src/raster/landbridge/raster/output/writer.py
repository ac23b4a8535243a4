"""Writers of rasters: cloud-optimized GeoTIFF, PNG and JPEG; a file appears only when it is complete."""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs
from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.render_reduction import make_renderer
from landbridge.raster.errors import WiderTypeError
from landbridge.raster.grids.block_windows import BLOCK, block_windows
from landbridge.raster.grids.windows import shape_of
from landbridge.raster.io.gdal_settings import enter_deferred_env, gdal_errors
from landbridge.raster.io.gdal_threads import run_jobs, worker_count_for
from landbridge.raster.io.tiff_directory import end_of_data
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.model import Request, Source
from landbridge.raster.output.chunks import chunk_windows
from landbridge.raster.output.cluster import active_client, render_on
from landbridge.raster.output.in_memory import mosaic_plan, pixel_count, render_whole, widened
from landbridge.raster.output.raster import Raster
from landbridge.raster.output.target import MaskEncoding, Target, mask_encoding_of, write_with_fallbacks
from landbridge.raster.plan.plan import Plan
from landbridge.raster.runtime.progress import Progress, progress_bar
from landbridge.raster.runtime.thread_pools import default_worker_count

# Per format: GDAL's driver and its options.
_DRIVERS: dict[str, tuple[str, dict[str, Any]]] = {
    "tif": (
        "COG",
        {
            "BLOCKSIZE": 512,
            "COMPRESS": "LZW",
            "PREDICTOR": "YES",
            # Other methods would mix classes, and masked pixels with valid ones.
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
# Largest file in bytes that is staged in memory; larger ones are staged on disk.
_STAGING_MEMORY = 128 * 2**20

BlockWriter = Callable[[Window, Array, BoolArray | None], None]


def write(raster: Raster, path: str | Path, format: str | None = None, nodata: float | None = None) -> Path:
    """Write a raster to a file.

    Masked pixels get the value `nodata`, which a GeoTIFF also declares. Without `nodata` they are NaN in
    floating types, and otherwise 0 with a mask in the GeoTIFF. PNG and JPEG have no mask: masked pixels are
    0. Float16 pixels are written as 32-bit floats, as GDAL before 3.11 has no half floats.

    Missing folders are created, and an existing file is replaced. If writing fails, no file is left.

    Parameters
    ----------
    raster : Raster
        Pixels to write.
    path : str or pathlib.Path
        Destination.
    format : {"tif", "png", "jpg"}, optional
        Format of the file; by default the extension of the path.
    nodata : float, optional
        Value of masked pixels.

    Returns
    -------
    pathlib.Path
        Path of the file.

    Raises
    ------
    ValueError
        If the extension, the number of bands, the data type or `nodata` does not fit the format.
    OSError
        If the file cannot be written.

    See Also
    --------
    download : render and write one image.
    """
    path = Path(path)
    names = [band.name for band in raster.bands]

    def write_all(encoding: MaskEncoding) -> Path:
        target = Target(path, format, raster.data.shape[0], raster.data.dtype, nodata, encoding)
        with _staged_file(target, raster.geobox, names) as write_block:
            for window in block_windows(raster.geobox, 1):
                y, x = window
                write_block(
                    window, raster.data[:, y, x], None if raster.mask is None else raster.mask[:, y, x]
                )
        return path

    return write_with_fallbacks(write_all, MaskEncoding(raster.mask is not None), raster.data.dtype)


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
    """Render one image in this process and write it to a file, block by block.

    Masked pixels are encoded as in `write`; without `nodata`, unscaled values keep the nodata that all bands
    declare.

    Parameters
    ----------
    source : Source
        Image to read.
    request : Request
        Bands, grid, masks, values and types.
    path : str or pathlib.Path
        Destination.
    format : {"tif", "png", "jpg"}, optional
        Format of the file; by default the extension of the path.
    nodata : float, optional
        Value of masked pixels.
    progress : bool, optional
        Show a progress bar if True.
    max_workers : int, optional
        Largest number of threads; by default one per core, or more for remote files.

    Returns
    -------
    pathlib.Path
        Path of the file.

    Raises
    ------
    ValueError
        If an argument is not valid for the image or the format.
    RasterError
        If a file of the image is missing, broken or truncated.
    OSError
        If the file cannot be written.
    """
    plan = mosaic_plan([source], request)
    return _write_blocks(plan, path, format, nodata, progress, source.id, max_workers, chunks=False)


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
    """Render a mosaic of images and write it to a file, block by block.

    The mosaic may be larger than memory, except if a band is scaled by its actual range ("auto"). Masked
    pixels are encoded as in `download`.

    Parameters
    ----------
    sources : sequence of Source
        Images, bottom to top.
    request : Request
        Bands, grid, masks, values and types.
    path : str or pathlib.Path
        Destination.
    format : {"tif", "png", "jpg"}, optional
        Format of the file; by default the extension of the path.
    nodata : float, optional
        Value of masked pixels.
    progress : bool, optional
        Show a progress bar if True.
    chunks : int, tuple, mapping, "auto", False or None
        Size of the blocks in pixels, as in `mosaic`.

    Returns
    -------
    pathlib.Path
        Path of the file.

    Raises
    ------
    ValueError
        If there are no images, or an argument is not valid for them or the format.
    RasterError
        If a file of an image is missing, broken or truncated.
    OSError
        If the file cannot be written.
    """
    return _write_blocks(
        mosaic_plan(sources, request), path, format, nodata, progress, "mosaic", chunks=chunks
    )


def _write_blocks(
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
    workers = max_workers or worker_count_for([plan])
    if plan.scales is not None and () in plan.scales:
        # The actual range depends on all pixels, so the whole raster is held in memory.
        raster = render_whole([plan], bool(progress), name, workers, chunks)[0]
        return write(raster, path, format, nodata)
    # A download shows its progress only if requested.
    with progress_bar(bool(progress), pixel_count(plan.geobox), name) as bar:
        while True:
            render = partial(_render_into, plan, path, format, nodata, bar, workers, chunks)
            try:
                return write_with_fallbacks(render, mask_encoding_of(plan), plan.output_dtype)
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
    encoding: MaskEncoding,
) -> Path:
    target = Target(path, format, len(plan.bands), plan.output_dtype, nodata, encoding)
    client = active_client(chunks)
    with _staged_file(target, plan.geobox, [band.name for band in plan.bands]) as write_block:
        if client is not None:
            for _, window, pixels, hidden in render_on(client, [plan], chunks):
                write_block(window, pixels, hidden)
                bar.update(math.prod(shape_of(window)))
            return path
        renderer = make_renderer(plan, TileCache())

        def render(window: Window) -> None:
            y, x = window
            shape = (len(plan.bands), y.stop - y.start, x.stop - x.start)
            values = np.empty(shape, plan.output_dtype)
            mask = np.empty(shape, bool) if plan.masked else None
            renderer.render(window, values, mask)
            write_block(window, values, mask)
            bar.update(shape[1] * shape[2])

        windows = chunk_windows(plan.geobox, chunks, default_worker_count(), max_edge=BLOCK)
        try:
            run_jobs([partial(render, window) for window in windows], workers)
        finally:
            renderer.close()
    return path


@contextmanager
def _staged_file(target: Target, geobox: GeoBox, names: Sequence[str]) -> Iterator[BlockWriter]:
    """Yield a function that writes blocks in any order from any thread; the file appears at the end."""
    import rasterio.shutil
    from rasterio.windows import Window as RasterioWindow

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
        "crs": grid_crs(geobox).to_wkt(),
        "transform": geobox.transform,
        "nodata": target.nodata,
        # Otherwise GDAL interprets the fourth of four Byte bands as alpha.
        "photometric": "RGB" if target.count == 3 and target.dtype == np.uint8 else "MINISBLACK",
    }
    lock = Lock()
    try:
        with rasterio.open(staging, "w", **profile) as dataset:
            dataset.descriptions = tuple(names)
            if target.has_mask:
                with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
                    dataset.write_mask(np.zeros((1, 1), bool), window=RasterioWindow(0, 0, 1, 1))

            def write_block(window: Window, values: Array, mask: BoolArray | None) -> None:
                values, shown = target.encode(values, mask)
                enter_deferred_env()
                place = RasterioWindow.from_slices(*window)
                with lock:
                    dataset.write(values, window=place)
                    if shown is not None:
                        dataset.write_mask(shown, window=place)

            yield write_block
        finished = folder / f"finished.{target.format}"
        # On a separate thread, where GDAL's options are set.
        run_jobs([partial(_finish, staging, finished, target.format)])
        os.replace(finished, target.path)  # noqa: PTH105 - os.replace is documented as atomic
    except gdal_errors() as error:
        raise OSError(f"cannot write {target.path}: {error}") from error
    finally:
        if staging.startswith("/vsimem/") and rasterio.shutil.exists(staging):
            rasterio.shutil.delete(staging)
        shutil.rmtree(folder, ignore_errors=True)


def _finish(staging: str, path: Path, format: str) -> None:
    import rasterio.shutil
    from rasterio.errors import RasterioIOError

    enter_deferred_env()
    driver, options = _DRIVERS[format]
    # No .aux.xml file beside a PNG or JPEG.
    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        rasterio.shutil.copy(staging, path, driver=driver, **options)
    # GDAL does not report errors of closing a file.
    if format == "tif" and not _is_complete(path):
        raise RasterioIOError("the file is incomplete: the disk may be full")


def _is_complete(path: Path) -> bool:
    """Return whether a TIFF holds all tiles of its directory."""
    return 0 < end_of_data(path) <= path.stat().st_size
