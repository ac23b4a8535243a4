"""`landbridge products`, `bands`, `images` and `blobs` on the live stack, and what their options do."""

import json
import subprocess
import sys
import uuid

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from rasterio.transform import from_origin

from landbridge.catalog import Blob, CatalogClient, Image, Product, SpectralBand, properties
from landbridge.cli import main

CLOUDS = {"2024-01-15": 0.1, "2024-02-20": 0.5, "2024-03-10": 0.3}


@pytest.fixture(scope="module", autouse=True)
def client(stack):
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


def run(*arguments, **options):
    return CliRunner().invoke(main, [str(each) for each in arguments], **options)


def output(*arguments, **options):
    result = run(*arguments, **options)
    assert result.exit_code == 0, result.output
    return result.stdout


def documents(*arguments):
    return [json.loads(line) for line in output(*arguments, "--json").splitlines()]


@pytest.fixture(scope="module")
def product():
    name = f"commands-{uuid.uuid4().hex[:6]}"
    created = output(
        "products", "create", name, "--name", "Commands", "--tags", name, "--set", 'owners=["org:local"]'
    )
    found = Product.get(created.strip())
    for index, band in enumerate(("red", "nir")):
        ranges = {"data_range": (0, 10000), "display_range": (0, 4000)}
        SpectralBand(
            name=band, product=found, band_index=index, data_type="UInt16", nodata=0, **ranges
        ).save()
    return found


@pytest.fixture(scope="module")
def images(product, tmp_path_factory):
    """Three images that the command uploads: the same place, at 10 to 20 east of 45 north, side by side."""
    folder = tmp_path_factory.mktemp("scenes")
    names = []
    for number, (day, clouds) in enumerate(CLOUDS.items()):
        path = folder / f"{day}.tif"
        place = {"crs": "EPSG:4326", "transform": from_origin(10 + number, 46, 0.02, 0.02)}
        with rasterio.open(
            path, "w", driver="GTiff", count=2, height=50, width=50, dtype="uint16", **place
        ) as file:
            file.write(np.full((2, 50, 50), 100 * (number + 1), "uint16"))
        uploaded = output(
            "images",
            "upload",
            path,
            "--product",
            product.id,
            "--acquired",
            day,
            "--set",
            f"cloud_fraction={clouds}",
        )
        names.append(uploaded.strip())
    assert names == [f"{product.id}:{day}" for day in CLOUDS]
    return names


def days(*options):
    """Return the names of the images that a search lists, in its order."""
    return [line.rpartition(":")[2] for line in output("images", "search", *options, "-q").splitlines()]


# Products and bands


def test_products_are_created_listed_shown_and_deleted(product):
    assert output("products", "list", "--tags", product.tags[0]) == f"{product.id}\tCommands\n"
    assert output("products", "show", product.id.partition(":")[2]) == output("products", "show", product.id)
    assert output("products", "list", "--where", f"p.id == '{product.id}'", "-q") == f"{product.id}\n"
    (listed,) = documents("products", "list", "--tags", product.tags[0])
    assert listed == {"id": product.id, **Product.get(product.id).serialize()}
    assert json.loads(output("products", "show", product.id, "--json")) == listed
    assert 'owners\t["org:local"]\n' in output("products", "show", product.id)
    other = json.loads(output("products", "create", f"other-{product.tags[0]}", "--json"))
    again = run("products", "create", other["id"])
    assert (again.exit_code, "exists" in again.stderr) == (1, True)
    # Asked, and not confirmed
    assert run("products", "delete", other["id"], input="n\n").exit_code == 1
    assert run("products", "delete", other["id"], input="").exit_code == 1
    assert Product.exists(other["id"])
    assert output("products", "delete", other["id"], "--yes") == ""
    assert not Product.exists(other["id"])
    assert run("products", "show", other["id"]).exit_code == 2


def test_a_product_is_deleted_with_what_it_has():
    full = output("products", "create", f"full-{uuid.uuid4().hex[:6]}").strip()
    SpectralBand(
        name="red",
        product_id=full,
        band_index=0,
        data_type="Byte",
        data_range=(0, 255),
        display_range=(0, 255),
    ).save()
    assert run("products", "delete", full, "--yes").exit_code == 1
    assert run("products", "delete", full, "--related", "--yes").exit_code == 0
    assert not Product.exists(full)


def test_bands_are_listed_in_their_order_and_shown(product):
    lines = output("bands", "list", product.id).splitlines()
    assert lines[0].split("\t")[:4] == [f"{product.id}:red", "spectral", "UInt16", "0"]
    assert output("bands", "list", product.id, "--where", "p.name == 'nir'", "-q") == f"{product.id}:nir\n"
    assert output("bands", "list", product.id, "--type", "mask") == ""
    assert json.loads(output("bands", "show", f"{product.id}:red", "--json"))["data_range"] == [0, 10000]
    assert run("bands", "show", f"{product.id}:blue").exit_code == 2


# Images

ALL = list(CLOUDS)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--sort", "acquired"], ALL),
        (["--sort", "-acquired"], ALL[::-1]),
        (["--sort", "-cloud_fraction", "--limit", "2"], [ALL[1], ALL[2]]),
        (["--where", "p.cloud_fraction < 0.2"], [ALL[0]]),
        (["--where", "0.2 < p.cloud_fraction < 0.4"], [ALL[2]]),
        (["--where", "(p.cloud_fraction < 0.2) | (p.name == '2024-02-20')", "--sort", "acquired"], ALL[:2]),
        (["--where", "p.cloud_fraction < 0.4", "--where", "p.cloud_fraction > 0.2"], [ALL[2]]),
        (["--filter", "eo:cloud_cover < 20"], [ALL[0]]),
        (["--filter", "eo:cloud_cover < 40", "--filter", "eo:cloud_cover > 20"], [ALL[2]]),
        (["--filter", "id = '2024-02-20' OR eo:cloud_cover = 10", "--sort", "acquired"], ALL[:2]),
        (["--filter", "eo:cloud_cover < 40", "--where", "p.cloud_fraction > 0.2"], [ALL[2]]),
        (["--filter", '{"op": ">=", "args": [{"property": "eo:cloud_cover"}, 50]}'], [ALL[1]]),
        (["--datetime", "2024-02"], [ALL[1]]),
        (["--datetime", "2024-01-15"], [ALL[0]]),
        (["--datetime", "2024-02-20/..", "--sort", "acquired"], ALL[1:]),
        (["--datetime", "2023/2024-02", "--sort", "acquired"], ALL[:2]),
        (["--datetime", "2022"], []),
        (["--bbox", "9,44,10.5,46"], [ALL[0]]),
        (["--bbox", "12.5,44,-170,46"], [ALL[2]]),
        (["--limit", "0"], []),
        (["--tags", "none"], []),
    ],
)
def test_images_are_found_by_all_kinds_of_conditions(product, images, options, expected):
    assert days(product.id, *options) == expected


def test_images_are_found_by_the_geometry_of_a_file(product, images, tmp_path):
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "Point", "coordinates": [11.5, 45.5]}))
    assert days(product.id, "--intersects", path) == [ALL[1]]
    result = run("images", "search", product.id, "-q", "--intersects", "-", input=path.read_text())
    assert result.stdout == f"{images[1]}\n"


def test_images_are_printed_as_lines_json_or_a_number(product, images):
    first = output("images", "search", product.id, "--sort", "acquired").splitlines()[0]
    assert first == f"{images[0]}\t2024-01-15T00:00:00Z\t10 %\tavailable"
    found = documents("images", "search", product.id, "--sort", "acquired")
    assert [one["id"] for one in found] == images
    assert found[0]["cloud_fraction"] == 0.1
    assert json.loads(output("images", "show", images[0], "--json")) == found[0]
    assert "cloud_fraction\t0.1\n" in output("images", "show", images[0])
    assert output("images", "search", product.id, "--count", "--limit", "1") == "3\n"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--where", "p.cloud_fracton < 0.2"], "Did you mean 'cloud_fraction'?"),
        (["--where", "p.name == 'x' and p.tags == 'y'"], "use &"),
        (["--filter", "eo:cloud_cover <"], "is no CQL2"),
        (["--bbox", "1,2,3"], "four numbers"),
        (["--datetime", "yesterday"], "no year, month, day or time"),
        (["--json", "-q"], "either --json or --quiet"),
    ],
)
def test_a_wrong_condition_is_a_usage_error(product, options, part):
    result = run("images", "search", product.id, *options)
    assert result.exit_code == 2
    assert part in " ".join(result.stderr.split())


def test_unknown_products_and_images_are_usage_errors(product):
    assert "no product 'local:none'" in run("images", "search", product.id, "local:none").stderr
    assert run("images", "show", f"{product.id}:none").exit_code == 2
    assert run("images", "download", f"{product.id}:none", "--bands", "red").exit_code == 2
    assert run("images", "watch", 999_999_999).exit_code == 2
    refused = run("images", "search", product.id, "--sort", "cloud")
    assert (refused.exit_code, "cannot sort by 'cloud'" in refused.stderr) == (1, True)


def test_images_are_downloaded_whole_or_in_part(product, images, tmp_path):
    paths = output("images", "download", *images[:2], "--bands", "red nir", "-o", tmp_path).splitlines()
    for each, path in zip(images, paths, strict=False):
        with rasterio.open(path) as file:
            assert np.array_equal(file.read(), Image.get(each).ndarray("red nir").filled(0))
    part = tmp_path / "deep" / "part.tif"
    box = ("--bbox", "10.2,45.2,10.4,45.6", "--scaling", "0,1000,0,255", "--data-type", "Byte")
    assert output("images", "download", images[0], "--bands", "red", *box, "-o", part).strip() == str(part)
    with rasterio.open(part) as file:
        assert (file.height, file.width) == (20, 10)
        assert set(np.unique(file.read(1))) == {26}
    assert run("images", "download", *images, "--bands", "red", "-o", part).exit_code == 2
    unknown = run("images", "download", images[0], "--bands", "blue", "-o", tmp_path)
    assert (unknown.exit_code, "blue" in unknown.stderr) == (1, True)


def test_a_mosaic_is_that_of_the_object_api(product, images, tmp_path):
    path = tmp_path / "mosaic.tif"
    options = ("--bands", "red", "--bbox", "10,45,13,46", "--sort", "-acquired", "--method", "mean")
    printed = json.loads(output("images", "mosaic", product.id, *options, "-o", path, "--json"))
    assert printed == {"path": str(path), "images": images[::-1]}
    with rasterio.open(path) as file:
        found = file.read(1)
        assert set(np.unique(found)) == {100, 200, 300}
        assert file.bounds == (10, 45, 13, 46)
    none = run("images", "mosaic", product.id, "--bands", "red", "--datetime", "2020")
    assert (none.exit_code, "No image satisfies" in none.stderr) == (1, True)


def test_an_upload_is_watched_and_its_failure_is_an_exit_code(product, images, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"no raster")
    arguments = ("images", "upload", broken, "--product", product.id, "--acquired", "2024-01-01")
    failed = run(*arguments)
    assert failed.exit_code == 1
    assert "failure" in failed.stderr
    waiting = output(*arguments, "--name", "second", "--no-wait").strip()
    watched = run("images", "watch", waiting, "--json")
    assert watched.exit_code == 1
    assert json.loads(watched.stdout)["status"] == "failure"
    good = next(iter(Image.get(images[0]).image_uploads())).id
    assert output("images", "watch", good) == f"{good}\t{images[0]}\tsuccess\n"
    refused = run("images", "upload", broken, "--product", product.id, "--acquired", "soon", "--no-wait")
    assert (refused.exit_code, "acquired" in refused.stderr) == (1, True)
    missing = run("images", "upload", tmp_path / "none.tif", "--product", product.id, "--acquired", "2024")
    assert missing.exit_code == 2


# Blobs


def test_blobs_are_put_listed_got_and_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = uuid.uuid4().hex
    (tmp_path / "notes.txt").write_bytes(b"\x00text\n")
    blob_id = output(
        "blobs", "put", "notes.txt", f"{name}/notes.txt", "--tags", name, "--set", "description=Notes"
    ).strip()
    assert blob_id == f"data/{Blob.get(blob_id).namespace}/{name}/notes.txt"
    assert Blob.get(blob_id).description == "Notes"
    assert run("blobs", "put", "notes.txt", f"{name}/notes.txt").exit_code == 1  # it exists
    assert output("blobs", "ls", "--prefix", f"{name}/", "-q") == f"{blob_id}\n"
    assert output("blobs", "ls", "--tags", name, "--where", "p.size_bytes == 6").startswith(f"{blob_id}\t6\t")
    assert json.loads(output("blobs", "show", blob_id, "--json"))["size_bytes"] == 6
    assert run("blobs", "get", blob_id).exit_code == 2  # notes.txt is there
    assert run("blobs", "get", blob_id, "copy.txt").exit_code == 0
    assert (tmp_path / "copy.txt").read_bytes() == b"\x00text\n"
    printed = run("blobs", "get", blob_id, "-")
    assert (printed.stdout_bytes, printed.exception) == (b"\x00text\n", None)
    assert run("blobs", "rm", blob_id, f"data/local:{name}/none").exit_code == 2
    assert Blob.get(blob_id) is not None
    assert run("blobs", "rm", blob_id).exit_code == 0
    assert Blob.get(blob_id) is None
    assert run("blobs", "get", blob_id).exit_code == 2


def test_a_blob_is_put_from_standard_input():
    name = uuid.uuid4().hex
    blob_id = run("blobs", "put", "-", name, "--json", input="text")
    assert Blob.get(json.loads(blob_id.stdout)["id"]).data() == b"text"
    assert run("blobs", "put", "-", input="text").exit_code == 2


# A process of its own


def test_a_pipe_gets_lines_without_colors_and_a_closed_one_is_no_error(product, images):
    command = [sys.executable, "-m", "landbridge.cli", "images", "search", product.id]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(line.split("\t")[0] for line in done.stdout.splitlines()) == sorted(images)
    assert "\x1b" not in done.stdout
    shell = f"{' '.join(command)} | true"
    ended = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=120, check=False)
    assert ended.stderr == ""


def test_the_search_of_the_command_is_that_of_a_script(product, images):
    script = product.images().filter(properties.cloud_fraction < 0.4).sort("acquired")
    listed = output(
        "images", "search", product.id, "--where", "p.cloud_fraction < 0.4", "--sort", "acquired", "-q"
    )
    assert listed.split() == [image.id for image in script]
