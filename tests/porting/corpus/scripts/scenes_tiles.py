"""Tiles of a region, and the pixels of each."""
import descarteslabs as dl

lat, lon = 40.632, -106.16
tile = dl.scenes.DLTile.from_latlon(lat, lon, resolution=20.0, tilesize=64, pad=0)
key = tile.key
results = []
scenes, ctx = dl.scenes.search(tile, products=["esa:sentinel-2:l2a:v1"], limit=5)
for scene in scenes:
    pixels = scene.ndarray("nir", ctx=ctx)
    results.append((scene.properties.id, int(pixels.sum())))
is_tile = ctx == tile
corner = dl.scenes.DLTile.from_key(key).bounds
