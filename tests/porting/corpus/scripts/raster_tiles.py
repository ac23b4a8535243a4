"""Tiles over a shape, and the pixels of each."""
import descarteslabs as dl

raster = dl.Raster()
metadata = dl.Metadata()
shape = {"type": "Polygon", "coordinates": [[[-106.165, 40.625], [-106.150, 40.625], [-106.150, 40.640], [-106.165, 40.640], [-106.165, 40.625]]]}
tiles = raster.dltiles_from_shape(20.0, 64, 0, shape)
sums = {}
for tile in tiles["features"]:
    key = tile["properties"]["key"]
    ids = metadata.ids(products=["esa:sentinel-2:l2a:v1"], geom=tile["geometry"], limit=2)
    if not ids:
        continue
    pixels, _ = raster.ndarray(ids, bands=["red", "nir"], dltile=tile["properties"]["key"], order="gdal")
    sums[key] = int(pixels.astype("int64").sum())
number = len(tiles["features"])
here = raster.dltile_from_latlon(40.63, -106.16, 20.0, 64, 0)
bounds = here["properties"]["outputBounds"]
