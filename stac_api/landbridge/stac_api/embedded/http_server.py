"""The HTTP server of the server process. Importing this module imports the whole application."""

import socket
from collections.abc import Callable

import uvicorn

from landbridge.stac_api.api.app import create_process_app
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.http.uvicorn_options import UVICORN_OPTIONS

DRAIN_SECONDS = 5  # for open requests after the signal to stop


class Server(uvicorn.Server):
    """A uvicorn server on one socket that calls `listening` once it answers."""

    def __init__(self, settings: Settings, listening: Callable[["Server"], None]) -> None:
        config = uvicorn.Config(
            create_process_app(settings),
            access_log=False,
            lifespan="on",
            log_config=None,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            **UVICORN_OPTIONS,
        )
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._listening(self)
