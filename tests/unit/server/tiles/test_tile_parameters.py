"""Query parameters of tiles: what they mean, and what is refused."""

from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles import colormaps
from landbridge.stac_api.tiles.formats import EXTENSIONS, Format, format_of
from landbridge.stac_api.tiles.grid import MAX_EDGE, Grid
from landbridge.stac_api.tiles.parameters import PARAMETERS, parse
from landbridge.stac_api.tiles.products import TileProduct
from landbridge.stac_api.tiles.styles import styles_of
from landbridge.stac_api.tiles.view import Colormap, View
from support.tile_store import collection

SCENES = TileProduct(collection())
CLASSES = TileProduct(
    {
        "id": "classes",
        "bands": [
            {
                "name": "cover",
                "catalog:type": "class",
                "catalog:asset": "map",
                "data_type": "uint8",
                "classification:classes": [
                    {"value": 1, "name": "water", "color_hint": "0000FF"},
                    {"value": 2, "name": "land", "color_hint": "bad"},
                ],
            }
        ],
        "item_assets": {"map": {}},
    }
)
SEPARATE = TileProduct(
    {
        "id": "separate",
        "item_assets": {
            "B04": {
                "roles": ["data"],
                "bands": [{"name": "B04", "eo:common_name": "red", "data_type": "uint16"}],
            },
            "B03": {
                "roles": ["data"],
                "bands": [{"name": "B03", "eo:common_name": "green", "data_type": "uint16"}],
            },
            "B02": {
                "roles": ["data"],
                "bands": [{"name": "B02", "eo:common_name": "blue", "data_type": "uint16"}],
            },
            "B08": {
                "roles": ["data"],
                "bands": [{"name": "B08", "eo:common_name": "nir", "data_type": "uint16"}],
            },
        },
        "renders": {
            "ndvi": {
                "title": "Greenness",
                "assets": ["B08", "B04"],
                "expression": "(B08_b1-B04_b1)/(B08_b1+B04_b1)",
                "rescale": [[-1, 1]],
                "colormap_name": "rdylgn",
            },
            "broken": {"assets": ["none"]},
            "odd": "text",
        },
    }
)


def view(query, product=SCENES, form=Format.AUTO):
    return parse(query, [product], form)


@pytest.mark.parametrize(
    ("query", "bands"),
    [
        ([], ("red", "green", "blue")),
        ([("bands", "nir")], ("nir",)),
        ([("bands", "nir,red"), ("bands", "green")], ("nir", "red", "green")),
        ([("assets", "data"), ("bidx", "4,3"), ("bidx", "1")], ("nir", "blue", "red")),
        ([("assets", "data|bidx=2,2,2")], ("green", "green", "green")),
        ([("assets", "data|indexes=1")], ("red",)),
        ([("bidx", "2")], ("green",)),
        ([("assets", "nir")], ("nir",)),
    ],
)
def test_bands_are_selected_by_name_or_by_asset_and_position(query, bands):
    assert view(query).bands == bands


def test_expressions_name_bands_positions_or_assets():
    assert view([("expression", "b2/b1"), ("bands", "red,nir"), ("rescale", "0,1")]).expressions == (
        "(nir / red)",
    )
    assert view([("expression", "b4"), ("rescale", "0,1")]).expressions == ("nir",)
    found = view([("expression", "data_b4-data_b1"), ("rescale", "0,1")])
    assert (found.expressions, found.bands) == (("(nir - red)",), ("nir", "red"))
    assert view(
        [("expression", "B08/B04"), ("rescale", "0,1"), ("asset_as_band", "true")], SEPARATE
    ).bands == ("B08", "B04")


def test_pictures_are_scaled_by_the_display_range_and_values_are_not():
    assert view([("bands", "nir")]).scaling == ("display",)
    assert view([("bands", "nir")], form=Format.NPY).scaling == (None,)
    assert view([("bands", "nir"), ("rescale", "0,9")], form=Format.NPY).as_bytes
    assert view([("rescale", "0,1,0,2,0,3")]).scaling == ((0, 1), (0, 2), (0, 3))
    assert view([("bands", "red"), ("scaling", '{"red": ["2%", "98%"]}')]).scaling == (("2%", "98%"),)


def test_the_default_style_is_the_render_of_that_name():
    assert view([]).scaling == ((0, 4000),) * 3
    assert [style.name for style in styles_of(SCENES)] == ["default"]


def test_without_a_default_render_the_style_is_made_from_the_bands():
    default, ndvi = styles_of(SEPARATE)
    assert default.parameters == (("bands", "B04,B03,B02"),)
    assert (ndvi.name, ndvi.title) == ("ndvi", "Greenness")
    drawn = view([("style", "ndvi")], SEPARATE)
    assert (drawn.colormap, drawn.scaling) == (Colormap("rdylgn"), ((-1.0, 1.0),))
    assert view([("style", "ndvi"), ("colormap_name", "viridis")], SEPARATE).colormap == Colormap("viridis")
    assert view([("style", "ndvi")], SEPARATE, Format.TIFF).colormap is None


def test_a_band_of_classes_has_their_colors():
    assert view([], CLASSES).colormap == Colormap(values=((1.0, (0, 0, 255, 255)),))
    assert view([("rescale", "0,3")], CLASSES).colormap is None


def test_styles_of_every_collection_are_valid_views():
    for product in (SCENES, CLASSES, SEPARATE):
        for style in styles_of(product):
            assert view([("style", style.name)], product) == view(style.parameters, product)


REFUSED = [
    ([("bands", "purple")], "no band 'purple'.*red, green, blue, nir"),
    ([("bands", "")], "no band ''"),
    ([("assets", "thumbnail")], "no asset 'thumbnail'.*It has data"),
    ([("assets", "data|bidx=9")], "has no band 9; it has 1, 2, 3, 4"),
    ([("assets", "data|scale=1")], "only .bidx=1,2 may follow"),
    ([("bidx", "0")], "positions of bands from 1"),
    ([("bidx", "-1")], "positions of bands from 1"),
    ([("bands", "red"), ("assets", "data")], "either bands or assets"),
    ([("bands", "red,green")], "one or three bands"),
    ([("assets", "data")], "one or three bands.*got 4"),
    ([("expression", "red")], "needs rescale"),
    ([("expression", "1+1"), ("rescale", "0,1")], "at least one band"),
    ([("expression", "b9"), ("rescale", "0,1")], "needs at least 9 bands"),
    ([("expression", "red"), ("scaling", "display")], "must be 2 or 4 numbers"),
    ([("rescale", "1")], "two numbers"),
    ([("rescale", "5,1")], "the lower one first"),
    ([("rescale", "0,nan")], "two numbers"),
    ([("rescale", "0,1"), ("rescale", "0,2")], "once for each of the 3"),
    ([("rescale", "0,1"), ("scaling", "raw")], "either rescale or scaling"),
    ([("scaling", "auto")], "`auto` is not possible"),
    ([("scaling", "[[0]]")], "scaling="),
    ([("scaling", "[" * 4000)], "scaling="),
    ([("scaling", '{"purple": null}')], "'purple' is not one of the outputs"),
    ([("colormap_name", "nope"), ("bands", "red")], "colormap_name='nope'.*viridis"),
    ([("colormap_name", "viridis")], "needs one band"),
    ([("colormap", "[]"), ("bands", "red")], "is no colormap"),
    ([("colormap", '{"1": [0, 0, 300]}'), ("bands", "red")], "is no colormap"),
    ([("colormap", '{"1": "#12345"}'), ("bands", "red")], "is no colormap"),
    ([("colormap", '{"nan": [0, 0, 0]}'), ("bands", "red")], "is no colormap"),
    ([("colormap", "[[1]]"), ("bands", "red")], "is no colormap"),
    ([("colormap", "x" * 70_000), ("bands", "red")], "at most 65536 characters"),
    ([("colormap", "{}"), ("colormap_name", "viridis"), ("bands", "red")], "not both"),
    ([("resampling", "near")], "resampling='near'.*nearest, bilinear"),
    ([("resampling", "nearest"), ("reproject", "cubic")], "must be equal"),
    ([("method", "first")], "method='first'.*last, mean"),
    ([("pixel_selection", "stdev")], "pixel_selection='stdev'"),
    ([("method", "mean"), ("pixel_selection", "highest")], "either method or pixel_selection"),
    ([("nodata", "zero")], "nodata='zero'"),
    ([("return_mask", "maybe")], "return_mask='maybe'"),
    ([("buffer", "0.3")], "multiple of 0.5"),
    ([("buffer", "1e9")], "multiple of 0.5"),
    ([("padding", "x")], "padding='x'"),
    ([("style", "ndvi")], "style='ndvi' is not a style of 'scenes', which has default"),
    ([("style", "default"), ("style", "default")], "1 times at most"),
    ([("bands", "red")] * 65, "64 times at most"),
    ([("color_formula", "gamma")], "color_formula is not supported"),
    ([("unscale", "true")], "use scaling=physical"),
]


@pytest.mark.parametrize(("query", "message"), REFUSED, ids=[str(query)[:40] for query, _ in REFUSED])
def test_a_value_that_is_not_allowed_is_refused_with_what_is(query, message):
    with pytest.raises(BadRequestError, match=message):
        view(query)


def test_parameters_of_the_search_are_not_of_the_view():
    assert view([("filter", "x"), ("datetime", "2024")]) == view([])


def test_all_collections_must_have_the_bands():
    with pytest.raises(BadRequestError, match="'separate' has no band 'red'"):
        parse([("bands", "red")], [SCENES, SEPARATE], Format.NPY)


def test_examples_of_parameters_are_valid():
    for parameter in PARAMETERS:
        query = [(parameter.name, parameter.example)]
        if parameter.name == "assets":
            query.append(("bidx", "1,2,3"))
        if parameter.name in ("colormap", "colormap_name", "scaling"):
            query.append(("bands", "red"))
        if parameter.name == "expression":
            query.append(("rescale", "-1,1"))
        view(query)


@given(st.data())
def test_a_view_goes_through_json(data):
    query = data.draw(
        st.sampled_from(
            [
                [],
                [("bands", "red"), ("colormap", '[[[0, 1], "#fff00080"]]')],
                [("bands", "red"), ("colormap", '{"1.5": [1, 2, 3]}')],
                [("expression", "red;nir;blue"), ("rescale", "0,1")],
                [("nodata", "7"), ("buffer", "1.5"), ("return_mask", "false")],
            ]
        )
    )
    found = view(query)
    assert View.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert View.from_json(json.loads(json.dumps(found.to_json()))).identity == found.identity
    assert found.identity != view([("bands", "nir")]).identity


def test_named_colormaps_are_those_of_matplotlib():
    values = np.arange(256, dtype=np.uint8)[None]
    assert set(colormaps.names()) >= {"viridis", "terrain", "rdylgn", "tab10"}
    for name in mpl.colormaps:
        if name.lower() in colormaps.names():
            expected = mpl.colormaps[name](np.linspace(0, 1, 256), bytes=True).T[:, None]
            found = colormaps.apply(colormaps.named(name), values)
            np.testing.assert_array_equal(found, expected)
            reverse = colormaps.apply(colormaps.named(f"{name}_r"), values)
            np.testing.assert_array_equal(reverse, found[..., ::-1])


def test_intervals_include_their_lower_end():
    colors = colormaps.of_json("[[[0, 2], [9, 9, 9]], [[2, 3], [7, 7, 7, 7]]]")
    found = colormaps.apply(colors, np.array([[-1, 0, 1.9, 2, 3]]))
    assert found[0].tolist() == [[0, 9, 9, 7, 0]]
    assert found[3].tolist() == [[0, 255, 255, 7, 0]]


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(1, 255)), min_size=1, max_size=6),
    st.lists(st.one_of(st.integers(-4, 4), st.floats(-4, 4), st.just(float("nan"))), min_size=1),
)
def test_the_last_interval_that_has_a_value_colors_it(intervals, values):
    colors = Colormap(intervals=tuple((low, high, (shade, 0, 0, 255)) for low, high, shade in intervals))
    found = colormaps.apply(colors, np.array([values], float))[0, 0]
    for value, shade in zip(values, found, strict=True):
        fitting = [color for low, high, color in intervals if low <= value < high]
        assert shade == (fitting[-1] if fitting else 0)


def test_formats_have_the_extensions_of_titiler():
    assert format_of("jpg") is format_of("jpeg") is Format.JPEG
    assert format_of(None) is Format.AUTO
    with pytest.raises(BadRequestError, match=f"one of {', '.join(EXTENSIONS)}"):
        format_of("pdf")


@pytest.mark.parametrize(
    "arguments",
    [
        ((0, 0, 0, 1), "EPSG:4326", 1, 1),
        ((0, 1, 1, 0), "EPSG:4326", 1, 1),
        ((0, 0, float("inf"), 1), "EPSG:4326", 1, 1),
        ((0, 0, 1, 1), "EPSG:4326", 0, 1),
        ((0, 0, 1, 1), "EPSG:4326", MAX_EDGE + 1, 1),
        ((0, 0, 1, 1), "EPSG:4326", MAX_EDGE, MAX_EDGE),
    ],
)
def test_a_grid_is_bounded(arguments):
    with pytest.raises(BadRequestError):
        Grid(*arguments)


@given(st.floats(1e-3, 1e3), st.integers(1, 2048))
def test_a_fitting_grid_has_square_pixels_as_far_as_whole_numbers_allow(ratio, size):
    found = Grid.fitting((0, 0, ratio, 1), "EPSG:3857", max_size=size)
    assert max(found.width, found.height) == size
    shorter, exact = min(found.width, found.height), size / max(ratio, 1 / ratio)
    assert abs(shorter - max(1, exact)) <= 0.5 + 1e-9
