"""Embedded server with faults at the named points of uploads.

`python serve.py HOME` serves the home. HOME/fault.json, `{"point", "subject", "action"}`, states the action
when an upload of the image `subject` reaches the point; it happens once.
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
import psycopg

from faults import failpoints
from landbridge.stac_api.embedded.home_directory import Home, read_state
from landbridge.stac_api.embedded.server_process import StartReport, serve

WORKER_PROCESS = "landbridge.stac_api.uploads.worker_process"


def kill_server(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_worker_process(_: Path) -> None:
    """Kill the worker processes, busy or idle."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # the process has ended
            if WORKER_PROCESS in process.cmdline():
                process.kill()


def kill_postgres(home: Path) -> None:
    pid = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def fill(home: Path) -> None:
    """Fill the disk of the store and of the temporary folders."""
    with (home / "disk" / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(2**16)):
                continue
        except OSError:
            return


def fill_database(home: Path) -> None:
    """Make the database refuse new items with the error of a full disk."""
    (home / "database-full").touch()
    set_database_full(home, full=True)


def set_database_full(home: Path, *, full: bool) -> None:
    state = read_state(Home(home))
    assert state is not None
    with psycopg.connect(state["database"], autocommit=True) as conn:
        conn.execute("DELETE FROM public.faults_full")
        if full:
            conn.execute("INSERT INTO public.faults_full VALUES (true)")


def let_database_fill(home: Path) -> None:
    """Prepare the database for `fill_database`."""
    state = read_state(Home(home))
    assert state is not None
    with psycopg.connect(state["database"], autocommit=True) as conn:
        conn.execute(_FULL_DATABASE)


# The error of PostgreSQL for a real full disk, of class 53.
_FULL_DATABASE = """
CREATE TABLE IF NOT EXISTS public.faults_full (yes boolean);
GRANT SELECT ON public.faults_full TO PUBLIC;
CREATE OR REPLACE FUNCTION public.faults_full() RETURNS trigger AS $$
BEGIN
    IF EXISTS (SELECT FROM public.faults_full) THEN
        RAISE EXCEPTION 'could not extend file "base/16389/16800": No space left on device'
            USING ERRCODE = 'disk_full';
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER faults_full BEFORE INSERT ON pgstac.items
    FOR EACH ROW EXECUTE FUNCTION public.faults_full();
"""


def make_read_only(home: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(home / "disk")], check=True)


def set_proxy(home: Path, mode: str) -> None:
    (home / "proxy").write_text(mode)


ACTIONS = {
    "kill server": kill_server,
    "kill worker process": kill_worker_process,
    "kill postgres": kill_postgres,
    "fill": fill,
    "fill database": fill_database,
    "read only": make_read_only,
    "refuse": lambda home: set_proxy(home, "refuse"),
    "stall": lambda home: set_proxy(home, "stall"),
}


def _image_id(home: Path, upload: int) -> str:
    state = read_state(Home(home))
    assert state is not None
    return failpoints.image_id(state["database"], upload)


def install(home: Path) -> None:
    """Execute the actions of HOME/fault.json in this process."""
    order = home / "fault.json"

    async def handle(point: str, upload: int) -> None:
        if not order.exists():
            return
        wanted = json.loads(order.read_text())
        if wanted["point"] == point and _image_id(home, upload).endswith(f":{wanted['subject']}"):
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                order.rename(home / "fault.done")
                ACTIONS[wanted["action"]](home)

    failpoints.install(handle)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    serve(Home(Path(sys.argv[1])), StartReport(None))
