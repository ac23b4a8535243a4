"""The generator of Landsat-like scenes."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio

import scenes

SIZE = 160


@pytest.fixture(scope="module")
def six():
    return scenes.plan(count=6, size=SIZE)


def test_the_same_plan_gives_the_same_pixels(six):
    assert scenes.plan(count=6, size=SIZE) == six
    np.testing.assert_array_equal(scenes.render(six[2]), scenes.render(six[2]))


def test_another_seed_gives_other_clouds(six):
    other = replace(six[0], seed=six[0].seed + 1)
    assert (scenes.render(other)[-1] != scenes.render(six[0])[-1]).any()


def test_names_are_unique_and_dates_cover_the_year():
    twelve = scenes.plan(count=12, size=SIZE)
    assert len({scene.name for scene in twelve}) == 12
    months = [scene.acquired.month for scene in twelve]
    assert months == sorted(months)
    assert months[0] == 1
    assert months[-1] >= 10
    assert len(set(months)) == 8  # two rows of one path are seen on the same pass


def test_scenes_come_in_two_utm_zones_on_the_grid_of_landsat(six):
    assert {scene.epsg for scene in six} == {32612, 32613}
    for scene in six:
        assert scene.left % scenes.PIXEL == scenes.PIXEL / 2
        assert scene.top % scenes.PIXEL == scenes.PIXEL / 2


def test_a_scene_has_a_fringe_of_nodata_in_all_bands(six):
    pixels = scenes.render(six[0])
    assert pixels.shape == (5, SIZE, SIZE)
    assert pixels.dtype == np.uint16
    fringe = pixels[0] == scenes.NODATA
    assert 0.2 < fringe.mean() < 0.4
    assert fringe[0, 0]
    assert fringe[-1, -1]
    assert not fringe[SIZE // 2, SIZE // 2]
    for band in pixels[1:-1]:
        np.testing.assert_array_equal(band == scenes.NODATA, fringe)
    assert not pixels[-1][fringe].any()


def test_the_cloud_fraction_is_that_of_the_pixels(six):
    for scene in six:
        pixels = scenes.render(scene)
        footprint = pixels[0] != scenes.NODATA
        clouded = footprint & (pixels[-1] == 0)
        assert clouded.sum() / footprint.sum() == pytest.approx(scene.cloud_fraction, abs=0.02)


def test_strips_of_any_height_make_the_same_scene(six):
    clear = replace(six[5], cloud_fraction=0.0)  # of the eastern zone, which is reprojected
    whole = scenes.render(clear).astype(int)
    cut = np.concatenate([pixels for _, pixels in scenes.strips(clear, rows=48)], axis=1).astype(int)
    np.testing.assert_array_equal(whole[-1], cut[-1])
    # Sensor noise (about 1 %) is drawn per strip.
    assert np.median(np.abs(whole - cut)[:-1]) < 0.03 * np.median(whole[:-1])


def test_overlapping_scenes_of_one_pass_show_the_same_ground():
    first, second, *_ = scenes.plan(count=6, size=SIZE)
    a = scenes.render(replace(first, cloud_fraction=0.0)).astype(float)
    b = scenes.render(replace(second, cloud_fraction=0.0)).astype(float)
    right = round((second.left - first.left) / scenes.PIXEL)
    down = round((first.top - second.top) / scenes.PIXEL)
    assert right <= 0
    assert down > 0
    over_a = a[:, down:, : SIZE + right]
    over_b = b[:, : SIZE - down, -right:]
    both = (over_a[-1] == 1) & (over_b[-1] == 1)
    assert both.sum() > 0.1 * SIZE**2
    assert np.corrcoef(over_a[2][both], over_b[2][both])[0, 1] > 0.98


@pytest.mark.parametrize("split", [False, True])
def test_a_written_scene_reads_back(tmp_path, six, split):
    paths = scenes.write(six[0], tmp_path, split=split, nodata=None if split else 0)
    assert len(paths) == (5 if split else 1)
    pixels = []
    for path in paths:
        with rasterio.open(path) as file:
            assert file.crs.to_epsg() == six[0].epsg
            assert file.transform == six[0].transform
            assert file.nodata == (None if split else 0)
            pixels.append(file.read())
    np.testing.assert_array_equal(np.concatenate(pixels), scenes.render(six[0]))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)


def test_a_file_that_is_there_is_left_alone(tmp_path, six):
    (path,) = scenes.write(six[0], tmp_path)
    before = path.stat().st_mtime_ns
    assert scenes.write(six[0], tmp_path) == [path]
    assert path.stat().st_mtime_ns == before
