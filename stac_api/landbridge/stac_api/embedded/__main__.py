"""`python -m landbridge.stac_api.embedded up|down|status|serve [--home FOLDER]`.

Exit code 0: done (`up`: the stack answers); 1: failed, with the reason on stderr.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from landbridge.stac_api.embedded.home_directory import Home, default_home
from landbridge.stac_api.errors import StackError


def _up(home: Home, _report: int | None) -> None:
    from landbridge.stac_api.embedded.stack import up

    click.echo(up(home).private_url)


def _down(home: Home, _report: int | None) -> None:
    from landbridge.stac_api.embedded.control import down

    down(home)


def _status(home: Home, _report: int | None) -> None:
    from landbridge.stac_api.embedded.control import status

    click.echo(json.dumps(status(home), indent=1))


def _serve(home: Home, report: int | None) -> None:
    if report is not None:
        # PostgreSQL must not inherit the pipe: its reader waits until the last copy is closed.
        os.set_inheritable(report, False)
        # Detach: the parent might never collect this process's exit code.
        if os.fork():
            os._exit(0)
        os.setsid()
    from landbridge.stac_api.embedded.server_process import StartReport, serve

    serve(home, StartReport(report))


COMMANDS: dict[str, Callable[[Home, int | None], None]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "serve": _serve,
}


@click.command()
@click.argument("command", type=click.Choice(list(COMMANDS)))
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Home folder of the stack; default: LANDBRIDGE_HOME or the user's data directory.",
)
@click.option("--report", type=int, hidden=True)
def main(command: str, home: Path | None, report: int | None) -> None:
    """Start, stop, describe or run the embedded stack."""
    try:
        COMMANDS[command](Home(home.absolute()) if home is not None else default_home(), report)
    except StackError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m landbridge.stac_api.embedded")
