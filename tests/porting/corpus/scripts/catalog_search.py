"""Searching the Catalog."""
from descarteslabs.catalog import Image, Product, properties as p

product = Product.get("esa:sentinel-2:l2a:v1")
bands = sorted(band.name for band in product.bands())
geometry = {"type": "Polygon", "coordinates": [[[-106.165, 40.625], [-106.150, 40.625], [-106.150, 40.640], [-106.165, 40.640], [-106.165, 40.625]]]}
search = product.images().intersects(geometry).filter("2023-06-01" <= p.acquired < "2023-07-01")
search = search.filter(p.cloud_fraction < 0.5).sort("acquired")
count = search.count()
ids = [image.id for image in search.limit(2)]
image = Image.get(ids[0])
clouds = image.cloud_fraction
