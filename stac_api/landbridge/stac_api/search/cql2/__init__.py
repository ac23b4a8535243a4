"""CQL2 filters (OGC 21-065r2): parsed from each of their encodings and compiled to SQL."""

from landbridge.stac_api.search.cql2.parser import LANGUAGES, read
from landbridge.stac_api.search.cql2.sql_compiler import condition

__all__ = ["LANGUAGES", "condition", "read"]
