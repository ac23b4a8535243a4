"""Pool of worker processes that read and convert uploaded files, with limits on their time and memory.

Each job has a process of its own. A crash of that process ends its job alone: with `IngestError` if the files
caused it, else with `WorkerProcessDiedError`, after which the job is tried again.
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

from landbridge.stac_api.jobs.failures import RetryableError
from landbridge.stac_api.sandbox.worker_process import LIBRARIES, environment, resident_memory
from landbridge.stac_api.uploads.messages import (
    MEMORY_VARIABLE,
    ConversionRequest,
    ConversionResult,
    IngestError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from landbridge.stac_api.core.settings import Settings

logger = logging.getLogger(__name__)

_MODULE = "landbridge.stac_api.uploads.worker_process"
_START_SECONDS, _END_SECONDS = 60.0, 5.0
_WATCH_SECONDS = 0.05
_MIN_BYTES_PER_SECOND = 2**20  # added to `ingest_seconds`: the slowest that a file may be read
_MAX_LINE = 64 * 2**20  # bytes: a footprint and an image's statistics
# Signals of a program error, which the files cause: another attempt would end the same way.
_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})


class WorkerProcessDiedError(RetryableError):
    """A worker process was killed from outside, for instance because the machine was short of memory."""


class WorkerDiskFullError(RetryableError):
    """The worker's disk has no space left for the image."""


class WorkerProcess:
    """A fork server, and the process that it forks for each job.

    Attributes
    ----------
    pid : int or None
        Process id of the current job's process, None before the job's first request.
    """

    def __init__(self, forkserver: asyncio.subprocess.Process, settings: Settings) -> None:
        self.forkserver = forkserver
        self.pid: int | None = None
        self._settings = settings
        self._is_busy = False

    async def check(self, request: ConversionRequest) -> None:
        """Check the headers of the files.

        Raises
        ------
        IngestError, WorkerDiskFullError, WorkerProcessDiedError
        """
        await self._ask("check", request)

    async def convert(self, request: ConversionRequest) -> ConversionResult:
        """Convert the files to COGs; raise the same errors as `check`."""
        return ConversionResult.from_json(await self._ask("convert", request))

    async def _ask(self, task: str, request: ConversionRequest) -> Any:
        size = sum(file.stat().st_size for file in request.files)
        seconds = self._settings.ingest_seconds + size / _MIN_BYTES_PER_SECOND
        self._is_busy = True
        await self._send({"task": task, "request": request.to_json()})
        if self.pid is None:
            self.pid = (await self.answer(_START_SECONDS))["pid"]
        answer = await self.answer(seconds)
        self._is_busy = False
        match answer.get("error"):
            case None:
                return answer.get("ok")
            case "space":
                raise WorkerDiskFullError("The server has no space left for the image.")
            case "memory":
                raise self._too_large()
            case "defect":
                raise RuntimeError(
                    f"{answer['text']} while the files were read; see the traceback in the log"
                )
            case _:
                raise IngestError(answer["text"])

    async def _send(self, message: dict[str, Any]) -> None:
        assert self.forkserver.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `answer` notices the end
            self.forkserver.stdin.write(json.dumps(message).encode() + b"\n")
            await self.forkserver.stdin.drain()

    async def release(self) -> bool:
        """End the job's process; return whether the fork server can take another job."""
        if self._is_busy or self.forkserver.returncode is not None:
            return False
        if self.pid is not None:
            await self._send({"task": "end"})
            try:
                await self.answer(_END_SECONDS)
            except (IngestError, WorkerProcessDiedError):
                return False
            self.pid = None
        return True

    async def answer(self, seconds: float) -> dict[str, Any]:
        """Return the next answer of the worker process, within its limits of time and memory."""
        assert self.forkserver.stdout is not None
        line = asyncio.ensure_future(self.forkserver.stdout.readline())
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
                if watched and resident_memory(watched) > self._settings.ingest_memory_bytes:
                    raise self._too_large()
        finally:
            if not line.done():
                line.cancel()
                await self.end()
        text = line.result()
        if not text.endswith(b"\n"):
            raise self._exit_error(await self.forkserver.wait())
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _too_large(self) -> IngestError:
        most = self._settings.ingest_memory_bytes / 2**20
        return IngestError(
            f"Reading the files takes more than {most:.0f} MiB of memory, which is the most. Store them in "
            f"tiles of 256 to 1024 pixels (as a COG is), with fewer bands in a file."
        )

    def _exit_error(self, code: int) -> Exception:
        if code < 0 and -code in _FAULTS:
            name = signal.Signals(-code).name
            return IngestError(
                f"The files can't be read: the process that read them was ended by {name}. One of them is "
                f"damaged, or needs more memory than available. Write it again as a tiled GeoTIFF."
            )
        return WorkerProcessDiedError(
            f"The process that reads the files ended unexpectedly (exit code {code})."
        )

    async def end(self) -> None:
        """Kill the fork server and the processes that it has forked, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.forkserver.pid, signal.SIGKILL)
        await self.forkserver.wait()


class WorkerPool:
    """Worker processes of one job worker: one for each concurrent job, reused by later jobs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[WorkerProcess] = []

    @contextlib.asynccontextmanager
    async def process(self) -> AsyncIterator[WorkerProcess]:
        """Lend a worker process to one job."""
        process = await self._take()
        try:
            yield process
        finally:
            if await process.release():
                self._idle.append(process)
            else:
                await process.end()

    async def _take(self) -> WorkerProcess:
        while self._idle:
            process = self._idle.pop()
            if process.forkserver.returncode is None:
                return process
        memory = self._settings.ingest_memory_bytes - LIBRARIES
        forkserver = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(**{MEMORY_VARIABLE: str(memory)}),
            limit=_MAX_LINE,
            cwd="/",
            start_new_session=True,  # a process group, so that all of it can be killed
        )
        process = WorkerProcess(forkserver, self._settings)
        try:
            await process.answer(_START_SECONDS)
        except IngestError as error:
            raise WorkerProcessDiedError("The process that reads the files does not start.") from error
        return process

    async def close(self) -> None:
        """End the idle worker processes; a busy one ends with its job."""
        while self._idle:
            await self._idle.pop().end()


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
