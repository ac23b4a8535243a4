"""index_files and `landbridge index`: headers that are read ahead of their use."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from landbridge.catalog import CatalogClient
from landbridge.cli import main
from landbridge.raster.io import header_index
from support import range_server as rs
from unit.catalog.test_datasets import Scenes


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    """Use a new folder for headers, and forget those in memory."""
    monkeypatch.setenv("LANDBRIDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    header_index._memory.clear()


@pytest.fixture
def scenes(tmp_path):
    with rs.serving(tmp_path) as server:
        made = Scenes(tmp_path, server, split=True)
        yield made
        made.api.stop()


def headers_among(server):
    return [seen for seen in server.gets() if seen.range.startswith("bytes=0-")]


def test_headers_are_read_once_and_not_again_by_pixels(scenes):
    found = scenes.images.index_files("B04 B03")
    assert (found.kept, found.read, found.unkept, found.failed) == (8, 8, 0, ())
    assert len(scenes.files.seen) == 8
    again = scenes.images.index_files()
    assert (again.kept, again.read) == (12, 4)
    scenes.files.seen.clear()
    header_index._memory.clear()
    scenes.images.mosaic("B04 B8A")
    assert not headers_among(scenes.files)


def test_files_that_cannot_be_read_are_named(scenes, tmp_path):
    (tmp_path / "i1-B04.tif").unlink()
    found = scenes.images.index_files("B04")
    assert found.kept == 3
    (text,) = found.failed
    assert "fields:i1" in text
    assert "i1-B04.tif" in text
    assert "404" in text
    assert "secret" not in text
    with pytest.raises(ValueError, match="no image has the band 'purple'; there are B03, B04, B8A"):
        scenes.images.index_files("purple")


def test_local_files_need_no_index(scenes, tmp_path):
    for item in scenes.api.items:
        for asset in item["assets"].values():
            asset["href"] = str(tmp_path / Path(asset["href"]).name)
    images = type(scenes.images)(
        [type(scenes.images[0]).get(image.id, client=scenes.client) for image in scenes.images]
    )
    assert images.index_files().unkept == 12


@pytest.fixture
def command(scenes, monkeypatch):
    """Run `landbridge index` against the API of the scenes."""
    monkeypatch.setattr(CatalogClient, "get_default_client", lambda: scenes.client)

    def run(*arguments):
        return CliRunner().invoke(main, ["index", *arguments], catch_exceptions=False)

    return run


def test_the_command_indexes_a_search(command, scenes, tmp_path):
    answer = command("fields", "--bands", "B04")
    assert answer.output == "fields: 4 images, 4 headers kept, 4 of them read now, 0 files without\n"
    assert answer.exit_code == 0
    (tmp_path / "i2-B03.tif").unlink()
    answer = command("fields", "--bands", "B03", "--limit", "3")
    assert answer.exit_code == 1
    assert "fields: 3 images, 2 headers kept" in answer.output
    assert "i2-B03.tif" in answer.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fields", "--bbox", "1,2,3"], "is not four numbers"),
        (["fields", "--bbox", "1,5,3,4"], "must be west,south,east,north"),
        (["fields", "--datetime", "2020-13-01"], "2020-13-01"),
        (["nothing"], "Product nothing does not exist"),
        (["fields", "--bands", "purple"], "no image has the band"),
    ],
)
def test_wrong_arguments_are_explained(command, arguments, message):
    answer = command(*arguments)
    assert answer.exit_code != 0
    assert message in answer.output
