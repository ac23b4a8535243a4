"""Processor time of fresh processes up to their first pixels.

The figures are the processor seconds of a whole process, from its start to its end, so that other load on the
machine counts little. Peers read the same pixels; a process that reads others fails the job.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine

from bench.frame import Contest, Peer, job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.frame import Measure

_EDGE, _WINDOW = 2048, 256
_LEFT, _TOP, _STEP = 500_000.0, 4_200_000.0, 30.0
_BOUNDS = (_LEFT, _TOP - _WINDOW * _STEP, _LEFT + _WINDOW * _STEP, _TOP)
_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "uint64": "UInt64",
    "int64": "Int64",
    "float32": "Float32",
    "float64": "Float64",
}
_SCENES = 6

# Each program prints the sum of the pixels of a mosaic: the upper left windows of the files, the last on top.
_OURS = """
import sys
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, mosaic
kind, *paths = sys.argv[1:]
grid = AOI(bounds={bounds}, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=({window}, {window}))
bands = {{"b": Band("b", kind, nodata=0)}}
request = Request(("b",), grid)
images = [Source(path, (path,), bands) for path in paths]
print(int(mosaic(images, request).data.sum(dtype="f8")))
"""
_RASTERIO = """
import sys
import numpy as np
import rasterio
from rasterio.windows import Window
out = np.zeros(({window}, {window}), "u2")
for path in sys.argv[2:]:
    with rasterio.open(path) as dataset:
        pixels = dataset.read(1, window=Window(0, 0, {window}, {window}))
    np.copyto(out, pixels, where=pixels != 0)
print(int(out.sum(dtype="f8")))
"""
_RIO_TILER = """
import sys
from rasterio.crs import CRS
from rio_tiler.io import Reader
from rio_tiler.mosaic import mosaic_reader
crs = CRS.from_epsg(32614)
def read(path):
    with Reader(path) as reader:
        return reader.part({bounds}, bounds_crs=crs, dst_crs=crs, height={window}, width={window})
paths = sys.argv[:1:-1]
image = read(paths[0]) if len(paths) == 1 else mosaic_reader(paths, read, threads=1)[0]
print(int(image.array.filled(0)[0].sum(dtype="f8")))
"""
_ODC_STAC = """
import sys
import odc.stac
from affine import Affine
from odc.geo.geobox import GeoBox
from pystac import Item
def item(number, path):
    asset = {{"href": path, "type": "image/tiff; application=geotiff", "roles": ["data"],
              "raster:bands": [{{"data_type": "uint16", "nodata": 0}}], "proj:code": "EPSG:32614",
              "proj:shape": [{edge}, {edge}], "proj:transform": [{step}, 0, {left}, 0, -{step}, {top}]}}
    return Item.from_dict({{
        "type": "Feature", "stac_version": "1.0.0", "id": str(number), "collection": "c", "links": [],
        "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json",
                            "https://stac-extensions.github.io/raster/v1.1.0/schema.json"],
        "geometry": {{"type": "Polygon", "coordinates": [[[-99, 37], [-98, 37], [-98, 38], [-99, 37]]]}},
        "bbox": [-99, 37, -98, 38], "properties": {{"datetime": "2024-01-01T00:00:00Z"}},
        "assets": {{"b": asset}}}})
grid = GeoBox(({window}, {window}), Affine({step}, 0, {left}, 0, -{step}, {top}), "EPSG:32614")
items = [item(number, path) for number, path in enumerate(sys.argv[2:])][::-1]
cube = odc.stac.load(items, bands=["b"], geobox=grid, groupby=lambda *_: 0, preserve_original_order=True)
print(int(cube["b"].values[0].sum(dtype="f8")))
"""


@contextmanager
def _scenes(count: int, dtype: str = "uint16") -> Iterator[tuple[list[str], int]]:
    """Make overlapping files with holes; yield their paths, and the sum of the pixels of their mosaic."""
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        paths, out = [], np.zeros((_WINDOW, _WINDOW), dtype)
        for number in range(count):
            values = random.integers(1, 100, (1, _EDGE, _EDGE)).astype(dtype)
            values[0, :, : 20 * number] = 0
            paths.append(f"{folder}/{number}.tif")
            _write(paths[-1], values)
            top = values[0, :_WINDOW, :_WINDOW]
            np.copyto(out, top, where=top != 0)
        yield paths, int(out.sum(dtype="f8"))


def _write(path: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    plain = f"{path}.plain.tif"
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": _EDGE,
        "width": _EDGE,
        "dtype": values.dtype,
        "nodata": 0,
    }
    place = {"crs": "EPSG:32614", "transform": Affine(_STEP, 0, _LEFT, 0, -_STEP, _TOP)}
    with rasterio.open(plain, "w", **profile, **place) as dataset:
        dataset.write(values)
    rasterio.shutil.copy(
        plain, path, driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES", OVERVIEW_RESAMPLING="NEAREST"
    )
    Path(plain).unlink()


def _process(program: str, kind: str, paths: list[str], expected: int) -> Measure:
    """Return a measure of the processor seconds of a Python process."""
    numbers = {"bounds": _BOUNDS, "window": _WINDOW, "edge": _EDGE, "step": _STEP, "left": _LEFT, "top": _TOP}
    code = program.format(**numbers)
    # Without the setting that `__main__` makes for the peers, as in a user's process.
    environment = {name: value for name, value in os.environ.items() if name != "GDAL_CACHEMAX"}

    def measure() -> float:
        before = os.times()
        done = subprocess.run(
            [sys.executable, "-c", code, kind, *paths],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        after = os.times()
        found = int(done.stdout.split()[-1])
        if found != expected:
            raise ValueError(f"the sum of the pixels is {found}, expected {expected}")
        return after.children_user + after.children_system - before.children_user - before.children_system

    return measure


def _contest(paths: list[str], expected: int) -> Contest:
    def process(program: str) -> Measure:
        return _process(program, "UInt16", paths, expected)

    return Contest(
        process(_OURS),
        [
            Peer("odc-stac", process(_ODC_STAC)),
            Peer("rio-tiler", process(_RIO_TILER)),
            Peer("rasterio", process(_RASTERIO), aim=1 / 1.5),
            Peer("aim", 0.9),
        ],
        runs=5,
    )


@job("cold")
def first_pixels_of_a_process() -> Iterator[Contest]:
    with _scenes(1) as (paths, expected):
        yield _contest(paths, expected)


@job("cold")
def first_mosaic_of_a_process() -> Iterator[Contest]:
    with _scenes(_SCENES) as (paths, expected):
        yield _contest(paths, expected)


# Processor seconds of the first image, mosaic and stack of a process, by those that are allowed: 1.3 times
# those of the second call, and 0.3 s.
_CALLS = """
import sys, time
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, mosaic, read_image, stack
kind, *paths = sys.argv[1:]
grid = AOI(bounds={bounds}, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=({window}, {window}))
bands = {{"b": Band("b", kind, nodata=0)}}
request = Request(("b",), grid)
images = [Source(path, (path,), bands) for path in paths]
def seconds(call):
    start = time.process_time()
    call()
    return time.process_time() - start
calls = (lambda: read_image(images[0], request), lambda: mosaic(images, request),
         lambda: stack([[image] for image in images], request))
print(max(seconds(call) / (1.3 * seconds(call) + 0.3) for call in calls))
"""


def _excess(kind: str, paths: list[str]) -> float:
    code = _CALLS.format(bounds=_BOUNDS, window=_WINDOW)
    done = subprocess.run(
        [sys.executable, "-c", code, kind, *paths], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout.split()[-1])


@job("cold")
def first_calls_of_each_type() -> Iterator[Contest]:
    """Compare the first calls with the second ones, for the type with the slowest first calls."""
    with ExitStack() as stack:
        files = {kind: stack.enter_context(_scenes(2, dtype))[0] for dtype, kind in _TYPES.items()}
        yield Contest(
            lambda: max(_excess(kind, paths) for kind, paths in files.items()),
            [Peer("1.3 times the second call and 0.3 s", 1.0)],
            runs=3,
            warm_up=False,
        )
