"""Folders of tiles that survive a stop at any moment, and archives that others read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Compression, TileType, zxy_to_tileid

from landbridge.catalog.tile_export.pmtiles_archive import pack
from landbridge.catalog.tile_export.run import Export
from landbridge.catalog.tile_export.tile_folder import OtherExportError, TileFolder, remove
from landbridge.catalog.tile_export.tile_range import TileRange

WORLD = (-180.0, -85.0, 180.0, 85.0)
TILES = st.integers(0, 12).flatmap(lambda z: st.tuples(st.just(z), *[st.integers(0, (1 << z) - 1)] * 2))


@given(st.dictionaries(TILES, st.binary(max_size=4), min_size=1, max_size=60))
@settings(max_examples=40)
def test_an_archive_has_the_tiles_of_the_folder(tmp_path_factory, tiles):
    tmp_path = tmp_path_factory.mktemp("archive")
    with TileFolder.opened(tmp_path / "tiles", "png", "layer") as folder:
        for tile, content in tiles.items():
            folder.add(tile, content)
        path = tmp_path / "a.pmtiles"
        full = {tile: content for tile, content in tiles.items() if content}
        if not full:
            with pytest.raises(ValueError, match="No tile has pixels"):
                pack(folder, tiles, path, {"minzoom": 0}, WORLD)
            return
        size = pack(folder, tiles, path, {"minzoom": 0, "name": "A layer"}, WORLD)
    assert size == path.stat().st_size
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        for tile, content in tiles.items():
            assert (reader.get(*tile) or b"") == content
        assert dict(all_tiles(MmapSource(file))) == full
        header = reader.header()
    assert header["tile_type"] is TileType.PNG
    assert header["tile_compression"] is Compression.NONE
    assert header["clustered"]
    assert header["addressed_tiles_count"] == len(full)
    assert header["tile_contents_count"] == len(set(full.values()))
    assert header["tile_data_length"] == sum(map(len, set(full.values())))
    zooms = [zoom for zoom, _, _ in full]
    assert (header["min_zoom"], header["max_zoom"]) == (min(zooms), max(zooms))
    assert header["min_lon_e7"] == -1_800_000_000


def test_an_archive_of_many_tiles_has_leaf_directories(tmp_path):
    count = 30_000
    with TileFolder.opened(tmp_path / "tiles", "webp", "layer") as folder:
        tiles = [(9, number % 512, number // 512) for number in range(count)]
        for number, tile in enumerate(tiles):
            if number % 3:
                folder.add(tile, str(number % 1000).encode())
        pack(folder, tiles, tmp_path / "a.pmtiles", {"minzoom": 9}, WORLD)
    with (tmp_path / "a.pmtiles").open("rb") as file:
        reader = Reader(MmapSource(file))
        assert reader.header()["leaf_directory_length"] > 0
        for number in (0, 1, 2, 1000, 29_998, 29_999):
            expected = str(number % 1000).encode() if number % 3 else None
            assert reader.get(*tiles[number]) == expected


def test_a_folder_goes_on_where_it_was_stopped(tmp_path):
    path = tmp_path / "tiles"
    with TileFolder.opened(path, "png", "layer") as folder:
        folder.add((3, 1, 2), b"pixels")
        folder.add((3, 1, 3), b"")
    # What a process that is killed leaves: a part of a tile, a part of a line, and a file without its bytes.
    (path / "3" / "1" / "4.png.part").write_bytes(b"pix")
    (path / "3" / "1" / "5.png").touch()
    with (path / ".landbridge-empty").open("a") as file:
        file.write("3/1")
    with TileFolder.opened(path, "png", "layer") as folder:
        sizes = {row: folder.size((3, 1, row)) for row in (2, 3, 4, 5)}
        assert sizes == {2: 6, 3: 0, 4: None, 5: None}
        folder.add((3, 1, 5), b"")
    with TileFolder.opened(path, "png", "layer") as folder:
        assert (folder.size((3, 1, 3)), folder.size((3, 1, 5))) == (0, 0)


@pytest.mark.parametrize(("extension", "layer"), [("webp", "layer"), ("png", "another")])
def test_layers_are_not_mixed(tmp_path, extension, layer):
    with TileFolder.opened(tmp_path / "tiles", "png", "layer"):
        pass
    with (
        pytest.raises(OtherExportError, match="--overwrite"),
        TileFolder.opened(tmp_path / "tiles", extension, layer),
    ):
        pass


def test_a_folder_of_something_else_is_neither_used_nor_removed(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(OtherExportError, match="another folder"), TileFolder.opened(tmp_path, "png", "layer"):
        pass
    with pytest.raises(OtherExportError, match="not removed"):
        remove(tmp_path)
    assert (tmp_path / "photo.jpg").read_bytes() == b"mine"
    remove(tmp_path / "missing")


def test_a_folder_describes_its_tiles(tmp_path):
    with TileFolder.opened(tmp_path / "tiles", "png", "layer") as folder:
        folder.describe({"tilejson": "3.0.0", "minzoom": 3, "tiles": ["https://elsewhere.test"]})
    document = json.loads((tmp_path / "tiles" / "tilejson.json").read_text())
    assert document == {"tilejson": "3.0.0", "minzoom": 3, "tiles": ["{z}/{x}/{y}.png"]}


def test_ids_of_tiles_are_in_the_order_of_the_specification():
    assert [zxy_to_tileid(*tile) for tile in ((0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0))] == [
        0,
        1,
        2,
        3,
        4,
    ]


@pytest.mark.parametrize(
    ("template", "layer"),
    [
        (
            "http://127.0.0.1:41023/collections/a/tiles/S/{z}/{x}/{y}.png",
            "/collections/a/tiles/S/{z}/{x}/{y}.png?",
        ),
        (
            "https://b.test/api/k/secret/searches/1/tiles/S/{z}/{x}/{y}.png?tile_token=secret&bands=red",
            "/searches/1/tiles/S/{z}/{x}/{y}.png?bands=red",
        ),
    ],
)
def test_a_layer_is_named_without_the_address_and_keys_of_its_service(tmp_path, template, layer):
    export = Export(template, "png", TileRange.of_bounds(0, 1, WORLD), tmp_path)
    assert export.layer == layer
