"""Processes of a service: its settings, migration, API, worker and check of the store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import FastAPI

    from landbridge.stac_api.admin.doctor import Finding
    from landbridge.stac_api.core.settings import Settings

__all__ = ["DATABASE_VARIABLE", "application", "doctor", "report", "serve", "settings", "work"]

_SHARED_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
DATABASE_VARIABLE: Final = "LANDBRIDGE_DATABASE_URL"


def settings(**overrides: object) -> Settings:
    """Return the settings of the environment; without a database URL those of the embedded stack.

    The embedded stack is started, or joined if it runs.

    Raises:
        StackError: if the embedded stack does not start.
        ValueError: if a variable or a secret's file is missing or invalid.
    """
    from landbridge.stac_api.core.secret_files import read_secret_files
    from landbridge.stac_api.core.settings import Settings

    read_secret_files()
    if DATABASE_VARIABLE in os.environ:
        return Settings(**overrides)  # type: ignore[arg-type]  # the rest is in the environment
    from landbridge.stac_api.embedded.home_directory import Home, read_state
    from landbridge.stac_api.embedded.stack import up

    stack = up()
    state = read_state(Home(stack.home)) or {}
    # A running server of an earlier version has not written `store_url`.
    store = state.get("store_url") or Path(stack.store).as_uri()
    known = {
        "database_url": stack.database,
        "store_url": store,
        "token": stack.token,
        "staging": Home(stack.home).staging,
        "organizations_file": Home(stack.home).organizations,
    }
    return Settings(**{**known, **overrides})  # type: ignore[arg-type]


def application() -> FastAPI:
    """Return the application of a process that `serve` has started."""
    from landbridge.stac_api.api.app import create_process_app
    from landbridge.stac_api.core.logs import configure_logs
    from landbridge.stac_api.core.settings import Settings

    chosen = Settings()
    configure_logs(chosen)
    return create_process_app(chosen)


def serve(host: str, port: int, workers: int = 1) -> None:
    """Run the API until SIGTERM or SIGINT; it includes a worker of jobs unless LANDBRIDGE_WORKER is false.

    With several processes, one that dies is replaced.

    Raises:
        SchemaError: if the database is not migrated to the schema of this version.
    """
    import uvicorn

    from landbridge.stac_api.pgstac.migrate import check_schema

    check_schema(os.environ[DATABASE_VARIABLE])
    from landbridge.stac_api.http.uvicorn_options import UVICORN_OPTIONS

    with contextlib.ExitStack() as stack:
        if workers > 1 and _SHARED_METRICS not in os.environ:
            # Read by prometheus_client in each process, as soon as it is imported there.
            os.environ[_SHARED_METRICS] = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="landbridge-metrics-")
            )
        uvicorn.run(
            "landbridge.stac_api.admin.service:application",
            factory=True,
            log_config=None,
            access_log=False,
            host=host,
            port=port,
            workers=workers,
            **UVICORN_OPTIONS,
        )


async def work(chosen: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """Run jobs until SIGTERM or SIGINT.

    Running jobs then get ten seconds to finish; after that another worker retries them.

    Raises:
        SchemaError: if the database is not migrated to the schema of this version.
    """
    from landbridge.stac_api.core import metrics
    from landbridge.stac_api.pgstac.connection_budget import check_connections
    from landbridge.stac_api.pgstac.migrate import check_schema
    from landbridge.stac_api.runtime import open_services

    check_schema(chosen.database_url)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_services(chosen) as (services, jobs):
        if chosen.metrics_port:
            metrics.serve(chosen.metrics_host, chosen.metrics_port)
        await check_connections(chosen, services.readpool)
        jobs.start_worker()
        ready()
        await stopped.wait()


async def doctor(chosen: Settings, *, repair: bool = False, late: float | None = None) -> list[Finding]:
    """Return the findings about the catalog and its store; with `repair`, those that remain after it.

    Raises:
        SchemaError: if the database is not migrated to the schema of this version.
    """
    from landbridge.stac_api.admin import doctor
    from landbridge.stac_api.pgstac.migrate import check_schema
    from landbridge.stac_api.runtime import open_services

    check_schema(chosen.database_url)
    options = {} if late is None else {"late": late}
    async with open_services(chosen) as (services, jobs):
        found = await doctor.examine(services, **options)
        if repair:  # also without findings: objects may be due for deletion
            await doctor.repair(services, jobs, found, **options)
            found = await doctor.examine(services, **options)
    return found


def report(findings: Sequence[Finding], *, as_json: bool) -> str:
    """Return the findings as lines of text, or as JSON lines."""
    if as_json:
        return "".join(f"{json.dumps(asdict(finding))}\n" for finding in findings)
    lines = [*map(str, findings), f"{len(findings)} findings"]
    return "\n".join(lines) + "\n"
