"""Sources of imagery that others publish: STAC APIs, static catalogs and stac-geoparquet files.

Landbridge ships tables of public sources. Your own sources are files in the folder `sources` beside
`config.toml`, tables `[sources.<id>]` of `config.toml`, or are added in Python.

`LANDBRIDGE_SOURCES` names the sources to use, separated by commas, in the order in which they are asked. By
default these are all; empty means none.

Examples
--------
>>> from landbridge import sources
>>> sources.get("earth-search").url
'https://earth-search.aws.element84.com/v1'
"""

from landbridge.sources.registry import SourceNotFoundError, add, describe, get, remove
from landbridge.sources.registry import list_sources as list  # noqa: A004 - sources.list() reads well

__all__ = ["SourceNotFoundError", "add", "describe", "get", "list", "remove"]
