"""One scene by its id, and a file of it."""
import os
import tempfile

from descarteslabs.scenes import Scene, display

scene, ctx = Scene.from_id("esa:sentinel-2:l2a:v1:sentinel-2-c1-l2a-0")
name = scene.properties.id
key = scene.properties.key
when = scene.properties.date.strftime("%Y-%m-%d")
lowres_ctx = ctx.assign(resolution=60)
arr = scene.ndarray("red green blue", lowres_ctx, mask_nodata=True, bands_axis=-1)
full = scene.ndarray(["red"], ctx)
folder = tempfile.mkdtemp()
scene.download("nir", lowres_ctx, dest=os.path.join(folder, "nir.tif"))
size = os.path.getsize(os.path.join(folder, "nir.tif"))
area = scene.geometry.area
