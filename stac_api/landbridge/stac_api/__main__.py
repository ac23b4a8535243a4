"""`landbridge-server migrate|serve|work|doctor|token|audit`: a service, configured by the environment.

Where LANDBRIDGE_DATABASE_URL is not set, all but the first two are about the embedded stack of this user.
Exit code 0 when it is done, 1 where `doctor` has found something, 2 with the reason where it cannot be done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from landbridge.stac_api.admin.doctor import Finding
    from landbridge.stac_api.core.settings import Settings

_DATABASE = "LANDBRIDGE_DATABASE_URL"


def settings(**overrides: object) -> Settings:
    """Those of the environment, else of the embedded stack, which is started or joined.

    Raises:
        StackError: the embedded stack does not start.
        ValidationError: a variable is missing or wrong.
    """
    from landbridge.stac_api.core.settings import Settings

    if _DATABASE in os.environ:
        return Settings(**overrides)  # type: ignore[arg-type]  # the rest is in the environment
    from landbridge.stac_api.embedded.home_directory import Home, read_state
    from landbridge.stac_api.embedded.stack import up

    stack = up()
    state = read_state(Home(stack.home)) or {}
    # A server of an earlier version that still runs has not told it.
    store = state.get("store_url") or Path(stack.store).as_uri()
    known = {"database_url": stack.database, "store_url": store, "token": stack.token}
    return Settings(**{**known, "staging": stack.home / "staging", **overrides})  # type: ignore[arg-type]


def migrate() -> None:
    """Bring the database to this version's schema; it is made to wait for nobody."""
    from landbridge.stac_api.pgstac.migrate import migrate

    done = migrate(os.environ[_DATABASE])
    sys.stdout.write("migrated\n" if done else "nothing to migrate\n")


def serve(host: str, port: int) -> None:
    """Run the API until SIGTERM or SIGINT, with a worker in it unless LANDBRIDGE_WORKER is false."""
    import uvicorn

    uvicorn.run(
        "landbridge.stac_api.api.app:create_app",
        factory=True,
        host=host,
        port=port,
        proxy_headers=False,  # `access.proxies` reads them
        server_header=False,
        ws="none",
    )


async def work(chosen: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """Run jobs until SIGTERM or SIGINT; what is in hand then has ten seconds to end, and is else run anew."""
    from landbridge.stac_api.runtime import open_services

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_services(chosen) as (_, jobs):
        jobs.start_worker()
        ready()
        await stopped.wait()


async def doctor(chosen: Settings, *, repair: bool = False, late: float | None = None) -> list[Finding]:
    """What is wrong with the catalog and its store, after the repairs where they are wanted."""
    from landbridge.stac_api.admin import doctor
    from landbridge.stac_api.runtime import open_services

    options = {} if late is None else {"late": late}
    async with open_services(chosen) as (services, jobs):
        found = await doctor.examine(services, **options)
        if repair and found:
            await doctor.repair(services, jobs, found, **options)
            found = await doctor.examine(services, **options)
    return found


def report(findings: Sequence[Finding], *, as_json: bool) -> str:
    """What is printed of them."""
    if as_json:
        return "".join(f"{json.dumps(asdict(finding))}\n" for finding in findings)
    lines = [*map(str, findings), f"{len(findings)} findings"]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None, program: str = "landbridge-server") -> int:
    """The command."""
    from landbridge.stac_api.admin import operator_commands

    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to this version's schema")
    serving = commands.add_parser("serve", help="run the API")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=int, default=8000)
    commands.add_parser("work", help="run jobs")
    examining = commands.add_parser("doctor", help="compare the catalog with its store")
    examining.add_argument("--repair", action="store_true", help="delete orphans, carry on what is stuck")
    examining.add_argument("--json", action="store_true", help="print JSON lines")
    operator_commands.add_commands(commands)
    options = parser.parse_args(arguments)

    from pydantic import ValidationError

    from landbridge.stac_api.errors import StackError

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        if options.command in ("migrate", "serve") and _DATABASE not in os.environ:
            sys.stderr.write(f"{_DATABASE} is not set; it is the URL of the database to use.\n")
            return 2
        if options.command == "migrate":
            migrate()
        elif options.command == "serve":
            serve(options.host, options.port)
        elif options.command == "work":
            asyncio.run(work(settings(worker=True)))
        elif options.command in operator_commands.COMMANDS:
            logging.getLogger().setLevel(logging.WARNING)
            return operator_commands.run(options, settings(worker=False).database_url)
        else:
            logging.getLogger().setLevel(logging.WARNING)
            found = asyncio.run(doctor(settings(worker=False), repair=options.repair))
            sys.stdout.write(report(found, as_json=options.json))
            return 1 if found else 0
    except (StackError, ValidationError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
