"""Embedded stacks for the benchmarks, separate from the user's stack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import httpx
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

T = TypeVar("T")


def stack(verb: str) -> None:
    """Run one verb of the embedded stack's commands: `up`, `down` or `status`."""
    subprocess.run(
        [sys.executable, "-m", "landbridge.stac_api.embedded", verb], check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def empty_home() -> Iterator[Path]:
    """Set an empty home for this process and its children, and stop its stack at the end."""
    home = Path(tempfile.mkdtemp(prefix="landbridge-"))
    home.chmod(0o755)  # if the caller is root, the database runs as another user
    before = {name: os.environ.pop(name, None) for name in ("LANDBRIDGE_HOME", "LANDBRIDGE_URL")}
    os.environ["LANDBRIDGE_HOME"] = str(home)
    try:
        yield home
    finally:
        stack("down")
        shutil.rmtree(home, ignore_errors=True)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def kept_home() -> Iterator[Path]:
    """Start a stack in the home of `LANDBRIDGE_BENCH_HOME`, which is kept, or in an empty home."""
    kept = os.environ.get("LANDBRIDGE_BENCH_HOME")
    if kept is None:
        with empty_home() as home:
            stack("up")
            yield home
        return
    os.environ["LANDBRIDGE_HOME"] = kept
    stack("up")
    try:
        yield Path(kept)
    finally:
        stack("down")


def client_of(home: Path) -> tuple[httpx.Client, str]:
    """Return a client of the stack that runs in a home, and the URL of its database."""
    state = orjson.loads((home / "state.json").read_bytes())
    headers = {"Authorization": f"Bearer {state['token']}"}
    return httpx.Client(base_url=state["url"], headers=headers, timeout=600), state["database"]


class Shared(Generic[T]):
    """A resource that several jobs share: the first job opens it, and the last one closes it."""

    def __init__(self, make: Callable[[], AbstractContextManager[T]], jobs: int) -> None:
        self._make, self._jobs = make, jobs
        self._open: AbstractContextManager[T] | None = None
        self._made: T

    @contextmanager
    def use(self) -> Iterator[T]:
        if self._open is None:
            manager = self._make()
            self._made = manager.__enter__()
            self._open = manager
        try:
            yield self._made
        finally:
            self._jobs -= 1
            if self._jobs == 0:
                self._open.__exit__(None, None, None)
                self._open = None
