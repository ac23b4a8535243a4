"""Private names of libraries that the raster engine uses: these tests fail when a library changes them."""

import logging
from importlib import import_module

import rasterio
from rasterio.errors import RasterioError

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
