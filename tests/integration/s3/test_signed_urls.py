"""Pixels go to the store and come from it directly, by URLs that the store signs."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import httpx
import numpy as np
import rasterio

from integration.test_server_uploads import announce, finished, upload
from support.s3_server import BUCKET
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.embedded.stack import Stack
    from support.s3_server import S3Server


def test_files_are_put_into_the_store_and_become_an_image(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], s3_server: S3Server, store: AssetStore
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    (url,) = record["resumable_urls"]
    assert url.startswith(s3_server.url)
    assert "X-Amz-Signature=" in url
    assert "secret-of-the-store" not in url
    httpx.put(url, content=path.read_bytes()).raise_for_status()
    assert http.post(f"/uploads/{record['id']}/submit").status_code == 200
    assert finished(http, record["id"])["status"] == "success"
    wait_until(lambda: not asyncio.run(store.sizes(f"uploads/{record['id']}/")))


def test_the_store_verifies_what_it_signed(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], store: AssetStore
) -> None:
    record = announce(http, collection, "a", path := geotiff()).json()
    (put_url,) = record["resumable_urls"]
    assert httpx.get(put_url).status_code == 403, "another method"
    httpx.put(put_url, content=path.read_bytes()).raise_for_status()
    http.post(f"/uploads/{record['id']}/submit").raise_for_status()
    assert finished(http, record["id"])["status"] == "success"
    href = http.get(f"/collections/{collection}/items/a").json()["assets"]["data"]["href"]
    url = http.get(href).headers["location"]
    assert httpx.get(url).is_success
    refused = {
        "another method": ("PUT", url),
        "no signature": ("GET", url.partition("?")[0]),
        "another object": ("GET", url.replace("/images/", "/images/x")),
        "a longer life": ("GET", url.replace("X-Amz-Expires=900", "X-Amz-Expires=90000")),
        "another time": ("GET", re.sub(r"X-Amz-Date=\d{4}", "X-Amz-Date=2099", url)),
        "another signature": ("GET", url[:-4] + ("0000" if url[-4:] != "0000" else "1111")),
        "after its end": ("GET", _expired(store, urlsplit(url).path)),
    }
    assert {
        why: httpx.request(method, address).status_code for why, (method, address) in refused.items()
    } == (dict.fromkeys(refused, 403))
    assert httpx.get(url).is_success, "the refused PUT changed nothing"


def _expired(store: AssetStore, path: str) -> str:
    """Return a URL that was valid for one second, when that is over."""
    root = f"/{BUCKET}{urlsplit(store.url).path}/"
    assert path.startswith(root)
    url = asyncio.run(store.sign("GET", unquote(path.removeprefix(root)), 1))
    wait_until(lambda: httpx.get(url).status_code == 403)
    return url


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
    stack: Stack, http: httpx.Client, collection: str, geotiff: Callable[..., Path], s3_server: S3Server
) -> None:
    array = np.arange(2 * 96 * 128, dtype="uint16").reshape(2, 96, 128) + 1
    upload(http, collection, "a", geotiff(array=array))
    href = http.get(f"/collections/{collection}/items/a").json()["assets"]["data"]["href"]
    assert href.startswith(str(http.base_url))
    answer = http.get(href)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(s3_server.url)
    part = httpx.get(answer.headers["location"], headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    head = http.head(href)
    assert (head.status_code, head.headers["accept-ranges"]) == (200, "bytes")
    assert int(head.headers["content-length"]) > 100
    private = stack.private_url + href.removeprefix(f"{stack.url}/")
    with rasterio.open(private) as cog:  # by /vsicurl, through the redirection
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
