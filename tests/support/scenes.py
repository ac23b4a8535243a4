"""Small GeoTIFFs with overviews whose pixels follow from a seed."""

import numpy as np
import rasterio
from rasterio.enums import Resampling

CRS = "EPSG:32621"


def write_cog(path, seed=1, *, bands=2, size=64, origin=(600000, 7000000), pixel=30.0, crs=CRS, nodata=0):
    """Write a tiled GeoTIFF with overviews, and return its pixels (band, y, x)."""
    values = np.random.default_rng(seed).integers(1, 9000, (bands, size, size)).astype("uint16")
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=bands,
        dtype="uint16",
        crs=crs,
        transform=rasterio.Affine(pixel, 0, origin[0], 0, -pixel, origin[1]),
        nodata=nodata,
        tiled=True,
        blockxsize=32,
        blockysize=32,
        compress="deflate",
    ) as dataset:
        dataset.write(values)
        dataset.build_overviews([2], Resampling.nearest)
    return values
