"""`landbridge export`: what it writes is read again, by us and by others."""

import json

import pystac
import pytest
from click.testing import CliRunner
from shapely.geometry import box

from landbridge.catalog import CatalogClient, Image, ImageCollection, Product
from landbridge.cli import main


@pytest.fixture(scope="module")
def product(stack):
    CatalogClient.clear_all_default_clients()
    made = Product(id="export-scenes", name="Scenes")
    made.save()
    for number in range(3):
        image = Image(product=made, name=f"i{number}", acquired=f"2024-01-0{number + 1}")
        image.update(geometry=box(number, 0, number + 1, 1), cloud_fraction=number / 10)
        image.files = [{"href": f"https://example.com/{number}.tif"}]
        image.save()
    yield made
    made.delete_related_objects().wait_for_completion()
    made.delete()
    CatalogClient.clear_all_default_clients()


def run(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def test_lines_are_collections_and_items_that_import_loads_again(product, tmp_path):
    path = tmp_path / "scenes.ndjson"
    done = run(product.id, path, "--sort", "name")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["Collection", "Feature", "Feature", "Feature"]
    again = CliRunner().invoke(main, ["import", str(path), "--upsert"])
    assert again.exit_code == 0, again.output
    assert "3" in done.stderr


def test_the_ending_is_the_format(product, tmp_path):
    assert run(product.id, tmp_path / "scenes.geojson", "--limit", "2").exit_code == 0
    assert len(pystac.ItemCollection.from_file(str(tmp_path / "scenes.geojson"))) == 2
    assert run(product.id, tmp_path / "scenes.parquet", "--filter", "eo:cloud_cover < 15").exit_code == 0
    found = ImageCollection.from_parquet(tmp_path / "scenes.parquet")
    assert sorted(found.each.name) == ["i0", "i1"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["scenes.geojson", "scenes.parquet"]


def test_another_ending_or_product_is_refused(product, tmp_path):
    refused = run(product.id, tmp_path / "scenes.csv")
    assert refused.exit_code == 2
    assert ".parquet" in refused.output
    assert run("local:no-such-product", tmp_path / "scenes.ndjson").exit_code == 2
    assert run(product.id, tmp_path / "none" / "scenes.ndjson").exit_code == 2
    assert list(tmp_path.iterdir()) == []
