"""Tiles by the Catalog."""
import descarteslabs as dl

shape = {"type": "Polygon", "coordinates": [[[-106.165, 40.625], [-106.150, 40.625], [-106.150, 40.640], [-106.165, 40.640], [-106.165, 40.625]]]}
tiles = dl.geo.DLTile.from_shape(shape, resolution=20.0, tilesize=64, pad=0)
keys = [tile.key for tile in tiles]
product = dl.catalog.Product.get("esa:sentinel-2:l2a:v1")
means = []
for tile in tiles[:2]:
    images = product.images().intersects(tile).sort("acquired").limit(2).collect()
    means.append(float(images.mosaic(["red"], geocontext=tile).mean()) if images else None)
