"""Several people at one service, and products that they share with some of them."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from access.conftest import Service

OWNER = Principal("ann", org="acme")
WRITER = Principal("ben", org="beta", email="ben@beta.test")
READER = Principal("cat", org="gamma", groups=("flood",), email="cat@gamma.test")
STRANGER = Principal("dan", org="delta")
BASE = "http://service.test/"
_numbers = itertools.count(1)


class Caller:
    """Somebody who sends requests; without a token, anybody."""

    def __init__(self, service: Service, token: str | None) -> None:
        self.service = service
        self._token = token

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.service.request(method, path.removeprefix(BASE.rstrip("/")), self._token, **options)

    def ok(self, method: str, path: str, **options: Any) -> Any:
        """The document of an answer that has to be one of success."""
        answer = self(method, path, **options)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def found(self, **body: Any) -> set[str]:
        """The items that a search finds, as `collection/id`."""
        page = self.ok("POST", "/search", json={"limit": 1000, **body})
        assert page["numberMatched"] == page["numberReturned"] == len(page["features"])
        return {f"{item['collection']}/{item['id']}" for item in page["features"]}

    def collections(self, **params: Any) -> set[str]:
        """The collections that are listed, but those of blobs."""
        page = self.ok("GET", "/collections", params={"limit": 10_000, **params})
        assert page["numberMatched"] == page["numberReturned"] == len(page["collections"])
        return {one["id"] for one in page["collections"] if not one["id"].startswith("blobs:")}

    def aggregated(self, *names: str, path: str = "/aggregate", **body: Any) -> dict[str, Any]:
        """Aggregations by name: the value, or the frequencies by key."""
        answer = self.ok("POST", path, json={"aggregations": list(names), **body})
        return {
            one["name"]: one["value"]
            if "value" in one
            else {bucket["key"]: bucket["frequency"] for bucket in one["buckets"]}
            for one in answer["aggregations"]
        }


@dataclass(frozen=True)
class People:
    """The callers of most tests."""

    owner: Caller
    writer: Caller
    reader: Caller
    stranger: Caller
    anybody: Caller
    operator: Caller

    @property
    def outsiders(self) -> tuple[Caller, ...]:
        return (self.stranger, self.anybody)


def meet(service: Service, token: Callable[..., str], operator: str) -> People:
    """The people, each with a token of its own."""
    known = (Caller(service, token(who)) for who in (OWNER, WRITER, READER, STRANGER))
    return People(*known, Caller(service, None), Caller(service, operator))  # type: ignore[call-arg]


def new_id(org: str = "acme") -> str:
    """An id of a product that there is not."""
    return f"{org}:p{next(_numbers)}-{uuid.uuid4().hex[:6]}"


def share(people: People, **lists: Any) -> str:
    """The id of a product with two images, of `owner`, that `writer` may write to and `reader` may read."""
    product = new_id()
    members = {
        "catalog:writers": ["user:ben"],
        "catalog:readers": ["group:flood", "email:Cat@Gamma.test", "org:elsewhere"],
        **lists,
    }
    people.owner.ok("POST", "/collections", json=stac_collection(product, **members))
    items = {name: stac_item(product, name, **{"eo:cloud_cover": 5}) for name in ("one", "two")}
    people.owner.ok("POST", f"/collections/{product}/bulk_items", json={"items": items})
    return product


def alike(caller: Caller, method: str, path: str, hidden: str, **options: Any) -> httpx.Response:
    """The answer to a request for what is hidden, which must be that for what there is not, to the letter."""
    missing = hidden[:-1] + ("x" if hidden[-1] != "x" else "y")

    def answer(name: str) -> httpx.Response:
        def filled(value: Any) -> Any:
            if isinstance(value, str):
                return value.replace("{id}", name)
            if isinstance(value, dict):
                return {filled(key): filled(one) for key, one in value.items()}
            return [filled(one) for one in value] if isinstance(value, list) else value

        return caller(method, path.replace("{id}", quote(name, safe=":")), **filled(options))

    there, not_there = answer(hidden), answer(missing)
    assert there.status_code == not_there.status_code, (method, path, there.text, not_there.text)
    texts = []
    for one, name in ((there, hidden), (not_there, missing)):
        bare = name.rpartition("~2F")[2]  # a blob's name, as its own id has it
        texts.append(one.text.replace(name, "{id}").replace(bare, "{id}"))
    assert texts[0] == texts[1], (method, path)
    return there
