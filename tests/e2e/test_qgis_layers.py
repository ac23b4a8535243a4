"""QGIS draws the layers of a product: XYZ, and WMTS by its capabilities."""

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image as Picture
from rasterio.warp import transform_bounds

from landbridge.catalog import CatalogClient

SCRIPT = Path(__file__).parent / "qgis" / "draw_layer.py"
PYTHON = "/usr/bin/python3"  # Debian's, for which its package of QGIS is built


@pytest.fixture(scope="module")
def draw(tmp_path_factory):
    """Return a function that draws a layer, and gives its share of the picture and its number of colors."""
    try:
        found = subprocess.run([PYTHON, "-c", "import qgis.core"], check=False, capture_output=True)
    except OSError:
        found = None
    if found is None or found.returncode:
        pytest.skip("QGIS is not installed: make test-browser")
    folder = tmp_path_factory.mktemp("qgis")
    numbers = iter(range(100))

    def make(uri, bounds):
        target = folder / f"{next(numbers)}.png"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(folder),
        }
        command = [PYTHON, str(SCRIPT), uri, *map(str, bounds), str(target)]
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=200, check=False
        )
        assert run.stdout.startswith("valid"), run.stdout + run.stderr
        pixels = np.asarray(Picture.open(target).convert("RGB")).reshape(-1, 3)
        shown = pixels[(pixels != (255, 0, 255)).any(axis=1)]
        return len(shown) / len(pixels), len(np.unique(shown, axis=0))

    return make


@pytest.fixture
def bounds(http, product):
    west, south, east, north = http.get(f"/collections/{product.id}").json()["extent"]["spatial"]["bbox"][0]
    return transform_bounds("OGC:CRS84", "EPSG:3857", west, south, east, north)


def test_qgis_draws_the_tiles_of_a_product(draw, product, bounds):
    url = product.tiles_url()
    share, colors = draw(f"type=xyz&zmin=0&zmax=18&url={quote(url, safe='')}", bounds)
    assert share > 0.2
    assert colors > 200


def test_qgis_draws_the_layers_of_the_wmts(draw, http, product, bounds):
    client = CatalogClient.get_default_client()
    href = f"{client.url.rstrip('/')}/collections/{product.id}/WMTSCapabilities.xml"
    answer = client.request("POST", "/tiles/signatures", document={"hrefs": [href]})
    capabilities = quote(answer["hrefs"][0], safe="")
    uri = (
        "contextualWMSLegend=0&crs=EPSG:3857&dpiMode=7&format=image/png&layers=default&styles=default"
        f"&tileMatrixSet=WebMercatorQuad&url={capabilities}"
    )
    share, colors = draw(uri, bounds)
    assert share > 0.2
    assert colors > 200
