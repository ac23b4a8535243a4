"""A mosaic by the Catalog."""
import descarteslabs.catalog as dlc
from descarteslabs.geo import AOI
from descarteslabs.utils import display

geometry = {"type": "Polygon", "coordinates": [[[-106.165, 40.625], [-106.150, 40.625], [-106.150, 40.640], [-106.165, 40.640], [-106.165, 40.625]]]}
search = dlc.Product.get("esa:sentinel-2:l2a:v1").images().intersects(geometry)
search = search.filter(dlc.properties.acquired >= "2023-06-01").sort("acquired")
images = search.collect()
data = images.mosaic("red green blue", resolution=60)
shape = data.shape
context = AOI(geometry=geometry, resolution=120, crs="EPSG:32613")
reflectance = images.mosaic("red", context, processing_level="surface_reflectance")
highest = float(reflectance.max())
