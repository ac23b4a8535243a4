"""Small tiled GeoTIFFs on disk, and the plain arrays they were made of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from landbridge.geo import AOI
from landbridge.kernels import decode_tile
from landbridge.raster import Band, Request, Source
from landbridge.raster.runtime import buffer_pool
from support import range_server as rs

UTM14, UTM15 = "EPSG:32614", "EPSG:32615"
ORIGIN = (500_000.0, 4_200_000.0)


@pytest.fixture(scope="session", autouse=True)
def _used_memory():
    """Results get memory that something else was in, as they do after the first large one."""

    def used(shape, dtype):
        array = np.empty(shape, dtype)
        array.view(np.uint8).fill(0xA5)
        return array

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffer_pool, "empty", used)
        yield


@dataclass(frozen=True)
class Scene:
    """An image and what its file (or files) were made of: values (band, y, x) at a place."""

    source: Source
    values: np.ndarray
    transform: Affine
    crs: str

    @property
    def own(self) -> AOI:
        rows, columns = self.values.shape[1:]
        left, top = self.transform.c, self.transform.f
        right, bottom = self.transform @ (columns, rows)
        return AOI(
            bounds=(left, bottom, right, top), bounds_crs=self.crs, crs=self.crs, shape=(rows, columns)
        )


def write_tiff(path, values, *, transform=None, crs=UTM14, nodata=None, cog=False, **options):
    count, height, width = values.shape
    transform = transform or Affine(30, 0, ORIGIN[0], 0, -30, ORIGIN[1])
    profile = {
        "driver": "GTiff",
        "count": count,
        "height": height,
        "width": width,
        "dtype": values.dtype,
        "crs": crs,
        "transform": transform,
        "nodata": nodata,
        "tiled": True,
        "blockxsize": 64,
        "blockysize": 64,
        "compress": "deflate",
        **options,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values)
    if cog:
        plain = Path(path).rename(f"{path}.plain.tif")
        rasterio.shutil.copy(plain, path, driver="COG", blocksize=128, overview_resampling="average")
        plain.unlink()
    return str(path)


@pytest.fixture
def make_scene(tmp_path):
    """Make a scene: one file with all bands, or with `split` a file per band."""

    def make(
        name,
        values,
        *,
        bands=None,
        split=False,
        place=(0, 0),
        resolution=30,
        crs=UTM14,
        origin=ORIGIN,
        nodata=None,
        file_nodata=None,
        product="p",
        data_type=None,
        geometry=None,
        **options,
    ):
        values = np.asarray(values)
        names = bands or [f"b{number}" for number in range(values.shape[0])]
        types = {
            "uint8": "Byte",
            "uint16": "UInt16",
            "int16": "Int16",
            "uint32": "UInt32",
            "int32": "Int32",
            "float32": "Float32",
            "float64": "Float64",
        }
        transform = Affine(
            resolution,
            0,
            origin[0] + place[1] * resolution,
            0,
            -resolution,
            origin[1] - place[0] * resolution,
        )
        files = []
        for number, part in enumerate(np.split(values, len(names)) if split else [values]):
            path = tmp_path / f"{name}-{number}.tif"
            files.append(write_tiff(path, part, transform=transform, crs=crs, nodata=file_nodata, **options))
        described = {
            band: Band(
                band,
                data_type or types[values.dtype.name],
                nodata=nodata,
                band_index=0 if split else number,
                file_index=number if split else 0,
                type="mask" if band == "alpha" else "spectral",
            )
            for number, band in enumerate(names)
        }
        return Scene(Source(name, tuple(files), described, geometry, product), values, transform, crs)

    return make


@pytest.fixture
def grid():
    """An AOI of pixels counted from the common origin: (first row, first column, rows, columns)."""

    def make(row, column, rows, columns, *, resolution=30, crs=UTM14, **fields):
        left, top = ORIGIN[0] + column * 30, ORIGIN[1] - row * 30
        return AOI(
            bounds=(left, top - rows * resolution, left + columns * resolution, top),
            bounds_crs=UTM14,
            crs=crs,
            resolution=resolution,
            align_pixels=False,
            **fields,
        )

    return make


@pytest.fixture
def request_of():
    def make(bands, context, **fields):
        return Request(tuple(bands.split()), context, **fields)

    return make


@pytest.fixture
def server(tmp_path):
    """A server of the files in the test's folder."""
    with rs.serving(tmp_path) as running:
        yield running


@pytest.fixture
def decoded(monkeypatch):
    """Numbers of tiles that were decoded."""
    counts = [0]

    def counted(*arguments):
        counts[0] += 1
        return decode_tile(*arguments)

    monkeypatch.setattr("landbridge.raster.io.tile_reader.decode_tile", counted)
    return counts
