"""A product of one's own, by the old Catalog client."""
import numpy as np
import descarteslabs as dl

catalog = dl.Catalog()
product_id = catalog.add_product("corpus-old", title="Old product", description="Made by the old client")["data"]["id"]
catalog.add_band(
    product_id=product_id,
    name="yield",
    type="spectral",
    srcband=1,
    dtype="UInt16",
    nbits=16,
    data_range=[0, 10000],
    default_range=[0, 4000],
    nodata=0,
    resolution=60,
    resolution_unit="meters",
)
pixels = np.full((20, 30, 1), 1200, dtype="uint16")
catalog.upload_ndarray(
    pixels,
    product_id,
    "first",
    proj4="+proj=utm +zone=15 +datum=WGS84 +units=m +no_defs",
    geotrans=[500000, 60, 0, 4500000, 0, -60],
    acquired="2012-01-02",
)
