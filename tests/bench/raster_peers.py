"""The raster jobs with other libraries. Each returns (band, y, x), or (scene, band, y, x)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.merge
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

import scenes as landscape
from bench.raster_reference import TILE, Reference
from bench.raster_scenes import footprint
from bench.raster_work import RGB, Work
from landbridge.raster.runtime.thread_pools import default_worker_count

if TYPE_CHECKING:
    from collections.abc import Callable

    import pystac

Array = np.ndarray[Any, Any]
THREADS = default_worker_count()


# --- odc-stac and stackstac


@lru_cache
def _items(folder: str, work: Work) -> list[pystac.Item]:
    import pystac

    return [pystac.Item.from_dict(_item(work, scene)) for scene in work.scenes]


def items(work: Work) -> list[pystac.Item]:
    """Return the scenes as STAC items, with all members of the projection and raster extensions."""
    return _items(work.ground.address or str(work.ground.folder), work)


def _item(work: Work, scene: landscape.Scene) -> dict[str, Any]:
    from odc.geo.geom import Geometry

    outline = Geometry(footprint(scene), f"EPSG:{scene.epsg}").to_crs("EPSG:4326", resolution=10_000)
    proj = {
        "proj:code": f"EPSG:{scene.epsg}",
        "proj:epsg": scene.epsg,
        "proj:shape": [scene.height, scene.width],
        "proj:transform": list(scene.transform)[:6],
    }
    kind = "image/tiff; application=geotiff; profile=cloud-optimized"
    color = {"data_type": "uint16", "nodata": landscape.NODATA}
    files = (
        {"data": ("multi", landscape.BANDS)}
        if work.variant == "multi"
        else {name: (name, (name,)) for name in landscape.BANDS}
    )
    assets = {
        key: {
            "href": work.ground.file(scene, name),
            "type": kind,
            "roles": ["data"],
            "eo:bands": [{"name": band, "common_name": band} for band in bands],
            "raster:bands": [color] * len(bands),
            **proj,
        }
        for key, (name, bands) in files.items()
    }
    assets["alpha"] = {
        "href": work.ground.file(scene, "alpha"),
        "type": kind,
        "roles": ["data"],
        "raster:bands": [{"data_type": "uint8"}],
        **proj,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": scene.name,
        "collection": f"bench-{work.variant}",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
        ],
        "geometry": outline.json,
        "bbox": list(outline.boundingbox.bbox),
        "properties": {"datetime": f"{scene.acquired:%Y-%m-%dT%H:%M:%SZ}", "proj:epsg": scene.epsg},
        "assets": assets,
        "links": [],
    }


def odc_stac(work: Work) -> Array:
    """Run odc.stac.load; if alpha counts, load the whole stack and composite it afterwards."""
    import odc.stac

    options: dict[str, Any] = {"geobox": work.grid, "pool": THREADS, "resampling": "nearest"}
    if work.stacked:
        cube = odc.stac.load(items(work), bands=RGB, groupby="id", **options)
        return np.stack([cube[name].values for name in RGB], axis=1)
    if work.alpha:
        cube = odc.stac.load(items(work), bands=[*RGB, "alpha"], groupby="id", **options)
        shown = cube["alpha"].values != 0
        return _overlay([np.where(s, c, 0) for s, c in zip(shown, _layers(cube), strict=True)])
    cube = odc.stac.load(
        items(work)[::-1], bands=RGB, groupby=lambda *_: 0, preserve_original_order=True, **options
    )
    return np.stack([cube[name].values[0] for name in RGB])


def odc_stac_on_dask(work: Work, chunk: int) -> Array:
    """Run odc.stac.load with lazy chunks; the active client's cluster computes all bands at once."""
    import odc.stac

    cube = odc.stac.load(
        items(work)[::-1],
        bands=RGB,
        geobox=work.grid,
        resampling="nearest",
        chunks={"x": chunk, "y": chunk},
        groupby=lambda *_: 0,
        preserve_original_order=True,
    ).compute()
    return np.stack([cube[name].values[0] for name in RGB])


def _layers(cube: Any) -> Array:
    return np.stack([cube[name].values for name in RGB], axis=1)


def _overlay(layers: list[Array]) -> Array:
    """Composite the layers, the oldest first."""
    out = layers[-1].copy()
    for layer in layers[-2::-1]:
        np.copyto(out, layer, where=out == 0)
    return out


def stackstac(work: Work) -> Array:
    """Run stackstac.stack and its mosaic; it supports files of one band only."""
    import dask
    import stackstac as library

    cube = library.stack(
        items(work),
        assets=list(RGB),
        epsg=work.epsg,
        resolution=work.transform.a,
        bounds=work.bounds,
        snap_bounds=False,
        dtype=np.dtype("uint16"),
        fill_value=np.uint16(0),
        rescale=False,
        chunksize=2048,
        xy_coords=False,
        properties=False,
        resampling=Resampling.nearest,
    )
    if not work.stacked:
        cube = library.mosaic(cube, reverse=False, nodata=0)
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        return np.asarray(cube.values)


# --- rio-tiler


def rio_tiler(work: Work) -> Array:
    """Run rio-tiler's readers and its mosaic of the first valid pixel."""
    from rio_tiler.mosaic import mosaic_reader
    from rio_tiler.mosaic.methods import FirstMethod

    def read(scene: landscape.Scene) -> Any:
        return _part(work, scene)

    if work.stacked:
        with ThreadPoolExecutor(THREADS) as pool:
            return np.stack([np.ma.filled(part.array, 0) for part in pool.map(read, work.scenes)])
    if len(work.scenes) == 1:
        return np.asarray(np.ma.filled(read(work.scenes[0]).array, 0))
    image, _ = mosaic_reader(work.scenes[::-1], read, threads=THREADS, pixel_selection=FirstMethod)
    return np.asarray(np.ma.filled(image.array, 0))


def _part(work: Work, scene: landscape.Scene) -> Any:
    from rasterio.crs import CRS
    from rio_tiler.io import Reader
    from rio_tiler.models import ImageData

    rows, columns = work.shape
    crs = CRS.from_epsg(work.epsg)
    parts = []
    for path, indexes in work.files(scene):
        with Reader(path) as reader:
            parts.append(
                reader.part(
                    work.bounds,
                    bounds_crs=crs,
                    dst_crs=crs,
                    height=rows,
                    width=columns,
                    indexes=tuple(indexes),
                    resampling_method="nearest",
                    reproject_method="nearest",
                )
            )
    return parts[0] if len(parts) == 1 else ImageData.create_from_list(parts)


# --- GDAL and rasterio


def gdalwarp(work: Work) -> Array:
    """Run gdalwarp; the result is uncompressed, and in memory if there is such a folder."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if Path(memory).is_dir() else None) as folder:
        if work.stacked:
            return np.stack([_gdalwarp(work, (scene,), folder) for scene in work.scenes])
        return _gdalwarp(work, work.scenes, folder)


def has_gdalwarp() -> bool:
    """Say if the command is installed."""
    return shutil.which("gdalwarp") is not None


def _gdalwarp(work: Work, scenes: tuple[landscape.Scene, ...], folder: str) -> Array:
    rows, columns = work.shape
    threads = ("-multi", "-wo", f"NUM_THREADS={THREADS}", "--config", "GDAL_NUM_THREADS", str(THREADS))
    grid = ("-t_srs", f"EPSG:{work.epsg}", "-te", *map(repr, work.bounds), "-ts", str(columns), str(rows))
    parts = []
    for files in zip(*map(work.files, scenes), strict=True):
        out = f"{folder}/warped.tif"
        paths = [path for path, _ in files]
        nodata = ("-srcnodata", "0", "-dstnodata", "0")
        subprocess.run(["gdalwarp", "-q", "-overwrite", *threads, *grid, *nodata, *paths, out], check=True)
        with rasterio.open(out) as dataset:
            parts.append(dataset.read(files[0][1]))
    return np.concatenate(parts)


def warped_vrt(work: Work) -> Array:
    """Read every scene through rasterio's WarpedVRT (GDAL's warper), in threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        layers = list(pool.map(lambda scene: _read(work, scene, warp=True), work.scenes))
    return np.stack(layers) if work.stacked else _overlay(layers)


def rasterio_threads(work: Work) -> Array:
    """Read as an expert would: windows if grids coincide, newest first, two ahead, until all is valid."""
    with ThreadPoolExecutor(THREADS) as pool:
        if work.stacked:
            return np.stack(list(pool.map(lambda scene: _read(work, scene), work.scenes)))
        out: Array | None = None
        queue = [pool.submit(_read, work, scene) for scene in work.scenes[: -THREADS - 1 : -1]]
        for number in range(len(work.scenes)):
            layer = queue[number].result()
            ahead = number + THREADS
            if ahead < len(work.scenes):
                queue.append(pool.submit(_read, work, work.scenes[-1 - ahead]))
            if out is None:
                out = layer
            else:
                np.copyto(out, layer, where=out == 0)
            if out.all():
                break
        assert out is not None
        return out


def rasterio_gdal_threads(work: Work) -> Array:
    """Read one scene with GDAL's own threads."""
    with rasterio.Env(GDAL_NUM_THREADS=str(THREADS)):
        return _read(work, work.scenes[-1])


def rasterio_merge(work: Work) -> Array:
    """Run rasterio.merge, with scenes of the other zone through a WarpedVRT."""
    parts = []
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_NUM_THREADS=str(THREADS)))
        for number in range(len(work.files(work.scenes[0]))):
            opened = []
            for scene in work.scenes:
                dataset = stack.enter_context(rasterio.open(work.files(scene)[number][0]))
                if scene.epsg != work.epsg:
                    dataset = stack.enter_context(_warped(work, dataset))
                opened.append(dataset)
            merged, _ = rasterio.merge.merge(
                opened[::-1],
                bounds=work.bounds,
                res=work.transform.a,
                nodata=0,
                method="first",
                indexes=work.files(work.scenes[0])[number][1],
                mem_limit=4096,
            )
            parts.append(merged)
    return np.concatenate(parts)


def _read(work: Work, scene: landscape.Scene, *, warp: bool = False) -> Array:
    parts = [_read_file(work, scene, path, indexes, warp=warp) for path, indexes in work.files(scene)]
    pixels = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if work.alpha:
        pixels[:, _read_file(work, scene, work.ground.file(scene, "alpha"), [1], warp=warp)[0] == 0] = 0
    return pixels


def _read_file(work: Work, scene: landscape.Scene, path: str, indexes: list[int], *, warp: bool) -> Array:
    rows, columns = work.shape
    with rasterio.open(path, sharing=False) as dataset:
        own, wanted = dataset.transform, work.transform
        if warp or scene.epsg != work.epsg or own.a != wanted.a:
            with _warped(work, dataset) as warped:
                return np.asarray(warped.read(indexes))
        x, y = round((wanted.c - own.c) / own.a), round((wanted.f - own.f) / own.e)
        left, top = max(0, x), max(0, y)
        right, bottom = min(dataset.width, x + columns), min(dataset.height, y + rows)
        if (left, top, right, bottom) == (x, y, x + columns, y + rows):
            return np.asarray(dataset.read(indexes, window=Window(left, top, columns, rows)))
        out = np.zeros((len(indexes), rows, columns), dataset.dtypes[0])
        if right > left and bottom > top:
            window = Window(left, top, right - left, bottom - top)
            out[:, top - y : bottom - y, left - x : right - x] = dataset.read(indexes, window=window)
        return out


def _warped(work: Work, dataset: Any) -> WarpedVRT:
    rows, columns = work.shape
    nodata = {} if dataset.nodata is None else {"nodata": 0, "src_nodata": 0}
    return WarpedVRT(
        dataset,
        crs=f"EPSG:{work.epsg}",
        transform=work.transform,
        height=rows,
        width=columns,
        resampling=Resampling.nearest,
        warp_mem_limit=256,
        **nodata,
    )


# --- the floor


def decode_only(work: Work, reference: Reference) -> Callable[[], None]:
    """Return a measure that inflates only the tiles that the result needs: no headers, no pixels."""
    import imagecodecs
    import tifffile

    level = 0 if work.overview is None else work.overview + 1
    jobs = []
    for number, scene in enumerate(work.scenes):
        for path, _ in work.files(scene):
            with tifffile.TiffFile(path) as tiff:
                page: Any = tiff.pages[level]
                across = -(-page.imagewidth // TILE)
                size = TILE * TILE * page.samplesperpixel * page.dtype.itemsize
                jobs += [
                    (path, page.dataoffsets[y * across + x], page.databytecounts[y * across + x], size)
                    for scene_number, y, x in sorted(reference.tiles)
                    if scene_number == number
                ]

    def inflate(share: list[tuple[str, int, int, int]]) -> None:
        files: dict[str, int] = {}
        buffer = bytearray(max((size for *_, size in share), default=0))
        try:
            for path, offset, count, size in share:
                if path not in files:
                    files[path] = os.open(path, os.O_RDONLY)
                raw = os.pread(files[path], count, offset)
                imagecodecs.deflate_decode(raw, out=memoryview(buffer)[:size])
        finally:
            for file in files.values():
                os.close(file)

    def measure() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(inflate, [jobs[start::THREADS] for start in range(THREADS)]))

    return measure
