"""Files whose samples use fewer bits than their data type become exact COGs of the full data type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from conftest import LONG
from landbridge.mappings.codecs import DATA_TYPES
from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.tiff_directory import read_tiff
from landbridge.stac_api.uploads import conversion
from landbridge.stac_api.uploads.messages import ConversionRequest

if TYPE_CHECKING:
    from pathlib import Path

    from landbridge.stac_api.uploads.messages import ConversionResult

ROWS, COLUMNS = 20, 530  # more columns than a tile has, so that there is an overview
PLACE: dict[str, Any] = {"crs": "EPSG:32621", "transform": from_origin(600_000, 4_200_000, 30, 30)}
CATALOG_TYPES = {name: data_type for data_type, name in DATA_TYPES.items()}
BITS = [
    *(("uint8", bits) for bits in range(1, 9)),
    *(("uint16", bits) for bits in range(9, 17)),
    *(("uint32", bits) for bits in range(17, 33)),
    ("float32", 16),
    ("float32", 24),
    ("float32", 32),
]
# The smallest and the largest depth of each data type, and one between them.
BITS_OF_MANY_BANDS = [
    each for each in BITS if LONG or each[0] == "float32" or each[1] in (1, 3, 8, 9, 12, 16, 17, 22, 32)
]


def values(dtype: str, bits: int, count: int = 1) -> np.ndarray[Any, Any]:
    """Return random values of a bit depth, including the smallest and the largest."""
    rng = np.random.default_rng(bits)
    if dtype == "float32":
        kind = "float16" if bits < 32 else "float32"
        return rng.normal(0, 1000, (count, ROWS, COLUMNS)).astype(kind).astype(dtype)
    array = rng.integers(0, 2**bits, (count, ROWS, COLUMNS), dtype="uint64").astype(dtype)
    array[:, 0, :2] = 0, 2**bits - 1
    return array


def converted(path: Path, data_type: str, count: int, **options: Any) -> ConversionResult:
    """Convert a file."""
    bands = [{"name": f"b{band}", "band_index": band, "data_type": data_type} for band in range(count)]
    folder = path.parent / "made"
    folder.mkdir(exist_ok=True)
    job = ConversionRequest([path], [path.name], folder, bands, {}, options)
    conversion.check(job)
    return conversion.convert(job, lambda: "")


def check_whole_type(result: ConversionResult, array: np.ndarray[Any, Any]) -> None:
    """Assert that a COG has these values, in samples of the full data type at every overview level."""
    (path,) = result.files
    with rasterio.open(path) as file:
        assert file.dtypes == (array.dtype.name,) * len(array)
        assert np.array_equal(file.read(), array)
        assert file.overviews(1)
        assert all("NBITS" not in file.tags(band, ns="IMAGE_STRUCTURE") for band in file.indexes)
    for statistics, band in zip(result.statistics[0], array, strict=True):
        assert statistics is not None
        assert (statistics["minimum"], statistics["maximum"]) == (band.min(), band.max())
    opened = open_file(str(path))
    assert opened is not None
    tiff = read_tiff(opened)  # leaves other than full data types to GDAL
    assert tiff is not None
    assert all(level.dtype == array.dtype for level in tiff.pages)


@pytest.mark.parametrize(
    ("dtype", "bits", "count", "interleave"),
    [
        *((dtype, bits, 1, "band") for dtype, bits in BITS),
        *(
            (dtype, bits, *layout)
            for dtype, bits in BITS_OF_MANY_BANDS
            for layout in ((3, "pixel"), (6, "pixel"), (6, "band"))
        ),
    ],
)
def test_a_geotiff_of_any_bit_depth_gets_the_next_full_data_type(
    tmp_path: Path, dtype: str, bits: int, count: int, interleave: str
) -> None:
    path, array = tmp_path / "source.tif", values(dtype, bits, count)
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=ROWS, width=COLUMNS, dtype=dtype, nbits=bits,
        interleave=interleave, **PLACE,
    ) as file:  # fmt: skip
        file.write(array)
    check_whole_type(converted(path, CATALOG_TYPES[dtype], count), array)


@pytest.mark.parametrize("resampler", ["nearest", "average", "cubic"])
@pytest.mark.parametrize(("dtype", "bits"), [("uint8", 1), ("uint16", 12), ("uint16", 15)])
@pytest.mark.parametrize("count", [1, 6])
def test_overviews_of_few_bits_equal_those_of_the_full_data_type(
    tmp_path: Path, dtype: str, bits: int, resampler: str, count: int
) -> None:
    array, levels = values(dtype, bits, count), []
    for place, kept in enumerate((bits, 8 * array.itemsize)):
        path = tmp_path / str(place) / "source.tif"
        path.parent.mkdir()
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=count,
            height=ROWS,
            width=COLUMNS,
            dtype=dtype,
            nbits=kept,
            **PLACE,
        ) as file:
            file.write(array)
            if bits == count == 1:  # as GDAL has it for bits
                file.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 255, 255, 255)})
        result = converted(path, CATALOG_TYPES[dtype], count, overview_resampler=resampler, overviews=[2, 4])
        with rasterio.open(result.files[0], overview_level=1) as file:
            levels.append(file.read())
    assert np.array_equal(*levels)


@pytest.mark.parametrize(("dtype", "bits"), [("uint8", 7), ("uint16", 10), ("uint16", 12), ("uint16", 15)])
@pytest.mark.parametrize("count", [1, 5])
def test_a_jpeg_2000_of_12_or_15_bits_becomes_uint16_exact(
    tmp_path: Path, dtype: str, bits: int, count: int
) -> None:
    path, array = tmp_path / "T32TQM_B04.jp2", values(dtype, bits, count)
    with rasterio.open(
        path, "w", driver="JP2OpenJPEG", count=count, height=ROWS, width=COLUMNS, dtype=dtype, nbits=bits,
        quality="100", reversible="YES", **PLACE,
    ) as file:  # fmt: skip
        file.write(array)
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(), array)
    check_whole_type(converted(path, CATALOG_TYPES[dtype], count), array)


def test_overviews_follow_the_band_index_not_the_order_of_bands(tmp_path: Path) -> None:
    """Overviews of a class band keep its values and other bands are averaged, in any order of bands."""
    path, array = tmp_path / "source.tif", values("uint8", 8, 3)
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=ROWS, width=COLUMNS, dtype="uint8", **PLACE
    ) as file:
        file.write(array)
    bands = [
        {"name": "classes", "band_index": 2, "data_type": "Byte", "type": "class"},
        {"name": "red", "band_index": 0, "data_type": "Byte", "type": "spectral"},
    ]
    folder = tmp_path / "made"
    folder.mkdir()
    job = ConversionRequest([path], [path.name], folder, bands, {}, {})
    conversion.check(job)
    with rasterio.open(conversion.convert(job, lambda: "").files[0], overview_level=0) as file:
        found = file.read()
    means = array.reshape(3, ROWS // 2, 2, COLUMNS // 2, 2).astype(float).mean((2, 4))
    assert np.abs(found[0] - means[0]).max() <= 0.5
    cells = array[2].reshape(ROWS // 2, 2, COLUMNS // 2, 2)
    assert (cells == found[2][:, None, :, None]).any((1, 3)).all(), "each is one of the four it covers"
