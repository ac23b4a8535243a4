"""Tiles that are decoded natively: the pixels that GDAL reads, to the bit, and errors for damaged ones."""

import itertools
import os
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile

from landbridge.geo import AOI
from landbridge.kernels import decode_tile
from landbridge.raster import Band, RasterError, Request, Source, read_image
from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.headers import read_header, tile_reader_for
from landbridge.raster.io.tiff_directory import read_tiff
from landbridge.raster.io.tile_reader import TileCache

LONG = bool(os.environ.get("LANDBRIDGE_LONG_TESTS"))
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
NUMBERS = {"none": 1, "lzw": 5, "deflate": 8, "zstd": 50000}
PLACE = {"crs": "EPSG:32614", "transform": Affine(30, 0, 500_000, 0, -30, 4_200_000)}


def write(path, values, **options):
    count, height, width = values.shape
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": 32, "blockysize": 16, "sparse_ok": True}
    profile |= {"count": count, "height": height, "width": width, "dtype": values.dtype}
    with rasterio.open(path, "w", **profile | PLACE | options) as dataset:
        dataset.write(values)


def values_of(random, dtype, count, shape=(50, 70)):
    """Values of the whole range, some of them repeated, and an empty part."""
    kind = np.dtype(dtype)
    values = random.integers(0, 256, (count, *shape, kind.itemsize), np.uint8).view(kind)[..., 0]
    values[:, 20:30] = values[:, 20:21]
    values[:, :33, :33] = 0
    return np.ascontiguousarray(values)


def packings():
    counts = (1, 2, 3, 4, 5) if LONG else (1, 3, 4)
    for dtype, compress, count in itertools.product(DTYPES, NUMBERS, counts):
        predictors = [1] if compress == "none" else [1, 2, 3] if dtype.startswith("float") else [1, 2]
        yield from itertools.product(
            [dtype], [compress], [count], predictors, ["pixel", "band"][: min(count, 2)]
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("endianness", "bigtiff"), [("LITTLE", "NO"), ("BIG", "YES")])
def test_pixels_are_those_of_gdal_to_the_bit(tmp_path, dtype, endianness, bigtiff):
    """All types, compressions, predictors, arrangements and byte orders, with tiles that are not stored."""
    random, path, compared = np.random.default_rng(5), tmp_path / "file.tif", 0
    for _, compress, count, predictor, interleave in (each for each in packings() if each[0] == dtype):
        options = {} if compress == "none" else {"predictor": predictor}
        values = values_of(random, dtype, count)
        path.unlink(missing_ok=True)
        write(
            path,
            values,
            compress=compress,
            interleave=interleave,
            endianness=endianness,
            bigtiff=bigtiff,
            **options,
        )
        tiles = tile_reader_for(read_header(str(path)), 0, TileCache())
        assert tiles is not None
        assert (tiles.page.counts == 0).any()
        for indexes in ([*range(1, count + 1)], [count]):
            read = tiles.read(indexes, np.s_[3:50, 5:70])
            with rasterio.open(path) as dataset:
                expected = dataset.read(indexes)[:, 3:50, 5:70]
            assert read is not None
            assert read.tobytes() == expected.tobytes()
            compared += 1
    assert compared


@settings(max_examples=1000 if LONG else 40)
@given(
    st.sampled_from(["lzw", "deflate", "zstd"]),
    st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 9000)), min_size=1, max_size=12),
)
def test_repeated_and_random_bytes_are_decoded(compress, parts):
    """Long runs, strings that contain themselves, and more codes than a table of LZW has."""
    data = b"".join(part * (times // len(part) + 1) for part, times in parts)
    data += np.random.default_rng(len(data)).bytes(len(data) // 3)
    values = np.resize(np.frombuffer(data, np.uint8), (1, 256, 256))
    with MemoryFile() as memory:
        write(memory.name, values, compress=compress, blockxsize=256, blockysize=256, sparse_ok=False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file.tif")
            path.write_bytes(memory.read())
            (stored,) = stored_tiles(path)
    tile = np.empty((256, 256, 1), np.uint8)
    decode_tile(stored, tile, NUMBERS[compress])
    assert (tile[..., 0] == values[0]).all()


def stored_tiles(path):
    tiff = read_tiff(open_file(str(path)))
    assert tiff is not None
    page, data = tiff.pages[0], path.read_bytes()
    return [
        np.frombuffer(data[offset : offset + count], np.uint8)
        for offset, count in zip(page.offsets, page.counts, strict=True)
    ]


@pytest.mark.parametrize(("compress", "predictor"), [("lzw", 2), ("deflate", 1), ("zstd", 2), ("lzw", 3)])
def test_damaged_data_never_write_outside_the_tile(tmp_path, compress, predictor):
    """Changed, cut and extended data are decoded to something, or raise a ValueError."""
    path = tmp_path / "file.tif"
    dtype = "float32" if predictor == 3 else "uint16"
    values = values_of(np.random.default_rng(1), dtype, 3, (64, 64))
    write(path, values, compress=compress, predictor=predictor, blockxsize=64, blockysize=64)
    (good,) = stored_tiles(path)
    size, guard = values.nbytes, 4096
    memory = np.empty(size + 2 * guard, np.uint8)
    failed = []

    @settings(
        max_examples=20_000 if LONG else 80, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=5),
        st.integers(0, len(good)),
        st.booleans(),
        st.binary(max_size=20),
    )
    def check(changes, end, is_cut, more):
        bad = good.copy()
        for place, value in changes:
            bad[place] = value
        bad = np.concatenate([bad[:end] if is_cut else bad, np.frombuffer(more, np.uint8)])
        memory.fill(0xA5)
        tile = memory[guard : guard + size].view(dtype).reshape(64, 64, 3)
        try:
            decode_tile(bad, tile, NUMBERS[compress], predictor)
        except ValueError:
            failed.append(True)
        assert (memory[:guard] == 0xA5).all()
        assert (memory[-guard:] == 0xA5).all()

    check()
    assert failed


@pytest.mark.parametrize("compress", ["lzw", "deflate", "zstd", "none"])
@pytest.mark.parametrize("harm", ["zeros", "ones", "cut"])
def test_an_error_names_the_file_and_the_tile(tmp_path, compress, harm):
    """Damage that GDAL sees is an error; what GDAL reads nevertheless has GDAL's pixels."""
    path = tmp_path / "scene.tif"
    values = np.random.default_rng(2).integers(0, 60_000, (1, 100, 100)).astype("uint16")
    write(path, values, compress=compress, blockxsize=64, blockysize=64)
    page = read_header(str(path)).tiff.pages[0]
    start, count = int(page.offsets[3]), int(page.counts[3])
    if harm == "cut":
        path.write_bytes(path.read_bytes()[: start + count // 2])
    else:
        with path.open("r+b") as file:
            file.seek(start)
            file.write((b"\0" if harm == "zeros" else b"\xff") * count)
    bounds = (500_000, 4_200_000 - 3000, 503_000, 4_200_000)
    grid = AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(100, 100))
    request = Request(("b",), grid)
    try:
        with rasterio.open(path) as dataset:
            expected = dataset.read()
    except rasterio.errors.RasterioIOError:
        with pytest.raises(RasterError, match=r"scene\.tif.*(X offset 1, Y offset 1|tile 3)"):
            read_image(Source("i", (str(path),), {"b": Band("b")}), request)
    else:
        assert (read_image(Source("i", (str(path),), {"b": Band("b")}), request).data == expected).all()


def test_data_that_hold_more_than_a_tile_are_an_error_without_their_memory():
    """A gigabyte of zeros is not made."""
    bomb = np.frombuffer(zlib.compress(bytes(2**24)), np.uint8)
    tile = np.full((16, 16, 1), 9, np.uint8)
    with pytest.raises(ValueError, match="more than a tile"):
        decode_tile(bomb, tile, 8)


def test_arguments_that_do_not_fit_are_refused():
    data, tile = np.zeros(4, np.uint8), np.zeros((2, 2, 1), np.uint8)
    with pytest.raises(ValueError, match="Compression 7 is not supported"):
        decode_tile(data, tile, 7)
    with pytest.raises(ValueError, match="Predictor 3 is not supported for values of 1 bytes"):
        decode_tile(data, tile, 1, 3)
    with pytest.raises(ValueError, match="shorter than a tile"):
        decode_tile(data[:3], tile, 1)
    with pytest.raises(TypeError):
        decode_tile(data, np.zeros((2, 4, 1), np.uint8)[:, ::2], 1)
    tile.flags.writeable = False
    with pytest.raises(TypeError):
        decode_tile(data, tile, 1)
    decode_tile(data[:0], np.zeros((0, 2, 1), np.uint8), 5)
