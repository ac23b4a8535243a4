"""Documentation of the parameters that methods of the Metadata service share: type and text of each."""

from __future__ import annotations

from typing import Final

__all__ = ["PARAMETERS"]

PARAMETERS: Final = {
    "products": "str or list of str: Ids of products.",
    "sat_ids": "str or list of str: Ids of satellites.",
    "date": (
        'str: Time that `start_datetime` and `end_datetime` are for: "acquired", '
        '"created", "modified", "processed", "published" or "updated".'
    ),
    "geom": ("dict, str or shapely geometry: GeoJSON, its text, or WKT in longitude and latitude."),
    "start_datetime": "str or datetime: First time, inclusive.",
    "end_datetime": "str or datetime: Last time, exclusive.",
    "cloud_fraction": "float: Maximum fraction of clouds that the provider computed, from 0 to 1.",
    "cloud_fraction_0": (
        "float: Maximum fraction of clouds that the old platform computed, else the provider, from 0 to 1."
    ),
    "fill_fraction": "float: Minimum fraction of pixels with data.",
    "storage_state": 'str: "available" or "remote".',
    "q": "Expression or list of Expression: Further conditions.",
    "limit": "int: Maximum number of images; None returns all.",
    "fields": "list of str: The only properties to return.",
    "dltile": "str, dict or DLTile: Tile to search in, in place of `geom`.",
    "sort_field": "str: Key to sort by.",
    "sort_order": 'str: "asc" or "desc".',
    "const_id": "str or list of str: Constellations, the former name of products.",
    "bbox": "bool: Search in the bounding box of `geom`.",
    "interval": 'str: "year", "quarter", "month", "week", "day", "hour" or "minute".',
    "pixels": "bool: Not possible.",
    "batch_size": "int: No effect: the Catalog chooses the size of pages.",
}
