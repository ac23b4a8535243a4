"""NDVI of a field from Sentinel-2, with the Scenes client."""
import descarteslabs as dl
import numpy as np

aoi_geometry = {
    "type": "Polygon",
    "coordinates": [[
        [-106.165, 40.625], [-106.150, 40.625], [-106.150, 40.640], [-106.165, 40.640], [-106.165, 40.625],
    ]],
}

scenes, ctx = dl.scenes.search(
    aoi_geometry,
    products=["esa:sentinel-2:l2a:v1"],
    start_datetime="2023-05-01",
    end_datetime="2023-07-01",
    cloud_fraction=0.4,  # most of the sky
    limit=10,
)
print(scenes)
print(ctx.resolution, ctx.crs)

lowres = ctx.assign(resolution=60)
arr = scenes.mosaic("red nir", lowres)
red, nir = arr.astype(float)
ndvi = (nir - red) / (nir + red)
mean_ndvi = float(np.ma.mean(ndvi))
count = len(scenes)
