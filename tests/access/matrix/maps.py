"""The routes of maps: below a collection, an item and a registered search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from access.matrix import expected, seen
from access.matrix.calls import COLLECTION, ITEM, Case, of, of_blob, sent
from access.matrix.row import Row

if TYPE_CHECKING:
    from access.matrix.calls import Prepare
    from access.matrix.world import World

__all__ = ["ROWS"]

SEARCH: Final = "/searches/{search_id}"
# A rectangle around the places of all images of the world, and a polygon of it.
_PLACE: Final = {"minx": 9, "miny": 9, "maxx": 16, "maxy": 12, "lon": 10.5, "lat": 10.5}
_POLYGON: Final = {"type": "Polygon", "coordinates": [[[9, 9], [16, 9], [16, 12], [9, 12], [9, 9]]]}
_PARTS: Final = {
    "tileMatrixSetId": "WorldCRS84Quad",
    "z": 2,
    "x": 4,
    "y": 1,
    "tileMatrix": 2,
    "tileRow": 1,
    "tileCol": 4,
    "format": "npy",
    "width": 28,
    "height": 12,
    **_PLACE,
}
_READS: Final = (
    "/tiles",
    "/map/tiles",
    "/tiles/{tileMatrixSetId}",
    "/map/tiles/{tileMatrixSetId}",
    "/tiles/{tileMatrixSetId}/{z}/{x}/{y}.{format}",
    "/tiles/{tileMatrixSetId}/{z}/{x}/{y}",
    "/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}.{format}",
    "/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    "/{tileMatrixSetId}/tilejson.json",
    "/WMTSCapabilities.xml",
    "/preview.{format}",
    "/preview",
    "/bbox/{minx},{miny},{maxx},{maxy}/{width}x{height}.{format}",
    "/bbox/{minx},{miny},{maxx},{maxy}.{format}",
    "/point/{lon},{lat}",
)
_RECTANGLE: Final = "/bbox/{minx},{miny},{maxx},{maxy}/{width}x{height}.{format}"
_TILE: Final = "/tiles/{tileMatrixSetId}/{z}/{x}/{y}.{format}"


def _of(whose: str, **options: Any) -> Prepare:
    def prepare(world: World) -> Case:
        case = of(whose, **options)(world)
        return Case({**_PARTS, **case.path}, case.options)

    return prepare


def _of_search(**options: Any) -> Prepare:
    """A search for everything, registered by the owner."""
    return lambda world: Case({**_PARTS, "search_id": world.search()}, options)


def _signed(world: World) -> Case:
    """A tile of the private product by a URL that its owner had signed."""
    collection = world.products["private"]
    href = f"http://service.test/collections/{collection}/tiles/WorldCRS84Quad/2/4/1.npy"
    answer = world.ok("owner", "POST", "/tiles/signatures", json={"hrefs": [href]})
    query = dict(parse_qsl(urlsplit(answer["hrefs"][0]).query))
    return Case({**_PARTS, "collection_id": collection}, {"params": query})


def _hrefs(whose: str) -> Prepare:
    return lambda world: Case(
        options={"json": {"hrefs": [f"http://service.test/collections/{world.products[whose]}/preview.png"]}}
    )


def _own_search(world: World) -> Case:
    search = world.search()
    return Case({"search_id": search}, watched=f"/searches/{search}")


ROWS: Final = [
    Row("GET", "/tileMatrixSets", expected.opened()),
    Row("GET", "/tileMatrixSets/{tileMatrixSetId}", expected.opened(), "", lambda _: Case(_PARTS)),
    *(
        Row("GET", f"{prefix}{route}", expected.reads(), "private", _of("private"))
        for prefix in (COLLECTION, ITEM)
        for route in _READS
    ),
    *(Row("GET", f"{SEARCH}{route}", expected.opened(), "", _of_search()) for route in _READS),
    *(
        Row("POST", f"{prefix}/statistics", expected.reads(), "private", _of("private", json=_POLYGON))
        for prefix in (COLLECTION, ITEM)
    ),
    Row("POST", f"{SEARCH}/statistics", expected.opened(), "", _of_search(json=_POLYGON)),
    *(
        row
        for prefix in (COLLECTION, ITEM)
        for row in (
            Row("GET", f"{prefix}{_TILE}", expected.opened(), "public", _of("public")),
            Row("GET", f"{prefix}{_TILE}", expected.others(), "of others", _of("other")),
        )
    ),
    Row(
        "GET",
        f"{COLLECTION}{_TILE}",
        expected.opened(404),
        "blobs",
        lambda world: Case({**_PARTS, **of_blob("public")(world).path}),
    ),
    Row(
        "GET",
        f"{COLLECTION}{_RECTANGLE}",
        expected.reads(),
        "pixels of private",
        _of("private"),
        seen.values,
        seen.private_pixels,
    ),
    Row(
        "GET",
        f"{SEARCH}{_RECTANGLE}",
        expected.opened(),
        "pixels of all",
        _of_search(),
        seen.values,
        seen.pixels,
    ),
    Row("GET", f"{COLLECTION}{_TILE}", expected.signs(), "signed", _signed),
    Row("GET", SEARCH, expected.opened(), "", _of_search(), seen.conditions, seen.own_conditions),
    Row("DELETE", SEARCH, expected.own_writes(204), "", _own_search),
    Row("POST", "/searches/register", expected.registers(), "", sent(lambda _: {"ids": ["one"]})),
    Row("POST", "/tiles/signatures", expected.reads(), "private", _hrefs("private")),
    Row("POST", "/tiles/signatures", expected.opened(), "public", _hrefs("public")),
    Row("POST", "/tiles/signatures", expected.others(), "of others", _hrefs("other")),
]
