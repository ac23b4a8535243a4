"""Proxy of an object store that can refuse connections and stall."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL = 0.02  # seconds between reads of the mode


class Proxy:
    """Forwards bytes, unless a file states the mode `refuse` or `stall`."""

    def __init__(self, target: str, mode: Path) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._mode = mode
        self.url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Run the proxy; yield its address."""
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            server = runner.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
            thread = threading.Thread(target=loop.run_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            finally:
                loop.call_soon_threadsafe(server.close)
                loop.call_soon_threadsafe(loop.stop)
                thread.join()

    async def _may_pass(self) -> bool:
        """Wait while the mode is `stall`; return False if it is `refuse`."""
        while True:
            mode = self._mode.read_text() if self._mode.exists() else ""
            if mode != "stall":
                return mode != "refuse"
            await asyncio.sleep(_POLL)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.ExitStack() as ends:
            ends.callback(writer.transport.abort)
            if not await self._may_pass():
                return
            there, back = await asyncio.open_connection(*self._target)
            ends.callback(back.transport.abort)
            pumps = [
                asyncio.create_task(self._pump(reader, back)),
                asyncio.create_task(self._pump(there, writer)),
            ]
            for pump in pumps:
                ends.callback(pump.cancel)
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while (chunk := await reader.read(2**16)) and await self._may_pass():
                writer.write(chunk)
                await writer.drain()
