"""Read the mosaic of twelve items with one library, in a process of its own.

python sources_worker.py LIBRARY WORK OUTPUT: WORK is a JSON file with addresses and the grid, OUTPUT an .npy
file of the result. It prints {"cold": seconds, "warm": seconds}: the first call, with nothing but modules and
the list of items there, and the median of the next. Only the library that is asked for is imported, since
each may need another Python.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_WARM_RUNS = 3
_AT_ONCE = 16


def landbridge(work: dict[str, Any]) -> Callable[[], Any]:
    """Run our mosaic of images that a search found."""
    from landbridge import sources
    from landbridge.catalog import Product
    from landbridge.geo import AOI

    sources.add("bench", work["api"])
    _import_engine(work)
    product = Product.get(f"bench:{work['collection']}")
    assert product is not None
    images = product.images().sort("acquired").collect()
    crs = f"EPSG:{work['epsg']}"
    grid = AOI(bounds=work["bounds"], bounds_crs=crs, crs=crs, resolution=10.0, align_pixels=False)

    def run() -> Any:
        return np.ma.filled(images.mosaic(work["bands"], geocontext=grid, progress=False), 0)

    return run


def _import_engine(work: dict[str, Any]) -> None:
    """Import what a mosaic needs, by reading local files: the engine imports it when it is used first."""
    from shapely.geometry import box

    from landbridge.geo import AOI
    from landbridge.raster import Band, Request, Source, mosaic

    left, bottom, right, top = work["bounds"]
    crs = f"EPSG:{work['epsg']}"
    grid = AOI(bounds=(left, bottom, right, top), bounds_crs=crs, crs=crs, shape=(256, 256))
    bands = {"red": Band("red", nodata=0)}
    scenes = [Source(path, (path,), bands, box(-180, -90, 180, 90), "local") for path in work["local"]]
    for size in (grid, AOI(bounds=grid.bounds, bounds_crs=crs, crs=crs, resolution=10.0)):
        mosaic(scenes, Request(("red",), size, mask_alpha=False), progress=False)


def odc_stac(work: dict[str, Any]) -> Callable[[], Any]:
    """Run odc.stac.load and let the newest valid pixel win."""
    import odc.stac
    import pystac
    from odc.geo.geobox import GeoBox

    settings = _settings(work)
    odc.stac.configure_rio(cloud_defaults=True, **settings)
    items = [pystac.Item.from_dict(item) for item in reversed(work["items"])]
    geobox = GeoBox.from_bbox(work["bounds"], f"EPSG:{work['epsg']}", resolution=10)

    def run() -> Any:
        cube = odc.stac.load(
            items,
            bands=work["bands"],
            geobox=geobox,
            pool=_AT_ONCE,
            groupby=lambda *_: 0,
            preserve_original_order=True,
        )
        return np.stack([cube[band].values[0] for band in work["bands"]])

    return run


def _settings(work: dict[str, Any]) -> dict[str, Any]:
    return dict(work["gdal"])


def rio_tiler(work: dict[str, Any]) -> Callable[[], Any]:
    """Run rio-tiler's mosaic of the first valid pixel."""
    import rasterio
    from rasterio.crs import CRS
    from rio_tiler.io import Reader
    from rio_tiler.models import ImageData
    from rio_tiler.mosaic import mosaic_reader
    from rio_tiler.mosaic.methods import FirstMethod

    crs = CRS.from_epsg(work["epsg"])
    left, bottom, right, top = work["bounds"]
    height, width = round((top - bottom) / 10), round((right - left) / 10)

    def part(href: str) -> Any:
        with Reader(href) as reader:
            return reader.part(
                work["bounds"],
                bounds_crs=crs,
                dst_crs=crs,
                height=height,
                width=width,
                resampling_method="nearest",
                reproject_method="nearest",
            )

    def run() -> Any:
        with rasterio.Env(**_settings(work)), ThreadPoolExecutor(_AT_ONCE) as pool:

            def read(item: dict[str, Any]) -> Any:
                hrefs = [item["assets"][band]["href"] for band in work["bands"]]
                return ImageData.create_from_list(list(pool.map(part, hrefs)))

            image, _ = mosaic_reader(work["items"][::-1], read, threads=4, pixel_selection=FirstMethod)
            return np.ma.filled(image.array, 0)

    return run


def _address(work: dict[str, Any]) -> str:
    """Return the address before the names of the files."""
    href: str = work["items"][0]["assets"][work["bands"][0]]["href"]
    return href.rpartition("/")[0]


def _plain_store(work: dict[str, Any]) -> Any:
    """Return a store that allows http, which those of lazycogs and rasteret refuse."""
    from obstore.store import HTTPStore

    return HTTPStore.from_url(_address(work), client_options={"allow_http": True})


def lazycogs(work: dict[str, Any]) -> Callable[[], Any]:
    """Run lazycogs on the items in a parquet file."""
    import lazycogs as library
    from rustac import DuckdbClient

    # DuckDB would load its extensions from the network otherwise.
    from rustac_duckdb_extensions import extension_directory

    client = DuckdbClient(extension_directory=extension_directory(), install_extensions=False)

    def run() -> Any:
        cube = library.open(
            work["parquet"],
            bbox=tuple(work["bounds"]),
            crs=f"EPSG:{work['epsg']}",
            resolution=10.0,
            bands=work["bands"],
            time_period="P1Y",
            sortby="-datetime",
            nodata=0,
            duckdb_client=client,
            store=_plain_store(work),
        )
        return cube.isel(time=0).values

    return run


def rasteret(work: dict[str, Any]) -> Callable[[], Any]:
    """Run rasteret: the first call builds its index of headers."""
    import tempfile

    import rasteret as library
    from rasteret.cloud import ObstoreBackend

    backend = ObstoreBackend(_plain_store(work), url_prefix=f"{_address(work)}/")
    names = [item["id"] for item in reversed(work["items"])]
    built: list[Any] = []

    def run() -> Any:
        if not built:
            built.append(
                library.build_from_table(
                    work["parquet"],
                    name="bench",
                    workspace_dir=tempfile.mkdtemp(),
                    enrich_cog=True,
                    band_codes=work["bands"],
                    force=True,
                    backend=backend,
                )
            )
        return built[0].read_window(
            record_ids=names,
            bounds=tuple(work["bounds"]),
            res=(10.0, 10.0),
            bands=work["bands"],
            target_crs=work["epsg"],
            backend=backend,
        )

    return run


LIBRARIES = {one.__name__: one for one in (landbridge, odc_stac, rio_tiler, lazycogs, rasteret)}


def main(name: str, work: str, output: str) -> None:
    run = LIBRARIES[name](json.loads(Path(work).read_text()))
    taken = []
    for _ in range(1 + _WARM_RUNS):
        began = time.perf_counter()
        result = run()
        taken.append(time.perf_counter() - began)
    np.save(output, np.asarray(result))
    print(json.dumps({"cold": taken[0], "warm": statistics.median(taken[1:])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
