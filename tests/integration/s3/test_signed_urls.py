"""Pixels go to the store and come from it directly, by URLs that the store signs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import numpy as np
import rasterio

from integration.test_server_uploads import announce, finished, upload
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from landbridge.stac_api.assets.store import AssetStore


def test_files_are_put_into_the_store_and_become_an_image(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], endpoint: str, store: AssetStore
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    (url,) = record["resumable_urls"]
    assert url.startswith(endpoint)
    assert "X-Amz-Signature=" in url
    assert "secret-of-the-store" not in url
    httpx.put(url, content=path.read_bytes()).raise_for_status()
    assert http.post(f"/uploads/{record['id']}/submit").status_code == 200
    assert finished(http, record["id"])["status"] == "success"
    wait_until(lambda: not asyncio.run(store.sizes(f"uploads/{record['id']}/")))


def test_files_that_came_short_are_not_taken(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    (url,) = record["resumable_urls"]
    assert "lacks" in http.post(f"/uploads/{record['id']}/submit").json()["description"]
    httpx.put(url, content=path.read_bytes()[:-5]).raise_for_status()
    submitted = http.post(f"/uploads/{record['id']}/submit")
    assert submitted.status_code == 409
    assert "Send it again" in submitted.json()["description"]
    httpx.put(url, content=path.read_bytes()).raise_for_status()
    assert http.post(f"/uploads/{record['id']}/submit").status_code == 200


def test_files_come_by_the_api_too(http: httpx.Client, collection: str, geotiff: Callable[..., Path]) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    sent = http.put(f"/uploads/{record['id']}/files/0", content=path.read_bytes())
    assert sent.status_code == 204
    http.post(f"/uploads/{record['id']}/submit")
    assert finished(http, record["id"])["status"] == "success"


def test_assets_lead_to_the_store(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], endpoint: str
) -> None:
    array = np.arange(2 * 96 * 128, dtype="uint16").reshape(2, 96, 128) + 1
    upload(http, collection, "a", geotiff(array=array))
    href = http.get(f"/collections/{collection}/items/a").json()["assets"]["data"]["href"]
    assert href.startswith(str(http.base_url))
    answer = http.get(href)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(endpoint)
    part = httpx.get(answer.headers["location"], headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    head = http.head(href)
    assert (head.status_code, head.headers["accept-ranges"]) == (200, "bytes")
    assert int(head.headers["content-length"]) > 100
    with rasterio.open(href) as cog:  # by /vsicurl, through the redirection
        assert (cog.read() == array).all()


def test_deleted_images_leave_nothing_in_the_store(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], store: AssetStore
) -> None:
    upload(http, collection, "a", geotiff())
    assert len(asyncio.run(store.sizes(f"images/{collection}/"))) == 2
    upload(http, collection, "a", geotiff(), overwrite=True)
    # The replaced files stay for as long as URLs signed just before are valid.
    assert len(asyncio.run(store.sizes(f"images/{collection}/"))) == 4
    http.delete(f"/collections/{collection}/items/a").raise_for_status()
    wait_until(lambda: not asyncio.run(store.sizes(f"images/{collection}/")))
