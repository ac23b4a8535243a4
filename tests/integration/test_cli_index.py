"""`landbridge index` on images of the API."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from landbridge.catalog import CatalogClient
from landbridge.cli import main


@pytest.fixture(autouse=True)
def own_client():
    CatalogClient.clear_all_default_clients()


@pytest.mark.parametrize(
    ("interval", "images"),
    [("2024-01-01/2024-01-03", 2), ("2024-01-03", 1), ("../2024-01-02", 1), ("2024-01", 3), ("2023", 0)],
)
def test_an_interval_includes_its_end(collection, add_items, interval, images):
    moments = ("2024-01-01T00:00:00Z", "2024-01-03T12:00:00Z", "2024-01-04T00:00:00Z")
    add_items(*({"datetime": moment} for moment in moments))
    done = CliRunner().invoke(main, ["index", collection, "--datetime", interval, "--json"])
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)
    assert (report["product"], report["images"], report["failed"]) == (collection, images, [])


def test_an_invalid_interval_is_refused(collection):
    done = CliRunner().invoke(main, ["index", collection, "--datetime", "soon"])
    assert done.exit_code == 2
    assert "--datetime" in done.output
