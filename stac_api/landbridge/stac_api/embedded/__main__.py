"""`python -m landbridge.stac_api.embedded up|down|status|serve [--home FOLDER]`.

Exit code 0 when it is done (`up`: the stack answers), 1 with the reason on stderr.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from landbridge.stac_api.embedded.home_directory import Home, default_home
from landbridge.stac_api.errors import StackError


def _up(home: Home, _: argparse.Namespace) -> None:
    from landbridge.stac_api.embedded.stack import up

    sys.stdout.write(f"{up(home).url}\n")


def _down(home: Home, _: argparse.Namespace) -> None:
    from landbridge.stac_api.embedded.control import down

    down(home)


def _status(home: Home, _: argparse.Namespace) -> None:
    from landbridge.stac_api.embedded.control import status

    sys.stdout.write(json.dumps(status(home), indent=1) + "\n")


def _serve(home: Home, options: argparse.Namespace) -> None:
    if options.report is not None:
        # PostgreSQL must not inherit it: its other end waits for the last copy to close.
        os.set_inheritable(options.report, False)
        # Detached: a child of nobody who might never collect its exit code.
        if os.fork():
            os._exit(0)
        os.setsid()
    from landbridge.stac_api.embedded.server_process import StartReport, serve

    serve(home, StartReport(options.report))


COMMANDS: dict[str, Callable[[Home, argparse.Namespace], None]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "serve": _serve,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m landbridge.stac_api.embedded", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--home", type=Path, help="default: LANDBRIDGE_HOME or the user's data directory")
    parser.add_argument("--report", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    home = Home(options.home.absolute()) if options.home is not None else default_home()
    try:
        COMMANDS[options.command](home, options)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
