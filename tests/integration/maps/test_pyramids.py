"""Kept pyramids: shown where a tile would need too many images, and only while they show all of them."""

from __future__ import annotations

import io
import itertools
import json

import numpy as np
import psycopg
import pytest
from click.testing import CliRunner

from integration.conftest import stac_item
from integration.maps.conftest import Maps, tile_path
from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, ClassBand, Image, Product, SpectralBand
from landbridge.catalog.tile_pyramid.run import PYRAMID, PyramidError, build
from landbridge.cli import main
from landbridge.geo import AOI
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.tiles.api.answers import NOTICE_HEADER
from support.embedded_stack import running_stack

LIMIT = 6
SET = "WebMercatorQuad"


class Pair:
    """A product with more images than a tile may have, and a pyramid of one image with the value 99."""

    def __init__(
        self, maps: Maps, *, readers: tuple[str, ...] = (), pyramid_readers: tuple[str, ...] = ()
    ) -> None:
        self.maps = maps
        self.product = maps.product(**{"catalog:readers": list(readers)})
        self.pyramid = maps.product(**{"catalog:readers": list(pyramid_readers)})
        for number in range(LIMIT + 1):
            maps.image(self.product, f"i{number}", number + 1, corner=(3.0 * number, 10))
        maps.image(self.pyramid, "0-0-0", 99, corner=(0, 0), size=45)
        self.state()

    def revision(self, collection: str) -> str:
        path = f"/collections/{collection}/{SET}/tilejson.json"
        return str(self.maps.ok("GET", path)["landbridge:revision"])

    def state(self, **changes: object) -> None:
        """State the pyramid in the product's document."""
        stated = {
            "product": self.pyramid,
            "shows": self.revision(self.product),
            "revision": self.revision(self.pyramid),
            "zoom": 4,
            **changes,
        }
        document = self.maps.ok("GET", f"/collections/{self.product}")
        document["catalog:extra_properties"] = {PYRAMID: stated}
        self.maps.ok("PUT", f"/collections/{self.product}", json=document)

    def is_shown(self, **options: object) -> bool:
        answer = self.maps("GET", tile_path(self.product, "png"), **options)
        assert answer.status_code == 200, answer.text
        return NOTICE_HEADER not in answer.headers


@pytest.fixture
def pair(maps: Maps) -> Pair:
    return Pair(maps)


def test_a_pyramid_is_shown_where_a_tile_needs_too_many_images(pair: Pair):
    maps = pair.maps
    assert pair.is_shown()
    assert maps.pixels(tile_path(pair.product)).tolist() == [99]
    assert maps.ok("GET", f"/collections/{pair.product}/{SET}/tilejson.json")["minzoom"] == 0
    # A place with fewer images shows the images themselves.
    near = f"/collections/{pair.product}/bbox/0,9,10,12/200x60.npy"
    assert set(maps.pixels(near).tolist()) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "query",
    [
        {"datetime": "2024-01-01T00:00:00Z/.."},
        {"sortby": "id"},
        {"method": "mean"},
        {"filter": "datetime IS NOT NULL"},
    ],
)
def test_conditions_orders_and_other_methods_ask_for_the_images(pair: Pair, query: dict[str, str]):
    assert not pair.is_shown(params=query)


def test_a_picture_with_much_smaller_pixels_is_not_made_of_the_pyramid(pair: Pair):
    path = f"/collections/{pair.product}/bbox/0,0,45,45/{{}}x{{}}.png"
    assert NOTICE_HEADER not in pair.maps("GET", path.format(256, 256)).headers
    assert NOTICE_HEADER in pair.maps("GET", path.format(2000, 1000)).headers


def test_any_change_of_an_image_ends_it(pair: Pair):
    maps = pair.maps
    items = f"/collections/{pair.product}/items"
    item = maps.ok("GET", f"{items}/i0")
    maps.image(pair.product, "new", 50, corner=(40, 40))
    assert not pair.is_shown()
    pair.state()
    assert pair.is_shown()
    # A change that leaves number and size of the images as they are.
    item["properties"]["eo:cloud_cover"] = 5
    maps.ok("PUT", f"{items}/i0", json=item)
    assert not pair.is_shown()
    pair.state()
    maps.ok("DELETE", f"{items}/new")
    assert not pair.is_shown()
    maps.ok("POST", items, json=stac_item(pair.product, "other"))
    pair.state()
    assert pair.is_shown()


def test_the_worker_that_merges_counters_changes_no_revision(pair: Pair):
    before = pair.revision(pair.product)
    with psycopg.connect(pair.maps.database) as conn:
        conn.execute("SELECT landbridge.merge_item_counts(100000)")
    assert pair.revision(pair.product) == before
    with psycopg.connect(pair.maps.database) as conn:
        conn.execute("SELECT landbridge.repair_item_counts()")
    # Items may have changed unseen.
    assert pair.revision(pair.product) != before


def test_a_change_of_a_band_ends_it(pair: Pair):
    document = pair.maps.ok("GET", f"/collections/{pair.product}")
    document["bands"][0]["catalog:display_range"] = [0, 2000]
    pair.maps.ok("PUT", f"/collections/{pair.product}", json=document)
    assert not pair.is_shown()


def test_a_change_of_the_pyramid_itself_ends_it(pair: Pair):
    pair.maps.ok("DELETE", f"/collections/{pair.pyramid}/items/0-0-0")
    assert not pair.is_shown()


@pytest.mark.parametrize(
    "changes",
    [
        {"product": "local:nowhere"},
        {"product": 5},
        {"shows": None},
        {"shows": "1-2-x"},
        {"revision": "0"},
        {"zoom": "4"},
        {"zoom": -1},
        {"zoom": 10**9},
    ],
)
def test_a_statement_that_is_not_true_shows_nothing(pair: Pair, changes: dict[str, object]):
    pair.state(**changes)
    assert not pair.is_shown()


def test_a_product_is_no_pyramid_of_itself(pair: Pair):
    pair.state(product=pair.product, revision=pair.revision(pair.product))
    assert not pair.is_shown()


def test_who_may_not_read_the_pyramid_does_not_see_it(maps: Maps):
    pair = Pair(maps, readers=("public",), pyramid_readers=("user:ann",))
    ann, zoe = maps.token(Principal("ann")), maps.token(Principal("zoe"))
    assert pair.is_shown(token=ann)
    assert not pair.is_shown(token=zoe)
    assert not pair.is_shown(token=None)
    # Nor may a cache that others share keep it.
    answer = maps("GET", tile_path(pair.product, "png"), ann)
    assert answer.headers["cache-control"].startswith("private")
    both = Pair(maps, readers=("public",), pyramid_readers=("public",))
    answer = maps("GET", tile_path(both.product, "png"), None)
    assert answer.headers["cache-control"].startswith("public")


def test_a_client_with_the_notice_gets_the_pyramid_when_it_is_made(maps: Maps):
    pair = Pair(maps)
    pair.state(shows="none")
    notice = maps("GET", tile_path(pair.product, "png"))
    assert NOTICE_HEADER in notice.headers
    assert "etag" not in notice.headers
    pair.state()
    shown = maps("GET", tile_path(pair.product, "png"))
    assert NOTICE_HEADER not in shown.headers
    again = maps("GET", tile_path(pair.product, "png"), headers={"If-None-Match": shown.headers["etag"]})
    assert again.status_code == 304


# A pyramid that the client builds
PIXELS, EDGE = 64, 2000.0  # of an image, in metres
LEFT, TOP = 1_000_000.0, 5_000_000.0
# Of further images: each test changes the product first, so that it may run alone or after any other.
NUMBERS = itertools.count(12)


@pytest.fixture(scope="module")
def client(cluster_template):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDBRIDGE_TILE_MAX_ITEMS", str(LIMIT))
        with running_stack(cluster_template) as stack:
            client = CatalogClient(url=stack.url, auth=Auth(token=stack.token))
            CatalogClient.set_default_client(client)
            yield client
            CatalogClient.clear_all_default_clients()


def _upload(product: Product, number: int) -> None:
    """An image of three bands in two files, beside the one before it, with holes; two of each day."""
    random = np.random.default_rng(number)
    values = random.integers(1, 3000, (2, PIXELS, PIXELS)).astype("uint16")
    values[:, random.random((PIXELS, PIXELS)) < 0.2] = 0
    classes = random.integers(0, 4, (1, PIXELS, PIXELS)).astype("uint8")
    row, column = divmod(number, 4)
    image = Image(
        product=product,
        name=f"i{number}",
        acquired=f"2024-01-{1 + number // 2:02}",
        cs_code="EPSG:3857",
        geotrans=(LEFT + column * EDGE * 0.8, EDGE / PIXELS, 0, TOP - row * EDGE * 0.8, 0, -EDGE / PIXELS),
        client=product._client,
    )
    done = image.upload_ndarray([values, classes], overviews=[2, 4])
    done.wait_for_completion(timeout=120)
    assert done.status == "success", done.events


@pytest.fixture(scope="module")
def product(client):
    product = Product(id="wide", name="Wide", client=client)
    product.save()
    for index, name in enumerate(("red", "nir")):
        SpectralBand(
            name=name, product=product, data_type="UInt16", nodata=0, file_index=0, band_index=index,
            data_range=(0, 3000), display_range=(0, 3000), client=client,
        ).save()  # fmt: skip
    ClassBand(
        name="kind", product=product, data_type="Byte", nodata=255, file_index=1, band_index=0,
        data_range=(0, 3), display_range=(0, 3), client=client,
    ).save()  # fmt: skip
    for number in range(12):
        _upload(product, number)
    return product


def _tile(client: CatalogClient, product: Product, place: tuple[int, int, int]):
    path = f"/collections/{product.id}/tiles/{SET}/{'/'.join(map(str, place))}.npy?bands=red,kind&scaling=raw"
    response = client._request("GET", path)
    return np.load(io.BytesIO(response.content))


def _grid(place: tuple[int, int, int], pixels: int = 256) -> AOI:
    z, x, y = place
    half = 20037508.342789244
    edge = 2 * half / 2**z
    left, top = x * edge - half, half - y * edge
    return AOI(
        bounds=(left, top - edge, left + edge, top),
        bounds_crs="EPSG:3857",
        crs="EPSG:3857",
        shape=(pixels, pixels),
    )


def _place(z: int) -> tuple[int, int, int]:
    half = 20037508.342789244
    return z, int((LEFT + EDGE + half) / (2 * half) * 2**z), int((half - TOP + EDGE) / (2 * half) * 2**z)


def test_a_pyramid_has_the_pixels_of_the_mosaic_of_all_images(client, product):
    _upload(product, next(NUMBERS))
    layer = client.get(f"/collections/{product.id}/{SET}/tilejson.json")
    assert layer["minzoom"] > 5
    done = CliRunner().invoke(main, ["tiles", "pyramid", product.id, "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["shown"]
    assert report["zoom"] == layer["minzoom"]
    assert report["failed"] == []
    # Tiles of its last zoom are the mosaic on their grid.
    images = product.images().sort("acquired").collect()
    tile = _place(report["zoom"])
    assert len(images) > LIMIT
    found = _tile(client, product, tile)
    wanted = images.mosaic("red kind", geocontext=_grid(tile), progress=False)
    mask = np.ma.getmaskarray(wanted)
    assert (found[-1] > 0).sum() == (~mask).any(0).sum() > 100
    for band in (0, 1):
        assert (found[band][~mask[band]] == wanted.data[band][~mask[band]]).all()
    # And those before show something at every zoom.
    assert client.get(f"/collections/{product.id}/{SET}/tilejson.json")["minzoom"] == 0
    for z in (report["zoom"] - 1, report["zoom"] - 2, report["zoom"] - 4):
        assert _tile(client, product, _place(z))[-1].any(), z


def test_a_second_build_writes_nothing_and_one_after_a_change_writes_all(client, product):
    first = build(product)
    again = build(product)
    assert again.is_shown
    assert (again.written, again.kept, again.zoom) == (0, first.written + first.kept, first.zoom)
    _upload(product, next(NUMBERS))
    path = f"/collections/{product.id}/tiles/{SET}/{'/'.join(map(str, _place(first.zoom - 2)))}.png"
    assert NOTICE_HEADER in client._request("GET", path).headers
    changed = build(product)
    assert changed.is_shown
    assert changed.kept == 0
    assert changed.written > 0
    assert NOTICE_HEADER not in client._request("GET", path).headers


def test_an_image_of_another_zoom_is_made_anew(client):
    product = Product(id="broad", name="Broad", client=client)
    product.save()
    SpectralBand(
        name="red", product=product, data_type="UInt16", nodata=0, band_index=0,
        data_range=(0, 3000), display_range=(0, 3000), client=client,
    ).save()  # fmt: skip
    image = Image(
        product=product, name="one", acquired="2024-01-01", cs_code="EPSG:3857",
        geotrans=(0, 50_000, 0, 4_000_000, 0, -50_000), client=client,
    )  # fmt: skip
    image.upload_ndarray(np.full((64, 64), 7, "uint16")).wait_for_completion(timeout=120)
    coarse, finer = build(product, 2), build(product, 3)
    assert (coarse.failures, finer.failures) == ([], [])
    assert (coarse.written, finer.written, finer.kept) == (1, 1, 0)
    made = next(iter(Product.get(finer.product_id, client=client).images()))
    assert (made.y_pixels, made.x_pixels) == (2048, 2048)
    assert build(product, 3).kept == 1


def test_images_between_the_pixels_of_a_pyramid_leave_its_places_empty(client, product):
    report = build(product, 2)
    assert report.is_shown
    assert (report.written, report.empty, report.failures) == (0, 1, [])


def test_a_change_meanwhile_is_noticed(client, product, monkeypatch):
    from landbridge.catalog.tile_pyramid import run

    written = run._write_image

    def changing(*arguments):
        found = written(*arguments)
        _upload(product, next(NUMBERS))
        return found

    _upload(product, next(NUMBERS))
    monkeypatch.setattr(run, "_write_image", changing)
    report = build(product)
    assert not report.is_shown
    monkeypatch.undo()
    assert build(product).is_shown


def test_a_product_that_needs_no_pyramid_is_told_so(client):
    small = Product(id="small", name="Small", client=client)
    small.save()
    with pytest.raises(PyramidError, match="needs no pyramid"):
        build(small)
    done = CliRunner().invoke(main, ["tiles", "pyramid", "local:nothing"])
    assert done.exit_code == 1
    assert "does not exist" in done.output
