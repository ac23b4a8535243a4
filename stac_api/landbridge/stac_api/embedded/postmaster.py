"""The cluster's server process: identification, start, watch and stop.

Two traces of an earlier server are told apart from a live one. `postmaster.pid` names a process id that may
have died or been given to another program since; it is believed only if that process is a postgres of this
data directory. And a postmaster that was killed may leave children that still write to the shared memory:
every process of the cluster inherits the lock on `{home}/postgres.lock`, so none is alive once it is free.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from landbridge.stac_api.embedded.cluster import Cluster, environment, socket_directory, write_configuration
from landbridge.stac_api.embedded.home_directory import hold_lock, open_log
from landbridge.stac_api.embedded.os_user import reachable
from landbridge.stac_api.embedded.polling import wait_for
from landbridge.stac_api.embedded.postgres_programs import Installation
from landbridge.stac_api.errors import ClusterError, StackError, StartError

ORPHAN_SECONDS = 5.0  # for the children of a killed postmaster to end
GRACE_SECONDS = 30.0  # for a shutdown, before the next stronger signal
RECOVERY_SECONDS = 3600.0  # for the recovery of a large database after a crash
TAIL_LINES = 20
_STARTUP_KILLED = re.compile(r"startup process \(PID \d+\) was terminated by signal (9|15)\b").search


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live server of a cluster. `child` is set if this process started it."""

    process: psutil.Process
    sockets: Path
    child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the server to end, without polling; return whether it ended."""
        with contextlib.suppress(AttributeError, ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                poll.poll(timeout * 1000)
            finally:
                os.close(descriptor)
            return self._ended()
        try:
            self.process.wait(timeout)
        except psutil.TimeoutExpired:
            return False
        return self._ended()

    def _ended(self) -> bool:
        # While another thread waits for the child, its own `poll` answers None, dead or not.
        reaped = self.child is not None and self.child.poll() is not None
        return reaped or not alive(self.process)


@dataclass(frozen=True, slots=True)
class PidFile:
    """Content of `postmaster.pid`: process id, socket directory and status ("starting", "ready", ...)."""

    pid: int
    sockets: Path
    status: str

    @classmethod
    def read(cls, data: Path) -> "PidFile | None":
        """Read the file of a cluster; None if it is missing or incomplete."""
        try:
            lines = (data / "postmaster.pid").read_text().split("\n")
            return cls(int(lines[0]), Path(lines[4]), lines[7].strip())
        except (OSError, ValueError, IndexError):
            return None


def running(cluster: Cluster) -> Postmaster | None:
    """Return the cluster's live server in any status, or None."""
    found = PidFile.read(cluster.data)
    if found is None:
        return None
    try:
        process = psutil.Process(found.pid)
    except psutil.NoSuchProcess:
        return None
    return Postmaster(process, found.sockets) if _is_postmaster(process, cluster) else None


def join(cluster: Cluster) -> Postmaster | None:
    """Return the cluster's live server when it accepts connections, or None; a stopping server is awaited."""
    postmaster = running(cluster)
    if postmaster is None:
        return None
    status = ""

    def settled() -> bool:
        nonlocal status
        if postmaster.wait(0):
            return True
        found = PidFile.read(cluster.data)
        status = found.status if found is not None else ""
        if status == "stopping":
            stop(cluster, postmaster)
        return status == "ready"

    wait_for(settled, RECOVERY_SECONDS, lambda: _not_ready(cluster, postmaster.pid, status))
    return postmaster if status == "ready" and not postmaster.wait(0) else None


def _not_ready(cluster: Cluster, pid: int, status: str) -> StartError:
    return StartError(
        f"PostgreSQL (process {pid}) of {cluster.data} has not accepted connections for "
        f"{RECOVERY_SECONDS:.0f} s (status: {status or 'unknown'}). Its log is {cluster.home.postgres_log}"
    )


def start(cluster: Cluster, installation: Installation) -> Postmaster:
    """Start the server and return when it accepts connections; crash recovery may take RECOVERY_SECONDS.

    The caller holds the home's serve lock, so no other process starts or clears anything meanwhile.

    Raises:
        ClusterError: it ended instead; the message has the end of its log.
        StartError: it was killed.
    """
    data, os_user = cluster.data, cluster.os_user
    if not reachable(data, os_user):
        msg = f"User {os_user.name}, who runs PostgreSQL, cannot reach {data}."
        raise ClusterError(f"{msg} Let it pass through the directories above: chmod o+x ...")
    sockets = socket_directory(cluster)
    write_configuration(cluster, sockets)
    with (
        _sole_use(cluster) as lock,
        open_log(cluster.home.postgres_log) as log,
    ):
        _clear(cluster, sockets)
        begin = log.tell()
        try:
            child = subprocess.Popen(  # noqa: S603 - postgres of the installation that was found
                [installation.bin / "postgres", "-D", data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock,),
                env=environment(),
                **os_user.popen_options(),
            )
        except (OSError, subprocess.SubprocessError) as error:
            msg = f"{installation.bin}/postgres cannot be run as user {os_user.name}: {error}"
            raise ClusterError(msg) from error
    status = ""

    def settled() -> bool:
        nonlocal status
        if child.poll() is not None:
            return True
        found = PidFile.read(data)
        status = found.status if found is not None and found.pid == child.pid else ""
        return status == "ready"

    wait_for(settled, RECOVERY_SECONDS, lambda: _not_ready(cluster, child.pid, status))
    if child.poll() is None:
        return Postmaster(psutil.Process(child.pid), sockets, child)
    msg = f"PostgreSQL ended with code {child.returncode} while starting on {data}:"
    log_end = tail(cluster.home.postgres_log, begin)
    # A negative code is a signal: the server was killed, and another start may succeed. So it may if its
    # process that recovers the data was killed.
    was_killed = child.returncode < 0 or _STARTUP_KILLED(log_end)
    raise (StartError if was_killed else ClusterError)(f"{msg}\n{log_end}")


def stop(cluster: Cluster, postmaster: Postmaster | None = None) -> bool:
    """Stop the cluster's server, with all commits on disk; return whether it was running.

    Connections are ended at once (a "fast" shutdown); a server that takes more than GRACE_SECONDS is ended
    without its last checkpoint, which its next start makes up for.
    """
    postmaster = postmaster or running(cluster)
    if postmaster is None or postmaster.wait(0):
        return False
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(psutil.NoSuchProcess):
            postmaster.process.send_signal(number)
        if postmaster.wait(GRACE_SECONDS):
            return True
    msg = f"PostgreSQL (process {postmaster.pid}) of {cluster.data} cannot be ended."
    raise ClusterError(msg)


def tail(log: Path, begin: int = 0) -> str:
    """Return the last lines of a log after the offset `begin`."""
    try:
        with log.open("rb") as file:
            file.seek(begin)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(lines[-TAIL_LINES:]) or "(nothing in its log)"


@contextlib.contextmanager
def _sole_use(cluster: Cluster) -> Iterator[int]:
    """Hold the cluster's lock, which the server inherits; processes of a killed server are stopped first."""
    path = cluster.home.root / "postgres.lock"
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(hold_lock(path, ORPHAN_SECONDS, "start PostgreSQL"))
        except StackError:
            _end_orphans(cluster)
            lock = stack.enter_context(hold_lock(path, ORPHAN_SECONDS, "start PostgreSQL"))
        yield lock


def _end_orphans(cluster: Cluster) -> None:
    """Kill the children of a dead postmaster, identified by the cluster's name in their titles."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            title = " ".join(process.cmdline())
            if process.uids().real == cluster.os_user.uid and title.startswith(f"postgres: {cluster.name}: "):
                process.kill()


def _clear(cluster: Cluster, sockets: Path) -> None:
    """Remove the files of a dead server, because PostgreSQL takes any process with its id for it.

    A process file with a dead id is left to PostgreSQL, which makes checks of its own with it.
    """
    path = cluster.data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError):
        if psutil.pid_exists(int(path.read_text().split("\n", 1)[0])):
            path.unlink()
    for leftover in sockets.glob(".s.PGSQL.*"):
        leftover.unlink(missing_ok=True)


def _is_postmaster(process: psutil.Process, cluster: Cluster) -> bool:
    try:
        command = process.cmdline()
        return (
            alive(process)
            and process.uids().real == cluster.os_user.uid
            and Path(command[0]).name in {"postgres", "postmaster"}
            and str(cluster.data) in command
        )
    except (psutil.Error, IndexError):
        return False


def alive(process: psutil.Process) -> bool:
    """Return whether a process is running; a zombie, which may stay in a container, is not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
