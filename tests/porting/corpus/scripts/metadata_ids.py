"""Ids and counts by the Metadata service of the first versions."""
from descarteslabs.client.services.metadata import Metadata

m = Metadata()
ids = m.ids(product="esa:sentinel-2:l2a:v1", start_time="2023-06-01", end_time="2023-06-02", limit=3)
found = 0
for feature in m.features(products="esa:sentinel-2:l2a:v1", start_datetime="2023-06-01", end_datetime="2023-06-02"):
    found += 1
    last = feature["key"]
one = m.get(ids[0])
product = one["product"]
sizes = one["raster_size"]
many = [record["id"] for record in m.get_by_ids(ids[:2])]
total = m.summary(products="esa:sentinel-2:l2a:v1", start_datetime="2023-06-01", end_datetime="2023-06-02")["count"]
