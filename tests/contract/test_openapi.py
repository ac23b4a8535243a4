"""The server answers no generated request with 5xx; schemathesis sends them to each route."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from conftest import LONG
from integration.conftest import stac_collection, stac_item
from support.embedded_stack import running_stack

COLLECTION = "local:openapi"
# Valid documents from which openapi/hooks.py makes nearly valid ones.
DOCUMENT = stac_collection(
    COLLECTION,
    item_assets={"red": {"title": "Red", "proj:transform": [10, 0, 600000, 0, -10, 4000000], "nodata": 0}},
    summaries={"platform": ["a"], "gsd": {"minimum": 10, "maximum": 20}},
    keywords=["a"],
    providers=[{"name": "a", "roles": ["host"]}],
)
ITEM = {
    **stac_item(
        COLLECTION, "i3", **{"eo:cloud_cover": 3, "proj:code": "EPSG:32621", "x:list": [{"a": None}]}
    ),
    "assets": {
        "red": {
            "href": "https://a.example/b.tif",
            "roles": ["data"],
            "proj:transform": [10, 0, 399960, 0, -10, 4500000],
            "bands": [{"name": "red", "nodata": 0}],
        }
    },
}
# Parts of the paths of maps.
TILE = {
    "tileMatrixSetId": "WorldCRS84Quad",
    "format": "png",
    "z": 2,
    "x": 4,
    "y": 1,
    "tileMatrix": 2,
    "tileRow": 1,
    "tileCol": 4,
    "minx": 9,
    "miny": 9,
    "maxx": 12,
    "maxy": 12,
    "width": 32,
    "height": 32,
    "lon": 10.5,
    "lat": 10.5,
}
TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture
def stack(cluster_template):
    """A stack of its own, because the requests change and delete whatever they find."""
    with running_stack(cluster_template) as running:
        yield running


@pytest.fixture
def http(stack):
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client


@pytest.mark.timeout(7200 if LONG else 300)
def test_no_request_makes_the_server_fail(stack, http, tmp_path):
    assert http.post("/collections", json=DOCUMENT).status_code == 201
    items = {f"i{n}": {**ITEM, "id": f"i{n}"} for n in range(20)}
    http.post(f"/collections/{COLLECTION}/bulk_items", json={"items": items}).raise_for_status()
    search = http.post("/searches/register", json={"collections": [COLLECTION]}).json()["id"]
    extent = ["--phases", "examples,coverage,fuzzing", "--max-examples", "300", "--workers", "2"]
    run = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url}/api",
            *(extent if LONG else ["--phases", "fuzzing", "--max-examples", "8"]),
            "--header", f"Authorization: Bearer {stack.token}",
            "--checks", "not_a_server_error",
            "--continue-on-failure",
            "--request-timeout", "60",
            "--suppress-health-check", "all",
            "--seed", "1",
            "--warnings", "off",
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "SCHEMATHESIS_HOOKS": "contract.openapi.hooks",
            "LANDBRIDGE_KNOWN_PATHS": json.dumps(
                {"collection_id": COLLECTION, "item_id": "i3", "search_id": search, **TILE}
            ),
            "LANDBRIDGE_KNOWN_DOCUMENTS": json.dumps({"collection": DOCUMENT, "item": ITEM}),
        },
        cwd=tmp_path,  # schemathesis writes its cache here
        check=False,
        capture_output=True,
        text=True,
        timeout=7000 if LONG else 280,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    generated = int(re.search(r"(\d+) generated", run.stdout)[1])
    print(f"schemathesis: {generated} cases")  # noqa: T201 - what a long run is to tell
    assert generated >= (15_000 if LONG else 300)
    assert http.get("/").status_code == 200
