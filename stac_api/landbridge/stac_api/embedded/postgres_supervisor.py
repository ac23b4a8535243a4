"""Restarts the cluster's PostgreSQL and rotates logs while the server process lives."""

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from landbridge.stac_api.embedded import postgres_programs, postmaster
from landbridge.stac_api.embedded.cluster import (
    Cluster,
    create_cluster,
    finish_replacement,
    remove_leftovers,
)
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.postgres_programs import Installation
from landbridge.stac_api.embedded.postmaster import Postmaster
from landbridge.stac_api.errors import StackError

LOG_BYTES = 16 * 2**20  # a longer log is rotated to `.1`
ROTATION_SECONDS = 60.0
RESTART_DELAYS = (0.0, 0.1, 0.5, 2.0, 10.0)  # seconds before each attempt to restart PostgreSQL

logger = logging.getLogger(__name__)


class StopRequested(BaseException):
    """The process must stop before it serves. No Exception, so that no handler catches it by accident."""


@dataclass(frozen=True, slots=True)
class PhaseTimer:
    """Measures the seconds of each phase of a start."""

    phases: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.phases[name] = time.monotonic() - begin


class PostgresSupervisor(threading.Thread):
    """Thread that restarts a cluster's server whenever it ends."""

    def __init__(self, cluster: Cluster, installation: Installation | None = None) -> None:
        super().__init__(name="postgres-supervisor", daemon=True)
        self._cluster = cluster
        self._installation = installation
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._postmaster: Postmaster | None = None

    @property
    def home(self) -> Home:
        """Home of the cluster."""
        return self._cluster.home

    def bring_up(self, timer: PhaseTimer) -> Postmaster:
        """Join the cluster's server or start it, creating the cluster if need be.

        Raises StackError if the server does not start, StopRequested after `stop`.
        """
        with self._changing:
            if self._stopping.is_set():
                raise StopRequested
            self._postmaster = postmaster.join(self._cluster) or self._start(timer)
            return self._postmaster

    def _start(self, timer: PhaseTimer) -> Postmaster:
        finish_replacement(self._cluster)
        with timer.phase("find postgres"):
            installation = self._installation or postgres_programs.find_installation(
                self._cluster.os_user, self._cluster.major
            )
        remove_leftovers(self._cluster)
        if not self._cluster.exists:
            with timer.phase("initdb"):
                create_cluster(self._cluster, installation)
        with timer.phase("start postgres"):
            return postmaster.start(self._cluster, installation)

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            if self._postmaster is not None and not self._postmaster.wait(ROTATION_SECONDS):
                failures = 0
                for log in (self._cluster.home.api_log, self._cluster.home.postgres_log):
                    _rotate(log)
                continue
            if self._stopping.wait(RESTART_DELAYS[min(failures, len(RESTART_DELAYS) - 1)]):
                return
            failures += 1
            logger.warning("PostgreSQL has ended unexpectedly; starting it again")
            try:
                self.bring_up(PhaseTimer())
            except StopRequested:
                return
            except (StackError, OSError):
                logger.exception("PostgreSQL does not start")

    def stop(self) -> None:
        """Stop PostgreSQL, even if another process started it, and then this thread."""
        self._stopping.set()
        with self._changing:
            postmaster.stop(self._cluster, self._postmaster)
        if self.is_alive():
            self.join()


def _rotate(log: Path) -> None:
    """Copy a long log and truncate it; its writers append, so they continue at its new end."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
