"""Choosing scenes: clouds, coverage, order."""
from descarteslabs import scenes
from descarteslabs.scenes import AOI
from shapely.geometry import box, mapping

region = box(-106.17, 40.62, -106.14, 40.64)
found, ctx = scenes.search(mapping(region), "esa:sentinel-2:l2a:v1", start_datetime="2023-06-01", end_datetime="2023-06-02")

dates = [d.isoformat() for d in found.each.properties.date]
first_day = found[0].properties.acquired[:10]
products = set(found.each.properties.product)
clear = found.filter(lambda s: s.properties.cloud_fraction < 0.5)
ordered = clear.sorted("properties.cloud_fraction")
clouds = list(ordered.each.properties.cloud_fraction)
covering = found.filter_coverage(AOI(geometry=box(-106.160, 40.63, -106.155, 40.635)), minimum_coverage=0.9)
ids = sorted(s.properties.id for s in covering)
worst = max(found, key=lambda scene: scene.properties["cloud_fraction"])
message = f"{worst.properties.id} has {worst.properties.cloud_fraction:.0%} clouds"
