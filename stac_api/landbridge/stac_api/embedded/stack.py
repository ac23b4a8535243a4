"""Start or join the stack of a home. This module imports little, because most calls only join.

Two locks coordinate the processes. A process that starts or stops the stack holds `up.lock`, so that of two
starters one starts and the other joins. The server holds `serve.lock` for its lifetime, so that a stale state
file never counts and no second server starts.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landbridge.private_addresses import private_url
from landbridge.stac_api.embedded.home_directory import (
    Home,
    default_home,
    hold_lock,
    lock_holder,
    open_log,
    read_state,
)
from landbridge.stac_api.embedded.polling import wait_for
from landbridge.stac_api.errors import StackError, StartError

START_SECONDS = 120.0  # longest wait for a server; crash recovery of a big database takes its time
ATTEMPTS = 3
ANSWER_SECONDS = 10.0
TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack.

    `private_url` is the address by which others read without a token, `store` the folder of asset files,
    `database` a libpq URL, `version` that of the server.
    """

    home: Path
    url: str
    token: str = field(repr=False)
    pid: int
    store: Path
    database: str
    private_url: str = field(repr=False)
    version: str | None = None

    @classmethod
    def from_state(cls, home: Home, state: dict[str, Any]) -> "Stack":
        return cls(
            home=home.root,
            url=state["url"],
            token=state["token"],
            pid=state["pid"],
            store=Path(state["store"]),
            database=state["database"],
            private_url=private_url(state["url"], home.private_key),
            version=state.get("landbridge"),
        )


@dataclass(frozen=True, slots=True)
class StartResult:
    """Result of `start_or_join`: the stack, whether it was started, and the seconds of each phase."""

    stack: Stack
    started: bool
    phases: dict[str, float]


def up(home: Home | None = None) -> Stack:
    """Start the stack of a home, or join it if it runs.

    Args:
        home: by default LANDBRIDGE_HOME or the user's data directory.

    Raises:
        PostgresNotFound: if PostgreSQL with PostGIS is missing; the message has the install commands.
        StackError: if the stack cannot be started; the message says why.
    """
    return start_or_join(home).stack


def start_or_join(home: Home | None = None) -> StartResult:
    """Do the same as `up`; also return whether the stack was started, and the seconds of each phase."""
    begin = time.monotonic()
    home = home or default_home()
    if (stack := running_stack(home)) is not None:
        return StartResult(stack, started=False, phases={"join": time.monotonic() - begin})
    home.create()
    with hold_lock(home.up_lock, START_SECONDS, "start the stack"):
        if (stack := _await_server(home)) is not None:
            return StartResult(stack, started=False, phases={"join": time.monotonic() - begin})
        return _start(home)


def running_stack(home: Home) -> Stack | None:
    """Return the stack of a home if it runs and its database answers, else None.

    The address alone is no proof, because another program may use the port of a dead server: the state must
    be that of the process that holds the home's serve lock.
    """
    state = read_state(home)
    if state is None or not state.get("pid") or lock_holder(home.serve_lock) != state["pid"]:
        return None
    stack = Stack.from_state(home, state)
    return stack if http_status(stack.url, "/_mgmt/health?parts=pgstac") == 200 else None


def http_status(url: str, path: str) -> int | None:
    """Return the status code of a GET of `{url}{path}`, or None without a response.

    It uses a plain socket, because importing an HTTP client takes longer than all the rest of joining.
    """
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, int(port)), ANSWER_SECONDS) as connection:
            connection.sendall(request.encode())
            answer = b""
            while b"\r\n" not in answer and (part := connection.recv(1024)):
                answer += part
            # Read to the end: closing on unread bytes resets the connection under the server.
            while connection.recv(65536):
                pass
        return int(answer.split(maxsplit=2)[1])
    except (OSError, ValueError, IndexError):
        return None


def _await_server(home: Home) -> Stack | None:
    """Wait until a running server answers, and return its stack; None if the server ends.

    The server may be starting, stopping, or waiting for its database.
    """
    stack: Stack | None = None

    def answered_or_ended() -> bool:
        nonlocal stack
        if lock_holder(home.serve_lock) is None:
            return True
        stack = running_stack(home)
        return stack is not None

    def failure() -> StartError:
        holder = lock_holder(home.serve_lock)
        msg = f"The server of {home.root} (process {holder}) has not answered for {START_SECONDS:.0f} s."
        return StartError(f"{msg} `landbridge down` stops it. Its log:\n{_log_tail(home)}")

    wait_for(answered_or_ended, START_SECONDS, failure)
    return stack


def _start(home: Home) -> StartResult:
    """Start the server; try again if it was killed while it started."""
    for _ in range(ATTEMPTS):
        message = _spawn(home)
        if "phases" in message and (stack := _await_server(home)) is not None:
            return StartResult(stack, started=True, phases=message["phases"])
        if not message.get("again", True):
            raise StackError(message["error"])
    reason = message.get("error", f"The server of {home.root} ended as soon as it was up.")
    msg = f"{reason}\nThe end of its log:\n{_log_tail(home)}"
    raise StartError(msg)


def _spawn(home: Home) -> dict[str, Any]:
    """Start the server process, detached, and wait for its report through a pipe.

    Returns {"phases": ...} when it listens, else {"error": ..., "again": whether to try again}.
    """
    reading, writing = os.pipe()
    with open(reading, "rb") as report, contextlib.ExitStack() as stack:  # noqa: PTH123 - a descriptor
        stack.callback(os.close, writing)
        command = [sys.executable, "-m", "landbridge.stac_api.embedded", "serve"]
        command += ["--home", str(home.root), "--report", str(writing)]
        with open_log(home.api_log) as log:
            # The command forks at once and its child is detached, so that it never becomes a zombie.
            subprocess.run(  # noqa: S603 - this Python, our own module
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
                check=True,
                cwd="/",
            )
        stack.close()
        ready, _, _ = select.select([report], [], [], START_SECONDS)
        line = report.readline() if ready else b""
    if not ready:
        msg = f"The server of {home.root} is not ready after {START_SECONDS:.0f} s; its log is {home.api_log}"
        return {"error": msg, "again": False}
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"error": f"The server of {home.root} ended while it was starting.", "again": True}


def _log_tail(home: Home) -> str:
    try:
        return home.api_log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
    except OSError:
        return "(no log)"
