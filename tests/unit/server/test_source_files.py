"""Files of other writers: their COGs have exactly the pixels that rasterio reads from them."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning
from rasterio.transform import Affine

from conftest import LONG
from landbridge.geo import AOI
from landbridge.mappings.codecs import DATA_TYPES
from landbridge.raster import Band, Request, Source, read_image
from landbridge.stac_api.uploads import conversion
from landbridge.stac_api.uploads.messages import ConversionRequest

CATALOG_TYPES = {name: data_type for data_type, name in DATA_TYPES.items()}
CRS = "EPSG:32621"
SOUTH_UP = Affine(30, 0, 600_000, 0, 30, 4_100_000)
TRANSFORMS = {
    "north up": Affine(30, 0, 600_000, 0, -30, 4_200_000),
    "oblong": Affine(30, 0, 600_000, 0, -10, 4_200_000),
    "south up": SOUTH_UP,
    "rotated": Affine(20, 5, 600_000, 5, -20, 4_200_000),
}
# Bit depths of each data type, besides the full one.
BITS = {
    "uint8": range(1, 8),
    "uint16": range(9, 16),
    "uint32": range(17, 32),
    "float32": (16,),
}
NUMBERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
COMPRESSIONS = ("none", "lzw", "deflate", "zstd", "packbits", "lerc_deflate")


@dataclass(frozen=True)
class File:
    """Parameters of a written file."""

    driver: str
    dtype: str
    bits: int | None
    count: int
    size: tuple[int, int]
    transform: str
    hidden: str  # none, nodata, mask, alpha
    profile: dict[str, Any]
    scaled: bool
    point: bool
    palette: bool
    seed: int

    def array(self) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(self.seed)
        shape, kind = (self.count, *self.size), np.dtype(self.dtype)
        if kind.kind == "f":
            narrow = "float16" if self.bits == 16 else self.dtype
            array = rng.normal(0, 1000, shape).astype(narrow).astype(kind)
            array[:, -1, -1] = np.nan
            return array
        limits = np.iinfo(kind)
        most = limits.max if self.bits is None else 2**self.bits - 1
        array = rng.integers(limits.min, most, shape, dtype=kind, endpoint=True)
        array[:, 0, :2] = limits.min, most
        return array

    def write(self, path: Path) -> None:
        array, options = self.array(), dict(self.profile)
        if self.bits is not None:
            options["nbits"] = self.bits
        if self.hidden == "nodata":
            options["nodata"] = array[0, 1, 1].item() if self.dtype != "float64" else -9999.5
            array[:, 2, 3:6] = options["nodata"]
        rows, columns = self.size
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(
                path, "w", driver=self.driver, dtype=self.dtype, count=self.count, height=rows,
                width=columns, crs=CRS, transform=TRANSFORMS[self.transform], **options,
            ) as file,
        ):  # fmt: skip
            if self.hidden == "alpha":
                others = [ColorInterp.gray, *[ColorInterp.undefined] * (self.count - 2)]
                file.colorinterp = [*others, ColorInterp.alpha]
                array[-1] = np.where(np.arange(columns) % 3, np.iinfo(self.dtype).max, 0)
            file.write(array)
            if self.hidden == "mask":
                file.write_mask(np.tile(np.arange(columns) % 4 > 0, (rows, 1)))
            if self.palette:
                file.write_colormap(1, {value: (value, 7, 255 - value, 255) for value in range(256)})
            if self.scaled:
                file.scales, file.offsets = (0.5,) * self.count, (-3.0,) * self.count
            if self.point:
                file.update_tags(AREA_OR_POINT="Point")


FOUR_BYTES_WITH_NODATA = File(
    "GTiff", "uint8", None, 4, (20, 40), "north up", "nodata", {"compress": "deflate"}, False, False, False, 1
)


@st.composite
def geotiffs(draw: st.DrawFn) -> File:
    dtype = draw(st.sampled_from(NUMBERS))
    bits = draw(st.sampled_from([None, None, *BITS.get(dtype, ())]))
    count = draw(st.integers(1, 6))
    profile: dict[str, Any] = {"compress": draw(st.sampled_from(COMPRESSIONS))}
    if profile["compress"] in ("lzw", "deflate", "zstd") and bits is None:
        predictors = [1, 2, 3] if dtype.startswith("float") else [1, 2]
        profile["predictor"] = draw(st.sampled_from(predictors))
    if profile["compress"] == "lerc_deflate":
        assume(bits is None and dtype not in ("int64", "uint64"))
    if draw(st.booleans()):
        side = draw(st.sampled_from([16, 48, 256]))
        profile |= {"tiled": True, "blockxsize": side, "blockysize": side}
    else:
        profile |= {"tiled": False, "blockysize": draw(st.sampled_from([1, 7, 32]))}
    profile["interleave"] = draw(st.sampled_from(["pixel", "band"]))
    profile["endianness"] = draw(st.sampled_from(["little", "big"]))
    profile["bigtiff"] = draw(st.sampled_from(["yes", "no"]))
    kinds = ["none", "nodata", "mask"]
    if count > 1 and dtype in ("uint8", "uint16") and bits is None:
        kinds.append("alpha")
    hidden = draw(st.sampled_from(kinds))
    palette = count == 1 and dtype == "uint8" and bits is None and draw(st.booleans())
    if count == 1 and bits is None and not palette and dtype == "uint8" and draw(st.booleans()):
        profile["photometric"] = "miniswhite"
    assume(hidden != "nodata" or dtype not in ("int64", "uint64"))  # rasterio writes another value
    return File(
        "GTiff", dtype, bits, count, draw(st.tuples(st.integers(20, 60), st.integers(20, 600))),
        draw(st.sampled_from(list(TRANSFORMS))), hidden, profile, draw(st.booleans()),
        draw(st.booleans()), palette, draw(st.integers(0, 99)),
    )  # fmt: skip


@st.composite
def pictures(draw: st.DrawFn) -> File:
    driver = draw(st.sampled_from(["JP2OpenJPEG", "PNG", "JPEG"]))
    dtype = draw(st.sampled_from(["uint8"] if driver == "JPEG" else ["uint8", "uint16"]))
    bits, profile, hidden = None, {}, "none"
    count = draw(st.sampled_from([1, 3, 4] if driver == "PNG" else [1, 3]))
    if driver == "JP2OpenJPEG":
        profile = {"quality": "100", "reversible": "YES"}
        # Its writer fails for single bits.
        bits = draw(st.sampled_from([None, *(range(4, 8) if dtype == "uint8" else range(9, 16))]))
    if driver == "PNG" and count == 4:
        hidden = "alpha"
    elif driver == "PNG" and count == 1 and draw(st.booleans()):
        hidden = "nodata"
    return File(
        driver, dtype, bits, count, draw(st.tuples(st.integers(20, 60), st.integers(20, 600))),
        "north up", hidden, profile, False, False, False, draw(st.integers(0, 99)),
    )  # fmt: skip


def expected(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
    """Return values, validity and the number of bands without alpha, as rasterio reads them."""
    with rasterio.open(path) as file:
        array, masks = file.read(), file.read_masks() != 0
        shown = file.count - (ColorInterp.alpha in file.colorinterp)
    if array.dtype.kind == "f":
        masks &= ~np.isnan(array)
    return array, masks, shown


def check(path: Path, folder: Path) -> None:
    """Convert a file, and assert that the COG has the pixels of the source."""
    array, masks, shown = expected(path)
    names = [f"b{band}" for band in range(shown)]
    bands = [
        {"name": name, "band_index": place, "data_type": CATALOG_TYPES[array.dtype.name]}
        for place, name in enumerate(names)
    ]
    with rasterio.open(path) as file:
        # A PNG or JPEG has its georeference in a sidecar file, which is not uploaded.
        place = {"geotrans": list(file.transform.to_gdal()), "cs_code": file.crs.to_string()}
        transform, half = file.transform, file.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == "16"
    if half and array.dtype == np.float32:
        bands[0]["data_type"] = "Float16"
    attributes = {} if path.suffix == ".tif" else place
    job = ConversionRequest([path], [path.name], folder, bands, attributes, {})
    conversion.check(job)
    (made,) = conversion.convert(job, lambda: "").files
    with rasterio.open(made) as cog:
        assert np.array_equal(cog.read(), array, equal_nan=array.dtype.kind == "f")
        assert cog.transform.almost_equals(transform, 1e-6)
        found = cog.read_masks() != 0
        if array.dtype.kind == "f":
            found &= ~np.isnan(array)
        assert np.array_equal(found[:shown], masks[:shown])
        assert cog.crs.to_epsg() == 32621
    if shown < len(array):
        # GDAL applies alpha to files of two or four bands only.
        masks &= array[-1] != 0
    if transform.b or transform.d:
        return  # no area is rotated
    rows, columns = array.shape[1:]
    ys = sorted((transform.f, transform.f + rows * transform.e))
    area = AOI(
        bounds=(transform.c, ys[0], transform.c + columns * transform.a, ys[1]), bounds_crs=CRS, crs=CRS,
        shape=(rows, columns),
    )  # fmt: skip
    known = {
        band["name"]: Band(band["name"], band["data_type"], band_index=band["band_index"]) for band in bands
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        raster = read_image(Source("i", (str(made),), known), Request(tuple(names), area))
    if transform.e > 0:
        array, masks = array[:, ::-1], masks[:, ::-1]
    assert np.array_equal(raster.mask, ~masks[:shown])
    assert np.array_equal(raster.data[~raster.mask], array[:shown][masks[:shown]])


def uploaded(file: File) -> None:
    event(f"{file.driver} {file.dtype} {file.hidden}")
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        # GDAL takes the last of four bytes for alpha, beside a nodata value too.
        warnings.simplefilter("ignore", NodataShadowWarning)
        suffix = {"GTiff": "tif", "JP2OpenJPEG": "jp2", "PNG": "png", "JPEG": "jpg"}[file.driver]
        path, folder = Path(name, f"source.{suffix}"), Path(name, "made")
        folder.mkdir()
        file.write(path)
        check(path, folder)


@settings(
    max_examples=600 if LONG else 60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
@given(geotiffs())
@example(FOUR_BYTES_WITH_NODATA)
def test_any_geotiff_is_read_exactly(file: File) -> None:
    uploaded(file)


@settings(max_examples=300 if LONG else 25, deadline=None)
@given(pictures())
def test_any_png_or_jpeg_is_read_exactly(file: File) -> None:
    uploaded(file)


@pytest.mark.parametrize("driver", ["GTiff", "PNG"])
def test_a_color_that_stands_for_nodata_masks_its_pixels(tmp_path: Path, driver: str) -> None:
    """GDAL's NODATA_VALUES and a PNG's transparent color mask a pixel by the values of all its bands."""
    array = np.random.default_rng(0).integers(0, 2, (3, 40, 50)).astype("uint8") * 60
    path, folder = tmp_path / f"a.{'tif' if driver == 'GTiff' else 'png'}", tmp_path / "made"
    folder.mkdir()
    with rasterio.open(
        path, "w", driver=driver, count=3, height=40, width=50, dtype="uint8", crs=CRS,
        transform=TRANSFORMS["north up"], **({} if driver == "GTiff" else {"nodata": 60}),
    ) as file:  # fmt: skip
        file.write(array)
        if driver == "GTiff":
            file.update_tags(NODATA_VALUES="60 0 60")
    hidden = ~expected(path)[1]
    assert 0 < hidden.mean() < 0.5
    check(path, folder)
