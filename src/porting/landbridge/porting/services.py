"""Hosted services of the old platform that are gone, and what does the same work today."""

from __future__ import annotations

from typing import Final

from landbridge.porting.stubs import HostedService

__all__ = [
    "COMPUTE",
    "DISCOVER",
    "DYNAMIC_COMPUTE",
    "EVENTS",
    "PLACES",
    "TABLES",
    "TASKS",
    "VECTOR",
    "WORKFLOWS",
]

_ARRAYS = "ImageCollection.to_xarray() or odc-stac with dask for arrays; the tiles of the service for maps."
_FEATURES = "GeoPandas, with PostGIS if features are shared."
_JOBS = "dask, or concurrent.futures with one job for each DLTile key."

WORKFLOWS: Final = HostedService("Workflows", _ARRAYS)
DYNAMIC_COMPUTE: Final = HostedService("Dynamic Compute", _ARRAYS)
COMPUTE: Final = HostedService("Compute", _JOBS)
TASKS: Final = HostedService("Tasks", _JOBS)
VECTOR: Final = HostedService("Vector", _FEATURES)
TABLES: Final = HostedService("Tables", _FEATURES)
PLACES: Final = HostedService("Places", "shapes of Natural Earth or geoBoundaries, read by GeoPandas.")
DISCOVER: Final = HostedService("Discover", "the owners, writers and readers of each Product and Blob.")
EVENTS: Final = HostedService(
    "Events",
    "NewImageEventSubscription for new images; for the rest, a scheduled script that searches images by "
    "Image.search().filter(properties.created > last_run).",
)
