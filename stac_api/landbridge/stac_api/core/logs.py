"""Format and levels of the log, which goes to stderr."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from landbridge.stac_api.core.settings.monitoring import MonitoringSettings

__all__ = ["CONTEXT", "configure_logs"]

# State of the request that is being answered, or the members of a job; lines of the log name it.
CONTEXT: ContextVar[dict[str, Any] | None] = ContextVar("landbridge_log_context", default=None)

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Loggers that write a line for each job or request of theirs, also for those that only look for work.
_QUIET: Final = ("procrastinate", "httpx", "httpcore")
_MEMBERS: Final = ("request_id", "user", "job", "task", "trace_id")


def configure_logs(settings: MonitoringSettings) -> None:
    """Set the format and the levels of the log of this process."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter() if settings.log_format == "json" else logging.Formatter(_TEXT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    if root.level > logging.DEBUG:
        for name in _QUIET:
            logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    # uvicorn would format its lines by itself; its lines of requests are replaced by ours.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name, level in settings.log_levels.items():
        logging.getLogger(name).setLevel(level)


class _JsonFormatter(logging.Formatter):
    """A JSON object for each line: time, level, logger, message, request and caller, and extra members."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = CONTEXT.get() or {}
        document |= {name: context[name] for name in _MEMBERS if name in context}
        if (principal := context.get("principal")) is not None:
            document["user"] = principal.name
        document |= getattr(record, "members", {})
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return json.dumps(document, default=str)
