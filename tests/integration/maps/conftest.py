"""A service in this process with a database of its own, and products whose images have small files."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from access.service import OPERATOR, Service, started
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access import tokens
from landbridge.stac_api.assets.store import COG
from support.embedded_stack import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

_numbers = itertools.count(1)
SET = "WorldCRS84Quad"
# At this zoom of that set, the tile is the square of 45 degrees south east of 0 E, 45 N; images are in it.
TILE = (2, 4, 1)


@dataclass(frozen=True)
class Maps:
    """A service, its database, and what tests ask of its maps."""

    service: Service
    database: str

    def __call__(
        self, method: str, path: str, token: str | None = OPERATOR, **options: Any
    ) -> httpx.Response:
        return self.service.request(method, path, token, **options)

    def ok(self, method: str, path: str, token: str | None = OPERATOR, **options: Any) -> Any:
        """The document of an answer that has to be one of success."""
        answer = self(method, path, token, **options)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer

    def token(self, principal: Any, **options: Any) -> str:
        return tokens.create_token(self.database, principal, **options)[0]

    def product(self, **members: Any) -> str:
        """The id of a new product with the bands red and nir."""
        product = f"local:map-{next(_numbers)}"
        self.ok("POST", "/collections", json=stac_collection(product, **members))
        return product

    def image(
        self,
        product: str,
        name: str,
        value: int = 1,
        *,
        corner: tuple[float, float] = (10.0, 10.0),
        size: float = 1.0,
        **properties: Any,
    ) -> dict[str, Any]:
        """Add an image of one value: a square of some degrees whose south western corner is given."""
        path = f"images/{product}/{name}/1-v/0.tif"
        x, y = corner
        ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
        item = {
            **stac_item(product, name, **properties),
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": [x, y, x + size, y + size],
            "assets": {
                "data": {
                    "href": f"http://service.test/assets/{path}",
                    "type": COG,
                    "roles": ["data"],
                    "bands": [{"name": band, "data_type": "uint16", "nodata": 0} for band in ("red", "nir")],
                }
            },
        }
        content = geotiff(value, (x, y + size), size)
        self.service.run(self.service.app.state.store.put(path, _once(content)))
        self.ok("POST", f"/collections/{product}/items", json=item)
        return item

    def pixels(self, path: str, token: str | None = OPERATOR, **params: Any) -> np.ndarray:
        """The valid values of an answer in NPY, as a set in order."""
        answer = self("GET", path, token, **({"params": params} if params else {}))
        assert answer.status_code == 200, answer.text
        *bands, mask = np.load(io.BytesIO(answer.content))
        return np.unique(bands[0][mask > 0])


def tile_path(
    product: str, extension: str = "npy", tile: tuple[int, int, int] = TILE, set_id: str = SET
) -> str:
    z, x, y = tile
    return f"/collections/{product}/tiles/{set_id}/{z}/{x}/{y}.{extension}"


def geotiff(value: int, corner: tuple[float, float], size: float) -> bytes:
    """A file of two bands of 64 x 64 pixels of one value; with a negative one, the left half is nodata."""
    pixels = np.full((2, 64, 64), abs(value), "uint16")
    if value < 0:
        pixels[:, :, :32] = 0
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=64,
            height=64,
            count=2,
            dtype="uint16",
            nodata=0,
            crs="EPSG:4326",
            transform=from_origin(*corner, size / 64, size / 64),
            tiled=True,
            blockxsize=64,
            blockysize=64,
            compress="deflate",
        ) as file:
            file.write(pixels)
        return bytes(memory.read())


async def _once(content: bytes) -> Any:
    yield content


@pytest.fixture(scope="session")
def map_database(stack: Any) -> Iterator[str]:
    """The URL of a database of the tests of maps."""
    with fresh_database(stack.database, "map_tests") as url:
        yield url


@pytest.fixture(scope="session")
def start_maps(map_database: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Start a service with some settings, for as long as a `with` lasts; all have the same images."""
    store = tmp_path_factory.mktemp("maps").as_uri()
    many = 10**9
    rates = {
        f"{kind}{what}rate_{name}": many
        for kind in ("", "anonymous_")
        for what in ("", "tile_")
        for name in ("per_second", "burst")
    }
    return lambda **settings: started(
        map_database, store, **{"audit_stdout": False, "tile_workers": 1, **rates, **settings}
    )


@pytest.fixture(scope="session")
def maps(start_maps: Callable[..., Any], map_database: str) -> Iterator[Maps]:
    """A service whose tiles may have six images."""
    with start_maps(tile_max_items=6) as service:
        yield Maps(service, map_database)
