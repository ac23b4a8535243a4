"""A stack of images, one for each day."""
import descarteslabs as dl

box = {"type": "Polygon", "coordinates": [[[-106.165, 40.625], [-106.155, 40.625], [-106.155, 40.635], [-106.165, 40.635], [-106.165, 40.625]]]}
sc, geoctx = dl.scenes.search(box, products="esa:sentinel-2:l2a:v1", start_datetime="2023-01-01", end_datetime="2024-01-01", limit=None)

stack, info = sc.stack(
    "red green blue",
    ctx=geoctx.assign(resolution=120),
    flatten=["properties.date.year", "properties.date.month", "properties.date.day"],
    scaling="display",
    raster_info=True,
)
by_minute = [(minute, len(group)) for minute, group in sc.groupby("properties.date.minute")]
by_cloud = {}
for is_clear, group in sc.groupby(lambda s: s.properties.cloud_fraction < 0.3):
    by_cloud[is_clear] = group.mosaic(["nir"], geoctx.assign(resolution=120), bands_axis=-1)
