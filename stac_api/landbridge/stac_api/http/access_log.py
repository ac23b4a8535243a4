"""Uvicorn's access log without the signatures of URLs, which are credentials as long as they are valid."""

from __future__ import annotations

import logging
import re

__all__ = ["hide_signatures"]

_SIGNATURE = re.compile(r"(?<=[?&]signature=)[^&\s]*")


class _HideSignatures(logging.Filter):
    """Filter that replaces the signature in a request's path."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_signature, record.args))
        return True


def _without_signature(value: object) -> object:
    return _SIGNATURE.sub("REDACTED", value) if isinstance(value, str) else value


def hide_signatures() -> None:
    """Hide signatures in the access log of this process; a second call changes nothing."""
    logger = logging.getLogger("uvicorn.access")
    if not any(isinstance(found, _HideSignatures) for found in logger.filters):
        logger.addFilter(_HideSignatures())
