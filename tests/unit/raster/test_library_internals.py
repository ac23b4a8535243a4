"""Private names of libraries that the raster engine uses: these tests fail when a library changes them."""

import logging
from importlib import import_module
from typing import Any

import numba
import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioError

from landbridge.raster import kernels
from landbridge.raster.io.redact import redact_url


def test_rasterio_raises_gdal_errors_of_the_private_class():
    """GDAL's errors derive from a class without a public name, and not from RasterioError."""
    private = import_module("rasterio._err")
    assert issubclass(private.CPLE_BaseError, Exception)
    assert not issubclass(private.CPLE_BaseError, RasterioError)
    assert issubclass(private.CPLE_OpenFailedError, private.CPLE_BaseError)


def test_rasterio_reads_options_that_an_env_sets():
    """Only the private function reads options of the environment and of an Env alike."""
    private = import_module("rasterio._env")
    with rasterio.Env(GDAL_HTTP_AUTH="BASIC"):
        assert private.get_gdal_config("GDAL_HTTP_AUTH", normalize=False) == "BASIC"
    assert private.get_gdal_config("GDAL_HTTP_AUTH", normalize=False) is None


def test_odc_loader_logs_addresses_under_the_private_name():
    """The log filter has to know the name of the logger that receives addresses."""
    module = import_module("odc.loader._rio")
    assert module.log.name == "odc.loader._rio"
    assert isinstance(module.log, logging.Logger)
    assert redact_url("https://user:word@host/a.tif?key=1") == "https://host/a.tif?…"


def test_numba_compiles_inlined_functions_without_reference_counts():
    """The private option `_nrt` and the option `forceinline` are still accepted, and change the code."""

    @kernels.inlined
    def double(values, at):
        return values[at] * 2

    @kernels.compiled
    def total(values):
        found = 0
        for n in range(values.size):
            found += double(values, n)
        return found

    assert total(np.arange(4)) == 12
    dispatcher: Any = double
    assert dispatcher.targetoptions["forceinline"]
    assert not dispatcher.targetoptions["_nrt"]
    # Numba shows the code of functions that are not cached only.
    options: dict[str, Any] = {"forceinline": True, "_nrt": False}
    uncached: Any = numba.njit(**options)(dispatcher.py_func)
    assert uncached(np.arange(4), 3) == 6
    assert "NRT_incref" not in "".join(uncached.inspect_llvm().values())


@pytest.mark.parametrize("itemsize", [1, 2, 4, 8])
@pytest.mark.parametrize("samples", [1, 2, 4])
def test_emitted_llvm_code_undoes_differences_like_numpy(itemsize, samples):
    """LLVM IR that the kernels emit still compiles, and gives the same as a cumulative sum."""
    rng = np.random.default_rng(itemsize * samples)
    tile = rng.integers(0, 256, (3, 150, samples * itemsize), np.uint8).view(f"u{itemsize}")
    expected = np.cumsum(tile, axis=1, dtype=tile.dtype)
    kernels.undo_differences(tile, 0, len(tile))
    assert (tile == expected).all()
