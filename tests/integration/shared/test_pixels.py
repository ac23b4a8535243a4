"""Pixels of a shared service: read by signed addresses, by who may read the product and by nobody else."""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpx
import numpy as np
import psycopg
import pytest
import rasterio

from landbridge.catalog import CatalogClient, Image, ImageCollection, Product, SpectralBand
from landbridge.catalog.client import client as client_module
from landbridge.catalog.client.asset_urls import UrlSigner
from landbridge.catalog.pixels.engine_inputs import sources
from landbridge.exceptions import NotFoundError
from landbridge.raster import RasterError
from landbridge.raster.io.expiring_url import ExpiringUrl
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from landbridge.catalog.client.http import Request

COUNT = 3


@pytest.fixture
def arrays() -> list[np.ndarray]:
    return [np.random.default_rng(n).integers(1, 9000, (1, 64, 96)).astype("uint16") for n in range(COUNT)]


@pytest.fixture
def images(people: dict[str, CatalogClient], arrays: list[np.ndarray]) -> list[Image]:
    """Images that ann has uploaded to a product that ben may read."""
    ann = people["ann"]
    product = Product(id=f"x-{uuid.uuid4().hex[:8]}", name="Pixels", readers=["user:ben"], client=ann)
    product.save()
    band = {"data_range": (0, 10000), "display_range": (0, 4000)}
    SpectralBand(product=product, name="red", band_index=0, data_type="UInt16", client=ann, **band).save()
    made = []
    for number, array in enumerate(arrays):
        image = Image(product=product, name=f"i{number}", acquired=f"2024-05-0{number + 1}", client=ann)
        image.geotrans, image.cs_code = (600000, 30, 0, 4200000, 0, -30), "EPSG:32621"
        image.upload_ndarray(array).wait_for_completion()
        made.append(Image.get(image.id, client=ann))
    return made


@pytest.fixture
def bens(people: dict[str, CatalogClient], images: list[Image]) -> ImageCollection:
    """The images as ben finds them."""
    client = people["ben"]
    return ImageCollection([Image.get(image.id, client=client) for image in images])


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return a list of the requests of all clients, as method and path."""
    seen: list[tuple[str, str]] = []
    respond = CatalogClient._send

    def noting(self: CatalogClient, request: Request) -> Any:
        seen.append((request.method, request.path))
        return respond(self, request)

    monkeypatch.setattr(client_module.CatalogClient, "_send", noting)
    return seen


def test_readers_of_a_product_get_its_pixels(
    bens: ImageCollection, arrays: list[np.ndarray], tmp_path: Path
) -> None:
    assert (bens[0].ndarray("red") == arrays[0]).all()
    context = bens[0].geocontext
    assert (bens.mosaic("red", context) == arrays[-1]).all()
    assert (bens.stack("red", context) == np.stack(arrays)).all()
    for path in (
        bens[1].download("red", dest=tmp_path / "one.tif"),
        bens.download_mosaic("red", context, dest=tmp_path / "all.tif"),
    ):
        with rasterio.open(path) as file:
            assert file.read().shape == arrays[0].shape
    cube = bens.to_xarray("red", context, chunks={"y": 32, "x": 32})
    assert (np.asarray(cube).reshape(COUNT, 64, 96) == np.concatenate(arrays)).all()


def test_the_files_of_a_call_are_signed_at_once(
    bens: ImageCollection, requests: list[tuple[str, str]]
) -> None:
    bens.stack("red", bens[0].geocontext)
    assert requests.count(("POST", "/assets/signatures")) == 1


def test_callers_without_access_learn_nothing_of_a_products_files(
    people: dict[str, CatalogClient], images: list[Image]
) -> None:
    cat = people["cat"]
    assert Image.get(images[0].id, client=cat) is None
    href = images[0].files[0].href
    bare = httpx.get(href)
    shown = httpx.get(href, headers={"Authorization": f"Bearer {cat.token}"})
    missing = httpx.get(href.replace("i0", "i9"), headers={"Authorization": f"Bearer {cat.token}"})
    assert bare.status_code == shown.status_code == missing.status_code == 404
    assert shown.text.replace("i0", "i9") == missing.text


def test_a_reader_of_an_overwritten_image_reads_the_old_files_then_the_new_ones(
    bens: ImageCollection, images: list[Image], arrays: list[np.ndarray], service: Any, tmp_path: Path
) -> None:
    ann, context = images[0]._client, bens[0].geocontext
    image = Image(id=images[0].id, acquired="2024-05-01", client=ann)
    image.geotrans, image.cs_code = (600000, 30, 0, 4200000, 0, -30), "EPSG:32621"
    image.upload_ndarray(arrays[0] + 1, overwrite=True).wait_for_completion()
    assert (bens[0].ndarray("red") == arrays[0]).all()
    lazy = bens[:1].to_xarray("red", context, chunks={"y": 32, "x": 32})
    # The service deletes the old files when URLs of them have expired.
    with psycopg.connect(service.database) as conn:
        path = f"images/{image.product_id}/i0/%"
        due = "SELECT extract(epoch FROM due - now()) FROM landbridge.deletion_queue WHERE path LIKE %s"
        left = [float(row[0]) for row in conn.execute(due, [path])]
        assert left
        assert all(800 < seconds <= 900 for seconds in left)
        conn.execute("UPDATE landbridge.deletion_queue SET due = now() WHERE path LIKE %s", [path])
    held = service.store / unquote(urlsplit(bens[0].files[0].href).path).removeprefix("/assets/")
    assert held.exists()
    doomed = Image.get(images[1].id, client=ann)
    doomed.delete()  # whatever is due goes with it
    wait_until(lambda: not held.exists())
    assert (bens[0].ndarray("red") == arrays[0] + 1).all()
    assert (bens[:1].stack("red", context) == arrays[0] + 1).all()
    with pytest.raises(RasterError, match=r"i0.*overwritten or deleted") as raised:
        np.asarray(lazy)
    assert "signature=" not in str(raised.value)
    with pytest.raises(NotFoundError, match=r"i1 does not exist"):
        bens[1].ndarray("red")


def test_rights_that_end_end_reading_as_if_there_were_nothing(
    bens: ImageCollection, people: dict[str, CatalogClient]
) -> None:
    bens[0].ndarray("red")
    product = Product.get(bens[0].product_id, client=people["ann"])
    product.readers = []
    product.save()
    with pytest.raises(NotFoundError, match=r"Image acme:x-.*:i0 does not exist\.") as raised:
        bens[0].ndarray("red")
    assert "signature=" not in str(raised.value)


def test_signatures_and_tokens_show_nowhere(
    bens: ImageCollection, people: dict[str, CatalogClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    _, info = bens[0].ndarray("red", raster_info=True)
    text = caplog.text + repr(info) + repr(bens[0]) + repr(sources(bens))
    assert "signature=" not in text
    assert people["ben"].token not in text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Have addresses be so many seconds older."""
    ahead = [0.0]
    now = time.time
    monkeypatch.setattr("landbridge.raster.io.expiring_url.time.time", lambda: now() + ahead[0])
    return lambda seconds: ahead.__setitem__(0, seconds)


def test_an_address_is_signed_anew_when_its_time_is_nearly_over(
    bens: ImageCollection, requests: list[tuple[str, str]], clock: Callable[[float], None]
) -> None:
    sign = sources(bens)[0].sign
    href = bens[0].files[0].href
    first = sign(href)
    assert sign(href) is first
    clock(830)
    assert sign(href) is first
    clock(850)
    assert sign(href) is not first
    assert requests.count(("POST", "/assets/signatures")) == 2


def test_a_long_call_goes_on_when_its_first_addresses_have_expired(
    bens: ImageCollection, arrays: list[np.ndarray], requests: list[tuple[str, str]],
    clock: Callable[[float], None],
) -> None:  # fmt: skip
    cube = bens.to_xarray("red", bens[0].geocontext, chunks={"y": 32, "x": 32})
    whole = np.concatenate(arrays)
    top = np.asarray(cube.isel(y=slice(0, 32))).reshape(COUNT, 32, 96)
    clock(3600)
    bottom = np.asarray(cube.isel(y=slice(32, 64))).reshape(COUNT, 32, 96)
    assert (np.concatenate([top, bottom], axis=1) == whole).all()
    assert requests.count(("POST", "/assets/signatures")) >= 2


def test_another_process_gets_the_addresses_and_no_token(
    bens: ImageCollection, people: dict[str, CatalogClient], clock: Callable[[float], None]
) -> None:
    packed = pickle.dumps(sources(bens)[0])
    assert people["ben"].token.encode() not in packed
    there = pickle.loads(packed)
    href = bens[0].files[0].href
    address = there.sign(href)
    assert isinstance(address, ExpiringUrl)
    assert httpx.get(address).status_code == 200
    clock(3600)
    try:
        with pytest.raises(PermissionError, match="has expired"):
            there.sign(href)
        CatalogClient.set_default_client(people["ben"])
        assert httpx.get(there.sign(href)).status_code == 200
    finally:
        CatalogClient.clear_all_default_clients()


def test_threads_share_one_request(bens: ImageCollection, requests: list[tuple[str, str]]) -> None:
    found = sources(bens)
    threads = [
        threading.Thread(target=source.sign, args=(image.files[0].href,))
        for source, image in zip(found, bens, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert requests.count(("POST", "/assets/signatures")) == 1


def test_one_file_that_may_not_be_read_keeps_no_other_from_being_signed(
    bens: ImageCollection, people: dict[str, CatalogClient], requests: list[tuple[str, str]]
) -> None:
    hidden = f"{people['ben'].url}/assets/images/crane:none/x/1/0.tif"
    own = [image.files[0].href for image in bens]
    sign = UrlSigner(people["ben"], [*own[:2], hidden, *own[2:]])
    assert all("signature=" in sign(href) for href in own)
    assert sign(hidden) == hidden
    assert 1 < requests.count(("POST", "/assets/signatures")) < 8


def test_files_of_others_get_no_signature_and_no_token(
    bens: ImageCollection, requests: list[tuple[str, str]]
) -> None:
    sign = sources(bens)[0].sign
    assert sign("https://example.org/x.tif") == "https://example.org/x.tif"
    assert requests.count(("POST", "/assets/signatures")) == 0


def test_anonymous_callers_read_public_products(
    service: Any, people: dict[str, CatalogClient], images: list[Image], arrays: list[np.ndarray]
) -> None:
    product = Product.get(images[0].product_id, client=people["ann"])
    product.readers = ["public"]
    product.save()
    nobody = CatalogClient(service.url)
    assert (Image.get(images[0].id, client=nobody).ndarray("red") == arrays[0]).all()
    nobody.close()
