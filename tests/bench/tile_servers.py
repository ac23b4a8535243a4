"""Our server and titiler-pgstac over one database with twelve scenes, and passes over the tiles of a map.

The files lie in the folder of our store. titiler reads them there too, by the alternate hrefs of the assets.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import numpy as np
import orjson
import psutil
import psycopg
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.warp import transform, transform_geom

import scenes as landscape
from bench.homes import empty_home, stack
from bench.raster_scenes import ground

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Tile = tuple[int, int, int]

__all__ = ["COLLECTION", "PNG", "PNGRAW", "TILES", "Pass", "Servers", "servers"]

COLLECTION = "local:tiles"
PNG, PNGRAW = "png", "pngraw"
ZOOMS = range(8, 15)
# The place where all footprints overlap, and the color of the pictures.
_PLACE = (759_000.0, 4_310_000.0)
_QUERY = {"assets": "data|bidx=3,2,1", "rescale": "0,4000", "tilesize": "512"}
# As a server's, which the embedded stack is not.
_SETTINGS = {"LANDBRIDGE_TILE_WORKERS_AT_START": "true"}
_BATCH = 2000


def _tiles() -> tuple[Tile, ...]:
    """Return four neighboring tiles of each zoom (z, x, y), in an order that pans and zooms."""
    (west_east,), (south_north,) = transform("EPSG:32612", "EPSG:4326", [_PLACE[0]], [_PLACE[1]])[:2]
    found = []
    for zoom in ZOOMS:
        count = 2**zoom
        x = (west_east + 180) / 360 * count
        y = (1 - math.asinh(math.tan(math.radians(south_north))) / math.pi) / 2 * count
        left, top = round(x) - 1, round(y) - 1
        found += [(zoom, left + right, top + down) for down in (0, 1) for right in (0, 1)]
    random.Random(1).shuffle(found)  # the same order in each run
    return tuple(found)


TILES = _tiles()


@dataclass(frozen=True)
class Pass:
    """Figures of one pass over the tiles.

    Attributes
    ----------
    cpu : float
        Seconds of CPU of the server, its children and the database, per tile.
    seconds : float
        Seconds per tile.
    p95 : float
        Seconds within which 95 of 100 tiles were answered.
    """

    cpu: float
    seconds: float
    p95: float

    @staticmethod
    def median(passes: list[Pass]) -> Pass:
        """Return the medians of each figure."""
        return Pass(
            *(statistics.median(getattr(one, name) for one in passes) for name in ("cpu", "seconds", "p95"))
        )


class Server:
    """One of the servers: its address and its processes."""

    def __init__(self, url: str, headers: Mapping[str, str], process: int, postgres: int) -> None:
        self.client = httpx.Client(
            base_url=url,
            headers={**headers, "Accept": "image/png,*/*;q=0.5"},
            timeout=300,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
        )
        self._processes = (psutil.Process(process), psutil.Process(postgres))

    def get(self, tile: Tile, extension: str, query: Mapping[str, str], item: str | None = None) -> bytes:
        """Return the picture of a tile; an error if the server has none."""
        place = f"/collections/{COLLECTION}" + (f"/items/{item}" if item else "")
        path = f"{place}/tiles/WebMercatorQuad/{tile[0]}/{tile[1]}/{tile[2]}.{extension}"
        answer = self.client.get(path, params={**_QUERY, **query})
        if answer.status_code != httpx.codes.OK or not answer.headers["content-type"].startswith("image/png"):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        return answer.content

    def post(self, path: str, document: dict[str, Any]) -> None:
        """Send a document; an error if the server refuses it."""
        answer = self.client.post(path, json=document)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")

    def run(
        self,
        extension: str,
        query: Mapping[str, str],
        *,
        clients: int,
        item: str | None = None,
        tiles: tuple[Tile, ...] = TILES,
        rounds: int = 1,
    ) -> Pass:
        """Return the figures of a pass over tiles by clients at the same time."""

        def one(tile: Tile) -> float:
            start = time.perf_counter()
            self.get(tile, extension, query, item)
            return time.perf_counter() - start

        wanted = list(tiles) * rounds
        cpu, start = self._cpu(), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            taken = sorted(pool.map(one, wanted))
        seconds, cpu = time.perf_counter() - start, self._cpu() - cpu
        count = len(wanted)
        return Pass(cpu / count, seconds / count, taken[math.ceil(0.95 * count) - 1])

    def resident_bytes(self) -> int:
        """Return the memory of the server and its children, without the database."""
        return sum(each.memory_info().rss for each in _family(self._processes[0]))

    def _cpu(self) -> float:
        found = 0.0
        for process in self._processes:
            for each in _family(process):
                with suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    # Of children that have ended, too
                    found += times.user + times.system + times.children_user + times.children_system
        return found


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


class Servers:
    """Both servers; `restart` begins both anew, without anything in their memory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._titiler: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start both servers."""
        stack("up")
        state = orjson.loads((self.home / "state.json").read_bytes())
        self.database: str = state["database"]
        postgres = int((self.home / "postgres" / "postmaster.pid").read_text().split()[0])
        token = {"Authorization": f"Bearer {state['token']}"}
        self.ours = Server(state["url"], token, state["pid"], postgres)
        self._titiler, url = _start_titiler(self.database)
        self.titiler = Server(url, {}, self._titiler.pid, postgres)
        _wait_for(self._titiler, self.titiler.client)

    def stop(self) -> None:
        """Stop both servers."""
        for server in (self.ours, self.titiler):
            server.client.close()
        if self._titiler is not None:
            self._titiler.terminate()
            self._titiler.wait()
        stack("down")

    def restart(self) -> None:
        """Stop and start both servers."""
        self.stop()
        self.start()

    def check_pixels(self) -> None:
        """Raise an error unless both servers draw the same pictures.

        titiler reads by GDAL's approximate warper, which takes a neighbor for up to 43 % of the pixels.
        """
        for tile in TILES[:6]:
            ours = _pixels(self.ours.get(tile, PNG, {}))
            theirs = _pixels(self.titiler.get(tile, PNG, {}))
            if ours.shape != theirs.shape or not ours[3].any():
                raise AssertionError(f"tile {tile}: {ours.shape} and {theirs.shape}")
            valid = (ours[3] > 0) & (theirs[3] > 0)
            covered = float(((ours[3] > 0) == (theirs[3] > 0)).mean())
            difference = float(np.abs(ours[:3].astype(int) - theirs[:3])[:, valid].mean())
            if covered < 0.98 or difference > 12:
                raise AssertionError(
                    f"tile {tile}: {covered:.1%} of the pixels are valid in both or none, and values differ "
                    f"by {difference:.1f} on average"
                )

    def load_others(self, count: int) -> None:
        """Add items elsewhere to the collection of the scenes."""
        for start in range(0, count, _BATCH):
            batch = {item["id"]: item for item in map(_other, range(start, min(start + _BATCH, count)))}
            self.ours.post(f"/collections/{COLLECTION}/bulk_items", {"items": batch})
        self.analyze()

    def analyze(self) -> None:
        """Renew the database's statistics."""
        with psycopg.connect(self.database, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")

    def load_scenes(self) -> None:
        """Put the scenes into the store and the database."""
        made = ground(["multi"])
        self.ours.post("/collections", _collection())
        items = {}
        for scene in made.scenes:
            path = f"images/{COLLECTION}/{scene.name}/1/multi.tif"
            target = self.home / "store" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made.file(scene, "multi"), target)
            items[scene.name] = _item(scene, path, target)
        self.ours.post(f"/collections/{COLLECTION}/bulk_items", {"items": items})
        self.newest = made.newest.name
        # titiler answers 404 beside an item.
        self.tiles_of_newest = tuple(tile for tile in TILES if _touches(tile, items[self.newest]["bbox"]))
        self.analyze()


def _touches(tile: Tile, bbox: list[float]) -> bool:
    """Return whether a tile touches a bounding box in degrees."""
    zoom, x, y = tile
    west, east = (column / 2**zoom * 360 - 180 for column in (x, x + 1))
    north, south = (
        math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**zoom)))) for row in (y, y + 1)
    )
    return west < bbox[2] and east > bbox[0] and south < bbox[3] and north > bbox[1]


def _pixels(picture: bytes) -> Any:
    """Return red, green, blue and alpha of a picture."""
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.MemoryFile(io.BytesIO(picture)) as memory,
        memory.open() as file,
    ):
        pixels = file.read()
        return pixels if len(pixels) == 4 else np.concatenate([pixels, file.dataset_mask()[None]])


@contextmanager
def servers() -> Iterator[Servers]:
    """Yield both servers with the scenes."""
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.update(_SETTINGS)
    try:
        with empty_home() as home:
            running = Servers(home)
            try:
                running.load_scenes()
                running.check_pixels()
                yield running
            finally:
                running.stop()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _start_titiler(database: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start titiler-pgstac as its documentation does, with one process like ours."""
    url = urlsplit(database)
    where = {name: values[0] for name, values in parse_qs(url.query).items()}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"{quote(where['host'], safe='')}:{where.get('port', '5432')}"
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{url.username}:none@{address}{url.path}",
        "RIO_TILER_STAC_ALTERNATE_KEY": "local",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "VSI_CACHE": "TRUE",
    }
    environment.pop("GDAL_CACHEMAX", None)
    command = [
        sys.executable, "-m", "uvicorn", "titiler.pgstac.main:app",
        "--port", str(port), "--log-level", "error", "--no-access-log",
    ]  # fmt: skip
    return subprocess.Popen(command, env=environment), f"http://127.0.0.1:{port}"


def _wait_for(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError(f"titiler-pgstac ended with status {process.returncode}")
        try:
            client.get("/healthz")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("titiler-pgstac did not start in two minutes")


def _collection() -> dict[str, Any]:
    bands = [
        {
            "name": name,
            "data_type": "uint16",
            "nodata": landscape.NODATA,
            "eo:common_name": name.replace("nir", "nir08"),
            "raster:spatial_resolution": landscape.PIXEL,
            "catalog:type": "spectral",
            "catalog:data_range": [0, 10000],
            "catalog:display_range": [0, 4000],
            "catalog:file_index": 0,
            "catalog:band_index": index,
        }
        for index, name in enumerate(landscape.BANDS)
    ]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": COLLECTION,
        "title": "Scenes of tiles",
        "description": "Overlapping scenes for benchmarks of tiles",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2013-01-01T00:00:00Z", None]]},
        },
        "links": [],
        "catalog:class": "Product",
        "bands": bands,
    }


def _item(scene: landscape.Scene, path: str, file: Path) -> dict[str, Any]:
    edge = scene.width * landscape.PIXEL
    corners = [(scene.left + x * edge, scene.top - y * edge) for x, y in landscape.CORNERS]
    outline = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    geometry = transform_geom(f"EPSG:{scene.epsg}", "EPSG:4326", outline)
    asset = {
        "href": f"/assets/{path}",
        "alternate": {"local": {"href": str(file)}},
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "file:size": file.stat().st_size,
        "file:checksum": "1220" + hashlib.sha256(file.read_bytes()).hexdigest(),
        "catalog:file_index": 0,
    }
    properties = {
        "datetime": f"{scene.acquired:%Y-%m-%dT%H:%M:%S}Z",
        **_projection(scene.epsg, scene.left, scene.top, scene.width),
        "catalog:class": "Image",
        "catalog:storage_state": "available",
    }
    return _feature(scene.name, geometry, properties, {"data": asset})


def _other(number: int) -> dict[str, Any]:
    """Return an item that does not touch the scenes, with a time before, between or after theirs."""
    west, south = -80 + number * 1.37 % 240, -60 + number * 0.71 % 120
    east, north = west + 2.2, south + 1.9
    ring = [[west, south], [east, south + 0.3], [east - 0.3, north], [west - 0.3, north - 0.3], [west, south]]
    day = number % 3650
    asset = {
        "href": f"https://example.org/scenes/{number:06}/multi.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "file:size": 400_000_000,
        "file:checksum": "1220" + hashlib.sha256(str(number).encode()).hexdigest(),
        "catalog:file_index": 0,
    }
    properties = {
        "datetime": f"{2014 + day // 365}-{1 + day % 12:02}-{1 + number % 28:02}T10:{number % 60:02}:00Z",
        "eo:cloud_cover": number * 37.31 % 100,
        **_projection(32601 + number % 60, 300_000, 4_904_715, 7700),
        "catalog:class": "Image",
        "catalog:storage_state": "available",
    }
    return _feature(
        f"other_{number:06}", {"type": "Polygon", "coordinates": [ring]}, properties, {"data": asset}
    )


def _projection(epsg: int, left: float, top: float, size: int) -> dict[str, Any]:
    step = landscape.PIXEL
    return {
        "proj:code": f"EPSG:{epsg}",
        "proj:shape": [size, size],
        "proj:transform": [step, 0, left, 0, -step, top],
    }


def _feature(
    name: str, geometry: dict[str, Any], properties: dict[str, Any], assets: dict[str, Any]
) -> dict[str, Any]:
    (ring,) = geometry["coordinates"]
    xs, ys = zip(*ring, strict=True)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": COLLECTION,
        "geometry": geometry,
        "bbox": [min(xs), min(ys), max(xs), max(ys)],
        "properties": properties,
        "assets": assets,
        "links": [],
    }
