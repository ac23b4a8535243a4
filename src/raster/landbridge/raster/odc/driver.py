"""Driver for odc-loader: makes the state of a load, sets GDAL's options, opens readers."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from odc.geo.geobox import GeoBox
from odc.loader import RasterSource, RioDriver

from landbridge.raster.io.byte_ranges import is_remote, needs_gdal
from landbridge.raster.odc.load import Load, new_load
from landbridge.raster.odc.reader import Reader

__all__ = ["Driver", "odc_driver"]

# Number of threads that read headers ahead.
_HEADER_THREADS = 16
# Member of the environment that makes dask's keys differ from those of odc-loader's own pixels.
_MARK = "_landbridge_driver"


class Driver:
    """Driver for `odc.stac.load(items, driver=…)` that reads tiled TIFFs by Landbridge's tile reader.

    A tile that holds several bands is decoded once, and remote tiles are read by few requests. All other
    files, and all resampling methods but "nearest", are read by odc-loader's own reader.
    """

    md_parser = None
    dask_reader = None
    aux_reader = None

    def new_load(self, geobox: GeoBox, *, chunks: dict[str, int] | None = None) -> Load:
        """Return the state of a load of a grid."""
        return new_load(geobox, by_dask=chunks is not None)

    def finalise_load(self, load_state: Load) -> Load:
        """Return the state of a load that has ended; its tiles are deleted with it."""
        return load_state

    def capture_env(self) -> dict[str, Any]:
        """Return GDAL's options for other threads and processes."""
        return {**RioDriver().capture_env(), _MARK: 1}

    @contextmanager
    def restore_env(self, env: Mapping[str, Any], load_state: Load) -> Iterator[Load]:
        """Set GDAL's options inside a `with` block."""
        options = {name: value for name, value in env.items() if name != _MARK}
        driver = RioDriver()
        with driver.restore_env(options, driver.new_load(load_state.geobox)):
            yield load_state

    def open(self, src: RasterSource, ctx: Load) -> Reader:
        """Return a reader of one band of a file; remote headers are read ahead."""
        # Other threads lack the GDAL options of this one.
        if ctx.own_state is not None and is_remote(src.uri) and not needs_gdal():
            read = ctx.own_state.claim_unread(src.uri)
            if read is not None:
                _header_pool(os.getpid()).submit(read)
        return Reader(src, ctx)


def odc_driver() -> Driver:
    """Return a driver by which `odc.stac.load` reads pixels with Landbridge's tile reader.

    Nearest pixels of tiled TIFFs are then read by Landbridge: a tile that holds several bands is decoded
    once, and remote tiles are read by few requests. All other files and resampling methods are read as
    without the driver. Pixels are those nearest to the centers of the result's pixels, exactly; GDAL, which
    reads without this driver, takes a neighbor for about 1 % of the pixels of another reference system.

    `odc.stac.load` also accepts the driver as `driver="landbridge.raster.odc.Driver"`.

    Returns
    -------
    Driver
        Driver for threads, processes and clusters; it can be pickled, and used for any number of loads.

    Examples
    --------
    >>> import odc.stac
    >>> from landbridge.raster import odc_driver
    >>> driver = odc_driver()
    >>> # odc.stac.load(items, bands=["red", "nir"], driver=driver)

    See Also
    --------
    lazy_stack : lazy arrays by the engine itself, which stops reading when all pixels are valid.
    """
    return Driver()


@lru_cache(maxsize=1)
def _header_pool(_process: int) -> ThreadPoolExecutor:
    """Return the threads that read headers ahead; keyed by process id, as a forked child has no threads."""
    return ThreadPoolExecutor(_HEADER_THREADS, thread_name_prefix="landbridge-odc")
