"""Classification of PostgreSQL errors by their SQLSTATE.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

__all__ = ["DISK_FULL", "http_status", "is_transient"]

DISK_FULL = "53100"

# SQLSTATEs that pass: another transaction is creating or dropping a table, or holds a lock.
_TRANSIENT = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "42P01",  # undefined_table: a partition; no request names a table
        "55006",  # object_in_use
        "55P03",  # lock_not_available
    }
)
_TRANSIENT_INTERNAL = ("could not open relation with OID", "cache lookup failed", "tuple concurrently")

# SQLSTATE (five characters) or its class (two) -> HTTP status.
_STATUS: dict[str, int] = {
    "23505": 409,  # unique_violation
    "40": 503,  # transaction rollback: serialization failure, deadlock
    "08": 503,  # connection exception
    "53": 503,  # insufficient resources
    "57014": 503,  # query_canceled: statement_timeout
    "57": 503,  # operator intervention: shutting down, crash
    "58": 503,  # system error
    "02000": 404,  # no_data_found, as pgstac raises it
    "P0002": 404,  # no_data_found, as STRICT raises it
    "23503": 404,  # foreign_key_violation: pgstac's "collection does not exist"
    "25006": 503,  # read_only_sql_transaction: the database is a replica, as during a failover
    "22": 400,  # data exception: bad number, timestamp, JSON
    "23": 400,  # other constraints
    "42": 400,  # syntax error or unknown function in the SQL compiled from a filter
    "54": 400,  # program limit exceeded: nesting, row size
    "P0": 400,  # RAISE EXCEPTION: pgstac refuses an argument
    "XX000": 400,  # internal_error: PostGIS refuses a geometry
}


def http_status(sqlstate: str | None) -> int:
    """Return the HTTP status of a PostgreSQL error code; 500 if it says nothing about the request."""
    if not sqlstate:
        return 500
    return _STATUS.get(sqlstate) or _STATUS.get(sqlstate[:2]) or 500


def is_transient(error: BaseException) -> bool:
    """Return whether other transactions caused a database error, so that a retry may succeed."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate == "XX000":
        return any(text in str(error) for text in _TRANSIENT_INTERNAL)
    return sqlstate in _TRANSIENT
