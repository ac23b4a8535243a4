"""An embedded server at whose named points a test makes something go wrong.

python serve.py HOME: serves the home as ever. When a point is reached, HOME/fault.json says whether anything
is to happen there, `{"point", "subject", "action"}`; it happens once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from landbridge.stac_api.embedded.files import Home
from landbridge.stac_api.embedded.server import Report, serve
from landbridge.stac_api.jobs import points

CHILD = "landbridge.stac_api.uploads.child"


def kill_server(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_child(_: Path) -> None:
    """Kill the processes that read files, whether at work or waiting for some."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended by itself
            if CHILD in process.cmdline():
                process.kill()


def kill_postgres(home: Path) -> None:
    pid = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def fill(home: Path) -> None:
    """Leave no byte on the disk of the store and of the folder in which files are read."""
    with (home / "disk" / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(2**16)):
                continue
        except OSError:
            return


def make_read_only(home: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(home / "disk")], check=True)


def set_proxy(home: Path, mode: str) -> None:
    (home / "proxy").write_text(mode)


ACTIONS = {
    "kill server": kill_server,
    "kill child": kill_child,
    "kill postgres": kill_postgres,
    "fill": fill,
    "read only": make_read_only,
    "refuse": lambda home: set_proxy(home, "refuse"),
    "stall": lambda home: set_proxy(home, "stall"),
}


def install(home: Path) -> None:
    """Have done what is ordered, in this process."""
    order = home / "fault.json"

    async def handle(point: str, subject: str) -> None:
        if not order.exists():
            return
        wanted = json.loads(order.read_text())
        if wanted["point"] == point and subject.endswith(f":{wanted['subject']}"):
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                order.rename(home / "fault.done")
                ACTIONS[wanted["action"]](home)

    points.install(handle)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    serve(Home(Path(sys.argv[1])), Report(None))
