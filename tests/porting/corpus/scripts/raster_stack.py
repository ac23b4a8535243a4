"""A stack of images by the Raster service."""
from descarteslabs.client.services.metadata import Metadata
from descarteslabs.client.services.raster import Raster

ids = Metadata().ids(products="esa:sentinel-2:l2a:v1", start_datetime="2023-06-01", end_datetime="2023-06-02", limit=3)
stack, metas = Raster().stack(
    ids,
    bands=["red", "nir"],
    srs="EPSG:32613",
    resolution=60,
    bounds=(400800, 4497600, 402000, 4498800),
    order="gdal",
)
shape = stack.shape
sizes = [meta["size"] for meta in metas]
