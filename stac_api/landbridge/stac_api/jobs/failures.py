"""Errors of background jobs: those after which a job is tried again, and their texts for users."""

from __future__ import annotations

import asyncpg
import obstore.exceptions

from landbridge.errors import LandbridgeError
from landbridge.stac_api.assets.store import STORE_ERRORS, error_reason
from landbridge.stac_api.errors import UnavailableError


class RetryableError(LandbridgeError):
    """A failure of the server's own that may pass when the job is tried again; its text is for users."""


# The database, the store or a worker process was away for a moment.
RETRYABLE = (
    OSError,
    UnavailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    obstore.exceptions.BaseError,
    RetryableError,
)


def user_message(error: Exception) -> str:
    """Return the text of a server-side failure for users, without paths and addresses of the server."""
    if isinstance(error, RetryableError):
        return str(error)
    if isinstance(error, asyncpg.DiskFullError):
        return "The database has no space left."
    if isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError, UnavailableError)):
        return f"The database could not be reached ({type(error).__name__})."
    if isinstance(error, STORE_ERRORS):
        return f"The object store could not be read or written ({error_reason(error)})."
    return f"The server failed ({type(error).__name__}); its log has the details."
