"""Files of all scenes, and of their mosaic."""
import os
import shutil
import tempfile

import descarteslabs as dl

folder = tempfile.mkdtemp()
aoi = dl.scenes.AOI(bounds=(-116.064, 49.0635, -116.062, 49.0645), crs="EPSG:26911", resolution=2)
naip, ctx = dl.scenes.search(aoi, products="usda:naip:v1", limit=3)
paths = naip.download("red green blue nir", ctx, dest=folder, format="tif")
names = sorted(os.path.basename(str(p)) for p in paths)
mosaic_path = naip.download_mosaic(["red"], ctx, dest=os.path.join(folder, "mosaic.tif"))
exists = os.path.exists(str(mosaic_path))
shutil.rmtree(folder)
