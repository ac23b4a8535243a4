"""Errors by which rasterio reports a failure of GDAL."""

from __future__ import annotations

# Private in rasterio, which raises them without a public base; see
# tests/unit/server/test_library_internals_uploads.py.
from rasterio._err import CPLE_BaseError, CPLE_OutOfMemoryError
from rasterio.errors import RasterioError

__all__ = ["GDAL_ERRORS", "GDAL_OUT_OF_MEMORY"]

GDAL_ERRORS = (RasterioError, CPLE_BaseError)
GDAL_OUT_OF_MEMORY = CPLE_OutOfMemoryError
