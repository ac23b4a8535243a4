"""Modules of the successor's client."""
import earthdaily.earthone as eo
import earthdaily.earthone.utils as utils
from earthdaily.earthone import exceptions

settings = utils.DotDict({"bands": ["red"], "res": 60})
context = eo.geo.AOI(bounds=(400800, 4497600, 402000, 4498800), bounds_crs="EPSG:32613", crs="EPSG:32613", resolution=settings.res)
image = eo.catalog.Image.get("esa:sentinel-2:l2a:v1:sentinel-2-c1-l2a-0")
arr = image.ndarray(settings.bands, context)
total = int(arr.sum())
try:
    eo.catalog.Image.get_many(["esa:sentinel-2:l2a:v1:nothing"])
except exceptions.NotFoundError as error:
    failed = type(error).__name__
