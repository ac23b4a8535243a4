"""Memory stays bounded, however many images there are: measured in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MIB = 2**20
EDGE = 1536
BANDS = 3
OUTPUT = EDGE * EDGE * BANDS * (2 + 1)  # values and mask

CHILD = """
import json, sys
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, download_mosaic, mosaic

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

files, method, target = json.loads(sys.argv[1])
bands = {name: Band(name, nodata=0, band_index=i) for i, name in enumerate("abc")}
sources = [Source(f"s{n}", (file,), bands) for n, file in enumerate(files)]

def run(edge, sources):
    bounds = (500_000, 4_200_000 - 30 * edge, 500_000 + 30 * edge, 4_200_000)
    context = AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(edge, edge))
    wanted = Request(("a", "b", "c"), context, method=method)
    if target:
        download_mosaic(sources, wanted, target)
    else:
        assert mosaic(sources, wanted).mask.any()

run(64, sources[:1])
before = peak()
run(int(sys.argv[2]), sources)
print(peak() - before)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")


@pytest.fixture
def files(make_scene, tmp_path):
    """A function that gives so many files of one place, of which no pixel is valid along an edge."""
    values = np.random.default_rng(0).integers(1, 9999, (BANDS, EDGE, EDGE)).astype("uint16")
    values[:, :, :20] = 0
    scene = make_scene("s", values, compress="none", blockxsize=256, blockysize=256)

    def make(count):
        paths = [tmp_path / f"link-{number}.tif" for number in range(count)]
        for path in paths:
            if not path.exists():
                path.hardlink_to(scene.source.files[0])
        return [str(path) for path in paths]

    return make


def growth(files, method, edge=EDGE, target=""):
    """By how many bytes a mosaic grows the peak of a fresh process beyond that of a tiny mosaic."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps([files, method, target]), str(edge)],
        check=True,
        capture_output=True,
        text=True,
        # One arena of malloc for all threads: what is freed by one is taken by another.
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    return int(done.stdout)


@pytest.mark.parametrize("method", ["last", "mean", "median"])
def test_ten_times_the_images_take_no_more_memory(files, method):
    few, many = growth(files(6), method), growth(files(60), method)
    # 54 more images are 730 MiB of pixels; tiles that are kept take up to 128 MiB, a median's values to 256.
    assert many <= few + 256 * MIB
    assert many <= OUTPUT + 512 * MIB


def test_a_file_is_written_in_less_memory_than_it_has_pixels(files, tmp_path):
    edge = 8192
    grown = growth(files(2), "last", edge, str(tmp_path / "large.tif"))
    assert grown <= edge * edge * BANDS * 2 / 2
