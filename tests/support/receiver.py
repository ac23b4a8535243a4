"""An HTTP server that takes notifications, checks their signatures, and answers as a test says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.local_server import LocalServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Receiver:
    """A receiver on this machine.

    Attributes
    ----------
    events : list of dict
        The events that were received, also those that were refused.
    headers : list of dict
        The headers of each, with names in lower case.
    answer : callable
        Returns the status for an event, and may do more.
    """

    answer: Callable[[dict[str, Any]], int] = lambda _event: 204
    events: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = json.loads(body)
                receiver.bodies.append(body)
                receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
                receiver.events.append(event)
                status = receiver.answer(event)
                self.send_json(status, {}, {"Location": "/elsewhere", "Retry-After": "0"})

        self._server = LocalServer(Handler)
        # A killed worker leaves its connection; that is no error of the receiver.
        self._server.server.handle_error = lambda *_: None

    @property
    def url(self) -> str:
        """Address for destinations."""
        return f"{self._server.url}/new"

    def items(self) -> list[str]:
        """The ids of the images of all events."""
        return [event["data"]["id"] for event in self.events]

    def is_signed(self, number: int, secret: str) -> bool:
        """Return whether a request has the signature of a secret, by the rules of Standard Webhooks."""
        headers = self.headers[number]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + self.bodies[number]
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in headers["webhook-signature"].split(" ")

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()
