"""Translation between the Catalog object model and STAC.

Pure functions over plain dicts, driven by the tables in `landbridge.mappings.tables`. They do no I/O and need
only the standard library.
"""

from landbridge.mappings import (
    band,
    binding,
    blob,
    cql2,
    ids,
    image,
    markdown,
    product,
    queryables,
    schema,
    tables,
)
from landbridge.mappings.errors import InvalidDocument

__all__ = [
    "InvalidDocument",
    "band",
    "binding",
    "blob",
    "cql2",
    "ids",
    "image",
    "markdown",
    "product",
    "queryables",
    "schema",
    "tables",
]
