"""Stacks and groups by the Catalog."""
import descarteslabs as dl

box = {"type": "Polygon", "coordinates": [[[-105.56, 41.34], [-105.53, 41.34], [-105.53, 41.36], [-105.56, 41.36], [-105.56, 41.34]]]}
product = dl.catalog.Product.get("usgs:landsat:oli-tirs:c2:l2:v0")
images = product.images().intersects(box).sort("acquired").collect()
months = [month for month, _ in images.groupby(lambda i: i.acquired.month)]
data = images.stack("red nir", resolution=120, flatten=lambda i: i.acquired.month)
shape = data.shape
clear = images.filter(dl.catalog.properties.cloud_fraction < 0.5)
dates = sorted(str(date) for date in clear.each.acquired)
