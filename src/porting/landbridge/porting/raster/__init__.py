"""The Raster service of old clients: pixels as arrays and files, and DLTiles as GeoJSON.

Only the names and call shapes of the old methods are known, from public scripts and documentation. Behavior
that they do not state is set here:

- `ndarray` returns (row, column, band), or (band, row, column) with `order="gdal"`; (row, column) for one
  band. `stack` returns four axes always. Arrays are not masked unless `masked` is True.
- Pixels without data have the nodata value of their band, or 0 if it has none or is scaled. If "alpha" is
  requested, they are 0 in all bands.
- "alpha" can be requested of every product. If a product has no such band, it is 1 at pixels that are valid
  in any requested band. It is a mask of 0 and 1 and is never scaled, as the Catalog scales no mask by a mode;
  numbers given as its scale are a warning.
- There is one scale for each band, as in the Catalog. A scale of two numbers has the output range 0 to 255,
  in all data types, as that of `gdal_translate -scale`. Without `data_type`, the result has the smallest type
  that holds the bands.
- `ot`, `of` and `outsize` are `data_type`, `output_format` and `dimensions`, by the names of GDAL's options.
- Without `srs`, the reference system is that of the first image. Bounds are in `srs` unless `bounds_srs` is
  given. Without `resolution` and `dimensions`, pixels are as large as those of the first image, or as
  gdalwarp chooses them for another reference system. Without bounds, the area is that of the cutline, else
  of all images.
- Later images lie above earlier ones.
- `raster` names files as downloads of the Catalog are named: `{id}-{band}-{band}.tif`, with "mosaic" for the
  id of several images, or `{outfile_basename}.tif`. In PNG files alpha is the opacity.
"""

from __future__ import annotations

import functools

from landbridge.porting.raster.client import Raster

__all__ = ["Raster", "default_client"]


@functools.cache
def default_client() -> Raster:
    """Return the client that `descarteslabs.raster` is."""
    return Raster()
