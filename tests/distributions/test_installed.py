"""Each distribution and extra works with what it declares, and nothing else: in an environment of its own.

uv builds wheels of the workspace and installs them with the locked versions of their dependencies. The
environment grows from one test to the next, so that modules are compiled once.
"""

import os
import subprocess
import sys
import textwrap

import pytest

from conftest import LONG, REPOSITORY

UV = str(REPOSITORY / "scripts" / "uv")
# name: (package, extras, code, part of its output)
CASES = {
    "mappings": (
        "landbridge-mappings", (),
        """
        from landbridge.mappings import image
        print(image.to_stac({"name": "a", "product_id": "b:c", "acquired": "2024-01-01"})["collection"])
        """,
        "b:c",
    ),
    "kernels": (
        "landbridge-kernels", (),
        "from landbridge import kernels; print(kernels.instruction_sets())",
        "baseline",
    ),
    "raster": (
        "landbridge-raster", (),
        """
        import numpy as np, rasterio
        from affine import Affine
        from landbridge.geo import AOI
        from landbridge.raster import Band, Request, Source, mosaic
        grid = AOI(bounds=(0, 0, 640, 640), bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(64, 64))
        profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint16"}
        place = {"crs": "EPSG:32614", "transform": Affine(10, 0, 0, 0, -10, 640)}
        with rasterio.open("raster.tif", "w", **profile, **place) as file:
            file.write(np.full((1, 64, 64), 8, "uint16"))
        print(mosaic([Source("i", ("raster.tif",), {"b": Band("b")})], Request(("b",), grid)).data.mean())
        print(grid._repr_html_())
        try:
            grid.explore()
        except ImportError as error:
            print(error)
        """,
        ("8.0", "None", "pip install 'landbridge[maps]'"),
    ),
    "landbridge": (
        "landbridge", (),
        """
        import subprocess, sys
        import numpy as np, rasterio
        from affine import Affine
        import landbridge.catalog
        from landbridge.geo import AOI
        from landbridge.raster import Band, Request, Source, read_image
        grid = AOI(bounds=(0, 0, 640, 640), bounds_crs="EPSG:32614", crs="EPSG:32614", shape=(64, 64))
        profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint16"}
        place = {"crs": "EPSG:32614", "transform": Affine(10, 0, 0, 0, -10, 640)}
        with rasterio.open("one.tif", "w", **profile, **place) as file:
            file.write(np.full((1, 64, 64), 7, "uint16"))
        print(read_image(Source("i", ("one.tif",), {"b": Band("b")}), Request(("b",), grid)).data.mean())
        command = [sys.executable, "-m", "landbridge.cli"]
        print(subprocess.run([*command, "up"], capture_output=True, text=True).stderr)
        print(subprocess.run([*command, "port", "x.py"], capture_output=True, text=True).stderr)
        """,
        ("7.0", 'pip install "landbridge[server]"', "pip install landbridge-descarteslabs"),
    ),
    "parquet": (
        "landbridge", ("parquet",),
        "import rustac; print(rustac.__name__)",
        "rustac",
    ),
    "dask": (
        "landbridge", ("dask",),
        """
        import dask.array, distributed, landbridge.catalog
        print(dask.array.ones((2, 2), chunks=1).sum().compute(scheduler="sync"))
        """,
        "4.0",
    ),
    "server": (
        "landbridge", ("server",),
        """
        import subprocess, sys
        from landbridge.stac_api.embedded import stack
        from landbridge.stac_api.__main__ import main
        main(["--help"])
        """,
        "migrate",
    ),
    "descarteslabs": (
        "landbridge-descarteslabs", (),
        """
        import descarteslabs.catalog, earthdaily.earthone.catalog, landbridge.catalog
        print(descarteslabs.catalog.Product is landbridge.catalog.Product)
        """,
        "True",
    ),
}  # fmt: skip
# The others install much, of which the tests of doors and maps need each part anyway.
EVERY_EXTRA = ("geopandas", "maps", "pystac-client", "tiles", "all")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return a function that installs a distribution with extras and all it needs, and runs code with it."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "environment" / "bin" / "python"

    def run(package, extras, code):
        flags = [flag for extra in extras for flag in ("--extra", extra)]
        command = [
            UV,
            "sync",
            "--locked",
            "--no-dev",
            "--no-editable",
            "--quiet",
            "--package",
            package,
            *flags,
        ]
        environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder / "environment")}
        environment.pop("VIRTUAL_ENV", None)
        synced = subprocess.run(
            [*command, "--python", sys.executable],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip
        assert synced.returncode == 0, synced.stderr
        home = folder / "home"
        home.mkdir(exist_ok=True)
        own = {"HOME": str(home), "PATH": os.environ["PATH"], "LANDBRIDGE_HOME": str(home)}
        done = subprocess.run(
            [python, "-c", textwrap.dedent(code)],
            cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", CASES)
def test_a_distribution_works_with_what_it_declares(name, installed):
    package, extras, code, expected = CASES[name]
    printed = installed(package, extras, code)
    for part in (expected,) if isinstance(expected, str) else expected:
        assert part in printed


@pytest.mark.skipif(not LONG, reason="installs all extras: `make test-long`")
@pytest.mark.parametrize("extra", EVERY_EXTRA)
def test_every_other_extra_can_be_installed(extra, installed):
    assert "ok" in installed("landbridge", (extra,), "import landbridge.catalog; print('ok')")
