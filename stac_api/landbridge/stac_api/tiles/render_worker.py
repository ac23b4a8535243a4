"""A worker process of tiles, as its parent sees it: requests, pages, deadline, memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, Self

import psutil

from landbridge.errors import LandbridgeError
from landbridge.stac_api.sandbox.worker_process import LIBRARIES, environment, resident_memory
from landbridge.stac_api.tiles import messages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from landbridge.stac_api.core.settings import Settings

__all__ = ["RenderWorker", "WorkerEndedError", "WorkerTooLargeError"]

_MODULE = "landbridge.stac_api.tiles.worker_process"
_START_SECONDS = 60.0
# Seconds after its own deadline that a worker has for its answer before it is killed.
_GRACE_SECONDS = 2.0
_WATCH_SECONDS = 0.1
_BUFFER = 2**20
_GDAL_CACHE = "64"  # MiB: the engine reads tiles by itself


class WorkerEndedError(LandbridgeError):
    """The worker process has ended."""


class WorkerTooLargeError(LandbridgeError):
    """The worker process took more memory than it may, and was killed."""


class RenderWorker:
    """A worker process that renders one picture at a time."""

    def __init__(self, process: asyncio.subprocess.Process, settings: Settings) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._settings = settings
        self._request = 0
        self._watched: psutil.Process | None = None
        self._deadline = 0.0
        self._reading: asyncio.Future[tuple[dict[str, Any], bytes]] | None = None
        self.is_busy = False
        """True while a request has no answer."""

    @classmethod
    async def start(cls, settings: Settings, folders: Sequence[Path], *, has_network: bool) -> Self:
        """Start a worker and wait until it is warm; raise WorkerEndedError if it does not start."""
        with tempfile.TemporaryDirectory(prefix="landbridge-tiles-") as sample:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", _MODULE),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment(
                    **{
                        messages.MEMORY_VARIABLE: str(settings.tile_memory_bytes - LIBRARIES),
                        messages.CACHE_VARIABLE: str(settings.tile_cache_bytes),
                        messages.FOLDERS_VARIABLE: json.dumps([str(folder) for folder in folders]),
                        messages.NETWORK_VARIABLE: "1" if has_network else "0",
                        messages.SAMPLE_VARIABLE: sample,
                        "GDAL_CACHEMAX": _GDAL_CACHE,
                        "LANDBRIDGE_CACHE": "off",
                    }
                ),
                limit=_BUFFER,
                cwd="/",
                start_new_session=True,
            )
            worker = cls(process, settings)
            worker._deadline = time.monotonic() + _START_SECONDS
            try:
                await worker._frame()
            except BaseException:
                await worker.end()
                raise
        with contextlib.suppress(psutil.NoSuchProcess):
            worker._watched = psutil.Process(process.pid)
        return worker

    @property
    def is_alive(self) -> bool:
        """True if the process has not ended."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def ask(
        self, request: dict[str, Any], pages: AsyncIterator[list[dict[str, Any]]]
    ) -> tuple[dict[str, Any], bytes]:
        """Send a request, and pages as the worker asks for them; return its answer.

        After any error the worker may still be busy: `settle` waits for it.

        Raises
        ------
        WorkerEndedError, WorkerTooLargeError
            If the process ended.
        TimeoutError
            If there is no answer in time; the process was killed.
        """
        self._request += 1
        self.is_busy = True
        self._deadline = time.monotonic() + self._settings.tile_seconds + _GRACE_SECONDS
        await self._send({**request, "id": self._request})
        while True:
            document, body = await self._frame()
            if document.get("id") != self._request:
                continue
            if not document.get("more"):
                self.is_busy = False
                return document, body
            await self._send({"id": self._request, "page": await anext(pages, None)})

    async def settle(self) -> None:
        """Cancel what the worker does, and wait for its end; kill a worker that goes on."""
        if self.is_alive and self.is_busy:
            self._deadline = min(self._deadline, time.monotonic() + _GRACE_SECONDS)
            try:
                await self._send({"id": self._request, "cancel": True})
                while True:
                    document, _ = await self._frame()
                    if document.get("id") == self._request and not document.get("more"):
                        break
            except (WorkerEndedError, WorkerTooLargeError, TimeoutError):
                return
            self.is_busy = False

    async def _send(self, document: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `_frame` notices the end
            for part in messages.pack(document):
                self._stdin.write(part)
            await self._stdin.drain()

    async def _frame(self) -> tuple[dict[str, Any], bytes]:
        """Return the next frame, within the limits of time and memory."""
        # A caller that is cancelled leaves the frame that is being read to the next one.
        reading = self._reading = self._reading or asyncio.ensure_future(self._read())
        while not reading.done():
            await asyncio.wait({reading}, timeout=_WATCH_SECONDS)
            if reading.done():
                break
            problem: Exception | None = None
            if time.monotonic() > self._deadline:
                problem = TimeoutError()
            elif self._watched and resident_memory(self._watched) > self._settings.tile_memory_bytes:
                problem = WorkerTooLargeError("A process that renders tiles took too much memory.")
            if problem is not None:
                await self.end()
                raise problem
        self._reading = None
        return reading.result()

    async def _read(self) -> tuple[dict[str, Any], bytes]:
        try:
            text, body = messages.sizes(await self._stdout.readexactly(messages.HEADER_BYTES))
            document = json.loads(await self._stdout.readexactly(text))
            content = await self._stdout.readexactly(body)
        except (asyncio.IncompleteReadError, ConnectionResetError, ValueError):
            await self._kill()
            raise WorkerEndedError("A process that renders tiles has ended.") from None
        if not isinstance(document, dict):
            await self._kill()
            raise WorkerEndedError("A process that renders tiles sent a malformed answer.")
        return document, content

    async def end(self) -> None:
        """Kill the process, and wait for its end."""
        await self._kill()
        if self._reading is not None:
            await asyncio.wait({self._reading})
            if not self._reading.cancelled():
                self._reading.exception()  # nobody else asks for it

    async def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._stdin.close()
        await self._process.wait()
