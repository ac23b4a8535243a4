"""Many callers make products, bands, images and blobs at once: all succeed, nothing is doubled or lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from conftest import LONG
from landbridge.catalog import Blob, CatalogClient, Product, SpectralBand
from landbridge.catalog import properties as p
from support import s3_server
from support.wait import wait_until

from .conftest import stac_collection, stac_item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THREADS, EACH = 16, 8 if LONG else 3


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/_mgmt/health").is_success
    return False


@pytest.fixture(scope="module")
def urls(stack: Any) -> Iterator[list[str]]:
    """The addresses of the stack's API and of another process on the same database and store."""
    port = s3_server.free_port()
    environment = os.environ | {
        "LANDBRIDGE_DATABASE_URL": stack.database,
        "LANDBRIDGE_STORE_URL": stack.store.as_uri(),
        "LANDBRIDGE_TOKEN": stack.token,
        "LANDBRIDGE_WORKER": "false",
    }
    command = [sys.executable, "-m", "landbridge.stac_api", "serve", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **quiet) as server:  # type: ignore[call-overload]
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(url))
            yield [stack.url, url]
        finally:
            server.terminate()


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Have threads begin their work in one moment; returns the results of each."""
    together = Barrier(threads)

    def run(thread: int) -> Any:
        together.wait()
        return work(thread)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def band(name: str) -> dict[str, Any]:
    return {**stac_collection("-")["bands"][0], "name": name}


def names(prefix: str) -> list[list[str]]:
    return [[f"{prefix}-{thread}-{number}" for number in range(EACH)] for thread in range(THREADS)]


def test_collections_with_bands_and_items_are_made_and_deleted_at_once(
    http: Any, stack: Any, urls: list[str]
) -> None:
    """On the server: no client repeats anything here."""
    mine = names(f"local:many-{uuid.uuid4().hex[:8]}")

    def work(thread: int) -> list[tuple[int, Any]]:
        codes = []
        with httpx.Client(base_url=urls[thread % 2], headers=http.headers, timeout=120) as client:
            for number, name in enumerate(mine[thread]):
                made = [
                    client.post("/collections", json=stac_collection(name, bands=[])),
                    client.post(f"/collections/{name}/items", json=stac_item(name, "a")),
                    client.patch(f"/collections/{name}", json={"bands": [band("red")]}),
                    client.post(f"/collections/{name}/items", json=stac_item(name, "b")),
                    client.patch(f"/collections/{name}/items/a", json={"properties": {"x:n": number}}),
                ]
                if number % 2:  # partitions go while others come
                    made += [
                        client.delete(f"/collections/{name}/items/a"),
                        client.delete(f"/collections/{name}/items/b"),
                        client.patch(f"/collections/{name}", json={"bands": []}),
                        client.delete(f"/collections/{name}"),
                    ]
                codes += [(one.status_code, one.status_code > 299 and one.text) for one in made]
        return codes

    codes = [code for found in at_once(work) for code in found]
    assert [code for code in codes if code[0] > 299] == []
    kept = [name for found in mine for name in found[::2]]
    gone = [name for found in mine for name in found[1::2]]
    for name in kept[:: THREADS // 4]:
        found = http.get(f"/collections/{name}/items").json()["features"]
        assert sorted(item["id"] for item in found) == ["a", "b"]
        assert [one["name"] for one in http.get(f"/collections/{name}").json()["bands"]] == ["red"]
    with psycopg.connect(stack.database) as conn:
        count = "SELECT count(*), count(DISTINCT id) FROM pgstac.collections WHERE id = ANY (%s)"
        assert conn.execute(count, (kept,)).fetchone() == (len(kept), len(kept))
        assert conn.execute(count, (gone,)).fetchone() == (0, 0)
        partitions = """
            SELECT count(*) FROM pgstac.collections c
            WHERE id = ANY (%s) AND to_regclass('pgstac._items_' || key) IS NOT NULL
                AND EXISTS (SELECT FROM pgstac.partition_stats WHERE collection = c.id)
        """
        assert conn.execute(partitions, (kept,)).fetchone() == (len(kept),)


def test_products_bands_and_blobs_of_clients_at_once_are_all_there(stack: Any) -> None:
    prefix = f"many-{uuid.uuid4().hex[:8]}"
    clients = [CatalogClient() for _ in range(4)]

    def work(thread: int) -> list[str]:
        client, made = clients[thread % len(clients)], []
        for number in range(EACH):
            product = Product(id=f"{prefix}-{thread}-{number}", name="One of many", client=client)
            product.save()
            for name in ("red", "nir"):
                SpectralBand(
                    product=product,
                    name=name,
                    data_type="UInt16",
                    data_range=(0, 10000),
                    display_range=(0, 4000),
                    band_index=0,
                    client=client,
                ).save()
            blob = Blob(name=f"{prefix}-{thread}-{number}", namespace="many", client=client)
            blob.upload_data(f"{thread} {number}")
            made.append(product.id)
        return made

    try:
        made = [one for found in at_once(work) for one in found]
        assert len(set(made)) == THREADS * EACH
        for name in made[:: THREADS // 2]:
            assert [one.name for one in Product.get(name, client=clients[0]).bands()] == ["red", "nir"]
        blobs = Blob.search(client=clients[0]).filter(p.name.startswith(prefix))
        found = {one.name: one for one in blobs}
        assert len(found) == blobs.count() == THREADS * EACH
        for thread in range(THREADS):
            assert found[f"{prefix}-{thread}-2"].data() == f"{thread} 2".encode()
    finally:
        for client in clients:
            client.close()


def test_bands_of_one_product_at_once_are_all_there(http: Any, stack: Any, collection: str) -> None:
    def work(thread: int) -> int:
        body = [{"op": "add", "path": "/bands/-", "value": band(f"b{thread}")}]
        with httpx.Client(base_url=stack.url, headers=http.headers, timeout=120) as client:
            return client.patch(f"/collections/{collection}", json=body).status_code

    assert set(at_once(work)) == {200}
    found = [one["name"] for one in http.get(f"/collections/{collection}").json()["bands"]]
    assert sorted(found) == sorted(["red", "nir", *(f"b{thread}" for thread in range(THREADS))])


def test_the_first_blob_of_a_type_may_come_twice_at_once(http: Any, stack: Any) -> None:
    """The collection of a storage type is made with the first of its blobs."""
    with psycopg.connect(stack.database, options="-c search_path=pgstac,public", autocommit=True) as conn:
        conn.execute("DELETE FROM pgstac.collections WHERE id = 'blobs:dyncomp'")
    clients = [CatalogClient() for _ in range(4)]
    prefix = uuid.uuid4().hex[:8]

    def work(thread: int) -> None:
        name = f"{prefix}-{thread}"
        blob = Blob(name=name, namespace="n", storage_type="dyncomp", client=clients[thread % 4])
        blob.upload_data("x")

    try:
        at_once(work)
    finally:
        for client in clients:
            client.close()
    found = http.get("/collections/blobs:dyncomp/items", params={"limit": 100}).json()["features"]
    assert sum(prefix in item["id"] for item in found) == THREADS


@pytest.mark.parametrize("existing", [False, True], ids=["new items", "existing items"])
def test_the_same_items_may_be_upserted_at_once(
    http: Any, urls: list[str], collection: str, existing: bool
) -> None:
    """An import that was killed may still be stored by the server when it is repeated."""
    path, names = f"/collections/{collection}/bulk_items", [f"i{number}" for number in range(40)]
    rounds = 3

    def body(order: list[str], by: str) -> dict[str, Any]:
        items = {name: stac_item(collection, name) for name in order}
        for item in items.values():
            item["properties"]["x:by"] = by
        return {"items": items, "method": "upsert"}

    if existing:
        http.post(path, json=body(names, "before")).raise_for_status()

    def work(thread: int) -> list[tuple[int, str]]:
        order = names[::-1] if thread % 2 else names  # two orders would wait for each other
        with httpx.Client(base_url=urls[thread % 2], headers=http.headers, timeout=120) as client:
            answers = [client.post(path, json=body(order, f"{thread} {n}")) for n in range(rounds)]
        return [(answer.status_code, answer.text) for answer in answers if not answer.is_success]

    assert [found for found in at_once(work, 8) if found] == []
    stored = http.get(f"/collections/{collection}/items", params={"limit": 100}).json()
    assert stored["numberMatched"] == len(names)
    assert sorted(item["id"] for item in stored["features"]) == sorted(names)
    # All of one request or none: whoever stored last, stored all.
    assert len({item["properties"]["x:by"] for item in stored["features"]}) == 1
