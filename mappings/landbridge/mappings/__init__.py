"""How the Catalog object model and STAC translate into each other.

Pure functions over plain dicts, driven by the tables in `landbridge.mappings.tables`; no I/O, nothing but
the standard library.
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
