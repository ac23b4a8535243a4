"""The processes that read what users send, watched: there is a bound on their time and memory.

Each job has one of its own. What brings it down ends that job alone: as a fault of the files where it was the
files, else as `ChildDiedError`, after which the job may be tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil

from landbridge.errors import LandbridgeError
from landbridge.stac_api.uploads.messages import MEMORY, IngestError, Job, NoSpaceError, Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from landbridge.stac_api.core.settings import Settings

logger = logging.getLogger(__name__)

_CHILD = "landbridge.stac_api.uploads.worker_process"
_START_SECONDS, _END_SECONDS = 60.0, 5.0
_WATCH_SECONDS = 0.05
_BYTES_PER_SECOND = 2**20  # how slowly a file may be read, beyond `ingest_seconds`
_MOST_LINE = 64 * 2**20  # a footprint, an image's statistics
_LIBRARIES = 96 * 2**20  # memory of a child that its bound on private memory does not count
# The processor or the C library found the program at fault, so what it read is: it would be again.
_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
# All that a child is told of its environment: there may be credentials in the rest, and settings of GDAL's,
# which it also looks for in its user's home.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")


class ChildDiedError(LandbridgeError):
    """A child ended from without: the kernel was short of memory, or somebody killed it."""


class Session:
    """A child, and the process that it forks for one job after the other.

    `pid` is the latter's while there is one.
    """

    def __init__(self, process: asyncio.subprocess.Process, settings: Settings) -> None:
        self.process = process
        self.pid: int | None = None
        self._settings = settings
        self._asked = False

    async def check(self, job: Job) -> None:
        """Check the files by their headers.

        Raises:
            IngestError, NoSpaceError, ChildDiedError
        """
        await self._ask("check", job)

    async def convert(self, job: Job) -> Result:
        """Make the COGs; raises as `check` does."""
        return Result.from_json(await self._ask("convert", job))

    async def _ask(self, task: str, job: Job) -> Any:
        sent = sum(file.stat().st_size for file in job.files)
        seconds = self._settings.ingest_seconds + sent / _BYTES_PER_SECOND
        self._asked = True
        await self._send({"task": task, "job": job.to_json()})
        if self.pid is None:
            self.pid = (await self.answer(_START_SECONDS))["pid"]
        answer = await self.answer(seconds)
        self._asked = False
        match answer.get("error"):
            case None:
                return answer.get("ok")
            case "space":
                raise NoSpaceError(answer["text"])
            case "memory":
                raise self._too_large()
            case "defect":
                raise RuntimeError(f"{answer['text']} while the files were read; the trace is in the log")
            case _:
                raise IngestError(answer["text"])

    async def _send(self, request: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end is noticed by the reader
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            await self.process.stdin.drain()

    async def release(self) -> bool:
        """End the job's process, if there is none of its requests open; whether the child can go on."""
        if self._asked or self.process.returncode is not None:
            return False
        if self.pid is not None:
            await self._send({"task": "end"})
            try:
                await self.answer(_END_SECONDS)
            except (IngestError, ChildDiedError):
                return False
            self.pid = None
        return True

    async def answer(self, seconds: float) -> dict[str, Any]:
        """The next line of the child, or what became of it instead."""
        assert self.process.stdout is not None
        line = asyncio.ensure_future(self.process.stdout.readline())
        deadline = time.monotonic() + seconds
        watched = self.pid and _process(self.pid)
        try:
            while not line.done():
                await asyncio.wait({line}, timeout=_WATCH_SECONDS)
                if time.monotonic() > deadline and not line.done():
                    raise IngestError(
                        f"Reading the files took longer than {seconds:.0f} s, which is the most for their "
                        f"size. A file that claims more pixels than it has may be why; otherwise store it "
                        f"in tiles and with a usual compression."
                    )
                if watched and _memory(watched) > self._settings.ingest_memory_bytes:
                    raise self._too_large()
        finally:
            if not line.done():
                line.cancel()
                await self.end()
        text = line.result()
        if not text.endswith(b"\n"):
            raise self._ended(await self.process.wait())
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _too_large(self) -> IngestError:
        most = self._settings.ingest_memory_bytes / 2**20
        return IngestError(
            f"Reading the files takes more than {most:.0f} MiB of memory, which is the most. Store them in "
            f"tiles of 256 to 1024 pixels (as a COG is), with fewer bands in a file."
        )

    def _ended(self, code: int) -> Exception:
        if code < 0 and -code in _FAULTS:
            name = signal.Signals(-code).name
            return IngestError(
                f"The files can't be read: the process that tried to was ended by {name}. One of them is "
                f"damaged, or needs more memory than there is; write it anew, as a GeoTIFF in tiles."
            )
        return ChildDiedError(f"The process that reads the files has ended ({code}).")

    async def end(self) -> None:
        """Kill the child and what it has forked, and collect it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


class Processes:
    """The children of one worker: as many as it has jobs at a time, kept for the next job."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[Session] = []

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A process for one job."""
        session = await self._take()
        try:
            yield session
        finally:
            if await session.release():
                self._idle.append(session)
            else:
                await session.end()

    async def _take(self) -> Session:
        while self._idle:
            session = self._idle.pop()
            if session.process.returncode is None:
                return session
        memory = self._settings.ingest_memory_bytes - _LIBRARIES
        known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", _CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**known, MEMORY: str(memory), "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
            limit=_MOST_LINE,
            cwd="/",
            start_new_session=True,  # a group of their own, to be killed together
        )
        session = Session(process, self._settings)
        try:
            await session.answer(_START_SECONDS)
        except IngestError as error:
            raise ChildDiedError("The process that reads the files does not start.") from error
        return session

    async def close(self) -> None:
        """End the children that are idle; those at work end with their jobs."""
        while self._idle:
            await self._idle.pop().end()


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _memory(process: psutil.Process) -> int:
    try:
        resident: int = process.memory_info().rss
    except psutil.Error:
        return 0
    return resident
