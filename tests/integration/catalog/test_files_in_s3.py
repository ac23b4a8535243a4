"""Catalogs and files in an S3 bucket: read as a source, registered and imported."""

import pytest
from click.testing import CliRunner

from landbridge.catalog import CatalogClient, Image
from landbridge.cli import main
from landbridge.sources import file_contents
from support.catalog_files import write_catalog
from support.s3_server import BUCKET
from support.scenes import write_cog


@pytest.fixture
def bucket(s3_server, monkeypatch):
    """The bucket's store; the environment has its address and credentials."""
    for name, value in s3_server.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return s3_server.bucket()


def put_folder(bucket, folder, prefix):
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())


def run(*args, code=0):
    result = CliRunner().invoke(main, list(map(str, args)))
    assert result.exit_code == code, result.output
    return result.output


def test_scenes_of_a_bucket_are_registered_by_a_pattern(bucket, banded, tmp_path):
    values = write_cog(tmp_path / "scenes/deep/a_20240101.tif")
    write_cog(tmp_path / "scenes/b_20240102.tif")
    (tmp_path / "scenes/readme.txt").write_text("none")
    put_folder(bucket, tmp_path / "scenes", "scenes")
    options = ("--product", banded.id, "--acquired-from-name", r"_(\d{8})")
    root = f"s3://{BUCKET}/scenes"
    assert run("register", f"{root}/*.tif", *options).startswith("1 items stored")
    assert run("register", root, *options).startswith("1 items stored")
    image = Image.get(f"{banded.id}:a_20240101")
    assert image.files[0].href == f"{root}/deep/a_20240101.tif"
    assert (image.ndarray("red nir") == values).all()
    assert "no raster file" in run("register", f"{root}/*.jp2", *options, code=1)


def test_a_static_catalog_of_a_bucket_is_a_source(bucket, tmp_path, new_id):
    write_catalog(tmp_path / "cat", 5)
    put_folder(bucket, tmp_path / "cat", "cat")
    address = f"s3://{BUCKET}/cat/catalog.json"
    client = CatalogClient(address)
    item = client.get("/collections/a/items/i3")
    assert item["assets"]["red"]["href"] == f"s3://{BUCKET}/cat/a/2024/i3/red.tif"
    target = f"local:{new_id()}"
    assert run("import", address, "--collection", "a", "--as", target).startswith("5 items stored")
    client.close()


def test_a_missing_object_is_named(bucket):
    address = f"s3://{BUCKET}/missing/catalog.json"
    assert "missing/catalog.json does not exist" in run("import", address, "--as", "local:x", code=1)
    assert list(file_contents.list_files(f"s3://{BUCKET}/missing")) == []
