"""Semantics 12.7 and 12.8: pictures."""

import sys

import numpy as np
import pytest

from landbridge.utils import display, save_image
from landbridge.utils.display import _figure_size, _Options, _picture

RGB = np.arange(3 * 8 * 9, dtype="uint16").reshape(3, 8, 9)


@pytest.mark.parametrize("bands", [None, 1, 3, 4])
def test_pictures_are_written(tmp_path, bands):
    array = RGB[0] if bands is None else np.stack([RGB[0]] * bands)
    path = tmp_path / "x.png"
    save_image(path, array, array, title=["a", "b"], ncols=2, colormap="magma", size=2)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_shown_for_nothing():
    assert display() is None


@pytest.mark.parametrize(
    ("images", "options", "error"),
    [
        (([RGB],), {}, TypeError),
        ((np.stack([RGB]),), {}, TypeError),
        ((5,), {}, TypeError),
        ((RGB[:2],), {}, NotImplementedError),
        ((np.ma.masked_less(np.stack([RGB[0]] * 4), 5),), {}, NotImplementedError),
        ((RGB,), {"title": ["a", "b"]}, ValueError),
        ((RGB,), {"nonsense": 1}, TypeError),
        ((RGB,), {"layoutdirection": "sideways"}, ValueError),
    ],
)
def test_what_cannot_be_shown_is_refused(images, options, error):
    with pytest.raises(error):
        display(*images, **options)


def test_values_are_stretched_between_percentiles():
    values = np.arange(101.0).reshape(1, 101)
    picture = _picture(values, _Options())
    assert (picture[0, 2], picture[0, 98], picture[0, 50]) == (0, 1, 0.5)
    whole = _picture(values, _Options(robust=False))
    assert (whole[0, 0], whole[0, 100], whole[0, 1]) == (0, 1, 0.01)
    assert not _picture(np.full((4, 4), 7), _Options()).any()


def test_a_mask_becomes_opacity_where_any_band_is_masked():
    array = np.ma.MaskedArray(RGB, mask=np.zeros(RGB.shape, bool))
    array[1, 0, 0] = np.ma.masked
    picture = _picture(array, _Options())
    assert picture.shape == (8, 9, 4)
    assert picture[0, 0, 3] == 0
    assert picture[..., 3].sum() == 8 * 9 - 1


def test_the_fourth_band_is_opacity_and_not_stretched():
    array = np.concatenate([RGB, np.full((1, 8, 9), 255, "uint16")])
    picture = _picture(array, _Options())
    assert (picture[..., 3] == 1).all()
    assert np.array_equal(picture[..., :3], _picture(RGB, _Options()))


def test_sizes_and_both_names_of_the_layout():
    assert _figure_size(3, _Options()) == (10, 30)
    assert _figure_size(4, _Options(ncols=2)) == (10, 10)
    assert _Options.of({"layout_direction": "top-to-bottom"}).layoutdirection == "top-to-bottom"


def test_without_matplotlib_only_the_call_fails(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError):
        save_image(tmp_path / "x.png", RGB)
