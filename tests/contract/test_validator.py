"""stac-api-validator reports only what it cannot fetch and its own wrong requests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from integration.conftest import stac_collection, stac_item

COLLECTION = "local:validated"
AREA = '{"type":"Polygon","coordinates":[[[100.0,0.0],[101.0,0.0],[101.0,1.0],[100.0,1.0],[100.0,0.0]]]}'
CLASSES = (
    "core", "collections", "features", "item-search", "filter",
    "item-search#sort", "item-search#fields", "features#sort", "features#fields",
)  # fmt: skip
# It reports these for any server: without internet, and because it sends `collections` as a string; the
# standard has an array.
KNOWN = re.compile(
    r"schemas\.stacspec\.org"
    r"|Sort Ext\] : POST .*\"collections\": \"local:validated\"\} had unexpected status code 400"
)


@pytest.fixture
def collection(http):
    http.post("/collections", json=stac_collection(COLLECTION)).raise_for_status()
    items = {}
    for number in range(120):
        moment = f"2024-01-{number % 28 + 1:02}T00:00:00Z"
        known = {"platform": f"sat-{number % 3}", "eo:cloud_cover": number / 2 + 1}
        item = stac_item(COLLECTION, f"i{number}", corner=(100 + number / 100, 0), datetime=moment, **known)
        item["assets"] = {
            "a": {"href": "https://example.org/a.tif", "type": "image/tiff; application=geotiff"}
        }
        items[item["id"]] = item
    http.post(f"/collections/{COLLECTION}/bulk_items", json={"items": items}).raise_for_status()
    return COLLECTION


def test_nothing_but_the_known_is_found(stack, collection):
    command = [
        Path(sys.executable).parent / "stac-api-validator",
        "--root-url",
        stack.private_url,
        "--collection",
        collection,
    ]
    command += ["--geometry", AREA, "--fields-nested-property", "properties.eo:cloud_cover"]
    for name in CLASSES:
        command += ["--conformance", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output[-3000:]
    assert "Validating STAC API - Item Search - Filter Extension - Advanced Comparison" in output
    assert "Errors:" in output
    errors = [line for line in output.partition("Errors:")[2].splitlines() if line.startswith("- ")]
    assert errors
    assert [line for line in errors if not KNOWN.search(line)] == []
