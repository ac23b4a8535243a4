"""rustac: its command line searches the API, and its server reads the same database."""

import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from support.wait import wait_until

RUSTAC = Path(sys.executable).parent / "rustac"
CLEAR = "eo:cloud_cover < 20"


def rustac(*args):
    done = subprocess.run([RUSTAC, *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_search_becomes_a_parquet_file(stack, product, dataset, tmp_path):
    out = tmp_path / "out.parquet"
    rustac(
        "search",
        stack.private_url,
        "--collections",
        product.id,
        "--filter",
        CLEAR,
        "--sortby=-eo:cloud_cover",
        str(out),
    )
    assert out.read_bytes()[:4] == b"PAR1"
    items = json.loads(rustac("translate", str(out), "-o", "json"))["features"]
    clear = sorted(
        (image for image in dataset.images if image.cloud_fraction < 0.2), key=lambda one: -one.cloud_fraction
    )
    assert [item["id"] for item in items] == [image.name for image in clear]
    assert [item["properties"]["eo:cloud_cover"] for item in items] == pytest.approx(
        [100 * image.cloud_fraction for image in clear]
    )


@pytest.fixture
def twin(stack):
    """URL of `rustac serve` on the stack's database."""
    url = urlsplit(stack.database)
    where = parse_qs(url.query)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host, database_port = quote(where["host"][0], safe=""), where.get("port", ["5432"])[0]
    dsn = f"postgresql://{url.username}@{host}:{database_port}{url.path}"
    dsn += "?options=-c%20search_path%3Dpgstac%2Cpublic"
    command = [RUSTAC, "serve", "--pgstac", dsn, "--addr", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        address = f"http://127.0.0.1:{port}"

        def answers():
            assert server.poll() is None, server.stderr.read()
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(address, timeout=5)

        try:
            wait_until(answers)
            yield address
        finally:
            server.kill()  # a request to end waits for open connections without an end


def test_another_implementation_finds_the_same_in_the_database(stack, http, twin, product):
    body = {
        "collections": [product.id],
        "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]},
        "filter-lang": "cql2-json",
        "sortby": [{"field": "eo:cloud_cover", "direction": "asc"}],
    }
    ours = http.post("/search", json=body).json()["features"]
    theirs = httpx.post(f"{twin}/search", json=body, timeout=30)
    assert theirs.status_code == 200, theirs.text
    assert [item["id"] for item in theirs.json()["features"]] == [item["id"] for item in ours]
    assert len(ours) > 2
    names = [one["id"] for one in httpx.get(f"{twin}/collections", timeout=30).json()["collections"]]
    assert product.id in names


def test_our_items_are_valid_to_rustac(http, product, tmp_path):
    item = http.get(f"/collections/{product.id}/items", params={"limit": 1}).json()["features"][0]
    # The validator fetches schemas of extensions, and tests have no internet.
    item["stac_extensions"] = []
    path = tmp_path / "item.json"
    path.write_text(json.dumps(item))
    rustac("validate", str(path))
