"""Translation between the Catalog object model and STAC.

Pure functions over plain dicts, driven by the tables in `landbridge.mappings.tables`. They do no I/O and need
only the standard library.
"""

from typing import TYPE_CHECKING

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


if not TYPE_CHECKING:  # type checkers would take any name for one of this module

    def __getattr__(name: str) -> str:
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("landbridge-mappings")
else:
    __version__: str
