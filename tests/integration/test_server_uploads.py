"""Uploads over HTTP: the record, the bytes, the job, the item."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import rasterio
import rasterio.transform
import rasterio.warp
import shapely
from rasterio.io import MemoryFile

from support.wait import wait_until

from .conftest import stac_collection, stac_item

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def draft(collection: str, name: str, **properties: Any) -> dict[str, Any]:
    """Return the item of an Image that has only a name and a date."""
    properties = {"datetime": "2024-05-01T00:00:00Z", **properties}
    return {"type": "Feature", "id": name, "collection": collection, "properties": properties}


def announce(http: httpx.Client, collection: str, name: str, *paths: Path, **more: Any) -> httpx.Response:
    files = [{"name": path.name, "size": path.stat().st_size} for path in paths]
    item = more.pop("item", None) or draft(collection, name)
    return http.post("/uploads", json={"item": item, "files": files, **more})


def upload(http: httpx.Client, collection: str, name: str, *paths: Path, **more: Any) -> dict[str, Any]:
    """Run a complete upload; return its final record."""
    answer = announce(http, collection, name, *paths, **more)
    assert answer.status_code == 201, answer.text
    record = answer.json()
    for url, path in zip(record["resumable_urls"], paths, strict=True):
        httpx.put(url, content=path.read_bytes()).raise_for_status()  # the URL is enough: no token is sent
    assert http.post(f"/uploads/{record['id']}/submit").json()["status"] in ("pending", "running", "success")
    return finished(http, record["id"])


def finished(http: httpx.Client, upload_id: str) -> dict[str, Any]:
    record = http.get(f"/uploads/{upload_id}", params={"wait": 50}).json()
    assert record["status"] in ("success", "failure", "canceled"), record
    return record


def test_a_file_becomes_an_item_with_its_metadata(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    array = np.zeros((2, 300, 400), "uint16")
    array[:, 100:200, 50:350] = 7
    path = geotiff(array=array, nodata=0)
    record = upload(http, collection, "a", path, item=draft(collection, "a", **{"eo:cloud_cover": 12}))
    assert record["status"] == "success", record
    assert [event["event_type"] for event in record["events"]] == ["queue", "run", "usage", "complete"]

    item = http.get(f"/collections/{collection}/items/a").json()
    properties = item["properties"]
    assert properties["eo:cloud_cover"] == 12
    assert properties["proj:code"] == "EPSG:32621"
    assert properties["proj:shape"] == [300, 400]
    assert properties["proj:transform"][:6] == [30, 0, 600000, 0, -30, 4200000]
    asset = item["assets"]["data"]
    assert asset["href"].startswith(f"{http.base_url}".rstrip("/") + "/assets/images/")
    assert asset["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"

    footprint = shapely.geometry.shape(item["geometry"])
    with MemoryFile(http.get(asset["href"]).content) as file, file.open() as cog:
        assert (cog.read() == array).all()
        assert cog.profile["tiled"]
        corners = [cog.xy(row, column) for row in (100, 199) for column in (50, 349)]
        whole = rasterio.warp.transform_bounds(cog.crs, "EPSG:4326", *cog.bounds)
    xs, ys = rasterio.warp.transform("EPSG:32621", "EPSG:4326", *zip(*corners, strict=True))
    assert all(footprint.covers(shapely.Point(x, y)) for x, y in zip(xs, ys, strict=True))
    assert footprint.area < 0.5 * shapely.box(*whole).area


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_an_item_has_band_statistics_and_a_thumbnail(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    array = np.zeros((2, 700, 900), "uint16")
    array[0, :, 300:] = np.arange(600) + 1000
    array[1, :, 450:] = 7
    upload(http, collection, "a", geotiff(array=array, nodata=0))
    assets = http.get(f"/collections/{collection}/items/a").json()["assets"]
    red, nir = (band["statistics"] for band in assets["data"]["bands"])
    assert (red["minimum"], red["maximum"], red["count"]) == (1000, 1599, 700 * 600)
    assert red["mean"] == pytest.approx(1299.5)
    assert red["stddev"] == pytest.approx(np.arange(600).std(), rel=1e-6)
    assert red["valid_percent"] == pytest.approx(100 * 600 / 900, rel=1e-6)
    assert (nir["minimum"], nir["maximum"], nir["stddev"], nir["valid_percent"]) == (7, 7, 0, 50)
    assert assets["data"]["raster:bands"][1]["statistics"] == nir
    thumbnail = assets["thumbnail"]
    assert (thumbnail["type"], thumbnail["roles"]) == ("image/png", ["thumbnail"])
    answer = http.get(thumbnail["href"])
    assert answer.headers["content-type"] == "image/png"
    with MemoryFile(answer.content) as memory, memory.open() as picture:
        assert (picture.count, picture.width, picture.height) == (2, 512, 398)
        gray, alpha = picture.read()
    assert not alpha[:, :160].any()
    assert alpha[:, 180:].all()
    assert gray[200, 500] > gray[200, 200] > 0


def test_a_preview_set_by_the_user_is_kept(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    item = draft(collection, "a")
    item["assets"] = {"thumbnail": {"href": "https://example.com/a.png", "roles": ["thumbnail"]}}
    upload(http, collection, "a", geotiff(), item=item)
    assets = http.get(f"/collections/{collection}/items/a").json()["assets"]
    assert assets["thumbnail"]["href"] == "https://example.com/a.png"


def test_an_image_is_georeferenced_by_its_sidecar_files(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], tmp_path: Path
) -> None:
    """A world file states the center of the first pixel, a .prj the reference system."""
    array = np.random.default_rng(5).integers(1, 9999, (2, 40, 60)).astype("uint16")
    picture = geotiff("Scene.png", array, driver="PNG")  # GDAL's sidecar file is not uploaded
    world, prj = tmp_path / "scene.pgw", tmp_path / "scene.prj"
    world.write_text("30\n0\n0\n-30\n600015\n4199985\n")
    prj.write_text(rasterio.crs.CRS.from_epsg(32621).to_wkt(version="WKT1_ESRI"))
    assert upload(http, collection, "a", picture, world, prj)["status"] == "success"
    item = http.get(f"/collections/{collection}/items/a").json()
    assert item["properties"]["proj:transform"][:6] == [30, 0, 600000, 0, -30, 4200000]
    with MemoryFile(http.get(item["assets"]["data"]["href"]).content) as file, file.open() as cog:
        assert cog.crs.to_epsg() == 32621
        assert (cog.read() == array).all()
    lost = tmp_path / "other.pgw"
    lost.write_text(world.read_text())
    record = upload(http, collection, "b", picture, lost, prj)
    assert record["status"] == "failure"
    assert "other.pgw" in record["events"][-1]["message"]


def test_jpeg_2000_and_jpeg_become_images(http: httpx.Client, geotiff: Callable[..., Path]) -> None:
    collection = f"local:formats-{uuid.uuid4().hex[:6]}"
    http.post("/collections", json=stac_collection(collection, data_type="uint8")).raise_for_status()
    array = np.random.default_rng(5).integers(1, 255, (3, 80, 90)).astype("uint8")
    wavelets = geotiff("a.jp2", array, driver="JP2OpenJPEG", REVERSIBLE="YES", QUALITY="100")
    assert upload(http, collection, "wavelets", wavelets)["status"] == "success"
    item = http.get(f"/collections/{collection}/items/wavelets").json()
    with MemoryFile(http.get(item["assets"]["data"]["href"]).content) as file, file.open() as cog:
        assert (cog.read() == array).all()
        assert cog.crs.to_epsg() == 32621
    photo = geotiff("a.jpg", array, driver="JPEG")
    placed = {"proj:code": "EPSG:32621", "proj:transform": [30, 0, 600000, 0, -30, 4200000]}
    item = draft(collection, "photo", **placed)
    assert upload(http, collection, "photo", photo, item=item)["status"] == "success"


def test_the_item_does_not_exist_before_the_upload_succeeds(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    assert record["status"] == "transferring"
    http.put(record["resumable_urls"][0], content=path.read_bytes()).raise_for_status()
    assert http.get(f"/collections/{collection}/items/a").status_code == 404


def test_a_signed_url_allows_only_its_request(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    first, other = (announce(http, collection, name, path := geotiff()).json() for name in "ab")
    (url,), (elsewhere,) = first["resumable_urls"], other["resumable_urls"]
    place, query = url.split("?")
    again = elsewhere.split("?")[0]
    expires, signature = query.split("&")
    for refused in (
        place,
        f"{again}?{query}",
        f"{place}?expires={int(expires.partition('=')[2]) + 1}&{signature}",
        f"{place}?expires=1&{signature}",
        f"{place}?{expires}&signature={'0' * 64}",
        f"{place}?{expires}",
        f"{place.replace('/files/0', '/submit')}?{query}",
    ):
        assert httpx.put(refused, content=path.read_bytes()).status_code == 401, refused
    assert httpx.delete(url).status_code == 401
    assert httpx.put(url, content=path.read_bytes()).status_code == 204
    assert http.get(f"/uploads/{first['id']}").json()["resumable_urls"] == [], "readers learn of none"


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not an image")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def _vrt(path: Path) -> None:
    path.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')


@pytest.mark.parametrize("spoil", [_empty, _text, _truncated, _vrt])
def test_a_broken_file_fails_with_a_reason_and_leaves_nothing(
    stack: Any,
    http: httpx.Client,
    collection: str,
    geotiff: Callable[..., Path],
    spoil: Callable[[Path], None],
) -> None:
    path = geotiff("broken.tif")
    spoil(path)
    record = upload(http, collection, "a", path)
    assert record["status"] == "failure"
    event = record["events"][-1]
    assert event["severity"] == "ERROR"
    assert "broken.tif" in event["message"]
    assert http.get(f"/collections/{collection}/items/a").status_code == 404
    # The record fails before its files are deleted.
    wait_until(lambda: not (stack.store / "uploads" / record["id"]).exists())
    wait_until(lambda: not (stack.store / "images" / collection / "a").exists())


@pytest.mark.parametrize(
    ("array", "profile", "message"),
    [
        (np.ones((1, 8, 8), "uint16"), {}, "band_index 1"),
        (np.ones((2, 8, 8), "uint8"), {}, "uint16"),
        (np.ones((2, 8, 8), "uint16"), {"crs": None}, "cs_code"),
        (np.zeros((2, 8, 8), "uint16"), {"nodata": 0}, "no valid pixel"),
    ],
    ids=["too few bands", "another type", "no georeferencing", "all nodata"],
)
def test_a_file_that_does_not_fit_the_product_fails(
    http: httpx.Client,
    collection: str,
    geotiff: Callable[..., Path],
    array: np.ndarray,
    profile: dict[str, Any],
    message: str,
) -> None:
    record = upload(http, collection, "a", geotiff(array=array, **profile))
    assert record["status"] == "failure"
    assert message in record["events"][-1]["message"]


def test_attributes_of_the_user_override_the_file(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    mine = {"proj:code": "EPSG:32622", "proj:transform": [10, 0, 500000, 0, -10, 100000]}
    record = upload(http, collection, "a", geotiff(crs=None), item=draft(collection, "a", **mine))
    assert record["status"] == "success", record
    item = http.get(f"/collections/{collection}/items/a").json()
    with MemoryFile(http.get(item["assets"]["data"]["href"]).content) as file, file.open() as cog:
        assert cog.crs.to_epsg() == 32622
        assert cog.transform.to_gdal() == (500000, 10, 0, 100000, 0, -10)


def test_an_image_is_replaced_only_when_asked_to(
    stack: Any, http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    upload(http, collection, "a", geotiff())
    again = announce(http, collection, "a", path := geotiff(array=np.full((2, 64, 64), 9, "uint16")))
    assert again.status_code == 409
    assert "overwrite" in again.json()["description"]
    assert upload(http, collection, "a", path, overwrite=True)["status"] == "success"
    item = http.get(f"/collections/{collection}/items/a").json()
    with MemoryFile(http.get(item["assets"]["data"]["href"]).content) as file, file.open() as cog:
        assert (cog.read() == 9).all()
    versions = stack.store / "images" / collection / "a"
    assert len(list(versions.iterdir())) == 2, "a client with a recent URL may still read the replaced file"
    http.delete(f"/collections/{collection}/items/a").raise_for_status()
    wait_until(lambda: not versions.exists())  # the replaced files are deleted, too


def test_deleting_an_image_deletes_its_files(
    stack: Any, http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    upload(http, collection, "a", geotiff())
    assert (stack.store / "images" / collection / "a").exists()
    http.delete(f"/collections/{collection}/items/a").raise_for_status()
    assert not (stack.store / "images" / collection / "a").exists()


def test_bytes_other_than_announced_are_refused(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    url = record["resumable_urls"][0]
    assert http.put(url, content=path.read_bytes()[:-1]).status_code == 400
    assert http.put(url, content=path.read_bytes() + b"x").status_code == 400
    submitted = http.post(f"/uploads/{record['id']}/submit")
    assert submitted.status_code == 409
    assert path.name in submitted.json()["description"]
    assert http.put(f"/uploads/{record['id']}/files/1", content=b"").status_code == 404


def test_an_upload_can_be_canceled_until_it_runs(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    assert http.post(f"/uploads/{record['id']}/cancel").json()["status"] == "canceled"
    assert http.put(record["resumable_urls"][0], content=path.read_bytes()).status_code == 409
    done = upload(http, collection, "b", geotiff())
    assert http.post(f"/uploads/{done['id']}/cancel").status_code == 409


def test_uploads_are_found_by_product_image_and_status(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    upload(http, collection, "good", geotiff())
    broken = geotiff("broken.tif")
    broken.write_bytes(b"")
    upload(http, collection, "bad", broken)
    found = http.get("/uploads", params={"product_id": collection}).json()
    assert [u["image_id"] for u in found["uploads"]] == [f"{collection}:good", f"{collection}:bad"]
    failed = http.get("/uploads", params={"product_id": collection, "status": "failure"}).json()
    assert failed["numberMatched"] == 1
    one = http.get("/uploads", params={"image_id": f"{collection}:good", "events": False}).json()["uploads"]
    assert "events" not in one[0]


def test_an_upload_needs_its_product(http: httpx.Client, geotiff: Callable[..., Path]) -> None:
    answer = announce(http, "local:no-such-product", "a", geotiff())
    assert answer.status_code == 404
    assert "local:no-such-product" in answer.json()["description"]


def test_assets_are_served_in_ranges(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    upload(http, collection, "a", geotiff())
    item = http.get(f"/collections/{collection}/items/a").json()
    url = item["assets"]["data"]["href"]
    whole = http.get(url)
    size = len(whole.content)
    head = http.head(url)
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == (str(size), "bytes")
    for spec, expected in [
        ("bytes=0-99", whole.content[:100]),
        ("bytes=100-", whole.content[100:]),
        ("bytes=-50", whole.content[-50:]),
        (f"bytes=10-{size + 1000}", whole.content[10:]),
    ]:
        part = http.get(url, headers={"Range": spec})
        assert part.status_code == 206
        assert part.content == expected
        assert part.headers["content-range"].endswith(f"/{size}")
    assert http.get(url, headers={"Range": f"bytes={size}-"}).status_code == 416
    assert http.get(url, headers={"Range": "items=1-2"}).status_code == 200
    assert http.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "images/../../state.json", "images/%2e%2e/%2e%2e/state.json", "..%2f..%2fetc%2fpasswd", "/etc/passwd",
        "uploads/1/0", "images/", "images//etc/passwd", "images/no/such/file.tif", "images/a%00b",
    ],
)  # fmt: skip
def test_only_images_are_served(http: httpx.Client, path: str) -> None:
    assert http.get(f"/assets/{path}").status_code in (404, 400)


def test_an_item_cannot_refer_to_the_servers_own_files(
    stack: Any, http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    """Deleting an item deletes the files that it refers to, but never files outside of images."""
    keep = stack.store / "uploads" / "keep"
    keep.parent.mkdir(exist_ok=True)
    keep.write_text("mine")
    item = stac_item(collection, "a")
    item["assets"] = {"x": {"href": "/assets/uploads/keep"}, "y": {"href": "/assets/images/../uploads/keep"}}
    http.post(f"/collections/{collection}/items", json=item).raise_for_status()
    http.delete(f"/collections/{collection}/items/a").raise_for_status()
    assert keep.read_text() == "mine"
    keep.unlink()


def test_a_ragged_footprint_covers_every_valid_pixel_with_few_corners(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:900, :1100]
    inside = (columns - 550) ** 2 / 500**2 + (rows - 450) ** 2 / 380**2 < 1
    array = np.where(inside & (rng.random(inside.shape) < 0.02), 5, 0).astype("uint16")
    path = geotiff(array=np.stack([array, array]), nodata=0)
    assert upload(http, collection, "a", path)["status"] == "success"
    footprint = shapely.geometry.shape(http.get(f"/collections/{collection}/items/a").json()["geometry"])
    assert shapely.get_num_coordinates(footprint) < 250
    with rasterio.open(path) as file:
        ys, xs = np.nonzero(array)
        east, north = rasterio.transform.xy(file.transform, ys, xs)
        whole = shapely.box(*rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds))
    x, y = rasterio.warp.transform("EPSG:32621", "EPSG:4326", east, north)
    assert shapely.contains_xy(footprint, x, y).all()
    assert footprint.area < 0.8 * whole.area
