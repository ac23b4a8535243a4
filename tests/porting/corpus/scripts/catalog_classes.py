"""Class bands: crops."""
import numpy as np
from descarteslabs.catalog import BandType, ClassBand, Product, properties

product = Product.get("usda:cdl:v1")
bands = list(product.bands().filter(properties.type == BandType.CLASS))
names = [band.name for band in bands]
is_class = isinstance(bands[0], ClassBand)
aoi = {"type": "Polygon", "coordinates": [[[-97.2, 39.22], [-97.18, 39.22], [-97.18, 39.24], [-97.2, 39.24], [-97.2, 39.22]]]}
image = product.images().intersects(aoi).sort("acquired").limit(1).collect()[0]
classes = image.ndarray("class", resolution=90)
values = [int(v) for v in np.unique(classes.compressed())]
