"""CQL2 (OGC 21-065r2): filters read from any of their encodings, and written as SQL."""

from landbridge.stac_api.search.cql2.parser import LANGUAGES, read
from landbridge.stac_api.search.cql2.sql_compiler import condition

__all__ = ["LANGUAGES", "condition", "read"]
