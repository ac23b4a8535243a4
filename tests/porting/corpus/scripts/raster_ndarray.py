"""Pixels by the Raster service."""
import numpy as np
from descarteslabs.client.services import Metadata, Raster

metadata = Metadata()
raster = Raster()
ids = metadata.ids(products="usgs:landsat:oli-tirs:c2:l2:v0", start_datetime="2023-06-01", end_datetime="2023-06-02", limit=2)
arr, meta = raster.ndarray(
    ids,
    bands=["red", "green", "blue"],
    scales=[[7000, 12000, 0, 255], [7000, 12000, 0, 255], [7000, 12000, 0, 255]],
    data_type="Byte",
    srs="EPSG:32613",
    resolution=120,
    bounds=(450000, 4574000, 456000, 4580000),
    bounds_srs="EPSG:32613",
)
shape, size = arr.shape, meta["size"]
first = raster.ndarray(inputs=ids[0], bands=["nir"], srs="EPSG:32613", resolution=120, bounds=(450000, 4574000, 456000, 4580000))[0]
mean = float(np.mean(first))
