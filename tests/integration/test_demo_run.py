"""`make demo` and the README's example, run as a user runs them: in processes of their own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landbridge.catalog import Product

ROOT = Path(__file__).parents[2]


def run(*arguments, **options):
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(stack, folder):
    """Return the output of the demo's first run."""
    return run(ROOT / "examples" / "demo.py", "--size", 200, "--output", folder)


def test_the_demo_tells_what_it_does(told, stack):
    assert stack.private_url.rstrip("/") in told
    assert "6 images uploaded." in told
    assert "5 of 6 images" in told
    assert "ImageCollection of 5 images" in told
    assert "month 07: 2 images" in told


def test_the_demo_leaves_a_mosaic_and_its_picture(told, folder):
    with rasterio.open(folder / "mosaic.tif") as file:
        assert file.count == 3
        assert file.nodata == 0
        assert (file.read(1) != 0).mean() > 0.4
    picture = (folder / "mosaic.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


def test_the_printed_curl_line_works_when_pasted(told):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (line,) = re.findall(r"^curl .*$", told, re.MULTILINE)
    answer = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=60)
    page = json.loads(answer.stdout)
    assert page["numberMatched"] == 5
    dates = [item["properties"]["datetime"] for item in page["features"]]
    assert dates == sorted(dates, reverse=True)


def test_a_second_demo_uploads_nothing_and_gives_the_same_mosaic(told, folder):
    with rasterio.open(folder / "mosaic.tif") as file:
        before = file.read()
    again = run(ROOT / "examples" / "demo.py", "--size", 200, "--output", folder)
    assert "All 6 are there already." in again
    with rasterio.open(folder / "mosaic.tif") as file:
        np.testing.assert_array_equal(file.read(), before)


def test_the_demo_takes_a_folder_of_geotiffs(stack, landsat8, folder):
    told = run(ROOT / "examples" / "demo.py", "--data", landsat8, "--output", folder / "pair")
    assert "2 of 2 images" in told
    with rasterio.open(folder / "pair" / "mosaic.tif") as file:
        assert file.crs.to_epsg() == 32621
        assert file.count == 3


def test_a_folder_without_geotiffs_is_an_error_in_one_line(stack, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} holds no GeoTIFF (*.tif, *.tiff)\n"


def test_the_example_of_the_readme_runs_in_a_second_process_while_this_one_uses_the_stack(stack, tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert Product.get(Product.namespace_id("nothing-of-that-name")) is None
    for _ in range(2):  # it can be repeated
        printed = run("-c", example, cwd=tmp_path)
        assert "ImageCollection of 1 image" in printed
        assert printed.split()[-1] == "1200.0"
    assert Product.get(Product.namespace_id("guide-example-product")).name == "Example product"
