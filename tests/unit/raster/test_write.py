"""Section 8 of the semantics, raster_info, and progress."""

import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
import rasterio

from landbridge.raster import (
    Band,
    Raster,
    RasterError,
    Source,
    download,
    download_mosaic,
    mosaic,
    read_image,
    stack,
    write,
)
from landbridge.raster.runtime.progress import progress_bar


@pytest.fixture
def raster_of(make_scene, request_of):
    def make(values, nodata=None, bands=None):
        scene = make_scene("image", values, nodata=nodata, bands=bands)
        names = " ".join(scene.source.bands)
        return read_image(scene.source, request_of(names, scene.own))

    return make


def test_geotiffs_have_the_cloud_optimized_layout(raster_of, tmp_path):
    values = np.random.default_rng(0).integers(0, 999, (2, 700, 600)).astype("uint16")
    path = write(raster_of(values, bands=["red", "nir"]), tmp_path / "a.tif")
    with rasterio.open(path) as dataset:
        assert dataset.profile["blockxsize"] == dataset.profile["blockysize"] == 512
        assert dataset.profile["compress"] == "lzw"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1) == [2]
        assert dataset.crs.to_epsg() == 32614
        assert dataset.transform.to_gdal() == (500000, 30, 0, 4200000, 0, -30)
        assert dataset.descriptions == ("red", "nir")
        assert dataset.nodata is None
        assert (dataset.read() == values).all()


def test_8_6_nodata_fills_what_is_masked_and_sets_the_tag(raster_of, tmp_path):
    raster = raster_of(np.array([[[0, 5]]], "uint16"), nodata=0)
    with rasterio.open(write(raster, tmp_path / "a.tif", nodata=65535)) as dataset:
        assert dataset.nodata == 65535
        assert dataset.read().tolist() == [[[65535, 5]]]
    with pytest.raises(ValueError, match="nodata 70000"):
        write(raster, tmp_path / "b.tif", nodata=70000)


def test_four_bands_of_bytes_do_not_become_alpha(raster_of, tmp_path):
    values = np.full((4, 20, 20), 7, "uint8")
    with rasterio.open(write(raster_of(values), tmp_path / "a.tif")) as dataset:
        assert "alpha" not in [kind.name for kind in dataset.colorinterp]


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_8_6_pngs_have_one_three_or_four_bands(raster_of, tmp_path, count, dtype):
    values = np.random.default_rng(0).integers(0, 255, (count, 30, 20)).astype(dtype)
    path = write(raster_of(values), tmp_path / "a.png", nodata=99)
    assert path.read_bytes()[1:4] == b"PNG"
    with _plain(path) as dataset:
        assert (dataset.read() == values).all()
    assert not list(tmp_path.glob("*.xml"))


@pytest.mark.parametrize(("extension", "count"), [("png", 2), ("png", 5), ("jpg", 2), ("jpg", 4)])
def test_8_6_other_numbers_of_bands_are_refused(raster_of, tmp_path, extension, count):
    with pytest.raises(ValueError, match="bands"):
        write(raster_of(np.ones((count, 4, 4), "uint8")), tmp_path / f"a.{extension}")


def test_8_5_a_jpeg_is_written_where_it_is_said_to_be(raster_of, tmp_path):
    path = write(raster_of(np.full((3, 32, 32), 128, "uint8")), tmp_path / "a.jpg")
    assert path == tmp_path / "a.jpg"
    assert path.read_bytes()[:2] == b"\xff\xd8"
    with pytest.raises(ValueError, match="uint8"):
        write(raster_of(np.ones((1, 4, 4), "uint16")), tmp_path / "b.jpg")


def test_8_2_folders_are_made_and_files_replaced(raster_of, tmp_path):
    path = tmp_path / "some" / "folder" / "a.tif"
    write(raster_of(np.ones((1, 4, 4), "uint8")), path)
    write(raster_of(np.full((1, 4, 4), 2, "uint8")), str(path))
    with rasterio.open(path) as dataset:
        assert (dataset.read() == 2).all()
    assert list(path.parent.iterdir()) == [path]


def test_8_1_8_2_other_destinations_are_refused(raster_of, tmp_path):
    raster = raster_of(np.ones((1, 4, 4), "uint8"))
    for name in ("a.tiff", "a.TIF", "a"):
        with pytest.raises(ValueError, match="extension"):
            write(raster, tmp_path / name)
    with pytest.raises(TypeError):
        write(raster, io.BytesIO())


@pytest.mark.parametrize("extension", ["tif", "png"])
def test_a_mosaic_streams_into_a_file_block_by_block(
    make_scene, grid, request_of, tmp_path, monkeypatch, extension
):
    monkeypatch.setattr("landbridge.raster.grids.block_windows.BLOCK", 100)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.SMALLEST_BLOCK", 100)
    monkeypatch.setattr("landbridge.raster.output.writer._STAGING_MEMORY", 1000)
    values = np.random.default_rng(0).integers(0, 255, (3, 300, 300)).astype("uint8")
    scenes = [make_scene("a", values, nodata=0), make_scene("b", 255 - values, nodata=0, place=(50, -60))]
    wanted = request_of("b0 b1 b2", grid(-5, -5, 350, 330))
    sources = [scene.source for scene in scenes]
    path = download_mosaic(sources, wanted, tmp_path / f"out/m.{extension}", progress=False)
    with _plain(path) as dataset:
        assert (dataset.read() == mosaic(sources, wanted).data).all()
    assert list(path.parent.iterdir()) == [path]


def test_a_download_scaled_by_the_actual_range(make_scene, request_of, tmp_path):
    scene = make_scene("a", np.array([[[10, 20, 30]]], "uint16"))
    wanted = request_of("b0", scene.own, scaling=["auto"])
    with _plain(download(scene.source, wanted, tmp_path / "a.png")) as dataset:
        assert dataset.read().tolist() == [[[0, 128, 255]]]


def test_a_failed_download_leaves_nothing_and_keeps_what_was_there(make_scene, request_of, tmp_path):
    scene = make_scene("a", np.ones((1, 4, 4), "uint8"))
    path = download(scene.source, request_of("b0", scene.own), tmp_path / "out" / "a.tif")
    before = path.read_bytes()
    broken = Source("broken", ("/nowhere.tif",), {"b0": Band("b0", "Byte")})
    with pytest.raises(RasterError):
        download_mosaic([scene.source, broken], request_of("b0", scene.own), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_6_11_raster_info_says_where_the_pixels_are(raster_of):
    raster = raster_of(np.ones((2, 20, 30), "uint16"), bands=["red", "nir"])
    info = raster.info()
    assert info["geoTransform"] == [500000, 30, 0, 4200000, 0, -30]
    assert info["size"] == [30, 20]
    assert info["coordinateSystem"]["epsg"] == 32614
    assert "+proj=utm" in info["coordinateSystem"]["proj4"]
    assert info["coordinateSystem"]["wkt"]
    assert info["cornerCoordinates"]["lowerRight"] == [500900, 4199400]
    ring = info["wgs84Extent"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert ring[0][0] == pytest.approx(-99, abs=1e-6)
    assert [band["band"] for band in info["bands"]] == [1, 2]
    assert info["bands"][0]["type"] == "UInt16"
    assert info["bands"][0]["colorInterpretation"] == "Red"
    assert info["bands"][0]["description"]["name"] == "red"
    assert {"metadata", "driverShortName", "files"} <= set(info)


def test_rasters_turn_their_bands_axis(raster_of):
    raster = raster_of(np.ones((2, 3, 4), "uint8"))
    assert isinstance(raster, Raster)
    assert raster.array().shape == (2, 3, 4)
    assert raster.array(-1).shape == raster.array(2).mask.shape == (3, 4, 2)  # type: ignore[attr-defined]


def test_6_13_progress_shows_when_told_to_and_counts_to_its_end(make_scene, grid, request_of, capsys):
    scene = make_scene("a", np.ones((1, 8, 8), "uint8"))
    wanted = request_of("b0", grid(0, 0, 8, 8))
    read_image(scene.source, wanted, progress=False)
    read_image(scene.source, wanted, progress=None)
    assert capsys.readouterr().err == ""
    stack([[scene.source]] * 3, wanted, progress=True)
    assert "stack of 3" in capsys.readouterr().err
    with progress_bar(True, 10, "x") as bar:
        bar.update(10)


def test_import_of_the_package_loads_nothing():
    code = (
        "import sys, landbridge.raster as r; "
        "assert not {'numpy', 'rasterio', 'odc', 'pyproj'} & set(sys.modules); "
        "assert r.Band.__name__ == 'Band'; assert callable(r.mosaic) and callable(r.write); "
        "import landbridge.raster.api; assert callable(r.mosaic) and callable(r.stack)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _plain(path):
    """A file opened without the warning that pictures have no place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path)
