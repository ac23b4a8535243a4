"""Descriptions of tiles, and links to them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import jsonschema
import pystac
import pytest

from integration.maps.conftest import Maps, tile_path
from landbridge.stac_api.access.principal import Principal

_WMTS = {"w": "http://www.opengis.net/wmts/1.0", "ows": "http://www.opengis.net/ows/1.1"}
_LINK = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {
        "href": {"type": "string"},
        "rel": {"type": "string"},
        "type": {"type": "string"},
        "templated": {"type": "boolean"},
    },
}
_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
# Tile Set Metadata, by the tables of OGC 17-083r4 (Two Dimensional Tile Matrix Set and Tile Set Metadata).
_TILE_SET = {
    "type": "object",
    "required": ["dataType", "crs", "links", "tileMatrixSetURI"],
    "properties": {
        "title": {"type": "string"},
        "dataType": {"enum": ["map", "vector", "coverage"]},
        "crs": {"type": "string", "format": "uri"},
        "tileMatrixSetURI": {"type": "string", "format": "uri"},
        "links": {"type": "array", "items": _LINK, "minItems": 1},
        "tileMatrixSetLimits": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tileMatrix", "minTileRow", "maxTileRow", "minTileCol", "maxTileCol"],
                "properties": {
                    "tileMatrix": {"type": "string"},
                    **{
                        name: {"type": "integer", "minimum": 0}
                        for name in ("minTileRow", "maxTileRow", "minTileCol", "maxTileCol")
                    },
                },
            },
        },
        "boundingBox": {
            "type": "object",
            "required": ["lowerLeft", "upperRight"],
            "properties": {"lowerLeft": _POINT, "upperRight": _POINT, "crs": {"type": "string"}},
        },
    },
}
_TILE_SETS = {
    "type": "object",
    "required": ["tilesets"],
    "properties": {
        "tilesets": {"type": "array", "items": _TILE_SET, "minItems": 1},
        "links": {"type": "array", "items": _LINK},
    },
}
_MATRIX = {
    "type": "object",
    "required": [
        *("id", "scaleDenominator", "cellSize", "pointOfOrigin"),
        *("tileWidth", "tileHeight", "matrixWidth", "matrixHeight"),
    ],
    "properties": {"pointOfOrigin": _POINT, "cornerOfOrigin": {"enum": ["topLeft", "bottomLeft"]}},
}
_MATRIX_SET = {
    "type": "object",
    "required": ["crs", "tileMatrices"],
    "properties": {"tileMatrices": {"type": "array", "items": _MATRIX, "minItems": 1}},
}


@pytest.fixture
def product(maps: Maps) -> str:
    made = maps.product(
        title="Hills & <valleys>",
        renders={"reds": {"title": "Reds", "assets": ["data"], "bidx": [1], "rescale": [[0, 10]]}},
    )
    maps.image(made, "one", 5)
    return made


def test_the_tile_sets_are_described_as_ogc_says(maps: Maps, product: str) -> None:
    for target in (f"/collections/{product}", f"/collections/{product}/items/one"):
        for path in ("/tiles", "/map/tiles"):
            listed = maps.ok("GET", target + path)
            jsonschema.validate(listed, _TILE_SETS)
        for one in listed["tilesets"][:8]:
            (here,) = (link["href"] for link in one["links"] if link["rel"] == "self")
            found = maps.ok("GET", here)
            jsonschema.validate(found, _TILE_SET)
            assert found["tileMatrixSetURI"] == one["tileMatrixSetURI"]
            (scheme,) = (link["href"] for link in found["links"] if link["rel"].endswith("/tiling-scheme"))
            jsonschema.validate(maps.ok("GET", scheme), _MATRIX_SET)
        assert len(listed["tilesets"]) == len(maps.ok("GET", "/tileMatrixSets")["tileMatrixSets"]) > 60
    classes = maps.ok("GET", "/conformance")["conformsTo"]
    for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "png", "jpeg", "tiff"):
        assert f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}" in classes


def test_the_template_of_a_tile_set_gives_the_tiles_within_its_limits(maps: Maps, product: str) -> None:
    found = maps.ok("GET", f"/collections/{product}/map/tiles/WebMercatorQuad?bands=red")
    (template,) = (
        link["href"]
        for link in found["links"]
        if link["rel"] == "item" and link["href"].split("?")[0].endswith("npy")
    )
    seen = set()
    limits = found["tileMatrixSetLimits"][7]
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            places = {"{tileMatrix}": limits["tileMatrix"], "{tileRow}": str(row), "{tileCol}": str(column)}
            url = template
            for name, value in places.items():
                url = url.replace(name, value)
            seen |= set(maps.pixels(url).tolist())
    assert seen == {5}


def test_tilejson_has_the_template_with_all_parameters(maps: Maps, product: str) -> None:
    query = "bands=red&rescale=0,10&filter=eo:cloud_cover%3C20&tilesize=512"
    found = maps.ok(
        "GET", f"/collections/{product}/WebMercatorQuad/tilejson.json?{query}&tile_format=webp&maxzoom=12"
    )
    assert found["tilejson"] == "3.0.0"
    assert found["name"] == "Hills & <valleys>"
    assert found["bounds"] == [10, 10, 11, 11]
    assert (found["minzoom"], found["maxzoom"]) == (0, 12)
    (template,) = found["tiles"]
    assert template.startswith(
        f"http://service.test/collections/{product}/tiles/WebMercatorQuad/{{z}}/{{x}}/{{y}}.webp?"
    )
    for part in (
        "bands=red",
        "rescale=0%2C10",
        "filter=eo%3Acloud_cover+%3C+20".replace("+%3C+", "%3C"),
        "tilesize=512",
    ):
        assert part in template
    answer = maps("GET", template.replace("{z}", "5").replace("{x}", "16").replace("{y}", "15"))
    assert answer.headers["content-type"] == "image/webp"
    for wrong in ("tile_format=gif", "minzoom=9&maxzoom=3", "bands=none", "expression=__import__"):
        assert (
            maps("GET", f"/collections/{product}/WebMercatorQuad/tilejson.json?{wrong}").status_code == 400
        ), wrong


def test_wmts_has_a_layer_for_each_style_and_its_tiles_are_found(maps: Maps, product: str) -> None:
    answer = maps("GET", f"/collections/{product}/WMTSCapabilities.xml")
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.content)
    layers = root.findall("w:Contents/w:Layer", _WMTS)
    assert [layer.findtext("ows:Identifier", None, _WMTS) for layer in layers] == ["default", "reds"]
    (matrices,) = root.findall("w:Contents/w:TileMatrixSet", _WMTS)
    assert matrices.findtext("ows:SupportedCRS", None, _WMTS) == "urn:ogc:def:crs:EPSG::3857"
    named = {each.findtext("ows:Identifier", None, _WMTS) for each in matrices.findall("w:TileMatrix", _WMTS)}
    assert "5" in named
    for layer in layers:
        (resource,) = layer.findall("w:ResourceURL", _WMTS)
        url = resource.attrib["template"]
        for name, value in {"{TileMatrix}": "5", "{TileRow}": "15", "{TileCol}": "16"}.items():
            assert url.count(name) == 1
            url = url.replace(name, value)
        assert maps("GET", url).headers["content-type"] == resource.attrib["format"] == "image/png"


def test_documents_have_links_to_their_maps_that_work(maps: Maps, product: str) -> None:
    collection = maps.ok("GET", f"/collections/{product}")
    item = maps.ok("GET", f"/collections/{product}/items/one")
    for document in (collection, item):
        rels = [
            link["rel"] for link in document["links"] if link["rel"] in ("xyz", "tilejson", "wmts", "preview")
        ]
        assert rels == ["xyz", "tilejson", "wmts", "preview"]
        assert any("web-map-links" in name for name in document["stac_extensions"])
        hrefs = {link["rel"]: link["href"] for link in document["links"]}
        for rel in ("tilejson", "wmts", "preview"):
            assert maps("GET", hrefs[rel]).status_code == 200, rel
        assert maps("GET", hrefs["xyz"].format(z=0, x=0, y=0)).headers["content-type"] == "image/png"
    (found,) = maps.ok("GET", f"/collections/{product}/items")["features"]
    assert [link["rel"] for link in found["links"]].count("preview") == 1
    without = maps.product(bands=[])
    assert not any(link["rel"] == "xyz" for link in maps.ok("GET", f"/collections/{without}")["links"])


def test_pystac_reads_the_links(maps: Maps, product: str) -> None:
    collection = pystac.Collection.from_dict(maps.ok("GET", f"/collections/{product}"))
    link = collection.get_single_link("wmts")
    assert link.extra_fields["wmts:layer"] == ["default", "reds"]
    assert link.extra_fields["wmts:encoding"] == "rest"
    assert collection.get_single_link("xyz").target.endswith("/{z}/{x}/{y}.png")


def test_a_document_that_is_written_back_does_not_store_the_links(maps: Maps, product: str) -> None:
    foreign = {
        "rel": "xyz",
        "type": "image/png",
        "href": "https://tiles.example.com/collections/a/{z}/{x}/{y}.png",
    }
    for path in (f"/collections/{product}", f"/collections/{product}/items/one"):
        document = maps.ok("GET", path)
        before = [link["rel"] for link in document["links"]]
        document["links"].append(foreign)
        changed = maps.ok("PUT", path, json=document)
        again = maps.ok("GET", path)
        for shown in (changed, again):
            assert sorted(link["rel"] for link in shown["links"]) == sorted([*before, "xyz"])
            assert foreign["href"] in [link["href"] for link in shown["links"]]
    stored = maps.service.run(
        maps.service.app.state.readpool.fetchval(
            "SELECT content->'links' FROM items WHERE collection = $1", product
        )
    )
    assert [link["href"] for link in stored or []] == [foreign["href"]]


def test_registered_searches_are_layers_of_what_each_caller_can_read(maps: Maps) -> None:
    ann, ben = (maps.token(Principal(name, org=name)) for name in ("ann", "ben"))
    private = maps.product(**{"catalog:readers": ["user:ann"]})
    public = maps.product(**{"catalog:readers": ["public"]})
    maps.image(private, "one", 3, corner=(10, 10))
    maps.image(public, "one", 4, corner=(12, 10))
    body = {
        "collections": [private, public],
        "filter": "id = 'one'",
        "filter-lang": "cql2-text",
        "bbox": [0, 0, 20, 20],
    }
    made = maps.ok("POST", "/searches/register", ann, json=body)
    assert maps.ok("POST", "/searches/register", ann, json=body)["id"] == made["id"]
    assert maps.ok("POST", "/searches/register", ben, json=body)["id"] != made["id"]
    path = f"/searches/{made['id']}"
    tiles = f"{path}/tiles/WorldCRS84Quad/2/4/1.npy?bands=red"
    assert maps.pixels(tiles, ann).tolist() == [3, 4]
    assert maps.pixels(tiles, ben).tolist() == maps.pixels(tiles, None).tolist() == [4]
    assert maps.pixels(f"{tiles}&ids=none", ann).tolist() == []
    assert maps.ok("GET", path, ann)["search"]["collections"] == [private, public]
    assert "search" not in maps.ok("GET", path, ben)
    assert maps("DELETE", path, ben).status_code == 404
    assert maps("DELETE", path, ann).status_code == 204
    assert maps("GET", tiles, ann).status_code == maps("GET", path, ann).status_code == 404
    assert maps("POST", "/searches/register", None, json={}).status_code == 401
    for wrong in (
        {"collection": "a"},
        {"filter": "id ="},
        {"bbox": [1, 2]},
        {"sortby": "x"},
        {"ids": ["a" * 99_999]},
    ):
        assert maps("POST", "/searches/register", ann, json=wrong).status_code == 400, wrong


def test_the_searches_of_a_user_are_bounded(start_maps, map_database: str) -> None:
    with start_maps(max_registered_searches=2) as service:
        maps = Maps(service, map_database)
        token, other = maps.token(Principal("many")), maps.token(Principal("few"))
        kept = maps.ok("POST", "/searches/register", other, json={"ids": ["a"]})["id"]
        made = [maps.ok("POST", "/searches/register", token, json={"ids": [name]})["id"] for name in "abc"]
        known = [maps("GET", f"/searches/{name}", token).status_code for name in (*made, kept)]
        assert known == [404, 200, 200, 200]


def test_a_server_without_workers_offers_no_maps(
    start_maps, map_database: str, maps: Maps, product: str
) -> None:
    with start_maps(tile_workers=0) as service:
        without = Maps(service, map_database)
        assert without("GET", tile_path(product)).status_code == 404
        assert not any("tiles" in name for name in without.ok("GET", "/conformance")["conformsTo"])
        links = without.ok("GET", f"/collections/{product}")["links"]
        assert "xyz" not in [link["rel"] for link in links]


def test_a_search_without_collections_that_finds_nothing_is_an_empty_answer(maps: Maps) -> None:
    search = maps.ok("POST", "/searches/register", json={"ids": ["no image has this id"]})["id"]
    here = f"/searches/{search}"
    for path in ("/tiles/WorldCRS84Quad/2/4/1.png", "/preview.png", "/bbox/9,9,12,12.npy"):
        assert maps("GET", here + path).status_code == 204
    assert maps.ok("GET", f"{here}/point/10,10")["values"] == []
    assert maps.ok("GET", f"{here}/WebMercatorQuad/tilejson.json")["minzoom"] == 0
