"""Stop, describe and delete the stack of a home folder."""

import contextlib
import importlib.metadata
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from landbridge.private_addresses import private_url
from landbridge.stac_api.embedded import organizations, postmaster
from landbridge.stac_api.embedded.cluster import (
    Cluster,
    open_cluster,
    remove_short_socket_directory,
    socket_directory,
)
from landbridge.stac_api.embedded.home_directory import (
    Home,
    default_home,
    hold_lock,
    lock_holder,
    read_state,
)
from landbridge.stac_api.embedded.polling import wait_for
from landbridge.stac_api.embedded.server_process import forget_process
from landbridge.stac_api.embedded.stack import START_SECONDS, running_stack
from landbridge.stac_api.errors import StackError

MODULE = "landbridge.stac_api.embedded"
GRACE_SECONDS = 45.0  # open requests, then PostgreSQL's shutdown


def down(home: Home | None = None) -> bool:
    """Stop the API and PostgreSQL of a home; idempotent.

    Returns whether one of them was running. Raises StackError if one of them cannot be stopped.
    """
    home = home or default_home()
    if not home.exists():
        return False
    with hold_lock(home.up_lock, START_SECONDS, "stop the stack"):
        ended = _stop_server(home)
        if (cluster := _existing_cluster(home)) is not None:
            ended |= postmaster.stop(cluster)
            remove_short_socket_directory(cluster)
        forget_process(home)
        _remove_staging(home)
    return ended


def _remove_staging(home: Home) -> None:
    """Delete the folders of jobs that were killed."""
    from landbridge.stac_api.uploads.temporary_folders import remove_abandoned

    if home.staging.is_dir():
        remove_abandoned(home.staging)
        with contextlib.suppress(OSError):  # another worker of this machine uses it
            home.staging.rmdir()


def status(home: Home | None = None) -> dict[str, Any]:
    """Return address, process ids, versions, folders and sizes in bytes of a home's stack; no token."""
    home = home or default_home()
    state = read_state(home) or {}
    known = organizations.read(home)
    cluster = _existing_cluster(home)
    server = postmaster.running(cluster) if cluster is not None else None
    sizes = {
        "database": cluster.data if cluster is not None else None,
        "store": home.store,
        "logs": home.logs,
    }
    return {
        "running": running_stack(home) is not None,
        "url": state.get("url"),
        "private_url": private_url(state["url"], home.private_key) if "url" in state else None,
        "pid": lock_holder(home.serve_lock),
        "postgres_pid": server.pid if server is not None else None,
        "organizations": {"default": known.default, "names": list(known.names)},
        "home": str(home.root),
        "store": str(home.store),
        "data": str(cluster.data) if cluster is not None else None,
        "versions": {
            "landbridge": importlib.metadata.version("landbridge-stac-api"),
            "pgstac": importlib.metadata.version("pypgstac"),
            "postgres": cluster.major if cluster is not None else None,
        },
        "bytes": {name: folder_size(folder) if folder is not None else 0 for name, folder in sizes.items()},
    }


def remove(home: Home) -> None:
    """Stop the stack of a home and delete all its files, the database included."""
    down(home)
    if (cluster := _existing_cluster(home)) is not None:
        # These two may be outside the home.
        shutil.rmtree(socket_directory(cluster))
        if home.postgres.is_symlink():
            shutil.rmtree(cluster.data.parent)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(home.root)


def _existing_cluster(home: Home) -> Cluster | None:
    return open_cluster(home) if os.path.lexists(home.postgres) else None


def _stop_server(home: Home) -> bool:
    """Stop the process that holds the serve lock: SIGTERM, later SIGKILL. Return whether there was one."""
    asked: psutil.Process | None = None
    late = time.monotonic() + GRACE_SECONDS

    def released() -> bool:
        nonlocal asked
        if (holder := lock_holder(home.serve_lock)) is None:
            return True
        kill = time.monotonic() > late
        if (kill or asked is None) and (server := _server(holder)) is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            asked = server
        return False

    def failure() -> StackError:
        holder = lock_holder(home.serve_lock)
        return StackError(f"The server of {home.root} (process {holder}) cannot be stopped.")

    wait_for(released, 2 * GRACE_SECONDS, failure)
    if (server := asked) is None:
        return False
    # The lock is released shortly before the process ends.
    text = f"The server of {home.root} (process {server.pid}) has stopped, but its process does not end."
    wait_for(lambda: not postmaster.alive(server), GRACE_SECONDS, lambda: StackError(text))
    return True


def _server(pid: int) -> psutil.Process | None:
    """Return the process if it is a server; the lock file may not have a new holder's id yet."""
    try:
        process = psutil.Process(pid)
        return process if pid > 0 and MODULE in process.cmdline() else None
    except psutil.Error:
        return None


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder; vanished and unreadable files do not count."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += folder_size(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total
