"""A product of one's own, by the Catalog."""
import numpy as np
from descarteslabs.catalog import (
    DataType, Image, Product, Resolution, ResolutionUnit, SpectralBand, properties,
)

product = Product.get_or_create("corpus-catalog", name="Example product")
product.save()
band = SpectralBand.get_or_create(product.named_id("blue"))
band.data_type = DataType.UINT16
band.data_range = (0, 10000)
band.display_range = (0, 4000)
band.resolution = Resolution(unit=ResolutionUnit.METERS, value=60)
band.band_index = 0
band.nodata = 0
band.save()
image = Image(product=product, name="image1", acquired="2012-01-02", cloud_fraction=0.1)
image.cs_code = "EPSG:32615"
image.geotrans = (500000, 60, 0, 4500000, 0, -60)
upload = image.upload_ndarray(np.full((1, 20, 30), 1200, "uint16"), overwrite=True)
upload.wait_for_completion()
status = str(upload.status)
saved = Image.get(product.named_id("image1"))
mean = float(saved.ndarray("blue").mean())
tags = saved.tags = ["corpus"]
saved.save()
tagged = [i.name for i in product.images().filter(properties.tags == "corpus")]
