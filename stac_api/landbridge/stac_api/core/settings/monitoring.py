"""Settings of logs, metrics and traces."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from landbridge.stac_api.core.settings.group import Group

__all__ = ["MonitoringSettings"]


def _as_level(value: object) -> object:
    name = str(value).strip().upper()
    if name not in logging.getLevelNamesMapping():
        raise ValueError(f"{value!r} is no level of a log; use DEBUG, INFO, WARNING or ERROR")
    return name


def _as_levels(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    for name, sign, _ in pairs:
        if not (name.strip() and sign):
            raise ValueError(f"{value!r} is no list of loggers and levels, such as httpx=DEBUG,asyncio=ERROR")
    return {name.strip(): _as_level(level) for name, _, level in pairs}


class MonitoringSettings(Group):
    """Logs, metrics and traces"""

    log_format: Literal["text", "json"] = Field(
        default="text", description="`json` writes each line of the log as a JSON object"
    )
    log_level: Annotated[str, BeforeValidator(_as_level)] = Field(
        default="INFO",
        description="Lowest level of the lines of the log: `DEBUG`, `INFO`, `WARNING`, `ERROR`",
    )
    log_levels: Annotated[dict[str, str], BeforeValidator(_as_levels), NoDecode] = Field(
        default={}, description="Levels of single loggers: `landbridge.stac_api.uploads=DEBUG,httpx=INFO`"
    )
    log_requests: bool = Field(
        default=True,
        description="Write a line for each request: id, caller, path without its query, status, duration. "
        "The embedded stack writes none by default",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="Bearer token that may read `/_mgmt/metrics` and nothing else; operators always may",
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port on which a worker without an API serves its metrics to everybody who reaches it; "
        "`0` for none",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address of that port")
    traces: bool = Field(
        default=False,
        description="Send traces by OpenTelemetry to `OTEL_EXPORTER_OTLP_ENDPOINT`; needs the extra `traces`",
    )
    trace_sample: float = Field(
        default=0.01, ge=0, le=1, description="Share of the requests and jobs whose traces are sent"
    )
