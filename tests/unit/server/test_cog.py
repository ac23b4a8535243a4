"""COGs of uploads: interleaving of bands, pixels, overviews and georeference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
import rasterio.control
from rasterio.enums import ColorInterp
from rasterio.transform import Affine, from_origin

from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.tiff_directory import read_tiff
from landbridge.stac_api.uploads import cog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Made = Callable[..., Path]

UTM, PLACE = "EPSG:32621", from_origin(600_000, 4_200_000, 30, 30)
DESCRIBED: dict[str, Any] = {"crs": UTM, "transform": PLACE, "nodata": 0.0}


def pixels(count: int, rows: int = 700, columns: int = 1100, dtype: str = "uint16") -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(count)
    values = rng.integers(1, 120, (count, rows, columns)).astype(dtype)
    values[:, :40, :90] = 0
    return values


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Write an array to a file, and a COG of that file."""

    def make(
        array: np.ndarray[Any, Any],
        wanted: dict[str, Any] | None = None,
        *,
        described: dict[str, Any] = DESCRIBED,
        mask: np.ndarray[Any, Any] | None = None,
        **profile: Any,
    ) -> Path:
        count, height, width = array.shape
        source, target = tmp_path / "source.tif", tmp_path / "made.tif"
        shape = {"count": count, "height": height, "width": width, "dtype": array.dtype}
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(source, "w", driver="GTiff", **shape, **{**DESCRIBED, **profile}) as file,
        ):
            file.write(array)
            if mask is not None:
                file.write_mask(mask)
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
            rasterio.open(source) as file,
        ):
            cog.write(file, target, bands=[{}] * count, wanted=wanted or {}, **described)
        assert sorted(tmp_path.iterdir()) == [target, source]
        return target

    return make


def levels(path: Path) -> list[tuple[bool, tuple[int, int]]]:
    """Return for each level whether it is band-interleaved, and its size, as the raster engine reads it."""
    file = open_file(str(path))
    assert file is not None
    found = read_tiff(file)
    assert found is not None
    # Overviews that precede the full resolution can be read with the head of the file.
    firsts = [int(level.offsets.min()) for level in found.pages]
    assert firsts == sorted(firsts, reverse=True)
    return [(level.planar, level.size) for level in found.pages]


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize(("count", "apart"), [(1, False), (3, False), (4, False), (5, True), (13, True)])
def test_many_bands_have_tiles_of_their_own(made: Made, count: int, apart: bool, interleave: str) -> None:
    array = pixels(count)
    path = made(array, interleave=interleave, tiled=True, compress="deflate")
    assert levels(path) == [(apart, (700, 1100)), (apart, (350, 550)), (apart, (175, 275))]
    with rasterio.open(path) as file:
        assert (file.read() == array).all()
        assert (file.crs, file.transform, file.nodata) == (UTM, PLACE, 0)
        assert file.block_shapes == [(512, 512)] * count


def test_very_many_bands_are_in_small_tiles_together(made: Made) -> None:
    array = pixels(300, 130, 140)
    path = made(array)
    assert levels(path) == [(False, (130, 140)), (False, (65, 70)), (False, (32, 35))]
    with rasterio.open(path) as file:
        assert (file.read() == array).all()
        assert file.block_shapes[0] == (64, 64)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"]
)
def test_bands_of_every_data_type_are_band_interleaved(made: Made, dtype: str, interleave: str) -> None:
    array = pixels(6, 130, 530, dtype=dtype)
    with rasterio.open(made(array, interleave=interleave)) as file:
        assert file.profile["interleave"] == "band"
        assert (file.read() == array).all()


def test_overviews_are_means_of_valid_pixels(made: Made) -> None:
    path = made(pixels(6))
    with rasterio.open(path, overview_level=0) as file, rasterio.open(path) as whole:
        whole_band, half = whole.read(6).astype(float), file.read(6)
    assert (half[:20, :45] == 0).all()
    means = whole_band.reshape(350, 2, 550, 2).mean((1, 3))
    assert np.abs(half[20:, 45:] - means[20:, 45:]).max() <= 0.5


@pytest.mark.parametrize("name", sorted(cog._RESAMPLERS))
def test_overviews_are_made_by_the_requested_method(made: Made, name: str) -> None:
    path = made(pixels(6), {"overview_resampler": name, "overviews": [2, 4, 8]})
    assert levels(path) == [(True, (700 >> k, 1100 >> k)) if k < 3 else (True, (88, 138)) for k in range(4)]


def test_the_georeference_given_by_the_user_is_written(made: Made) -> None:
    described = {"crs": "EPSG:32622", "transform": Affine(10, 1, 5, 1, -10, 7), "nodata": 7.0}
    array = pixels(6)
    for interleave in ("pixel", "band"):
        with rasterio.open(made(array, described=described, interleave=interleave)) as file:
            assert {"crs": file.crs, "transform": file.transform, "nodata": file.nodata} == described
            assert (file.read() == array).all()


def test_a_mask_band_of_many_bands_is_kept(made: Made) -> None:
    mask = np.ones((700, 1100), bool)
    mask[100:300, 50:] = False
    array = pixels(6)
    with rasterio.open(made(array, mask=mask, nodata=None, described={**DESCRIBED, "nodata": None})) as file:
        assert (file.read_masks(4) == np.where(mask, 255, 0)).all()
        assert (file.read() == array).all()


def test_an_alpha_band_stays_an_alpha_band(made: Made) -> None:
    path = made(pixels(6), alpha="yes", nodata=None, described={**DESCRIBED, "nodata": None})
    assert levels(path)[0][0]
    with rasterio.open(path) as file:
        assert file.colorinterp[1] == ColorInterp.alpha  # the first after the gray band


def test_ground_control_points_are_replaced_by_a_given_georeference(made: Made, tmp_path: Path) -> None:
    array = pixels(6)
    points = [rasterio.control.GroundControlPoint(r, c, c, -r) for r, c in ((0, 0), (0, 100), (100, 0))]
    for interleave in ("pixel", "band"):
        path = made(array, interleave=interleave, gcps=points, transform=None)
        with rasterio.open(path) as file:
            assert file.transform == PLACE
            assert not file.gcps[0]
