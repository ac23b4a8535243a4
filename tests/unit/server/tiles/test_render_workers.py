"""Worker processes of tiles: what they can reach, and what becomes of requests if something fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from conftest import LONG
from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.errors import BadRequestError, UnavailableError
from landbridge.stac_api.tiles.answers import (
    PoolBusyError,
    RenderTimeoutError,
    UnreadableItemError,
    WorkerDiedError,
)
from landbridge.stac_api.tiles.formats import Format
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.parameters import parse
from landbridge.stac_api.tiles.render_pool import RenderPool
from support.range_server import serving
from support.tile_store import PRODUCT, Pages
from unit.server.tiles.conftest import settings_of

GRID = Grid((6.0, 71.55, 6.6, 71.85), "EPSG:4326", 64, 64)
# Has pixels beside all images, so that every page is asked for.
WIDE = Grid((5.0, 71.0, 8.0, 73.0), "EPSG:4326", 64, 64)


@contextlib.asynccontextmanager
async def pool_of(renderer, settings=None, **changes):
    settings = settings or settings_of(renderer.store, **changes)
    pool = RenderPool(settings, AssetStore(settings.store_url))
    try:
        yield pool
    finally:
        await pool.close()


def view(renderer, query=(), form=Format.NPY):
    return parse([("bands", "red"), *query], [renderer.product], form)


def children():
    """Return the worker processes of this process."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "landbridge.stac_api.tiles.worker_process" in child.cmdline():
                found.append(child)
    return found


class Stuck:
    """Pages whose second one comes when a test says so."""

    def __init__(self, first):
        self.first, self.reached, self.closed = first, asyncio.Event(), False
        self.go = asyncio.Event()

    async def __aiter__(self):
        try:
            yield self.first
            self.reached.set()
            await self.go.wait()
            yield self.first
        finally:
            self.closed = True


def item_of(renderer, name, content=None, link=None):
    """Return an item whose file has another content, or is a symbolic link."""
    folder = renderer.store / "images" / PRODUCT / name / "v1"
    folder.mkdir(parents=True, exist_ok=True)
    if content is not None:
        (folder / "data.tif").write_bytes(content)
    if link is not None and not (folder / "data.tif").is_symlink():
        (folder / "data.tif").symlink_to(link)
    href = f"/assets/images/{PRODUCT}/{name}/v1/data.tif"
    return {**renderer.items[0], "id": name, "assets": {"data": {"href": href, "catalog:file_index": 0}}}


def test_the_file_of_another_collection_is_not_read(renderer):
    thief = {
        **renderer.items[0],
        "assets": {"data": {"href": "/assets/images/secret/east/v1/data.tif", "catalog:file_index": 0}},
    }
    with pytest.raises(UnreadableItemError, match="not in this server's store"):
        renderer.render(view(renderer), GRID, [thief])


@pytest.mark.parametrize(
    "href",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x.tif",
        "https://example.com/x.tif",
        "s3://bucket/x.tif",
        "/vsicurl/http://127.0.0.1/x.tif",
        "/assets/blobs/data/x/data",
        f"/assets/images/{PRODUCT}/../secret/v1/data.tif",
        f"/assets/images/{PRODUCT}/%2e%2e/secret/v1/data.tif",
    ],
)
def test_hrefs_outside_the_store_are_not_read(renderer, href):
    item = {**renderer.items[0], "assets": {"data": {"href": href, "catalog:file_index": 0}}}
    with pytest.raises(UnreadableItemError, match="LANDBRIDGE_TILE_HREFS"):
        renderer.render(view(renderer), GRID, [item])


def vrt(path):
    return (
        f'<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32632</SRS>'
        f"<GeoTransform>380000, 1000, 0, 8000000, 0, -1000</GeoTransform>"
        f'<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename relativeToVRT="0">{path}'
        f"</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    ).encode()


def test_a_virtual_raster_in_the_store_is_not_read(renderer):
    """Also not after a resampling by GDAL's warper, which registers the format."""
    renderer.render(view(renderer, [("resampling", "bilinear")]), GRID)
    other = renderer.store / "images/scenes/west/v1/data.tif"
    with pytest.raises(UnreadableItemError, match="'disguised' is no TIFF") as refused:
        renderer.render(view(renderer), GRID, [item_of(renderer, "disguised", vrt(other))])
    assert str(renderer.store) not in str(refused.value)


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is of Linux")
def test_a_symbolic_link_out_of_the_store_is_not_followed(renderer, tmp_path):
    secret = tmp_path / "secret.tif"
    secret.write_bytes((renderer.store / "images/scenes/west/v1/data.tif").read_bytes())
    with pytest.raises(UnreadableItemError, match="not in this server's store"):
        renderer.render(view(renderer), GRID, [item_of(renderer, "linked", link=secret)])


def test_a_missing_or_broken_file_is_reported_by_its_item(renderer):
    with pytest.raises(UnreadableItemError, match="'absent' cannot be opened"):
        renderer.render(view(renderer), GRID, [item_of(renderer, "absent")])
    whole = (renderer.store / "images/scenes/east/v1/data.tif").read_bytes()
    with pytest.raises(UnreadableItemError) as refused:
        renderer.render(view(renderer), GRID, [item_of(renderer, "torn", whole[:1000])])
    assert str(renderer.store) not in str(refused.value)
    assert not renderer.render(view(renderer), GRID).is_empty


PROBE = """
import json, os, socket, sys, threading
os.environ.update({
    "LANDBRIDGE_TILE_PROCESS_MEMORY": str(2**30), "LANDBRIDGE_TILE_PROCESS_CACHE": "0",
    "LANDBRIDGE_TILE_PROCESS_FOLDERS": json.dumps([sys.argv[1]]), "LANDBRIDGE_TILE_PROCESS_NETWORK": "0",
    "LANDBRIDGE_TILE_PROCESS_SAMPLE": sys.argv[2],
})
from landbridge.stac_api.tiles import worker_process
def tried(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "done"
def probe(*_):
    found = {
        "passwd": tried(lambda: open("/etc/passwd").read()),
        "environment": tried(lambda: open(f"/proc/{os.getppid()}/environ").read()),
        "secret": tried(lambda: open(sys.argv[3]).read()),
        "own file": tried(lambda: open(sys.argv[4], "rb").read()),
        "write": tried(lambda: open(sys.argv[4], "ab")),
        "connect": tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[5])))),
        "datagram": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    }
    print(json.dumps(found), file=sys.stderr)
    os._exit(0)
# Threads of the engine, which the warm-up has started, are restricted, too.
def on_a_thread_of_the_engine(*_):
    from landbridge.raster.io.gdal_threads import run_jobs
    run_jobs([probe], 1)
worker_process.Channel.start = lambda _: None  # it would end with its input
worker_process.Worker.serve = on_a_thread_of_the_engine
worker_process.main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are of Linux")
def test_a_worker_reaches_only_the_images_of_the_store(renderer, tmp_path):
    secret, sample = tmp_path / "secret", tmp_path / "sample"
    secret.write_text("secret")
    sample.mkdir()
    own = renderer.store / "images/scenes/east/v1/data.tif"
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [renderer.store / "images", sample, secret, own, server.getsockname()[1]]
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *map(str, arguments)],
            capture_output=True,
            check=True,
            env={"PATH": os.defpath},
        )
    assert json.loads(done.stderr.decode().splitlines()[-1]) == {
        "passwd": "PermissionError",
        "environment": "PermissionError",
        "secret": "PermissionError",
        "own file": "done",
        "write": "PermissionError",
        "connect": "PermissionError",
        "datagram": "PermissionError",
    }


def test_a_worker_has_none_of_the_servers_environment(renderer, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "secret-token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-key")

    async def run():
        async with pool_of(renderer) as pool:
            before = {child.pid for child in children()}
            await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)
            (worker,) = [child for child in children() if child.pid not in before]
            return worker.environ()

    environment = asyncio.run(run())
    assert not [name for name, value in environment.items() if "secret" in value]


@pytest.mark.parametrize("at_start", [True, False])
def test_workers_start_with_the_pool_if_the_settings_say_so(renderer, at_start):
    async def run():
        before = {child.pid for child in children()}
        async with pool_of(renderer, tile_workers=2, tile_workers_at_start=at_start) as pool:
            await pool.open()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
            return len({child.pid for child in children()} - before)

    assert asyncio.run(run()) == (2 if at_start else 0)


def test_a_worker_that_is_killed_answers_unavailable_and_is_replaced(renderer):
    async def run():
        async with pool_of(renderer) as pool:
            before = {child.pid for child in children()}
            pages = Stuck(renderer.items[1:])
            asked = asyncio.create_task(pool.render(view(renderer), WIDE, pages, renderer.products))
            await pages.reached.wait()
            (worker,) = [child for child in children() if child.pid not in before]
            worker.send_signal(signal.SIGKILL)
            pages.go.set()
            with pytest.raises(WorkerDiedError, match="Try again") as died:
                await asyncio.wait_for(asked, 60)
            assert died.value.retry_after > 0
            assert isinstance(died.value, UnavailableError)
            return await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)

    assert not asyncio.run(run()).is_empty


def test_a_cancelled_request_frees_its_worker(renderer):
    async def run():
        async with pool_of(renderer) as pool:
            first = await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)
            before = {child.pid for child in children()}
            pages = Stuck(renderer.items[1:])
            asked = asyncio.create_task(pool.render(view(renderer), WIDE, pages, renderer.products))
            await pages.reached.wait()
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            second = await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)
            assert {child.pid for child in children()} == before
            return first, second, pages.closed

    first, second, closed = asyncio.run(run())
    assert first.body == second.body
    assert closed


def test_an_error_of_the_search_is_raised_and_frees_the_worker(renderer):
    async def broken():
        yield renderer.items[1:]
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError, match="the database is gone"):
        renderer.run(renderer.pool.render(view(renderer), WIDE, broken(), renderer.products))
    assert not renderer.render(view(renderer), GRID).is_empty


def test_a_request_has_a_deadline(renderer):
    async def run():
        async with pool_of(renderer, tile_seconds=0.001) as pool:
            with pytest.raises(RenderTimeoutError, match=r"not rendered within 0\.001 s"):
                await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)

    asyncio.run(run())


def test_a_worker_that_takes_too_much_memory_is_stopped(renderer):
    large = Grid((6.0, 71.55, 6.6, 71.85), "EPSG:4326", 2048, 2048)
    query = [("expression", "red;green;blue;nir")]

    async def run():
        # Less than a setting may be, so that an allowed picture exceeds it.
        settings = settings_of(renderer.store).model_copy(update={"tile_memory_bytes": 352 * 2**20})
        async with pool_of(renderer, settings) as pool:
            wanted = parse(query, [renderer.product], Format.NPY)
            with pytest.raises((RenderTimeoutError, WorkerDiedError)):
                await pool.render(wanted, large, Pages(renderer.items), renderer.products)
            return await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)

    assert not asyncio.run(run()).is_empty


def test_too_many_waiting_requests_are_refused(renderer):
    async def run():
        async with pool_of(renderer, tile_queue=1) as pool:
            pages = Stuck(renderer.items[1:])
            busy = asyncio.create_task(pool.render(view(renderer), WIDE, pages, renderer.products))
            await pages.reached.wait()
            waits = asyncio.create_task(
                pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)
            )
            async with asyncio.timeout(60):
                while not pool._workers._waiting:  # noqa: ASYNC110 - nobody sets an event
                    await asyncio.sleep(0.01)
            with pytest.raises(PoolBusyError) as refused:
                await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)
            assert refused.value.retry_after > 0
            busy.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await busy
            return await waits

    assert not asyncio.run(run()).is_empty


def test_without_workers_no_tile_is_rendered(renderer):
    async def run():
        async with pool_of(renderer, tile_workers=0) as pool:
            await pool.render(view(renderer), GRID, Pages(renderer.items), renderer.products)

    with pytest.raises(UnavailableError, match="LANDBRIDGE_TILE_WORKERS is 0"):
        asyncio.run(run())


def test_folders_and_hosts_of_the_operators_list_are_read(renderer, tmp_path):
    file = tmp_path / "outside.tif"
    file.write_bytes((renderer.store / "images/scenes/east/v1/data.tif").read_bytes())
    item = {**renderer.items[0], "assets": {"data": {"href": str(file), "catalog:file_index": 0}}}

    async def run():
        async with pool_of(renderer, tile_hrefs=(f"{tmp_path}/",)) as pool:
            return await pool.render(view(renderer), GRID, Pages([item]), renderer.products)

    assert asyncio.run(run()).body == renderer.render(view(renderer), GRID, renderer.items[:1]).body


def test_a_host_of_the_operators_list_is_read(renderer):
    with serving(renderer.store) as server:
        href = f"{server.url}/images/scenes/east/v1/data.tif"
        item = {**renderer.items[0], "assets": {"data": {"href": href, "catalog:file_index": 0}}}

        async def run(allowed):
            async with pool_of(renderer, tile_hrefs=(allowed,)) as pool:
                return await pool.render(view(renderer), GRID, Pages([item]), renderer.products)

        assert (
            asyncio.run(run(f"{server.url}/")).body
            == renderer.render(view(renderer), GRID, renderer.items[:1]).body
        )
        for other in (server.url.replace("127.0.0.1", "127.0.0.2"), f"{server.url}/other/", server.url[:-1]):
            with pytest.raises(UnreadableItemError):
                asyncio.run(run(other))


HOSTILE = [
    [("expression", ";".join(["arctan2(red,nir)"] * 16)), ("rescale", "0,1")],
    [("expression", "+".join(["red**8"] * 20)), ("rescale", "0,1")],
    [("expression", "max(red," * 20 + "nir" + ")" * 20), ("rescale", "0,1")],
    [("bands", ",".join(["red", "green", "blue", "nir"] * 4))],
    [("bands", "red"), ("colormap", json.dumps([[[0, n + 1], [n % 256] * 3] for n in range(1024)]))],
    [("bands", "red"), ("colormap", json.dumps({str(n): [n % 256] * 3 for n in range(2500)}))],
]


@pytest.mark.parametrize("query", HOSTILE, ids=[str(query)[:30] for query in HOSTILE])
def test_hostile_parameters_are_refused_or_cost_little(renderer, query):
    """The largest picture is refused, or takes little memory and, on an idle machine, a second."""
    largest = Grid((6.0, 71.55, 6.6, 71.85), "EPSG:4326", 2048, 2048)
    renderer.render(view(renderer), GRID)  # the worker has started
    (worker,) = [child for child in children() if child.pid == renderer.pool._workers._slots[0].worker.pid]
    before, seconds = worker.memory_info().rss, sum(worker.cpu_times()[:2])
    with contextlib.suppress(BadRequestError):
        renderer.render(parse(query, [renderer.product], Format.NPY), largest)
    assert worker.memory_info().rss - before < 256 * 2**20
    if LONG:
        assert sum(worker.cpu_times()[:2]) - seconds <= 1
