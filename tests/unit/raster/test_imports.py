"""Libraries that a process imports: only those that it needs, so that the first call is fast."""

import subprocess
import sys

import numpy as np
import rasterio
from affine import Affine

PIXEL_LIBRARIES = {
    "numpy",
    "odc.geo",
    "odc.loader",
    "odc.stac",
    "pandas",
    "pyproj",
    "rasterio",
    "shapely",
    "xarray",
}

_READ = """
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, read_image
bounds, crs = (500000, 4198080, 501920, 4200000), "EPSG:32614"
grid = AOI(bounds=bounds, bounds_crs=crs, crs=crs, shape=(64, 64))
read = read_image(Source("i", ("{path}",), {{"b": Band("b")}}), Request(("b",), grid))
assert (read.data == 7).all()
"""


def imported_by(code):
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_catalog_is_imported_without_libraries_of_pixels():
    # Of `make coverage`, a process has its modules already.
    assert not (imported_by("import landbridge.catalog") - imported_by("")) & {
        *PIXEL_LIBRARIES,
        "httpx",
        "pystac",
        "random",
        "socket",
    }


def test_pixels_of_a_local_tiff_are_read_without_gdal(tmp_path):
    path = tmp_path / "file.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint16", "tiled": True}
    place = {"crs": "EPSG:32614", "transform": Affine(30, 0, 500_000, 0, -30, 4_200_000)}
    with rasterio.open(
        path, "w", blockxsize=32, blockysize=32, compress="deflate", **profile, **place
    ) as dataset:
        dataset.write(np.full((1, 64, 64), 7, np.uint16))
    imported = imported_by(_READ.format(path=path))
    assert "odc.geo" in imported
    assert not imported & {
        "rasterio",
        "tifffile",
        "imagecodecs",
        "odc.loader",
        "odc.stac",
        "xarray",
        "pandas",
    }
