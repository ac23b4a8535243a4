"""An organization keeps no more bytes than the operator lets it, by whatever road they come."""

from __future__ import annotations

import uuid
from importlib import resources
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psycopg
import pytest
import rasterio
from rasterio.transform import from_origin

from landbridge.catalog import Blob, CatalogClient, Image, Product, SpectralBand
from landbridge.exceptions import ClientError
from landbridge.stac_api.access.principal import Principal
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUOTA = 60_000


@pytest.fixture(scope="module")
def bounded(serve: Any) -> Iterator[Any]:
    """A service with a quota."""
    with serve(quota_bytes=QUOTA) as running:
        yield running


@pytest.fixture
def org() -> str:
    return f"q{uuid.uuid4().hex[:8]}"


@pytest.fixture
def client(bounded: Any, org: str) -> Iterator[CatalogClient]:
    made = bounded.client(Principal("quinn", org=org))
    yield made
    made.close()


@pytest.fixture
def product(client: CatalogClient) -> Product:
    return made_product(client, "UInt16")


def made_product(client: CatalogClient, data_type: str) -> Product:
    made = Product(id=f"p-{data_type}", name="P", client=client)
    made.save()
    ranges = {"data_range": (0, 255), "display_range": (0, 255)}
    SpectralBand(product=made, name="red", band_index=0, data_type=data_type, client=client, **ranges).save()
    return made


def image(product: Product, name: str, path: Path, **options: Any) -> Any:
    """Upload a file, and wait."""
    made = Image(product=product, name=name, acquired="2024-05-01", client=product._client)
    upload = made.upload(str(path), **options)
    upload.wait_for_completion()
    return upload


@pytest.fixture
def noise(tmp_path: Path) -> Callable[..., Path]:
    """A GeoTIFF of noise, which does not compress."""

    def write(side: int, dtype: str = "uint16", **profile: Any) -> Path:
        path = tmp_path / f"{side}.tif"
        options = {"crs": "EPSG:32621", "transform": from_origin(600000, 4200000, 30, 30), **profile}
        with rasterio.open(
            path, "w", driver="GTiff", count=1, height=side, width=side, dtype=dtype, **options
        ) as file:
            file.write(np.random.default_rng(side).integers(1, 255, (1, side, side)).astype(dtype))
        return path

    return write


def blob(client: CatalogClient, name: str, size: int) -> Blob:
    made = Blob(name=name, client=client)
    made.upload_data(bytes(size))
    return made


def refused(*numbers: int) -> Any:
    text = ".*".join(f"{number:,}" for number in numbers)
    return pytest.raises(ClientError, match=f"may keep {QUOTA:,} bytes.*{text}")


def taken(client: CatalogClient, most: int) -> int:
    """Return the number of stored bytes that a refusal states."""
    with pytest.raises(ClientError) as raised:
        blob(client, "too-large", most + 1)
    return int(str(raised.value).partition("It keeps ")[2].partition(", and")[0].replace(",", ""))


def test_what_items_say_of_their_files_changes_nothing(
    client: CatalogClient, product: Product, noise: Callable[..., Path]
) -> None:
    assert image(product, "a", noise(140)).status == "success"
    before = taken(client, QUOTA)
    assert before > 30_000
    path = f"/collections/{product.id}/items/a"
    assets = client.get(path)["assets"]
    (key,) = [name for name, asset in assets.items() if asset["href"].endswith("/0.tif")]
    patch = {"assets": {key: {"file:size": 0}}}
    kind = {"content_type": "application/merge-patch+json"}
    client.request("PATCH", path, document=patch, **kind)
    assert taken(client, QUOTA) == before
    dropped = {"assets": {key: None}, "properties": {"catalog:storage_state": "remote"}}
    client.request("PATCH", path, document=dropped, **kind)
    assert taken(client, QUOTA) == before
    remote = {**client.get(path), "id": "far"}
    remote["assets"] = {"data": {"href": "https://example.org/x.tif", "file:size": 10**9}}
    remote["properties"] = {**remote["properties"], "catalog:storage_state": "remote"}
    client.post(f"/collections/{product.id}/items", remote)
    assert taken(client, QUOTA) == before


def test_an_image_that_is_deleted_makes_room(
    client: CatalogClient, product: Product, noise: Callable[..., Path]
) -> None:
    assert image(product, "a", noise(140)).status == "success"
    Image.get(f"{product.id}:a", client=client).delete()
    assert taken(client, QUOTA) == 0


def test_blobs_fit_up_to_the_quota_and_not_a_byte_more(client: CatalogClient) -> None:
    blob(client, "a", 40_000)
    with refused(40_000, 0, 20_001) as raised:
        blob(client, "b", 20_001)
    assert raised.value.status == 413
    blob(client, "b", 20_000)
    with refused(60_000):
        blob(client, "c", 1)


def test_what_is_deleted_makes_room(client: CatalogClient) -> None:
    made = blob(client, "a", QUOTA)
    Blob.delete_many([made.id], wait_for_completion=True, client=client)
    blob(client, "b", QUOTA)


def test_another_organization_has_a_quota_of_its_own(bounded: Any, client: CatalogClient, org: str) -> None:
    blob(client, "a", QUOTA)
    # One whose name only begins alike is another.
    other = bounded.client(Principal("quinn", org=f"{org}x"))
    blob(other, "a", QUOTA)
    other.close()


def test_images_and_blobs_count_together(
    client: CatalogClient, product: Product, noise: Callable[..., Path]
) -> None:
    assert image(product, "a", noise(100)).status == "success"
    kept = Image.get(f"{product.id}:a", client=client).files[0].size_bytes
    assert kept > 10_000
    with refused(0, 55_000):
        blob(client, "b", 55_000)
    with refused():
        image(product, "c", noise(170))
    blob(client, "d", 20_000)


def test_an_image_that_replaces_another_takes_its_room(
    client: CatalogClient, product: Product, noise: Callable[..., Path]
) -> None:
    assert image(product, "a", noise(140)).status == "success"
    blob(client, "b", QUOTA - taken(client, QUOTA) - 1000)
    with refused():
        image(product, "b", noise(141))
    blob(client, "c", 100)
    assert image(product, "a", noise(100), overwrite=True).status == "success"


def test_what_is_on_its_way_counts(client: CatalogClient, product: Product) -> None:
    item = {
        "type": "Feature", "stac_version": "1.1.0", "id": "x", "collection": product.id, "geometry": None,
        "properties": {"datetime": "2024-05-01T00:00:00Z"}, "links": [], "assets": {},
    }  # fmt: skip
    body = {"item": item, "files": [{"name": "x.tif", "size": 50_000}]}
    record = client.post("/uploads", body)
    with refused(0, 50_000, 10_001):
        blob(client, "b", 10_001)
    client.post(f"/uploads/{record['id']}/cancel")
    blob(client, "b", 10_001)


def test_what_becomes_larger_than_it_was_sent_is_refused_before_it_is_kept(
    bounded: Any, client: CatalogClient, noise: Callable[..., Path]
) -> None:
    """A COG keeps each pixel that a lossy file has, and takes more room for that."""
    product = made_product(client, "Byte")
    path = noise(160, "uint8", compress="jpeg", jpeg_quality=5)
    blob(client, "a", QUOTA - path.stat().st_size - 100)
    upload = image(product, "x", path)
    assert upload.status == "failure"
    (last,) = [event.message for event in upload.events if event.severity == "ERROR"]
    assert f"may keep {QUOTA:,} bytes" in last
    assert Image.get(f"{product.id}:x", client=client) is None
    wait_until(lambda: not list((bounded.store / "images" / product.id).rglob("*.tif")))


def test_data_of_unannounced_size_is_limited_as_it_arrives(client: CatalogClient, org: str) -> None:
    blob(client, "a", QUOTA - 1000)
    stored = client.get(f"/collections/blobs:data/items/{org}:quinn~2Fa")
    properties = {**stored["properties"], "catalog:name": "b"}
    item = {**stored, "id": f"{org}:quinn~2Fb", "properties": properties, "assets": {}}
    url = client.post("/blobs", {"item": item})["url"]
    answer = httpx.put(url, content=iter([bytes(600)] * 2))
    assert answer.status_code == 413, answer.text
    assert "1000" in answer.text
    url = client.post("/blobs", {"item": item})["url"]
    assert httpx.put(url, content=iter([bytes(500)] * 2)).status_code == 201


def test_what_was_kept_before_quotas_were_counted_is_counted_from_its_items(
    bounded: Any, client: CatalogClient, product: Product, org: str, noise: Callable[..., Path]
) -> None:
    assert image(product, "a", noise(100)).status == "success"
    blob(client, "b", 1234)
    folder = resources.files("landbridge.stac_api.pgstac") / "sql" / "migrations"
    script = (folder / "0023_stored.sql").read_text().replace(".stored", ".stored_objects")
    rows = (
        "SELECT path, bytes FROM landbridge.stored_objects "
        "WHERE org = %s AND path NOT LIKE '%%/thumbnail.png'"
    )
    with psycopg.connect(bounded.database) as conn:
        before = sorted(conn.execute(rows, [org]).fetchall())
        conn.execute("TRUNCATE landbridge.stored_objects")
        conn.execute(script[script.index("INSERT INTO") :])
        assert sorted(conn.execute(rows, [org]).fetchall()) == before
        assert len(before) == 2
        conn.rollback()
