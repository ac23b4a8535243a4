"""`landbridge tiles export`: tiles of the API in folders and archives, also if the command is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner
from pmtiles.reader import MmapSource, Reader, all_tiles

import demo
from datasets import generated
from landbridge.catalog import CatalogClient, Product
from landbridge.cli import main
from support.wait import wait_until

ZOOMS = "9-14"


@pytest.fixture(scope="module")
def product(stack, tmp_path_factory):
    CatalogClient.clear_all_default_clients()
    dataset = generated(256, tmp_path_factory.mktemp("tiles"))
    made = demo.create_product(Product.namespace_id("tiles-landsat"), dataset)
    assert demo.upload_images(made, dataset)
    yield made
    CatalogClient.clear_all_default_clients()


def run(*arguments):
    done = CliRunner().invoke(main, ["tiles", "export", *map(str, arguments)])
    return done, json.loads(done.stdout) if "--json" in arguments and done.exit_code in (0, 1) else None


def files(folder):
    return {
        tuple(map(int, (path.parts[-3], path.parts[-2], path.stem))): path.read_bytes()
        for path in folder.glob("*/*/*.png")
    }


@pytest.fixture(scope="module")
def whole(product, tmp_path_factory):
    """All tiles, exported in one go."""
    folder = tmp_path_factory.mktemp("whole") / "tiles"
    done, report = run(product.id, folder, "--zooms", ZOOMS, "--json")
    assert done.exit_code == 0, done.output
    assert report["complete"]
    return folder, report


def test_a_folder_has_the_tiles_of_the_api(product, http, whole):
    folder, report = whole
    tiles = files(folder)
    assert len(tiles) == report["tiles"] == report["written"] > 10
    assert report["empty"] > 0
    assert report["bytes"] == sum(map(len, tiles.values()))
    assert {zoom for zoom, _, _ in tiles} == {*range(9, 15)}
    for (zoom, column, row), content in [*tiles.items()][:8]:
        path = f"/collections/{product.id}/tiles/WebMercatorQuad/{zoom}/{column}/{row}.png"
        assert http.get(path).content == content
    described = json.loads((folder / "tilejson.json").read_text())
    assert described["tiles"] == ["{z}/{x}/{y}.png"]
    assert (described["minzoom"], described["maxzoom"]) == (9, 14)


def test_a_second_run_asks_for_nothing(product, whole):
    folder, report = whole
    before = files(folder)
    done, again = run(product.id, folder, "--zooms", ZOOMS, "--json")
    assert done.exit_code == 0
    assert (again["written"], again["kept"], again["empty"]) == (0, report["tiles"], report["empty"])
    assert files(folder) == before


def test_an_archive_has_the_same_tiles(product, whole, tmp_path):
    path = tmp_path / "a.pmtiles"
    done, report = run(product.id, path, "--zooms", ZOOMS, "--json")
    assert done.exit_code == 0, done.output
    assert report["archive_bytes"] == path.stat().st_size
    with path.open("rb") as file:
        assert dict(all_tiles(MmapSource(file))) == files(whole[0])
        header = Reader(MmapSource(file)).header()
    assert (header["min_zoom"], header["max_zoom"]) == (9, 14)
    assert [each.name for each in tmp_path.iterdir()] == ["a.pmtiles"]


def test_an_export_that_was_killed_goes_on(product, whole, tmp_path):
    folder, path = tmp_path / "a.tiles", tmp_path / "a.pmtiles"
    command = [sys.executable, "-m", "landbridge.cli", "tiles", "export", product.id, path]
    process = subprocess.Popen(
        [*map(str, command), "--zooms", ZOOMS, "--parallel", "1"],
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(files(folder)) >= 3 or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    written = len(files(folder))
    assert 3 <= written < whole[1]["tiles"]
    assert not path.exists()
    done, report = run(product.id, path, "--zooms", ZOOMS, "--keep-folder", "--json")
    assert done.exit_code == 0, done.output
    assert report["kept"] >= written
    assert report["written"] + report["kept"] == whole[1]["tiles"]
    assert files(folder) == files(whole[0])
    with path.open("rb") as file:
        assert dict(all_tiles(MmapSource(file))) == files(whole[0])


def test_conditions_choose_the_images(product, whole, tmp_path):
    done, few = run(
        product.id, tmp_path / "few", "--zooms", "10", "--where", "p.cloud_fraction < 0.1", "--json"
    )
    assert done.exit_code == 0, done.output
    assert few["tiles"] > 0
    whole_zoom = {tile: content for tile, content in files(whole[0]).items() if tile[0] == 10}
    assert files(tmp_path / "few") != whole_zoom
    none, report = run(product.id, tmp_path / "none", "--zooms", "10", "--datetime", "1990", "--json")
    assert none.exit_code == 0, none.output
    assert (report["tiles"], report["bytes"]) == (0, 0)
    assert report["empty"] > 0


def test_a_view_is_another_layer(product, whole):
    done, _ = run(product.id, whole[0], "--zooms", ZOOMS, "--view", "bands=nir,red,green")
    assert done.exit_code == 1
    assert "another folder" in done.output


def test_invalid_requests_are_refused(product, tmp_path):
    for arguments, message in (
        (("--zooms", "0-22", "--bbox=-179,-80,179,80"), "--yes"),
        (("--zooms", "many"), "--zooms"),
        (("--zooms", "12-9"), "zooms"),
        (("--view", "bands"), "NAME=VALUE"),
        (("--view", "bands=nothing"), "nothing"),
        (("--zooms", "9", "--bbox=10,50,9.9,50"), "--bbox"),
    ):
        done, _ = run(product.id, tmp_path / "refused", *arguments)
        assert done.exit_code in (1, 2)
        assert message in done.output, done.output
    assert not (tmp_path / "refused").exists()


def test_an_archive_without_pixels_is_refused(product, tmp_path):
    done, _ = run(product.id, tmp_path / "a.pmtiles", "--zooms", "10", "--datetime", "1990")
    assert done.exit_code == 1
    assert "No tile has pixels" in done.output
