"""The demo turns a folder of GeoTIFFs into products and images."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from datasets import DatasetError, from_folder, generated

LANDSAT = Path(__file__).parents[3] / "shared" / "data" / "landsat8"


def write(path, count=1, dtype="uint16", crs="EPSG:32612", nodata=None, alpha=False):
    pixels = np.arange(count * 64, dtype=dtype).reshape(count, 8, 8)
    profile = {"width": 8, "height": 8, "count": count, "dtype": dtype, "crs": crs, "nodata": nodata}
    with rasterio.open(
        path, "w", driver="GTiff", transform=from_origin(500_000, 4_000_000, 30, 30), **profile
    ) as file:
        if alpha:
            file.colorinterp = [*file.colorinterp[:-1], ColorInterp.alpha]
        file.write(pixels)


def test_landsat_files_are_grouped_into_scenes_with_named_bands(tmp_path):
    for row in ("077", "078"):
        for band in (4, 2, 3):
            write(tmp_path / f"LC08_L1TP_224{row}_20200518_20200518_01_RT_B{band}.TIF")
    dataset = from_folder(tmp_path)
    assert [(band.name, band.file_index, band.band_index, band.nodata) for band in dataset.bands] == [
        ("blue", 0, 0, 0),
        ("green", 1, 0, 0),
        ("red", 2, 0, 0),
    ]
    assert [image.name for image in dataset.images] == [
        "LC08_L1TP_224077_20200518_20200518_01_RT",
        "LC08_L1TP_224078_20200518_20200518_01_RT",
    ]
    assert {image.acquired for image in dataset.images} == {datetime(2020, 5, 18, tzinfo=UTC)}
    assert [path.name[-6:] for path in dataset.images[0].files()] == ["B2.TIF", "B3.TIF", "B4.TIF"]
    assert dataset.images[0].cloud_fraction is None
    assert dataset.display_bands == ["red", "green", "blue"]
    assert (dataset.resolution, dataset.unit) == (30, "meters")


def test_a_landsat_scene_without_a_band_the_others_have_is_named(tmp_path):
    write(tmp_path / "LC08_L1TP_224077_20200518_20200518_01_RT_B2.TIF")
    write(tmp_path / "LC08_L1TP_224077_20200518_20200518_01_RT_B3.TIF")
    write(tmp_path / "LC08_L1TP_224078_20200518_20200518_01_RT_B2.TIF")
    with pytest.raises(DatasetError, match=r"LC08_L1TP_224078_.* has no B3"):
        from_folder(tmp_path)


def test_other_files_are_one_image_each(tmp_path):
    write(tmp_path / "b 2021-07-04.tif", count=4, nodata=7, alpha=True)
    write(tmp_path / "a_20210101T120000.tif", count=4, nodata=7, alpha=True)
    dataset = from_folder(tmp_path)
    assert [band.name for band in dataset.bands] == ["band-1", "band-2", "band-3", "alpha"]
    assert [band.band_index for band in dataset.bands] == [0, 1, 2, 3]
    assert [band.is_alpha for band in dataset.bands] == [False, False, False, True]
    assert {band.nodata for band in dataset.bands[:3]} == {7}
    assert [(image.name, image.acquired.date().isoformat()) for image in dataset.images] == [
        ("a_20210101T120000", "2021-01-01"),
        ("b_2021-07-04", "2021-07-04"),
    ]
    assert dataset.display_bands == ["band-1", "band-2", "band-3"]


def test_a_file_without_a_date_counts_from_when_it_was_written(tmp_path):
    write(tmp_path / "field.tif", dtype="float32")
    (image,) = from_folder(tmp_path).images
    assert image.acquired.timestamp() == int((tmp_path / "field.tif").stat().st_mtime)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no GeoTIFF"),
        ({"a.tif": {}, "b.tif": {"count": 2}}, "b.tif and a.tif differ in their bands or data types"),
        ({"a.tif": {}, "LC08_L1TP_224077_20200518_20200518_01_RT_B2.TIF": {}}, "others such as a.tif"),
        ({"a.tif": {"crs": None}}, "a.tif is not georeferenced"),
        ({"a.tif": {"dtype": "complex64"}}, "a.tif has pixels of type complex64"),
    ],
)
def test_a_folder_that_is_no_product_says_why(tmp_path, files, message):
    for name, options in files.items():
        write(tmp_path / name, **options)
    with pytest.raises(DatasetError, match=message):
        from_folder(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere is not a folder"):
        from_folder(tmp_path / "nowhere")


def test_generated_scenes_are_made_when_their_files_are_asked_for(tmp_path):
    dataset = generated(64, tmp_path / "scenes")
    assert len(dataset.images) == 6
    assert not (tmp_path / "scenes").exists()
    (path,) = dataset.images[0].files()
    assert path.exists()


@pytest.mark.skipif(not LANDSAT.is_dir(), reason="the real Landsat pair is not there")
def test_the_real_pair_is_two_scenes_of_three_bands():
    dataset = from_folder(LANDSAT)
    assert [band.name for band in dataset.bands] == ["blue", "green", "red"]
    assert len(dataset.images) == 2
    for band in dataset.bands:
        assert 0 < band.display_range[0] < band.display_range[1] < 65_535
