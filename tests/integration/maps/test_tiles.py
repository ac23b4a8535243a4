"""Tiles: the images in them, their order, their limit, and when a pixel is read."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from integration.maps.conftest import SET, Maps, tile_path
from landbridge.stac_api.pgstac import tile_queries
from landbridge.stac_api.tiles.api import tile_search
from landbridge.stac_api.tiles.api.answers import NOTICE_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Any]:
    """A picture as GDAL reads it."""
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.MemoryFile(content) as memory,
        memory.open() as file,
    ):
        yield file


def test_the_newest_image_is_on_top_unless_the_request_says_otherwise(maps: Maps):
    product = maps.product()
    maps.image(product, "old", 1, datetime="2020-01-01T00:00:00Z", **{"eo:cloud_cover": 10})
    maps.image(product, "new", 2, datetime="2024-01-01T00:00:00Z", **{"eo:cloud_cover": 90})
    path = tile_path(product)
    assert maps.pixels(path, assets="data").tolist() == [2]
    narrowed = {
        "filter": "eo:cloud_cover < 50",
        "datetime": "../2021-01-01T00:00:00Z",
        "ids": "old",
        "sortby": "eo:cloud_cover",
    }
    for name, value in narrowed.items():
        assert maps.pixels(path, assets="data", **{name: value}).tolist() == [1], name
    assert maps.pixels(
        path, assets="data", filter='{"op": "=", "args": [{"property": "id"}, "new"]}'
    ).tolist() == [2]
    for name, value in {"filter": "eo:cloud_cover <", "datetime": "yesterday", "sortby": "-"}.items():
        answer = maps("GET", path, params={name: value})
        assert (name, answer.status_code) in ((name, 400), ("sortby", 200)), answer.text


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp"), ("tif", "image/tiff")],
)
def test_pictures_have_the_format_of_their_path_or_of_accept(maps: Maps, extension: str, media_type: str):
    product = maps.product()
    maps.image(product, "one", 2000)
    named = maps("GET", tile_path(product, extension))
    accepted = maps("GET", tile_path(product)[:-4], headers={"Accept": media_type})
    for answer in (named, accepted):
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(media_type)
        with opened(answer.content) as file:
            assert (file.width, file.height) == (256, 256)
            assert file.read(1).any()
    assert "Accept" in accepted.headers["vary"]
    assert "content-encoding" not in named.headers


def test_the_path_of_ogc_has_the_row_before_the_column(maps: Maps):
    product = maps.product()
    maps.image(product, "one", 7)
    ours = maps("GET", tile_path(product))
    theirs = maps("GET", f"/collections/{product}/map/tiles/{SET}/2/1/4.npy")
    assert ours.content == theirs.content
    assert ours.headers["etag"] == theirs.headers["etag"]


def test_a_tile_of_an_item_shows_that_item_only(maps: Maps):
    product = maps.product()
    maps.image(product, "below", 1, datetime="2020-01-01T00:00:00Z")
    maps.image(product, "above", 2, datetime="2024-01-01T00:00:00Z")
    for name, value in (("below", 1), ("above", 2)):
        assert maps.pixels(f"/collections/{product}/items/{name}/tiles/{SET}/2/4/1.npy").tolist() == [value]


def test_a_tile_without_images_is_empty_and_asks_no_search(maps: Maps, monkeypatch: pytest.MonkeyPatch):
    product = maps.product()
    maps.image(product, "one")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(tile_queries, "find", refuse)
    answer = maps("GET", tile_path(product, tile=(2, 0, 0)))
    assert answer.status_code == 200
    assert not np.load(io.BytesIO(answer.content))[-1].any()


def test_images_below_a_full_canvas_are_not_read(maps: Maps, monkeypatch: pytest.MonkeyPatch):
    read = []
    whole_items = tile_queries.whole_items

    async def noted(conn, wanted):
        read.append(len(wanted))
        return await whole_items(conn, wanted)

    monkeypatch.setattr(tile_queries, "whole_items", noted)
    monkeypatch.setattr(tile_search, "PAGE", 2)
    product = maps.product()
    for number in range(6):
        # The upper images cover the left half of the tile only, so that more are read until one fills it.
        day = f"2024-01-{20 - number:02}T00:00:00Z"
        maps.image(product, f"i{number}", -1 if number < 3 else number, corner=(0, 0), size=45, datetime=day)
    path = tile_path(product)
    assert maps.pixels(path).tolist() == [1, 3]
    assert read == [2]  # the second page; the first came with the search, and the third was not needed
    assert maps.pixels(path, method="count").tolist() == [3, 6]


def test_a_tile_with_too_many_images_says_so_and_is_never_incomplete(maps: Maps):
    product = maps.product()
    for number in range(8):
        maps.image(product, f"i{number}", number + 1, corner=(3.0 * number, 10))
    for extension in ("png", "jpg", "webp"):
        answer = maps("GET", tile_path(product, extension))
        assert answer.status_code == 200
        assert "More than 6 images" in answer.headers[NOTICE_HEADER]
        with opened(answer.content) as file:
            assert file.width == 256
    for extension in ("npy", "tif"):
        answer = maps("GET", tile_path(product, extension))
        assert answer.status_code == 400
        assert "zoom in" in answer.json()["description"]
    # The same place from nearer has fewer images.
    near = maps("GET", f"/collections/{product}/bbox/0,9,10,12/200x60.npy")
    assert sorted(np.unique(np.load(io.BytesIO(near.content))[0]).tolist()) == [0, 1, 2, 3, 4]
    description = maps.ok("GET", f"/collections/{product}/{SET}/tilejson.json")
    assert description["minzoom"] > 2
    z = description["minzoom"]
    columns = {int((3.0 * number + 180) * 2**z / 180) for number in range(8)}
    row = int((90 - 10.5) * 2**z / 180)
    seen = [maps.pixels(tile_path(product, tile=(z, x, row))).tolist() for x in sorted(columns)]
    assert sorted({value for values in seen for value in values}) == list(range(1, 9))


def test_many_images_on_each_other_are_shown_if_the_first_ones_fill_the_tile(maps: Maps):
    product = maps.product()
    for number in range(8):
        day = f"2024-01-{20 - number:02}T00:00:00Z"
        maps.image(product, f"i{number}", number + 1, corner=(0, 0), size=45, datetime=day)
    assert maps.pixels(tile_path(product)).tolist() == [1]
    answer = maps("GET", tile_path(product), params={"method": "mean"})
    assert answer.status_code == 400


def test_hidden_pixels_that_no_image_fills_end_with_the_notice(maps: Maps):
    product = maps.product()
    for number in range(8):
        day = f"2024-01-{20 - number:02}T00:00:00Z"
        maps.image(product, f"i{number}", -1, corner=(0, 0), size=45, datetime=day)
    assert maps("GET", tile_path(product)).status_code == 400
    assert NOTICE_HEADER in maps("GET", tile_path(product, "png")).headers
    # The worker goes on after a search that ended early.
    assert maps.pixels(tile_path(product), ids="i0").tolist() == [1]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("tilesize=7", "tilesize"),
        ("tilesize=512&tilesize=512", "tilesize"),
        ("colour=red", "colour"),
        ("ids=" + "a," * 20_000, "ids"),
        ("filter-lang=sql&filter=a", "filter-lang"),
    ],
)
def test_a_parameter_that_is_not_valid_is_named(maps: Maps, query: str, name: str):
    product = maps.product()
    answer = maps("GET", f"{tile_path(product)}?{query}")
    assert answer.status_code == 400
    assert name in answer.json()["description"]


def test_the_size_of_tiles_is_chosen(maps: Maps):
    product = maps.product()
    maps.image(product, "one")
    answer = maps("GET", tile_path(product), params={"tilesize": "64"})
    assert np.load(io.BytesIO(answer.content)).shape == (2 + 1, 64, 64) or (1 + 1, 64, 64)


def test_previews_rectangles_points_and_statistics_show_the_images(maps: Maps):
    product = maps.product()
    maps.image(product, "one", 5)
    for target in (f"/collections/{product}", f"/collections/{product}/items/one"):
        assert maps.pixels(f"{target}/preview.npy", max_size="32").tolist() == [5]
        assert maps.pixels(f"{target}/bbox/9,9,12,12.npy", max_size="32").tolist() == [5]
        assert maps("GET", f"{target}/preview").headers["content-type"].startswith("image/")
        assert maps.ok("GET", f"{target}/point/10.5,10.5", params={"bands": "red"})["values"] == [5]
        assert maps.ok("GET", f"{target}/point/50,10.5", params={"bands": "red"})["values"] == [None]
        ring = [[10, 10], [10.5, 10], [10.5, 10.5], [10, 10.5], [10, 10]]
        body = {
            "type": "Feature",
            "properties": {"a": 1},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        found = maps.ok("POST", f"{target}/statistics", params={"bands": "red"}, json=body)
        assert found["properties"]["a"] == 1
        assert found["properties"]["statistics"]["red"]["mean"] == 5
        both = maps.ok(
            "POST",
            f"{target}/statistics",
            params={"bands": "red"},
            json={"type": "FeatureCollection", "features": [body, body]},
        )
        assert [one["properties"]["statistics"]["red"]["max"] for one in both["features"]] == [5, 5]
        for wrong in (
            {"type": "Point", "coordinates": [1, 2]},
            {},
            [],
            {"type": "FeatureCollection", "features": []},
        ):
            assert maps("POST", f"{target}/statistics", json=wrong).status_code == 400
        for wrong in ("bbox/9,9,8,8.npy", "bbox/9,9,12,12/9999x10.npy", "point/1000,1"):
            assert maps("GET", f"{target}/{wrong}").status_code == 400, wrong
        assert (
            maps("GET", f"{target}/bbox/9,9,12,12.npy", params={"dst_crs": "+proj=longlat"}).status_code
            == 400
        )
    assert maps.pixels(
        f"/collections/{product}/bbox/1000000,1000000,1300000,1400000/30x40.npy", coord_crs="EPSG:3857"
    ).tolist() == [5]


def test_a_file_of_another_product_is_not_shown(maps: Maps):
    secret, product = maps.product(), maps.product()
    maps.image(secret, "one", 9)
    item = maps.image(product, "two", 1)
    item["assets"]["data"]["href"] = f"http://service.test/assets/images/{secret}/one/1-v/0.tif"
    maps.ok("PUT", f"/collections/{product}/items/two", json=item)
    answer = maps("GET", tile_path(product))
    assert answer.status_code == 422
    assert "two" in answer.json()["description"]
