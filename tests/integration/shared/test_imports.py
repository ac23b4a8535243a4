"""Imports by a user of a service, which puts the user's organization before the ids of new products."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from integration.conftest import stac_collection
from integration.shared.conftest import PEOPLE, Serving
from landbridge.catalog import CatalogClient, Product
from landbridge.cli import main
from support.catalog_files import make_item, write_catalog


@pytest.fixture
def ann(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """Configure Ann as the user of a service that takes items with local files."""
    with serve(allowed_hrefs=("*",)) as service:
        monkeypatch.setenv("LANDBRIDGE_URL", service.url)
        monkeypatch.setenv("LANDBRIDGE_TOKEN", service.token(PEOPLE["ann"]))
        CatalogClient.clear_all_default_clients()
        yield service
    CatalogClient.clear_all_default_clients()


def run(*arguments: Any) -> str:
    done = CliRunner().invoke(main, ["import", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()[-1]


def test_the_images_go_to_the_product_with_the_prefix_of_the_user(ann: Serving, tmp_path: Path):
    catalog = write_catalog(tmp_path / "catalog", 5)
    items = [make_item(number, "documents") for number in range(3)]
    documents = tmp_path / "documents.ndjson"
    documents.write_text("\n".join(map(json.dumps, [stac_collection("documents"), *items])))
    loose = tmp_path / "loose.ndjson"
    loose.write_text(json.dumps(make_item(7, "elsewhere")))

    # Each is repeated, as an import that was interrupted is.
    for there_already in (False, True):
        report = run(catalog, "--collection", "a")
        assert ("5 items there already" in report) is there_already
        assert ("5 items there already" in run(catalog, "--collection", "a", "--as", "s2")) is there_already
        assert run(documents, "--upsert").startswith("3 items stored, 0 refused")
        assert run(loose, "--upsert", "--as", "s2").startswith("1 items stored, 0 refused")

    found = {product.id: {image.name for image in product.images()} for product in Product.search()}
    scenes = {f"i{number}" for number in range(5)}
    assert found == {
        "acme:a": scenes,
        "acme:s2": scenes | {"i7"},
        "acme:documents": {"i0", "i1", "i2"},
    }
