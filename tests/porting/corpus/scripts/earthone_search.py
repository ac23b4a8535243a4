"""Searching by the successor's client."""
from earthdaily.earthone.catalog import Image, Product, properties as p
from earthdaily.earthone.geo import DLTile

tile = DLTile.from_latlon(40.632, -106.16, resolution=20, tilesize=64, pad=0)
images = (
    Product.get("esa:sentinel-2:l2a:v1")
    .images()
    .intersects(tile)
    .filter(p.cloud_fraction < 0.9)
    .sort("acquired")
    .collect()
)
arr = images.mosaic("nir red", tile, bands_axis=-1)
shape = arr.shape
first = Image.get(images[0].id).id
