"""Images of files that stay where they lie: `Image.save` and `landbridge register` on the live stack."""

import json

import pytest
from click.testing import CliRunner
from shapely.geometry import box

from landbridge.catalog import Band, CatalogClient, File, Image, Product
from landbridge.cli import main
from landbridge.exceptions import BadRequestError
from support import range_server
from support.scenes import write_cog

NAMES = r"_(\d{8})\.tif"


@pytest.fixture(autouse=True)
def client(stack):
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with range_server.serving(folder) as running:
        yield running


@pytest.fixture
def run():
    def invoke(*args, code=0):
        result = CliRunner().invoke(main, ["register", *map(str, args)])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def listed(server, *names):
    """Write a list of addresses, and return its path."""
    path = server.folder.parent / "list.txt"
    path.write_text("# scenes\n" + "".join(f"{server.url}/{name}\n" for name in names))
    return path


def test_a_saved_image_is_described_by_its_files(banded, server):
    values = write_cog(server.folder / "scene.tif")
    image = Image(product=banded, name="far", acquired="2024-05-01")
    image.files = [File(href=f"{server.url}/scene.tif?sig=secret&se=2030")]
    image.save()
    found = Image.get(image.id)
    assert found.cs_code == "EPSG:32621"
    assert found.geotrans == (600000, 30, 0, 7000000, 0, -30)
    assert (found.x_pixels, found.y_pixels) == (64, 64)
    assert found.files[0].href == f"{server.url}/scene.tif"
    assert (found.ndarray("red nir") == values).all()
    corners = box(600000, 7000000 - 64 * 30, 600000 + 64 * 30, 7000000)
    from odc.geo.geom import Geometry

    expected = Geometry(corners, "EPSG:32621").to_crs("EPSG:4326", resolution=60).geom
    assert found.geometry.symmetric_difference(expected).area < 1e-4 * expected.area


def test_what_is_set_stays(banded, server):
    write_cog(server.folder / "scene.tif")
    image = Image(product=banded, name="set", acquired="2024-05-01", x_pixels=7)
    image.files = [File(href=f"{server.url}/scene.tif")]
    image.save()
    assert image.x_pixels == 7
    assert image.y_pixels == 64


def test_no_header_is_read_for_an_image_with_a_footprint(banded, server):
    image = Image(product=banded, name="given", acquired="2024-05-01", geometry=box(0, 0, 1, 1))
    image.files = [File(href=f"{server.url}/missing.tif")]
    image.save()
    assert server.seen == type(server.seen)()


def test_the_finest_file_gives_the_grid_and_all_give_the_footprint(banded, server):
    write_cog(server.folder / "fine.tif", pixel=10.0)
    write_cog(server.folder / "coarse.tif", pixel=20.0)
    image = Image(product=banded, name="two", acquired="2024-05-01")
    image.files = [File(href=f"{server.url}/{name}.tif") for name in ("coarse", "fine")]
    image.save()
    assert image.geotrans[1] == 10
    west, _, east, _ = image.geometry.bounds
    assert east - west > 0.02  # 1280 m at 62 degrees


def test_a_file_that_cannot_be_read_is_named_without_its_signature(banded, server):
    image = Image(product=banded, name="no", acquired="2024-05-01")
    image.files = [File(href=f"{server.url}/missing.tif?sig=5ecretvalue&se=2030")]
    with pytest.raises(BadRequestError, match=r"missing\.tif") as refused:
        image.save()
    assert "5ecretvalue" not in str(refused.value)


def test_files_of_this_machine_are_found_by_a_pattern(run, banded, tmp_path):
    """The embedded stack allows paths; other services refuse them (tests/unit/server)."""
    values = write_cog(tmp_path / "data/deep/a_20240101.tif")
    write_cog(tmp_path / "data/b_20240102.tif")
    options = ("--product", banded.id, "--acquired-from-name", NAMES)
    assert run(tmp_path / "data/*.tif", *options).startswith("1 items stored")
    assert run(tmp_path / "data/**/*.tif", *options).startswith("1 items stored")
    assert run(tmp_path / "data", *options).startswith("0 items stored")
    assert (Image.get(f"{banded.id}:a_20240101").ndarray("red nir") == values).all()


def test_a_list_of_files_becomes_images(run, new_id, server):
    values = {}
    for day in range(1, 6):
        name = f"s_2024010{day}.tif"
        values[name] = write_cog(server.folder / name, seed=day)
    identifier = new_id()
    options = ("--product", identifier, "--acquired-from-name", NAMES, "--bands", "red nir")
    path = listed(server, *values)
    assert run(path, *options) == "5 items stored, 0 refused, 0 collections made.\n"
    product = Product.get(f"local:{identifier.removeprefix('local:')}")
    assert [band.name for band in product.bands().sort("band_index")] == ["red", "nir"]
    assert Band.get(f"{product.id}:nir").nodata == 0
    images = list(product.images().sort("acquired"))
    assert [image.acquired.day for image in images] == [1, 2, 3, 4, 5]
    for image, expected in zip(images, values.values(), strict=True):
        assert (image.ndarray("red nir") == expected).all()
    # Again: nothing changes, and no header is read but that of the first image's bands.
    server.seen.clear()
    assert run(path, *options) == "0 items stored, 0 refused, 0 collections made, 5 items there already.\n"
    assert not server.seen
    assert run(path, *options, "--upsert").startswith("5 items stored")


def test_files_of_one_image_are_put_together(run, new_id, server):
    values = {
        (day, band): write_cog(
            server.folder / f"S_2024010{day}_{band}.tif", seed=day * 7 + len(band), bands=1
        )
        for day in (1, 2)
        for band in ("B4", "B8A", "QA")
    }
    identifier = new_id()
    path = listed(server, *(f"S_2024010{day}_{band}.tif" for day, band in values))
    run(
        path,
        *("--product", identifier, "--acquired-from-name", r"S_(\d{8})"),
        *("--image-from-name", r"(?P<image>S_\d{8})_(?P<band>\w+)\.tif", "--bands", "B8A B4"),
    )
    images = list(Product.get(f"local:{identifier.removeprefix('local:')}").images().sort("acquired"))
    assert [image.name for image in images] == ["S_20240101", "S_20240102"]
    for day, image in enumerate(images, start=1):
        assert (image.ndarray("B4")[0] == values[day, "B4"][0]).all()
        assert (image.ndarray("B8A")[0] == values[day, "B8A"][0]).all()


def test_a_broken_file_does_not_hinder_others(run, banded, server, tmp_path):
    write_cog(server.folder / "a_20240101.tif")
    (server.folder / "b_20240102.tif").write_bytes(b"no TIFF")
    path = listed(server, "a_20240101.tif", "b_20240102.tif")
    options = ("--product", banded.id, "--acquired-from-name", NAMES)
    assert "b_20240102.tif" in run(path, *options, code=1)
    rejected = tmp_path / "rejected.ndjson"
    run(path, *options, "--rejected", rejected, code=1)
    assert [json.loads(line)["id"] for line in rejected.read_text().splitlines()] == ["b_20240102"]
    assert [image.name for image in banded.images()] == ["a_20240101"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--acquired-from-name", r"x(\d+)"), "does not match"),
        (("--acquired-from-name", r"("), "no regular expression"),
        (("--acquired", "yesterday"), "is no time"),
        ((), "Give either"),
        (("--acquired", "2024-01-01", "--image-from-name", r"(s)_"), "both be image"),
    ],
)
def test_a_wrong_option_is_explained(run, banded, server, options, message):
    code = 2 if message in ("Give either", "no regular expression") else 1
    path = listed(server, "s_20240101.tif", "s_20240102.tif")
    assert message in run(path, "--product", banded.id, *options, code=code)


def test_a_product_is_needed(run, server):
    path = listed(server, "s_20240101.tif")
    assert "--bands" in run(path, "--product", "local:none", "--acquired", "2024-01-01", code=1)
