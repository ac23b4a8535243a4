"""How the service is spoken to over HTTP: media types, what may be repeated and when, answers and errors."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from landbridge.exceptions import GatewayTimeoutError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import httpx

__all__ = [
    "IDEMPOTENT",
    "JSON",
    "JSON_PATCH",
    "LONGEST_WAIT",
    "MERGE_PATCH",
    "REFUSED",
    "RETRY_STATUSES",
    "Request",
    "escape",
    "origin",
    "parsed",
    "public",
    "wait",
]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
# These say that nothing was done, so that anything may be repeated; the others leave it open.
REFUSED = frozenset({429, 503})
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
LONGEST_WAIT = 60.0  # seconds, where the service says how long
_FIRST_WAIT, _LONGEST_STEP = 0.1, 5.0
_LARGE = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be sent several times.

    `content` is sent as it is: bytes, or a function that gives the chunks anew for each attempt. With
    `stream` the content of the answer is yet to be read.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    content: bytes | Callable[[], Iterable[bytes]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    stream: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_absolute(self) -> bool:
        """True if the path is a whole URL."""
        return "://" in self.path

    @property
    def has_credentials(self) -> bool:
        """True if the request is sent with a token of its own."""
        return "authorization" in map(str.lower, self.headers)

    def send(self, session: httpx.Client, base: str, token: str | None) -> httpx.Response:
        """Return the answer to one attempt; one that is no success has been read."""
        request = session.build_request(
            self.method,
            self.path if self.is_absolute else base + self.path,
            params=self.params,
            content=self.content() if callable(self.content) else self.content,
            headers={**self.headers, "Authorization": f"Bearer {token}"} if token else self.headers,
        )
        response = session.send(request, stream=self.stream)
        if self.stream and not response.is_success:
            response.read()
        return response


def parsed(content: bytes, entries: str | None = None) -> Any:
    """Return the JSON of an answer; None if it is empty.

    The member named `entries`, a list, is parsed entry by entry as it is iterated if the answer is large.
    """
    import orjson

    if not content:
        return None
    if entries is not None and len(content) > _LARGE:
        import msgspec

        try:
            members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
            raw = msgspec.json.decode(members.pop(entries), type=list[msgspec.Raw])
        except (msgspec.MsgspecError, KeyError):
            return orjson.loads(content)
        answer: dict[str, Any] = {name: orjson.loads(memoryview(value)) for name, value in members.items()}
        return answer | {entries: Entries(raw)}
    return orjson.loads(content)


class Entries(list[Any]):
    """JSON values that are parsed each time they are iterated.

    A page of items is a hundred thousand objects. Python's garbage collector, which counts how many there
    are, would look at all of them again and again; those of one entry are gone before it does.
    """

    def __iter__(self) -> Iterator[Any]:
        import orjson

        return (orjson.loads(memoryview(value)) for value in super().__iter__())


def escape(identifier: str) -> str:
    """An id as one segment of a URL path; colons stay readable."""
    return quote(identifier, safe=":")


def origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def wait(attempt: int, after: float | None) -> float:
    """Seconds before an attempt: growing, and spread so that clients do not come back together."""
    if after is not None:
        return min(after, LONGEST_WAIT)
    return min(_LONGEST_STEP, _FIRST_WAIT * 4.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311


def public(failure: Exception, base: str) -> Exception:
    """The error to raise: ours as it is, a transport's as a ServerError that names the service."""
    import httpx

    if isinstance(failure, httpx.TimeoutException):
        return GatewayTimeoutError(f"{base} did not answer in time ({type(failure).__name__}).")
    if isinstance(failure, httpx.TransportError):
        return ServerError(f"{base} could not be reached: {failure or type(failure).__name__}")
    return failure
