"""The test data: products and blobs of two organizations, and the callers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import numpy as np
import rasterio
from rasterio.transform import from_origin

from access.people import OWNER, READER, STRANGER, WRITER
from access.service import OPERATOR
from integration.conftest import stac_collection, stac_item
from landbridge.mappings import ids
from landbridge.stac_api.access import tokens
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.assets.store import COG

if TYPE_CHECKING:
    import httpx

    from access.service import Service

BLOBS: Final = "blobs:data"
OTHER: Final = Principal("eve", org="epsilon")

# Who calls, in the order of the table's columns.
CALLERS: Final = (
    "anonymous",
    "stranger",
    "reader",
    "writer",
    "owner",
    "other org",
    "expired",
    "revoked",
    "read scope",
)
# Whose things each may see; the last two columns but one show nothing that proves them to be somebody.
SEES: Final[dict[str, frozenset[str]]] = {
    "anonymous": frozenset({"public"}),
    "stranger": frozenset({"public"}),
    "reader": frozenset({"public", "private"}),
    "writer": frozenset({"public", "private"}),
    "owner": frozenset({"public", "private"}),
    "other org": frozenset({"public", "other"}),
    "read scope": frozenset({"public", "private"}),
}
USERS: Final = {
    "anonymous": None,
    "stranger": STRANGER.user,
    "reader": READER.user,
    "writer": WRITER.user,
    "owner": OWNER.user,
    "other org": OTHER.user,
    "read scope": OWNER.user,
}
# Values of the pixels of the products' images, which lie beside each other.
PIXELS: Final = {"private": 1, "public": 2, "other": 3}
_LISTS: Final = {"catalog:writers": ["user:ben"], "catalog:readers": ["group:flood"]}


@dataclass
class World:
    """The standing things, by whom they are to be seen, and the makers of fresh ones to be changed."""

    service: Service
    shown: dict[str, str | None] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, int] = field(default_factory=dict)
    deletion: int = 0
    destination: str = ""
    subscription: str = ""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def made(cls, service: Service, database: str) -> World:
        """A world on a service whose database is empty."""
        world = cls(service)
        world.shown = _credentials(database)
        world.products = {
            "private": world.product(place=10.0),
            "public": world.product(place=12.0, **{"catalog:readers": ["public"], "catalog:writers": []}),
            "other": world.product("other org", "epsilon", place=14.0, **{name: [] for name in _LISTS}),
        }
        world.blobs = {
            "private": world.blob(),
            "public": world.blob(**{"catalog:readers": ["public"], "catalog:writers": []}),
            "other": world.blob("other org", "epsilon", **{name: [] for name in _LISTS}),
        }
        world.assets = {whose: world.asset(whose) for whose in world.products}
        world.uploads = {
            whose: world.upload(product, "other org" if whose == "other" else "owner")
            for whose, product in world.products.items()
        }
        world.destination = world.new_destination()
        world.subscription = world.new_subscription()
        gone = {"ids": [blob_id(world.blob())]}
        world.deletion = int(world.ok("owner", "POST", "/blobs/deletions", json=gone)["id"])
        return world

    def ask(self, caller: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the service's response to a caller, or to the `operator`."""
        token = OPERATOR if caller == "operator" else self.shown[caller]
        return self.service.request(method, path, token, **options)

    def ok(self, caller: str, method: str, path: str, **options: Any) -> Any:
        """The document of an answer that has to be one of success."""
        answer = self.ask(caller, method, path, **options)
        assert answer.is_success, (caller, method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def new(self, kind: str) -> str:
        """A name that nothing has."""
        return f"{kind}{next(self._numbers)}"

    def product(
        self,
        caller: str = "owner",
        org: str = "acme",
        *,
        images: bool = True,
        place: float | None = None,
        **members: Any,
    ) -> str:
        """The id of a new product of the owner, whose writer and reader may do as they are called.

        Its image is a square of one degree; with a `place`, its longitude, the image has a file.
        """
        product = f"{org}:{self.new('product')}"
        document = stac_collection(product, **{**_LISTS, **members})
        if not images:
            document["bands"] = []
        self.ok(caller, "POST", "/collections", json=document)
        if images:
            item = stac_item(product, "one", corner=(10.0 if place is None else place, 10.0))
            if place is not None:
                item["assets"] = {"data": _asset(f"http://service.test/assets/{_path(product)}")}
            self.ok(caller, "POST", f"/collections/{product}/items", json=item)
        return product

    def blob(self, caller: str = "owner", org: str = "acme", **lists: Any) -> str:
        """The id of the Item of a new blob, with such lists."""
        announced = self.ok(caller, "POST", "/blobs", json={"item": self.blob_item(org, **lists)})
        where = urlsplit(announced["url"]).path
        made: str = self.ok(caller, "PUT", where, content=b"data")["id"]
        return made

    def blob_item(self, org: str = "acme", **lists: Any) -> dict[str, Any]:
        """The Item of a blob to be."""
        name = self.new("blob")
        item = stac_item(BLOBS, ids.blob_item_id(org, name), **{**_LISTS, **lists})
        del item["properties"]["catalog:storage_state"]
        return item

    def upload(self, product: str, caller: str = "owner") -> int:
        """A record of an upload of three bytes, announced."""
        body = {"item": stac_item(product, self.new("image")), "files": [{"name": "a.tif", "size": 3}]}
        return int(self.ok(caller, "POST", "/uploads", json=body)["id"])

    def new_destination(self) -> str:
        """The id of a new destination of the owner, at which nothing answers."""
        body = {"name": self.new("hook"), "url": "https://hooks.invalid/new"}
        made: str = self.ok("owner", "POST", "/notifications/destinations", json=body)["id"]
        return made

    def new_subscription(self) -> str:
        """The id of a new subscription of the owner to the private product."""
        body = self.subscription_body("private")
        made: str = self.ok("owner", "POST", "/notifications/subscriptions", json=body)["id"]
        return made

    def subscription_body(self, whose: str) -> dict[str, Any]:
        """A subscription to somebody's product, which sends to the owner's destination."""
        return {
            "name": self.new("watch"),
            "products": [self.products[whose]],
            "destination": self.destination,
        }

    def asset(self, whose: str) -> str:
        """The path of the file of a product's image in the store."""
        path = _path(self.products[whose])
        west = 10.0 + 2 * list(PIXELS).index(whose)

        async def put() -> None:
            await self.service.app.state.store.put(path, _once(_geotiff(PIXELS[whose], west)))

        self.service.run(put())
        return path

    def search(self, **conditions: Any) -> str:
        """The id of a search that the owner has registered, by default for everything."""
        body: str = self.ok("owner", "POST", "/searches/register", json=conditions)["id"]
        return body

    @staticmethod
    def whose(caller: str) -> frozenset[str]:
        """Owners of the things that a caller may see."""
        return SEES[caller]

    def sees(self, caller: str, things: dict[str, str]) -> set[str]:
        """Those of some things, by whose they are, that a caller may see."""
        return {thing for whose, thing in things.items() if whose in SEES[caller]}


def _credentials(database: str) -> dict[str, str | None]:
    def token(who: Principal, **options: Any) -> str:
        return tokens.create_token(database, who, **options)[0]

    shown = {
        "anonymous": None,
        "stranger": token(STRANGER),
        "reader": token(READER),
        "writer": token(WRITER),
        "owner": token(OWNER),
        "other org": token(OTHER),
        "expired": token(OWNER, expires=datetime.now(UTC) - timedelta(seconds=1)),
        "revoked": token(OWNER),
        "read scope": token(replace(OWNER, rights=frozenset({"read"}))),
    }
    assert tuple(shown) == CALLERS
    tokens.revoke_token(database, tokens.id_of(str(shown["revoked"])))
    return shown


def _path(product: str) -> str:
    return f"images/{product}/one/1-v/0.tif"


def _asset(href: str) -> dict[str, Any]:
    bands = [{"name": name, "data_type": "uint16", "nodata": 0} for name in ("red", "nir")]
    return {"href": href, "type": COG, "roles": ["data"], "bands": bands}


def _geotiff(value: int, west: float) -> bytes:
    """A file of 64 x 64 pixels of two bands with one value."""
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=64,
            height=64,
            count=2,
            dtype="uint16",
            nodata=0,
            crs="EPSG:4326",
            transform=from_origin(west, 11.0, 1 / 64, 1 / 64),
            tiled=True,
            blockxsize=64,
            blockysize=64,
            compress="deflate",
        ) as file:
            file.write(np.full((2, 64, 64), value, "uint16"))
        return bytes(memory.read())


async def _once(content: bytes) -> Any:
    yield content


def blob_id(item: str) -> str:
    """The id of the blob that an Item is."""
    return ids.blob_id("data", *ids.split_blob_item_id(item))
