"""A time series by a function that searches."""
from datetime import datetime, timedelta

import descarteslabs as dl

GEOM = {"type": "Polygon", "coordinates": [[[-106.160, 40.630], [-106.155, 40.630], [-106.155, 40.635], [-106.160, 40.635], [-106.160, 40.630]]]}


def mean_of(start, end, band="red"):
    scenes, ctx = dl.scenes.search(GEOM, products=["esa:sentinel-2:l2a:v1"], start_datetime=start, end_datetime=end, limit=None)
    if not scenes:
        return None
    return float(scenes.mosaic(band, ctx).mean())


series = {}
start = datetime(2023, 5, 31)
while start < datetime(2023, 6, 3):
    end = start + timedelta(days=1)
    series[start.isoformat()] = mean_of(start.isoformat(), end.isoformat())
    start = end
