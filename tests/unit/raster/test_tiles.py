"""The tile path: the same pixels as by GDAL, and GDAL where a file is not of its kind."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.geo import AOI
from landbridge.raster import Band, RasterError, Request, Source, mosaic, read_image, stack, stacked
from landbridge.raster.io import open_files
from landbridge.raster.io.headers import read_header, tile_reader_for
from landbridge.raster.io.local_file import LocalFile
from landbridge.raster.io.tile_reader import Tile, TileCache, TileReader

NAMES = {
    "uint8": "Byte",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}
LEFT, TOP, STEP = 700_000, 4_200_000, 30


@dataclass(frozen=True)
class Packing:
    """Storage of a file's pixels."""

    dtype: str
    compress: str | None
    predictor: int
    tile: tuple[int, int]
    interleave: str
    sparse: bool
    nodata: float | None
    nan: bool


@st.composite
def packings(draw):
    dtype = draw(st.sampled_from(sorted(NAMES)))
    floating = dtype.startswith("float")
    compress = draw(st.sampled_from([None, "deflate", "lzw", "zstd"]))
    return Packing(
        dtype=dtype,
        compress=compress,
        predictor=draw(st.sampled_from([1, 2, 3] if floating else [1, 2])) if compress else 1,
        tile=(draw(st.sampled_from([16, 48, 64])), draw(st.sampled_from([16, 32, 80]))),
        interleave=draw(st.sampled_from(["pixel", "band"])),
        sparse=draw(st.booleans()),
        nodata=draw(st.sampled_from([None, 0, 7])),
        nan=floating and draw(st.booleans()),
    )


@st.composite
def grids(draw):
    """Coinciding, shifted, scaled, flipped by the file, or of another system."""
    kind = draw(st.sampled_from(["same", "shifted", "scaled", "zone", "mercator"]))
    rows, columns = draw(st.tuples(st.integers(1, 150), st.integers(1, 150)))
    shift = draw(st.tuples(st.integers(-60, 90), st.integers(-60, 90)))
    part = draw(st.floats(-0.5, 0.5)) if kind == "shifted" else 0
    scale = draw(st.sampled_from([0.4, 1.3, 2.6])) if kind == "scaled" else 1
    left, top = LEFT + (shift[0] + part) * STEP, TOP - (shift[1] + part) * STEP
    right, bottom = left + columns * STEP * scale, top - rows * STEP * scale
    crs = {"zone": "EPSG:32615", "mercator": "EPSG:3857"}.get(kind, "EPSG:32614")
    return AOI(bounds=(left, bottom, right, top), bounds_crs="EPSG:32614", crs=crs, shape=(rows, columns))


def write(path, values, packing, *, place=(0, 0), flipped=False, crs="EPSG:32614", photometric="minisblack"):
    count, height, width = values.shape
    top = TOP - place[0] * STEP
    down = Affine(STEP, 0, LEFT + place[1] * STEP, 0, -STEP, top)
    up = Affine(STEP, 0, LEFT + place[1] * STEP, 0, STEP, top - height * STEP)
    options = {"compress": packing.compress, "predictor": packing.predictor} if packing.compress else {}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype=packing.dtype,
        crs=crs,
        transform=up if flipped else down,
        nodata=packing.nodata,
        tiled=True,
        blockysize=packing.tile[0],
        blockxsize=packing.tile[1],
        interleave=packing.interleave,
        sparse_ok=packing.sparse,
        photometric=photometric,
        **options,
    ) as dataset:
        dataset.write(values[:, ::-1] if flipped else values)
    return str(path)


def pixels(random, packing, shape):
    """Values with holes of nodata large enough to leave tiles empty, and the last band 0 or 1."""
    dtype = np.dtype(packing.dtype)
    if dtype.kind == "f":
        values = random.normal(0, 1000, shape).astype(dtype)
        if packing.nan:
            values[random.random(shape) < 0.1] = np.nan
    else:
        limits = np.iinfo(dtype)
        values = random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    for _ in range(3):
        top, left = random.integers(-40, 120, 2)
        hole = (slice(max(0, top), max(0, top + 90)), slice(max(0, left), max(0, left + 90)))
        values[(slice(None), *hole)] = 0 if packing.nodata is None else packing.nodata
    values[-1] = random.random(shape[1:]) < 0.7
    return values


def both_ways(monkeypatch, make):
    """Return the results of `make` by tiles and by GDAL, and the number of regions decoded here."""
    decoded = []
    unpack = TileReader._unpack

    def spied(self, *stored):
        result = unpack(self, *stored)
        decoded.append(result is not None)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(TileReader, "_unpack", spied)
        tiled = make()
    with monkeypatch.context() as patch:
        patch.setattr(open_files, "tile_reader_for", lambda *_: None)
        loaded = make()
    assert all(decoded)
    return tiled, loaded, len(decoded)


@settings(max_examples=120, deadline=None)
@given(
    packing=packings(),
    grid=grids(),
    seed=st.integers(0, 2**32 - 1),
    options=st.fixed_dictionaries(
        {
            "mask_nodata": st.booleans(),
            "mask_alpha": st.booleans(),
            "resampler": st.sampled_from(["near"] * 5 + ["bilinear"]),
        }
    ),
    order=st.permutations(["b0", "b1", "alpha"]).flatmap(
        lambda names: st.integers(1, 3).map(lambda count: tuple(names[:count]))
    ),
    flipped=st.booleans(),
    split=st.booleans(),
)
def test_tiles_give_the_same_pixels_as_gdal(packing, grid, seed, options, order, flipped, split):
    random = np.random.default_rng(seed)
    monkeypatch = pytest.MonkeyPatch()
    bands = {
        name: Band(
            name,
            NAMES[packing.dtype],
            nodata=None if name == "alpha" else packing.nodata,
            band_index=0 if split else index,
            file_index=index if split else 0,
            type="mask" if name == "alpha" else "spectral",
            is_alpha=name == "alpha",
        )
        for index, name in enumerate(("b0", "b1", "alpha"))
    }
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for number, crs in enumerate(("EPSG:32614", "EPSG:32615", "EPSG:32614")):
            shape = (3, *map(int, random.integers(1, 140, 2)))
            values = pixels(random, packing, shape)
            place = tuple(map(int, random.integers(-30, 30, 2)))
            paths = [
                write(
                    Path(folder) / f"{number}-{file}.tif",
                    part,
                    packing,
                    place=place,
                    flipped=flipped,
                    crs=crs,
                )
                for file, part in enumerate(np.split(values, 3) if split else [values])
            ]
            sources.append(Source(f"s{number}", tuple(paths), bands))
        if options["mask_alpha"] and "alpha" in order:
            order = (*(name for name in order if name != "alpha"), "alpha")
        request = Request(order, grid, **options)
        tiled, loaded, _ = both_ways(monkeypatch, lambda: mosaic(sources, request))
        assert tiled.data.dtype == loaded.data.dtype
        np.testing.assert_array_equal(tiled.data, loaded.data)
        np.testing.assert_array_equal(tiled.mask, loaded.mask)
        tiled, loaded, _ = both_ways(
            monkeypatch, lambda: stacked(stack([[source] for source in sources], request))
        )
        np.testing.assert_array_equal(np.ma.getdata(tiled), np.ma.getdata(loaded))
        np.testing.assert_array_equal(np.ma.getmaskarray(tiled), np.ma.getmaskarray(loaded))


PLAIN = Packing("uint16", "deflate", 2, (64, 64), "pixel", sparse=False, nodata=0, nan=False)


def image(tmp_path, name="a", shape=(2, 200, 180), **options):
    values = np.random.default_rng(1).integers(1, 60000, shape).astype("uint16")
    path = write(tmp_path / f"{name}.tif", values, PLAIN, **options)
    return Source(name, (path,), {"b0": Band("b0"), "b1": Band("b1", band_index=1)}), values


def whole(rows=200, columns=180):
    bounds = (LEFT, TOP - rows * STEP, LEFT + columns * STEP, TOP)
    return AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(rows, columns))


def test_tiles_under_a_full_mosaic_are_not_decoded(tmp_path, monkeypatch):
    under, _ = image(tmp_path, "a")
    over, values = image(tmp_path, "b", shape=(2, 200, 120))
    read = []
    stored = LocalFile.read_open

    def noted(self, file, places):
        # The directory lies at the beginning.
        read.extend((self.path, place) for place in places if place[0] > 0)
        return stored(self, file, places)

    monkeypatch.setattr(LocalFile, "read_open", noted)
    raster = mosaic([under, over], Request(("b0", "b1"), whole()))
    assert (raster.data[:, :, :120] == values).all()
    # Of the lower image only the tile columns 1 and 2 show, and no tile is read twice.
    assert sum(path == under.files[0] for path, _ in read) == 2 * 4
    assert len(read) == len(set(read)) == 2 * 4 + 2 * 4


def test_overviews_are_read_by_tiles(tmp_path, monkeypatch):
    source, _ = image(tmp_path, shape=(2, 600, 500))
    with rasterio.open(source.files[0], "r+") as dataset:
        dataset.build_overviews([2, 4], rasterio.enums.Resampling.average)
    request = Request(("b0", "b1"), whole(600, 500).assign(shape=(150, 125)))
    tiled, loaded, regions = both_ways(monkeypatch, lambda: read_image(source, request))
    assert regions
    assert (tiled.data == loaded.data).all()


@pytest.mark.parametrize(
    "options",
    [
        {"compress": "jpeg", "dtype": "uint8"},
        {"compress": "packbits"},
        {"compress": "deflate", "tiled": False},
        {"compress": "deflate", "nbits": 12},
        {"dtype": "complex64"},
    ],
    ids=str,
)
def test_files_of_other_kinds_are_left_to_gdal(tmp_path, options):
    path = tmp_path / "other.tif"
    profile = {
        "driver": "GTiff",
        "dtype": "uint16",
        "count": 1,
        "height": 64,
        "width": 64,
        "crs": "EPSG:32614",
        "transform": Affine(STEP, 0, LEFT, 0, -STEP, TOP),
        "tiled": True,
        "blockxsize": 32,
        "blockysize": 32,
        **options,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write((np.arange(64 * 64) % 200).reshape(1, 64, 64).astype(profile["dtype"]))
    header = read_header(str(path))
    assert tile_reader_for(header, 0, TileCache()) is None


def test_a_damaged_tile_is_an_error_that_names_image_bands_and_file(tmp_path):
    source, _ = image(tmp_path)
    header = read_header(source.files[0])
    tiles = tile_reader_for(header, 0, TileCache())
    with Path(source.files[0]).open("r+b") as file:
        file.seek(tiles.page.offsets[3] + 20)
        file.write(b"\xff" * 200)
    with pytest.raises(RasterError, match=r"image 'a': cannot read bands 'b0', 'b1' from .*a\.tif"):
        read_image(source, Request(("b0", "b1"), whole()))


def test_a_truncated_file_is_an_error(tmp_path):
    source, _ = image(tmp_path)
    path = Path(source.files[0])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RasterError, match=r"a\.tif"):
        read_image(source, Request(("b0", "b1"), whole()))


def test_a_file_replaced_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    source, values = image(tmp_path)
    find = open_files.tile_reader_for  # type: ignore[attr-defined]

    def then_replaced(header, *place):
        tiles = find(header, *place)
        write(tmp_path / "new.tif", values[:, ::-1], PLAIN)
        (tmp_path / "new.tif").replace(source.files[0])
        return tiles

    monkeypatch.setattr(open_files, "tile_reader_for", then_replaced)
    with pytest.raises(RasterError, match="changed while it was being read"):
        read_image(source, Request(("b0", "b1"), whole()))
    monkeypatch.undo()
    assert (read_image(source, Request(("b0", "b1"), whole())).data == values[:, ::-1]).all()


def test_tiles_that_stay_in_the_cache_are_the_last_used():
    cache = TileCache(3 * 8)
    tiles = [Tile(np.full(1, number, "int64")) for number in range(4)]
    for number, tile in enumerate(tiles[:3]):
        assert cache.claim((number,)) is None
        cache.store((number,), tile)
    assert cache.claim((0,)) is tiles[0]
    cache.store((3,), tiles[3])
    assert [cache.claim((number,)) is not None for number in (0, 2, 3)] == [True] * 3
    assert cache.claim((1,)) is None


def test_a_tile_that_is_being_made_is_promised_to_the_next_who_asks():
    cache = TileCache()
    tile = Tile(np.ones(1))
    assert cache.claim(("a",)) is None
    promise = cache.claim(("a",))
    assert not promise.done()
    cache.store(("a",), tile)
    assert promise.result() is tile
