"""Reads pixels by installed wheels: run by `build_wheels.py` in an environment that has nothing else."""

import platform
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

import descarteslabs.catalog
import landbridge.catalog
from landbridge import kernels
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, read_image

SIZE = 256


def expected_instruction_sets() -> list[str]:
    """Return the instruction sets of this machine by what Linux says of its processor."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    extensions = {"avx2", "bmi1", "bmi2", "fma"}
    return ["avx2", "baseline"] if extensions <= flags else ["baseline"]


def main(folder: str) -> None:
    assert descarteslabs.catalog.Product is landbridge.catalog.Product
    values = np.random.default_rng(1).integers(1, 1000, (1, SIZE, SIZE)).astype("uint16")
    bounds = (500_000.0, 4_200_000.0 - 30 * SIZE, 500_000.0 + 30 * SIZE, 4_200_000.0)
    grid = AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(SIZE, SIZE))
    profile = {"driver": "GTiff", "count": 1, "height": SIZE, "width": SIZE, "dtype": "uint16", "tiled": True}
    place = {"crs": "EPSG:32614", "transform": Affine(30, 0, bounds[0], 0, -30, bounds[3])}
    assert kernels.instruction_sets() == expected_instruction_sets(), kernels.instruction_sets()
    for instruction_set in kernels.instruction_sets():
        kernels.use_instruction_set(instruction_set)
        for compress in ("lzw", "deflate", "zstd"):
            path = f"{folder}/{compress}.tif"
            with rasterio.open(path, "w", compress=compress, predictor=2, **profile, **place) as dataset:
                dataset.write(values)
            start = time.perf_counter()
            read = read_image(Source("image", (path,), {"b": Band("b")}), Request(("b",), grid))
            seconds = time.perf_counter() - start
            assert np.array_equal(read.data, values), compress
    check_markers(Path(landbridge.catalog.__file__).parents[1])
    found = [*distributions()]
    size = sum(
        file.stat().st_size
        for file in Path(sys.prefix, "lib").rglob("*")
        if file.suffix != ".pyc" and file.is_file()
    )
    print(
        f"Python {platform.python_version()} {platform.machine()}: {len(found)} distributions, "
        f"{size / 1e6:.0f} MB; instruction sets {', '.join(kernels.instruction_sets())}; {seconds:.3f} s"
    )


def check_markers(namespace: Path) -> None:
    """Check that the namespace and each of its packages say that they are typed."""
    folders = [namespace, *(file.parent for file in namespace.glob("*/__init__.py"))]
    untyped = [folder.name for folder in folders if not (folder / "py.typed").exists()]
    assert not untyped, untyped


if __name__ == "__main__":
    main(sys.argv[1])
