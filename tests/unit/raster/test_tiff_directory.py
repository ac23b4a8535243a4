"""Directories of TIFF files: the same as other readers see, and no surprises in malformed ones."""

import logging
import os
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.tiff_directory import Tiff, end_of_data, read_tiff
from support.lazy_import import LazyModule

tifffile = LazyModule("tifffile")

LONG = bool(os.environ.get("LANDBRIDGE_LONG_TESTS"))
DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "landsat8"
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")


def read(path) -> Tiff | None:
    return read_tiff(open_file(str(path)))


@st.composite
def layouts(draw):
    dtype = draw(st.sampled_from(DTYPES))
    predictors = [1, 2, 3] if dtype.startswith("float") else [1, 2]
    compress = draw(st.sampled_from(["none", "lzw", "deflate", "zstd"]))
    return {
        "dtype": dtype,
        "count": draw(st.integers(1, 5)),
        "height": draw(st.integers(8, 150)),
        "width": draw(st.integers(8, 150)),
        "nodata": draw(st.sampled_from([None, 0, 7])),
        "crs": draw(st.sampled_from(["EPSG:32614", "EPSG:4326", "EPSG:3857", None])),
        "transform": Affine(
            draw(st.sampled_from([0.5, 30])), 0, draw(st.floats(-100, 100)), 0, -30, draw(st.floats(-80, 80))
        ),
        "compress": compress,
        **({} if compress == "none" else {"predictor": draw(st.sampled_from(predictors))}),
        "interleave": draw(st.sampled_from(["pixel", "band"])),
        "bigtiff": draw(st.sampled_from(["YES", "NO"])),
        "endianness": draw(st.sampled_from(["LITTLE", "BIG"])),
        "tiled": True,
        "blockxsize": draw(st.sampled_from([16, 48])),
        "blockysize": draw(st.sampled_from([16, 32])),
        "sparse_ok": True,
    }


def write(path, layout, overviews=()):
    values = np.random.default_rng(3).integers(0, 100, (layout["count"], layout["height"], layout["width"]))
    values[:, :40, :40] = layout["nodata"] or 0
    with rasterio.open(path, "w", driver="GTiff", **layout) as dataset:
        dataset.write(values.astype(layout["dtype"]))
        dataset.update_tags(note="é" * 20)
        if overviews:
            dataset.build_overviews(list(overviews), rasterio.enums.Resampling.average)


@settings(max_examples=400 if LONG else 40)
@given(layouts(), st.sampled_from([(), (2,), (2, 4)]))
def test_other_readers_see_the_same_directory(layout, overviews):
    """Pages and tiles are those of tifffile; grid and nodata value are those of rasterio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.tif"
        write(path, layout, overviews)
        tiff = read(path)
        assert tiff is not None
        with tifffile.TiffFile(path) as expected:
            assert len(tiff.pages) == len(expected.pages)
            for page, other in zip(tiff.pages, expected.pages, strict=True):
                assert page.size == (other.imagelength, other.imagewidth)
                assert page.tile == (other.tilelength, other.tilewidth)
                assert (page.samples, page.dtype) == (other.samplesperpixel, other.dtype.newbyteorder("="))
                assert page.planar == (other.planarconfig == 2 and page.samples > 1)
                assert (page.compression, page.predictor) == (other.compression, other.predictor)
                assert page.offsets.tolist() == list(other.dataoffsets)
                assert page.counts.tolist() == list(other.databytecounts)
                assert page.swapped == (expected.byteorder == ">" and page.dtype.itemsize > 1)
            ends = [
                o + n for p in expected.pages for o, n in zip(p.dataoffsets, p.databytecounts, strict=True)
            ]
            assert end_of_data(path) == max(ends)
        with rasterio.open(path) as dataset:
            assert tiff.nodata == dataset.nodata
            assert list(tiff.overviews) == dataset.overviews(1)
            if tiff.grid is not None:
                assert tiff.grid.transform.almost_equals(dataset.transform, 1e-12)
                assert str(tiff.grid.crs) == dataset.crs.to_string()
                assert tiff.grid.shape.yx == dataset.shape
            assert (tiff.grid is None) == (layout["crs"] is None)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared Landsat scenes are not there")
def test_real_scenes_have_the_directory_that_other_readers_see():
    paths = sorted(DATA.glob("*.TIF"))
    assert paths
    for path in paths:
        tiff = read(path)
        assert tiff is not None
        with tifffile.TiffFile(path) as expected, rasterio.open(path) as dataset:
            assert tiff.pages[0].offsets.tolist() == list(expected.pages[0].dataoffsets)
            assert tiff.grid is not None
            assert tiff.grid.transform == dataset.transform
            assert tiff.nodata == dataset.nodata


def _simple(path, **options):
    layout = {"dtype": "uint16", "count": 2, "height": 70, "width": 90, "nodata": 0, "crs": "EPSG:32614"}
    layout |= {"transform": Affine(30, 0, 500_000, 0, -30, 4_200_000), "compress": "deflate", "tiled": True}
    write(path, layout | {"blockxsize": 16, "blockysize": 16, **options}, (2,))
    return path.read_bytes()


@pytest.mark.parametrize(("bigtiff", "endianness"), [("NO", "LITTLE"), ("YES", "BIG")])
def test_malformed_directories_are_left_to_gdal(tmp_path, bigtiff, endianness):
    """Changed bytes and cut files give a directory or none: no other error, and no endless loop."""
    good = _simple(tmp_path / "good.tif", bigtiff=bigtiff, endianness=endianness)
    path = tmp_path / "bad.tif"
    found = []

    @settings(max_examples=4000 if LONG else 120, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        # Directories and their values take the first kilobytes of the file.
        st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), min_size=1, max_size=6),
        st.integers(0, len(good)),
        st.booleans(),
    )
    def check(changes, end, is_cut):
        bad = bytearray(good)
        for place, value in changes:
            bad[place] = value
        path.write_bytes(bad[:end] if is_cut else bad)
        tiff = read(path)
        found.append(tiff is not None)
        assert end_of_data(path) >= 0
        if tiff is not None:
            assert all(len(page.offsets) == page.stored_tiles for page in tiff.pages)

    check()
    assert len(set(found)) == 2


def test_a_count_larger_than_the_file_reads_nothing(tmp_path):
    """Four thousand million tiles are claimed, in a file of some kilobytes."""
    path = tmp_path / "claims.tif"
    data = bytearray(_simple(path))
    (at,) = struct.unpack_from("<I", data, 4)
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
        tag, _, _ = struct.unpack_from("<HHI", data, entry)
        if tag in (256, 257):  # width and height
            struct.pack_into("<HII", data, entry + 2, 4, 1, 2**31)
        if tag in (324, 325):
            struct.pack_into("<I", data, entry + 4, 2**32 - 1)
    path.write_bytes(data)
    tracemalloc.start()
    assert read(path) is None
    assert end_of_data(path) == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_directories_in_a_circle_are_left_to_gdal(tmp_path):
    path = tmp_path / "circle.tif"
    data = bytearray(_simple(path))
    (at,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * tags, at)
    path.write_bytes(data)
    assert read(path) is None


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [(255, 3, 1), (330, 4, 8), (266, 3, 2), (32998, 4, 2), (262, 3, 6), (317, 3, 5), (259, 3, 7)],
    ids=["old kind", "sub-directories", "fill order", "depth", "YCbCr", "unknown predictor", "JPEG"],
)
def test_features_that_only_gdal_reads_are_left_to_it(tmp_path, tag, kind, value):
    path = tmp_path / "odd.tif"
    values = np.zeros((64, 64), np.uint8)
    tifffile.imwrite(path, values, tile=(16, 16))
    assert read(path) is not None
    data = bytearray(path.read_bytes())
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = {struct.unpack_from("<H", data, at + 2 + 12 * n)[0]: at + 2 + 12 * n for n in range(count)}
    # The tag takes the place of one that no reader needs.
    struct.pack_into("<HHII", data, entries.get(tag, entries[305]), tag, kind, 1, value)
    path.write_bytes(data)
    assert read(path) is None


def test_parsing_logs_nothing(tmp_path, caplog):
    path = tmp_path / "file.tif"
    tifffile.imwrite(
        path, np.zeros((32, 32), np.uint8), tile=(16, 16), extratags=[(42113, 2, 0, "-1000", True)]
    )
    with caplog.at_level(logging.DEBUG):
        tiff = read(path)
    assert tiff is not None
    # The type cannot hold the nodata value.
    assert tiff.nodata is None
    assert not caplog.records
