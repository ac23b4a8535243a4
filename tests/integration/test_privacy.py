"""Answers of an embedded stack to other users of the machine, and below its private address."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import psycopg
import pytest
import rasterio
from click.testing import CliRunner

from integration.test_server_uploads import upload
from landbridge.catalog import CatalogClient, Image, ImageCollection
from landbridge.cli import main
from landbridge.mappings import schema
from landbridge.private_addresses import asset_path, without_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from landbridge.stac_api.embedded.stack import Stack

NOBODY = 65534


def as_nobody(act: Callable[[str], int | None], arguments: list[str]) -> list[int | None]:
    """Return what a function returns for each argument in a process of another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can run a process of another user")
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writing, json.dumps([act(one) for one in arguments]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    found: list[int | None] = json.loads(answer)
    return found


def status_of(url: str) -> int:
    return httpx.get(url, timeout=60).status_code


def error_of_reading(path: str) -> int | None:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return error.errno
    return None


@pytest.fixture
def scene(http: httpx.Client, collection: str, geotiff: Callable[..., Path]) -> str:
    """The path of an item with a file of its own."""
    upload(http, collection, "scene", geotiff())
    return f"/collections/{collection}/items/scene"


def hrefs(document: Any) -> Iterator[str]:
    """Yield all addresses of a document, except names of link relations and schemas of others."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "href" and isinstance(value, str):
                yield value
            else:
                yield from hrefs(value)
    elif isinstance(document, list):
        for one in document:
            yield from hrefs(one)


def key_of(stack: Stack) -> str:
    return urlsplit(stack.private_url).path.split("/")[2]


def test_another_user_gets_401_without_the_address_and_can_read_neither_it_nor_the_token(
    stack: Stack, scene: str
) -> None:
    port = urlsplit(stack.url).port
    private = stack.private_url
    asked = [
        f"{stack.url}/",
        f"{stack.url}{scene}",
        f"{stack.url}/search",
        f"{stack.url}/assets/{scene}",
        f"{stack.url}/api",
        f"http://[::1]:{port}/collections",
        f"{stack.url}/k/{'x' * 43}/",
        f"{private}collections",
        f"http://[::1]:{port}{urlsplit(private).path}",
    ]
    assert as_nobody(status_of, asked) == [401] * 7 + [200] * 2
    secrets = [str(stack.home / name) for name in ("state.json", "private_key", "logs/api.log")]
    assert as_nobody(error_of_reading, secrets) == [errno.EACCES] * 3


def test_without_a_credential_each_operation_is_refused(stack: Stack, http: httpx.Client) -> None:
    answered = {}
    with httpx.Client(base_url=stack.url) as anonymous:
        for path, methods in http.get("/api").json()["paths"].items():
            for method in methods:
                status = anonymous.request(method, re.sub(r"\{[^}]*\}", "x", path)).status_code
                if status != 401:
                    answered[f"{method} {path}"] = status
    assert answered == {f"get {path}": 200 for path in ("/_mgmt/ping", "/_mgmt/health", schema.URL_PATH)}


def test_all_addresses_below_the_private_one_stay_there_and_answer(
    stack: Stack, scene: str, http: httpx.Client
) -> None:
    collection = scene.rpartition("/items/")[0].removeprefix("/")
    private = stack.private_url
    paths = [
        "",
        "collections?limit=2",
        collection,
        f"{collection}/items",
        scene[1:],
        "search?limit=1",
        "queryables",
    ]
    for path in paths:
        document = httpx.get(private + path).raise_for_status().json()
        found = [href for href in hrefs(document) if href.startswith(stack.url)]
        assert found or path == "queryables"
        assert [href for href in found if not href.startswith(private)] == []
        assert stack.url + "/" not in str(document).replace(private, "")
    for link in httpx.get(private).json()["links"]:
        method = link.get("method", "GET")
        if link["href"].startswith(private) and method == "GET":
            assert httpx.get(link["href"]).status_code == 200, link
    posted = httpx.post(
        f"{private}search", json={"limit": 1, "collections": [collection.split("/")[1]]}
    ).json()
    assert [item["id"] for item in posted["features"]] == ["scene"]


def test_gdal_reads_a_file_by_its_private_address(stack: Stack, scene: str) -> None:
    item = httpx.get(stack.private_url + scene[1:]).json()
    href = item["assets"]["data"]["href"]
    kept = stack.store / (asset_path(stack.url, href) or "")
    with rasterio.open(f"/vsicurl/{href}") as far, rasterio.open(kept) as near:
        np.testing.assert_array_equal(far.read(), near.read())
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(f"/vsicurl/{without_key(stack.url, href)}").close()


def test_a_private_address_changes_nothing_unless_a_token_is_sent(
    stack: Stack, scene: str, http: httpx.Client
) -> None:
    address = stack.private_url + scene[1:]
    for method in ("PUT", "PATCH", "DELETE"):
        refused = httpx.request(method, address, json={})
        assert refused.status_code == 403
        assert "private address only reads" in refused.json()["description"]
    header = {"Authorization": f"Bearer {stack.token}"}
    assert httpx.get(address, headers={"Authorization": "Bearer wrong"}).status_code == 401
    changed = httpx.patch(address, json={"properties": {"title": "x"}}, headers=header)
    assert changed.status_code == 200
    # A document that was read by the private address is stored without the key.
    document = httpx.get(address).json()
    document["links"].append({"rel": "related", "href": f"{stack.private_url}collections"})
    stored = http.put(scene, json=document)
    assert stored.status_code == 200, stored.text
    assert key_of(stack) not in http.get(scene).text
    with psycopg.connect(stack.database) as connection:
        rows = connection.execute("SELECT content::text FROM pgstac.items WHERE id = 'scene'").fetchall()
    assert rows
    assert not [row for row in rows if key_of(stack) in row[0]]


def test_signed_urls_need_nothing_else(stack: Stack, scene: str, http: httpx.Client) -> None:
    href = http.get(scene).json()["assets"]["data"]["href"]
    assert httpx.get(href).status_code == 401
    signed = [
        http.post("/assets/signatures", json={"hrefs": [one]}).json()["hrefs"][0]
        for one in (href, stack.private_url + href.removeprefix(f"{stack.url}/"))
    ]
    for url in signed:
        assert httpx.get(url, headers={"Range": "bytes=0-3"}).status_code == 206
        assert httpx.head(url).status_code == 200
        assert httpx.get(url[:-4] + "0000").status_code == 401
        assert "/k/" not in url


def test_other_libraries_read_items_and_reprs_show_no_key(stack: Stack, scene: str) -> None:
    product, _, name = scene.removeprefix("/collections/").partition("/items/")
    image = Image.get(f"{product}:{name}")
    item = image.to_item()
    asset = item.assets["data"]
    assert httpx.get(asset.href, headers={"Range": "bytes=0-3"}).content[:2] == b"II"
    again = Image.from_item(item)
    assert again.files[0].href == image.files[0].href
    assert np.array_equal(again.ndarray("red"), image.ndarray("red"))
    client = CatalogClient.get_default_client()
    assert client.private_url == stack.private_url
    images = ImageCollection([image, again])
    shown = [
        stack,
        client,
        client.settings,
        image,
        again,
        image.files,
        images,
        images._repr_html_(),
        image._repr_html_(),
    ]
    assert [thing for thing in shown if key_of(stack) in repr(thing)] == []
    assert key_of(stack).encode() not in pickle.dumps([image, again, client])
    # The thumbnail is in the view: neither a browser nor a reader of the notebook has the key.
    assert 'src="data:image/png;base64,' in image._repr_html_()


def test_a_client_of_the_private_address_reads(stack: Stack, scene: str) -> None:
    product, _, name = scene.removeprefix("/collections/").partition("/items/")
    client = CatalogClient(stack.private_url)
    image = Image.get(f"{product}:{name}", client=client)
    assert np.array_equal(image.ndarray("red"), Image.get(f"{product}:{name}").ndarray("red"))


def test_a_renewed_address_ends_the_old_one_and_no_log_has_either(
    stack: Stack, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDBRIDGE_HOME", str(stack.home))
    old = stack.private_url
    assert httpx.get(old).status_code == 200
    renewed = CliRunner().invoke(main, ["open", "--renew"])
    assert renewed.exit_code == 0, renewed.output
    new = renewed.output.strip()
    assert new != old
    assert CliRunner().invoke(main, ["open"]).output.strip() == new
    assert f"address   {new}\n" in CliRunner().invoke(main, ["status"]).output
    assert httpx.get(new).json()["type"] == "Catalog"
    refused = httpx.get(f"{old}collections")
    assert refused.status_code == 401
    assert "landbridge status" in refused.json()["description"]
    assert CatalogClient.get_default_client().private_url == new
    httpx.post(f"{new}collections", json={})  # refused, so that it is in the audit log
    keys = [urlsplit(url).path.split("/")[2] for url in (old, new)]
    log = (stack.home / "logs" / "api.log").read_text()
    with psycopg.connect(stack.database) as connection:
        audit = connection.execute("SELECT audit::text FROM landbridge.audit").fetchall()
    assert any("private address" in row[0] for row in audit)
    for key in keys:
        assert key not in log
        assert not [row for row in audit if key in row[0]]
    # Other tests of this run have the address from the start.
    (stack.home / "private_key").write_text(keys[0] + "\n")


def test_pages_of_other_sites_get_nothing_by_the_private_address(stack: Stack) -> None:
    answer = httpx.get(stack.private_url, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert httpx.get(stack.private_url, headers={"Host": "evil.example"}).status_code == 421
