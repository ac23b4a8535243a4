"""HTTP helpers: media types, requests, parsing of answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import httpx

__all__ = [
    "BINARY",
    "JSON",
    "JSON_PATCH",
    "MERGE_PATCH",
    "LazyEntries",
    "Request",
    "escape",
    "origin",
    "parse_json",
]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
BINARY = "application/octet-stream"

_LARGE = 1_000_000  # bytes of an answer whose entries are parsed one by one


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be sent several times.

    `content` is bytes, or a function that returns the chunks and is called for each attempt. With `stream`
    the content of the answer is read by the caller.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    content: bytes | Callable[[], Iterable[bytes]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_idempotent: bool = False
    stream: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_absolute(self) -> bool:
        """True if the path is an absolute URL."""
        return "://" in self.path

    @property
    def has_credentials(self) -> bool:
        """True if the request has an Authorization header of its own."""
        return "authorization" in map(str.lower, self.headers)

    def send(self, session: httpx.Client, base: str, token: str | None) -> httpx.Response:
        """Send the request once and return the answer; the content of an error is already read."""
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


def parse_json(content: bytes, entries: str | None = None) -> Any:
    """Return the JSON of an answer; None if it is empty.

    If the answer is large, the member named `entries`, a list, is parsed entry by entry during iteration.
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
        return answer | {entries: LazyEntries(raw)}
    return orjson.loads(content)


class LazyEntries(list[Any]):
    """JSON values that are parsed during iteration, each time.

    A parsed page of items has a hundred thousand objects, which Python's garbage collector would traverse
    again and again. The objects of one entry are freed before it runs. `adapt` changes each parsed value.
    """

    def __init__(self, raw: Iterable[Any] = (), adapt: Callable[[Any], Any] | None = None) -> None:
        super().__init__(raw)
        self._adapt = adapt

    def __iter__(self) -> Iterator[Any]:
        import orjson

        parsed = (orjson.loads(memoryview(value)) for value in super().__iter__())
        return parsed if self._adapt is None else map(self._adapt, parsed)

    def split(
        self, choose: Callable[[dict[str, Any]], bool | None], adapt: Callable[[Any], Any] | None
    ) -> tuple[LazyEntries, LazyEntries]:
        """Return the items that `choose` keeps (True), and those that it sets aside (None), unparsed.

        It is given the members id, collection, geometry and properties of each; the rest is not parsed.
        """
        kept, aside = LazyEntries(adapt=adapt), LazyEntries(adapt=adapt)
        for value in super().__iter__():
            choice = choose(_head(value))
            if choice or choice is None:
                (kept if choice else aside).append(value)
        return kept, aside


def _head(value: Any) -> dict[str, Any]:
    """Return the members of an item that its search compares."""
    import msgspec

    head: dict[str, Any] = {
        name: found
        for name, found in msgspec.structs.asdict(_head_decoder().decode(value)).items()
        if found is not None
    }
    return head


@cache
def _head_decoder() -> Any:
    import msgspec

    members = [
        ("id", Any, None),
        ("collection", Any, None),
        ("geometry", Any, None),
        ("properties", Any, None),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("Head", members))


def escape(identifier: str) -> str:
    """Return an id as one segment of a URL path; colons are not escaped."""
    return quote(identifier, safe=":")


def origin(url: str) -> tuple[str, str]:
    """Return the scheme and the host of a URL, which decide whether it gets the token."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
