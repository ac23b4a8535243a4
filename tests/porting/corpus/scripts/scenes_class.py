"""A composite, as a class."""
import numpy as np
import descarteslabs as dl


class Composite(object):
    """Median of the clear scenes of a season."""

    def __init__(self, geometry, product):
        self.product = product
        self.scenes, self.ctx = dl.scenes.search(
            geometry, products=self.product, start_datetime="2023-06-01", end_datetime="2023-06-30", limit=20
        )

    def clear(self, threshold):
        return self.scenes.filter(lambda s: s.properties.cloud_fraction <= threshold)

    def median(self, bands, threshold=0.5):
        stack = self.clear(threshold).stack(bands, self.ctx.assign(resolution=90))
        return np.ma.median(stack, axis=0)


def describe(scene):
    p = scene.properties
    return "%s %s" % (p.product, p.date.date())


geometry = {"type": "Polygon", "coordinates": [[[-105.56, 41.34], [-105.53, 41.34], [-105.53, 41.36], [-105.56, 41.36], [-105.56, 41.34]]]}
composite = Composite(geometry, "usgs:landsat:oli-tirs:c2:l2:v0")
median = composite.median("red nir", threshold=0.9)
lines = [describe(s) for s in composite.scenes]
