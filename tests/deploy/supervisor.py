"""A small supervisor: it starts parts again that have died, as Docker's restart policy does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_PAUSE = 0.05  # between looks at a process
# Docker's: it begins with 0.1 s, doubles each time, and begins again after ten seconds of running.
_FIRST_DELAY, _MOST_DELAY, _LONG_ENOUGH = 0.1, 60.0, 10.0


@dataclass
class Part:
    """A process that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    is_healthy: Callable[[], bool]
    log: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _thread: threading.Thread | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def pid(self) -> int:
        """Id of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process, and start it again whenever it ends."""
        self._thread = threading.Thread(target=self._keep_running, daemon=True, name=self.name)
        self._thread.start()

    def _keep_running(self) -> None:
        delay = _FIRST_DELAY
        with self.log.open("ab") as log:
            while not self._ended.is_set():
                begin = time.monotonic()
                self._process = subprocess.Popen(
                    self.command,
                    env=dict(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    **self.options,
                )
                self.starts += 1
                self._process.wait()
                delay = _FIRST_DELAY if time.monotonic() - begin > _LONG_ENOUGH else delay
                self._ended.wait(delay)
                delay = min(2 * delay, _MOST_DELAY)

    def wait_until_healthy(self) -> None:
        """Wait until the part does its work; fail after the deadline with the end of its log."""
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            if time.monotonic() > deadline:
                end = self.log.read_text("utf-8", "replace")[-3000:]
                raise AssertionError(
                    f"{self.name} does not get healthy (started {self.starts} times):\n{end}"
                )
            time.sleep(_PAUSE)

    def healthy(self) -> bool:
        """Return whether the part does its work now."""
        try:
            return self.is_healthy()
        except Exception:  # noqa: BLE001 - a health check that fails in any way is a no
            return False

    def kill(self) -> None:
        """Kill the process, and those that it started, as the end of a container does."""
        os.killpg(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the process and do not start it again."""
        self._ended.set()
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert self._thread is not None
        self._thread.join()
