"""No content of an upload makes the server read other files or contact other machines."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.uploads.messages import ConversionRequest, ConversionResult, IngestError
from landbridge.stac_api.uploads.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BANDS = [{"name": "red", "band_index": 0, "data_type": "Byte"}]
SECRET = 77
ATTRIBUTES = {"cs_code": "EPSG:32621", "geotrans": [600000, 30, 0, 4200000, 0, -30]}


def raster(path: Path, value: int, side: int = 64, **profile: Any) -> Path:
    options = {
        "driver": "GTiff",
        "crs": "EPSG:32621",
        "transform": from_origin(600000, 4200000, 30, 30),
        **profile,
    }
    with rasterio.open(path, "w", count=1, height=side, width=side, dtype="uint8", **options) as file:
        file.write(np.full((1, side, side), value, "uint8"))
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Raster of another user, which this process can read."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return raster(folder / "secret.tif", SECRET)


class Canary:
    """Server on loopback that serves the secret and records its requests."""

    def __init__(self, content: bytes) -> None:
        self.seen: list[str] = []
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canary.seen.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def canary(secret: Path) -> Iterator[Canary]:
    serving = Canary(secret.read_bytes())
    yield serving
    serving.server.shutdown()
    serving.server.server_close()


def vrt(source: str) -> str:
    return (
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32621</SRS>'
        "<GeoTransform>600000, 30, 0, 4200000, 0, -30</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


def _vrt_of(place: str) -> bytes:
    return vrt(place).encode()


def _raw_vrt(place: str) -> bytes:
    band = (
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="0">{place}</SourceFilename><ImageOffset>0</ImageOffset>'
        "<PixelOffset>1</PixelOffset><LineOffset>8</LineOffset></VRTRasterBand>"
    )
    return f'<VRTDataset rasterXSize="8" rasterYSize="8">{band}</VRTDataset>'.encode()


def _gti(place: str) -> bytes:
    return (
        f"<GDALTileIndexDataset><IndexDataset>{place}</IndexDataset>"
        "<LocationField>location</LocationField></GDALTileIndexDataset>"
    ).encode()


def _wms(place: str) -> bytes:
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{place}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>-20037508.34</UpperLeftX><UpperLeftY>20037508.34</UpperLeftY>"
        "<LowerRightX>20037508.34</LowerRightX><LowerRightY>-20037508.34</LowerRightY><TileLevel>1</TileLevel>"
        "<TileCountX>1</TileCountX><TileCountY>1</TileCountY></DataWindow><Projection>EPSG:3857</Projection>"
        "<BandsCount>1</BandsCount></GDAL_WMS>"
    ).encode()


def _stacit(place: str) -> bytes:
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "x",
        "collection": "c",
        "properties": {
            "proj:epsg": 32621,
            "proj:transform": [30, 0, 600000, 0, -30, 4200000],
            "proj:shape": [64, 64],
        },
        "bbox": [-57, 37, -56, 38],
        "assets": {"red": {"href": place}},
    }
    return json.dumps({"type": "FeatureCollection", "stac_version": "1.0.0", "features": [item]}).encode()


def _pds(place: str) -> bytes:
    return (
        "PDS_VERSION_ID = PDS3\r\nRECORD_TYPE = FIXED_LENGTH\r\nRECORD_BYTES = 8\r\nFILE_RECORDS = 8\r\n"
        f'^IMAGE = "{place}"\r\nOBJECT = IMAGE\r\nLINES = 8\r\nLINE_SAMPLES = 8\r\n'
        "SAMPLE_TYPE = UNSIGNED_INTEGER\r\nSAMPLE_BITS = 8\r\nEND_OBJECT = IMAGE\r\nEND\r\n"
    ).encode()


def _mrf(place: str) -> bytes:
    return (
        "<MRF_META><CachedSource><Source>" + place + "</Source></CachedSource>"
        '<Raster><Size x="64" y="64" c="1"/><PageSize x="64" y="64" c="1"/></Raster></MRF_META>'
    ).encode()


def _name_alone(place: str) -> bytes:
    return f"/vsicurl/{place}".encode()


def _subdataset(place: str) -> bytes:
    return f"GTIFF_DIR:1:{place}".encode()


FORMATS: dict[str, Callable[[str], bytes]] = {
    "virtual.vrt": _vrt_of,
    "virtual.tif": _vrt_of,
    "raw.vrt": _raw_vrt,
    "index.gti": _gti,
    "service.xml": _wms,
    "items.json": _stacit,
    "label.lbl": _pds,
    "cached.mrf": _mrf,
    "name.tif": _name_alone,
    "directory.tif": _subdataset,
}


Ingested = Callable[..., ConversionResult]


@pytest.fixture(scope="module")
def ingested() -> Iterator[Ingested]:
    """Return a function that converts a file in a process of its own, as for the jobs of one worker."""
    workers = WorkerPool(Settings(database_url="postgresql://", store_url="memory://"))

    async def convert(job: ConversionRequest) -> ConversionResult:
        async with workers.process() as process:
            await process.check(job)
            return await process.convert(job)

    def run(path: Path, name: str, folder: Path, **attributes: Any) -> ConversionResult:
        return runner.run(convert(ConversionRequest([path], [name], folder, BANDS, attributes or ATTRIBUTES)))

    with asyncio.Runner() as runner:
        yield run
        runner.run(workers.close())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    made.mkdir()
    return made


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """Return the path of an uploaded file in the store."""
    made = tmp_path / "uploads" / "1"
    made.mkdir(parents=True)
    return made / "0"


@pytest.mark.parametrize("where", ["/etc/passwd", "secret", "vsicurl", "http"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_refers_to_other_files_is_refused(
    ingested: Ingested, sent: Path, folder: Path, secret: Path, canary: Canary, name: str, where: str
) -> None:
    places = {
        "secret": str(secret),
        "vsicurl": f"/vsicurl/{canary.url}/secret.tif",
        "http": f"{canary.url}/secret.tif",
    }
    sent.write_bytes(FORMATS[name](places.get(where, where)))
    with pytest.raises(IngestError, match="can't be read as an image") as refused:
        ingested(sent, name, folder)
    assert "root:" not in str(refused.value)
    assert canary.seen == []
    assert not list(folder.iterdir())


def test_an_archive_with_a_raster_inside_is_refused(
    ingested: Ingested, sent: Path, folder: Path, secret: Path
) -> None:
    with tarfile.open(sent, "w") as archive:
        archive.add(secret, "secret.tif")
    with pytest.raises(IngestError, match="can't be read as an image"):
        ingested(sent, "secret.tar", folder)


@pytest.mark.parametrize("where", ["/etc/passwd", "secret", "vsicurl", "http"])
def test_a_geotiff_with_overviews_in_another_file_is_refused(
    ingested: Ingested, sent: Path, folder: Path, secret: Path, canary: Canary, where: str
) -> None:
    places = {
        "secret": str(secret),
        "vsicurl": f"/vsicurl/{canary.url}/secret.tif",
        "http": f"{canary.url}/secret.tif",
    }
    raster(sent, 1, side=1024)
    with rasterio.open(sent, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=places.get(where, where))
    with pytest.raises(IngestError, match="its overviews are in another file"):
        ingested(sent, "scene.tif", folder)
    assert canary.seen == []


@pytest.mark.parametrize("suffix", [".ovr", ".msk", ".aux.xml"])
def test_sidecar_files_that_were_not_uploaded_are_not_read(
    ingested: Ingested, sent: Path, folder: Path, secret: Path, suffix: str
) -> None:
    raster(sent, 1, side=1024)
    beside = sent.with_name(f"{sent.name}{suffix}")
    beside.symlink_to(secret)
    (made,) = ingested(sent, "scene.tif", folder).files
    with rasterio.open(made) as file:
        assert set(np.unique(file.read(1))) == {1}
        for level in range(len(file.overviews(1))):
            with rasterio.open(made, overview_level=level) as smaller:
                assert set(np.unique(smaller.read(1))) == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is of Linux")
def test_a_symbolic_link_to_another_file_is_not_followed(
    ingested: Ingested, sent: Path, folder: Path, secret: Path
) -> None:
    sent.symlink_to(secret)
    with pytest.raises(IngestError, match="can't be read as an image"):
        ingested(sent, "scene.tif", folder)


@pytest.mark.parametrize("grid", ["/etc/passwd", "secret", "http"])
def test_a_remote_datum_grid_is_not_fetched(
    ingested: Ingested, sent: Path, folder: Path, secret: Path, canary: Canary, grid: str
) -> None:
    raster(sent, 1, crs=None)
    place = {"secret": str(secret), "http": f"{canary.url}/grid.tif"}.get(grid, grid)
    projection = f"+proj=longlat +nadgrids={place} +no_defs"
    with pytest.raises(IngestError):
        ingested(sent, "scene.tif", folder, projection=projection, geotrans=[10, 0.1, 0, 10, 0, -0.1])
    assert canary.seen == []


PROBE = """
import json, os, pathlib, socket, sys
from landbridge.stac_api.uploads import sandbox
from landbridge.stac_api.uploads.messages import ConversionRequest
sandbox.limit_gdal()
import rasterio
sent, folder, secret, port, held = sys.argv[1:]
if held == "held":
    sandbox.enter(ConversionRequest([pathlib.Path(sent)], ["scene.tif"], pathlib.Path(folder), [], {}))
def tried(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "done"
def connect():
    socket.create_connection(("127.0.0.1", int(port)))
def gdal(name):
    with rasterio.open(name) as file:
        file.read()
with rasterio.Env() as env:
    drivers = sorted(env.drivers())
print(json.dumps({
    "passwd": tried(lambda: open("/etc/passwd").read()),
    "environment": tried(lambda: open(f"/proc/{os.getppid()}/environ").read()),
    "secret": tried(lambda: open(secret).read()),
    "write": tried(lambda: open(secret + ".new", "w")),
    "connect": tried(connect),
    "datagram": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "gdal secret": tried(lambda: gdal(secret)),
    "gdal network": tried(lambda: gdal(f"/vsicurl/http://127.0.0.1:{port}/secret.tif")),
    "own file": tried(lambda: open(sent, "rb").read()),
    "own folder": tried(lambda: open(folder + "/made", "w").write("x")),
    "drivers": drivers,
}))
"""


def probed(sent: Path, folder: Path, secret: Path, canary: Canary, held: str) -> dict[str, Any]:
    """Return the result of each attempted access by a process in the sandbox."""
    port = canary.url.rpartition(":")[2]
    command = [sys.executable, "-c", PROBE, str(sent), str(folder), str(secret), port, held]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_without_the_kernel_gdal_has_no_network_and_no_other_formats(
    sent: Path, folder: Path, secret: Path, canary: Canary
) -> None:
    raster(sent, 1)
    secret.write_bytes(_vrt_of(f"/vsicurl/{canary.url}/secret.tif"))
    found = probed(sent, folder, secret, canary, "free")
    assert (found["gdal network"], found["gdal secret"]) == ("RasterioIOError", "RasterioIOError")
    assert not {"HTTP", "WMS", "GTI", "STACIT", "MRF", "PDS", "netCDF", "HDF5"} & set(found["drivers"])
    assert canary.seen == []


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are of Linux")
def test_a_worker_process_reaches_only_the_files_of_its_job(
    sent: Path, folder: Path, secret: Path, canary: Canary
) -> None:
    """The kernel refuses access even to an exploited decoder."""
    raster(sent, 1)
    found = probed(sent, folder, secret, canary, "held")
    drivers = {"COG", "GTiff", "JP2OpenJPEG", "JPEG", "MEM", "Memory", "PNG", "VRT"}
    assert set(found.pop("drivers")) <= drivers
    assert found == {
        "passwd": "PermissionError",
        "environment": "PermissionError",
        "secret": "PermissionError",
        "write": "PermissionError",
        "connect": "PermissionError",
        "datagram": "PermissionError",
        "gdal secret": "RasterioIOError",
        "gdal network": "RasterioIOError",
        "own file": "done",
        "own folder": "done",
    }
    assert canary.seen == []
