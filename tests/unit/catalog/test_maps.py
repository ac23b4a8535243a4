"""Layers of maps, and the documents that folium makes of them."""

import base64
import builtins
import re

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from shapely.geometry import box

from landbridge.catalog.exchange import explore as layers_of
from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.maps import explore
from landbridge.maps.areas import area_layer
from landbridge.maps.folium_map import draw
from landbridge.maps.layers import Footprints, Picture, Tiles, bounds_of

SHAPE = box(10, 50, 10.2, 50.1)


def test_an_area_is_drawn_with_its_outline():
    text = AOI(geometry=SHAPE).explore().get_root().render()
    assert "L.geoJson" in text
    assert "10.2" in text


def test_tiles_of_a_list_are_one_layer():
    tiles = DLTile.from_shape(SHAPE, 10, 512, 0)
    drawn = explore(tiles, XYZTile(1, 1, 2), AOI(geometry=SHAPE))
    text = drawn.get_root().render()
    assert len(tiles) > 1
    assert all(tile.key in text for tile in tiles)
    assert text.count("L.featureGroup") == 3


def test_objects_are_added_to_a_map():
    drawn = explore(AOI(geometry=SHAPE))
    assert explore(XYZTile(1, 1, 2), onto=drawn) is drawn
    assert drawn.get_root().render().count("L.featureGroup") == 2


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match="A map shows areas"):
        explore(3)


def test_an_area_without_bounds_in_degrees_is_drawn_by_its_grid():
    area = AOI(bounds=(500000, 5500000, 501000, 5501000), bounds_crs="EPSG:32632", crs="EPSG:32632")
    layer = area_layer(area)
    south, west, north, east = bounds_of([layer])
    assert 8.9 < west < east < 9.1
    assert 49.6 < south < north < 49.7


def test_tiles_of_a_service_are_a_layer():
    tiles = Tiles("Mosaic", "https://example.com/{z}/{x}/{y}.png", (50, 10, 51, 11))
    text = draw([tiles]).get_root().render()
    assert "https://example.com/{z}/{x}/{y}.png" in text


def test_a_picture_is_in_the_document():
    text = draw([Picture("red", b"picture", (50, 10, 51, 11))]).get_root().render()
    assert base64.b64encode(b"picture").decode() in text
    assert re.search(r"\[\[50, 10\], \[51, 11\]\]", text)


def test_texts_are_escaped():
    feature = {"type": "Feature", "geometry": SHAPE.__geo_interface__, "properties": {"id": "<b>x</b>"}}
    text = draw([Footprints("<i>layer</i>", [feature])]).get_root().render()
    assert "<b>x</b>" not in text
    assert "<i>layer" not in text
    assert "\\u0026lt;b\\u0026gt;x" in text or "&lt;b&gt;x" in text


def test_without_folium_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "folium":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"landbridge\[maps\]"):
        explore(AOI(geometry=SHAPE))


def test_masked_pixels_are_transparent():
    values = np.ma.masked_equal(np.array([[[0, 10], [20, 30]]] * 3, "uint8"), 0)
    warned = pytest.warns(rasterio.errors.NotGeoreferencedWarning)
    with MemoryFile(layers_of._png(values)) as memory, warned, memory.open() as file:
        pixels = file.read()
    assert pixels[3].tolist() == [[0, 255], [255, 255]]
    assert pixels[0].tolist() == [[0, 10], [20, 30]]


def test_the_picture_lies_on_the_grid_of_web_maps(saved_image):
    image = saved_image(geometry=box(10, 50, 10.2, 50.1).__geo_interface__)
    area = layers_of._area([image], 100)
    assert max(area.geobox.shape.yx) == 100
    south, west, north, east = layers_of._bounds(area.geobox)
    assert (west, east) == pytest.approx((10, 10.2))
    assert (south, north) == pytest.approx((50, 50.1))


def test_an_area_across_the_antimeridian_is_one_picture(saved_image):
    east, west = box(179, 0, 180, 1), box(-180, 0, -179, 1)
    images = [saved_image(geometry=each.__geo_interface__) for each in (east, west)]
    _, left, _, right = layers_of._bounds(layers_of._area(images, 100).geobox)
    assert right - left == pytest.approx(2)
