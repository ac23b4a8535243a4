"""Semantics 12.7 and 12.8: pictures."""

import sys

import numpy as np
import pytest

from landbridge.utils import display, save_image
from landbridge.utils.display import _draw, _figure_size, _Options, _prepare, _to_picture

RGB = np.arange(3 * 8 * 9, dtype="uint16").reshape(3, 8, 9)


@pytest.mark.parametrize("bands", [None, 1, 3, 4])
def test_pictures_are_written_12_7(tmp_path, bands):
    array = RGB[0] if bands is None else np.stack([RGB[0]] * bands)
    path = tmp_path / "x.png"
    save_image(path, array, array, title=["a", "b"], ncols=2, colormap="magma", size=2)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_no_arrays_make_no_picture_12_7(tmp_path):
    assert display() is None
    assert save_image(tmp_path / "x.png") is None
    assert not (tmp_path / "x.png").exists()


def test_pictures_are_shown_and_closed_12_7(monkeypatch):
    from matplotlib import pyplot as plt

    shown = []
    monkeypatch.setattr("matplotlib.get_backend", lambda: "something with a window")
    monkeypatch.setattr(plt, "show", lambda: shown.extend(plt.get_fignums()))
    with plt.rc_context({"backend": "agg"}):
        display(RGB, RGB[0], title=["a", "b"], size=2)
    assert len(shown) == 1
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("options", "geometry", "order"),
    [
        ({}, (3, 1), [0, 1, 2]),
        ({"ncols": 3}, (1, 3), [0, 1, 2]),
        ({"ncols": 2}, (2, 2), [0, 1, 2]),
        ({"ncols": 2, "nrows": 3}, (3, 2), [0, 1, 2]),
        ({"nrows": 1}, (1, 3), [0, 1, 2]),
        ({"ncols": 2, "layoutdirection": "top-to-bottom"}, (2, 2), [0, 2, 1]),
        ({"ncols": 2, "layout_direction": "left-to-right"}, (2, 2), [0, 1, 2]),
    ],
)
def test_pictures_are_laid_out_in_a_grid_12_7_12_8(options, geometry, order):
    from matplotlib.figure import Figure

    figure = Figure()
    made = _Options.from_kwargs({**options, "interpolation": "nearest", "title": ["a", "b", "c"]})
    _draw(figure, _prepare((RGB[0], RGB[0], RGB[0]), made), made)
    places = [axes.get_subplotspec() for axes in figure.axes]
    assert [place.get_geometry()[:2] for place in places] == [geometry] * 3
    assert [place.num1 for place in places] == order
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]
    assert [axes.images[0].get_interpolation() for axes in figure.axes] == ["nearest"] * 3


def test_bands_axis_is_the_axis_of_the_bands_12_7():
    last = np.moveaxis(RGB, 0, -1)
    assert np.array_equal(_to_picture(last, _Options(bands_axis=-1)), _to_picture(RGB, _Options()))
    assert np.array_equal(_to_picture(last, _Options(bands_axis=2)), _to_picture(RGB, _Options()))


def test_masked_values_do_not_count_for_the_stretch_12_7():
    values = np.ma.masked_equal(np.append(np.arange(101.0), 9999.0).reshape(1, 102), 9999.0)
    picture = _to_picture(values, _Options())
    assert (picture[0, 2], picture[0, 98]) == (0, 1)
    assert picture.mask[0, 101]  # type: ignore[attr-defined]


def test_all_values_count_if_the_percentiles_are_equal_12_7():
    values = np.zeros((10, 10))
    values[0, 0] = 8
    assert _to_picture(values, _Options())[0, 0] == 1


def test_a_mask_of_a_band_can_be_shown(tmp_path):
    picture = _to_picture(RGB[0] > 30, _Options())
    assert set(np.unique(picture)) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("images", "options", "error"),
    [
        (([RGB],), {}, TypeError),
        ((np.stack([RGB]),), {}, TypeError),
        ((RGB.tolist(),), {}, TypeError),
        ((5,), {}, TypeError),
        ((RGB[:2],), {}, NotImplementedError),
        ((np.ma.masked_less(np.stack([RGB[0]] * 4), 5),), {}, NotImplementedError),
        ((np.stack([RGB[0]] * 5),), {}, NotImplementedError),
        ((RGB,), {"title": ["a", "b"]}, ValueError),
        ((RGB, RGB), {"title": "a"}, ValueError),
        ((RGB,), {"nonsense": 1}, TypeError),
        ((RGB,), {"layoutdirection": "sideways"}, ValueError),
    ],
)
def test_arguments_that_cannot_be_drawn_are_refused_12_7(images, options, error):
    with pytest.raises(error):
        display(*images, **options)
    with pytest.raises(error):
        save_image("x.png", *images, **options)


def test_values_are_stretched_between_percentiles_12_7():
    values = np.arange(101.0).reshape(1, 101)
    picture = _to_picture(values, _Options())
    assert (picture[0, 2], picture[0, 98], picture[0, 50]) == (0, 1, 0.5)
    whole = _to_picture(values, _Options(robust=False))
    assert (whole[0, 0], whole[0, 100], whole[0, 1]) == (0, 1, 0.01)
    assert not _to_picture(np.full((4, 4), 7), _Options()).any()


def test_pixels_that_any_band_masks_are_transparent_12_7():
    array = np.ma.MaskedArray(RGB, mask=np.zeros(RGB.shape, bool))
    array[1, 0, 0] = np.ma.masked
    picture = _to_picture(array, _Options())
    assert picture.shape == (8, 9, 4)
    assert picture[0, 0, 3] == 0
    assert picture[..., 3].sum() == 8 * 9 - 1


def test_the_fourth_band_is_opacity_and_not_stretched_12_7():
    array = np.concatenate([RGB, np.full((1, 8, 9), 255, "uint16")])
    picture = _to_picture(array, _Options())
    assert (picture[..., 3] == 1).all()
    assert np.array_equal(picture[..., :3], _to_picture(RGB, _Options()))


def test_sizes_and_both_names_of_the_layout_12_7_12_8():
    assert _figure_size(3, _Options()) == (10, 30)
    assert _figure_size(4, _Options(ncols=2)) == (10, 10)
    assert _figure_size(4, _Options(ncols=2, size=6)) == (6, 6)
    assert _figure_size(4, _Options(figsize=(3, 7))) == (3, 7)
    assert _Options.from_kwargs({"layout_direction": "top-to-bottom"}).layoutdirection == "top-to-bottom"


def test_without_matplotlib_only_the_call_fails_12_8(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError):
        save_image(tmp_path / "x.png", RGB)
