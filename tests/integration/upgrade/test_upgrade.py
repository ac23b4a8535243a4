"""Databases made by older versions work after a migration: `migrate` and the start of the embedded stack."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from access.service import OPERATOR, started
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.__main__ import doctor
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded import control, identity
from landbridge.stac_api.embedded import stack as embedded
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.pgstac.migrate import migrate
from support.embedded_stack import empty_database, new_home

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
DUMP = HERE / "532aea5.sql.gz"
STORE = HERE / "532aea5-store.tar.gz"


def restore(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(gzip.decompress(DUMP.read_bytes()))


def unpack(folder: Path) -> None:
    with tarfile.open(STORE) as archive:
        archive.extractall(folder, filter="data")


def findings(database: str, store: Path) -> list[str]:
    settings = Settings(database_url=database, store_url=store.as_uri(), token=OPERATOR, worker=False)
    return [str(finding) for finding in asyncio.run(doctor(settings))]


def check_reads(request: Callable[..., Any]) -> None:
    """Check that each kind of object that the old version stored can be read."""
    collections = {one["id"]: one for one in request("GET", "/collections")["collections"]}
    assert set(collections) == {"blobs:data", "foreign", "local:gone", "local:landsat"}
    product = collections["local:landsat"]
    assert product["title"] == "A product of an old version"
    assert [band["name"] for band in product["bands"]] == ["red", "nir"]
    assert product["catalog:owners"] == ["user:local", "org:local"]
    assert collections["foreign"]["extent"]["spatial"]["bbox"] == [[10, 10, 15, 11]]

    image = request("GET", "/collections/local:landsat/items/scene")
    assert image["properties"]["proj:shape"] == [40, 60]
    assert image["assets"]["data"]["bands"][1]["name"] == "nir"
    foreign = request("GET", "/collections/foreign/items/item-3")
    assert foreign["assets"]["nir"]["gsd"] == 20
    damaged = request("GET", "/collections/foreign/items/single")
    assert damaged["assets"]["red"]["x:list"] == [1, 2, 30]

    blobs = request("GET", "/collections/blobs:data/items")["features"]
    assert {blob["properties"]["title"] for blob in blobs} == {"gone", "notes", "place"}
    states = [one["status"] for one in request("GET", "/uploads?product_id=local:landsat")["uploads"]]
    assert sorted(states) == ["failure", "success"]
    assert request("GET", "/collections/local:gone/deletion")["status"] == "SUCCESS"


def check_searches(request: Callable[..., Any]) -> None:
    """Check filters, sorts, areas and sums over the old items."""

    def found(**search: Any) -> list[str]:
        return [item["id"] for item in request("POST", "/search", json=search)["features"]]

    cloudy = {"op": ">=", "args": [{"property": "eo:cloud_cover"}, 20]}
    assert found(collections=["foreign"], filter=cloudy) == ["item-4", "item-3", "item-2"]
    no_nir = {"op": "isNull", "args": [{"property": "assets.nir"}]}
    by_name = [{"field": "x:name", "direction": "asc"}, {"field": "id", "direction": "asc"}]
    names = ["item-0", "single", "item-2", "item-4"]
    assert found(collections=["foreign"], filter=no_nir, sortby=by_name) == names
    assert found(collections=["foreign"], bbox=[13.5, 10.2, 13.6, 10.4]) == ["item-3"]
    assert found(datetime="2012-01-02T00:00:00Z") == ["scene"]

    names = "total_count,total_bytes,datetime_frequency"
    sums = request("GET", f"/aggregate?collections=foreign&aggregations={names}")["aggregations"]
    values = {one["name"]: one.get("value") for one in sums}
    assert (values["total_count"], values["total_bytes"]) == (6, 7010)
    months = [bucket["frequency"] for bucket in sums[2]["buckets"]]
    assert months == [2, 1, 1, 1, 1]


def check_writes(request: Callable[..., Any]) -> None:
    """Check patches, new items and deletions of what the old version stored."""
    path = "/collections/foreign/items/item-2"
    assert request("PATCH", path, json={"properties": {"eo:cloud_cover": 77}})["id"] == "item-2"
    changed = request("GET", path)
    assert changed["properties"]["eo:cloud_cover"] == 77
    assert changed["assets"]["red"]["x:list"] == [1, 2, 32]
    request("PATCH", "/collections/local:landsat", json={"title": "Renamed"})
    assert request("GET", "/collections/local:landsat")["title"] == "Renamed"
    request("POST", "/collections/foreign/items", json=stac_item("foreign", "new", corner=(50.0, 20.0)))
    extent = request("GET", "/collections/foreign")["extent"]["spatial"]["bbox"]
    assert extent == [[10, 10, 51, 21]]
    request("DELETE", "/collections/foreign/items/new")
    assert request("GET", "/collections/foreign")["extent"]["spatial"]["bbox"] == [[10, 10, 15, 11]]


def names_of_objects(url: str) -> list[tuple[str, str]]:
    """Return the tables, indexes, functions, triggers and statistics that are ours, by kind and name."""
    query = """
    SELECT c.relkind::text, c.relname FROM pg_class c WHERE relnamespace = 'landbridge'::regnamespace
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text || ' ' || md5(p.prosrc) FROM pg_proc p
    WHERE pronamespace = 'landbridge'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'trigger', t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger t
    WHERE t.tgfoid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'landbridge'::regnamespace)
      AND t.tgparentid = 0
    UNION ALL
    SELECT 'statistics', stxname FROM pg_statistic_ext WHERE stxnamespace = 'landbridge'::regnamespace
    UNION ALL
    SELECT 'column', attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'landbridge'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND NOT attisdropped
    ORDER BY 1, 2
    """
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()


def requests_to(service: Any) -> Callable[..., Any]:
    def request(method: str, path: str, **options: Any) -> Any:
        answer = service.request(method, path, OPERATOR, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    return request


def test_migrate_upgrades_the_oldest_database(
    stack: embedded.Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unpack(tmp_path)
    with empty_database(stack.database, "upgrade_oldest") as url:
        restore(url)
        monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", url)
        command = [sys.executable, "-m", "landbridge.stac_api", "migrate"]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "migrated\n"
        assert not migrate(url)
        assert findings(url, tmp_path) == []
        with started(url, tmp_path.as_uri()) as service:
            request = requests_to(service)
            check_reads(request)
            check_searches(request)
            check_writes(request)
        assert findings(url, tmp_path) == []
        assert names_of_objects(url) == names_of_objects(stack.database)


def test_the_embedded_stack_upgrades_the_oldest_database(installation: Any) -> None:
    home = Home(new_home())
    try:
        empty = embedded.up(home)
        with psycopg.connect(empty.database, autocommit=True, dbname="postgres") as conn:
            conn.execute("DROP DATABASE landbridge WITH (FORCE)")
            conn.execute("CREATE DATABASE landbridge")
        restore(empty.database)
        unpack(empty.store)
        control.down(home)
        identity.forget(home)  # the database is another one now
        stack = embedded.up(home)
        headers = {"Authorization": f"Bearer {stack.token}"}
        with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as http:

            def request(method: str, path: str, **options: Any) -> Any:
                answer = http.request(method, path, **options)
                assert answer.is_success, answer.text
                return answer.json() if answer.content else None

            check_reads(request)
            check_searches(request)
            check_writes(request)
        assert findings(stack.database, stack.store) == []
    finally:
        control.remove(home)


def store_older_data(url: str, collection: str, *, shares_lists: bool) -> None:
    """Store items by pgstac's own functions, as versions before 0030 did, and records of ours.

    `shares_lists` gives the collection's `item_assets` a list that pgstac's dehydration damages.
    """
    shared = {
        "red": {"type": "image/tiff", "roles": ["data"], **({"x:list": [1, 2, 3]} if shares_lists else {})}
    }
    items = []
    for number in range(3):
        own = {"href": f"https://example.org/{number}.tif", "x:list": [1, 2, number], "file:size": 7}
        item = stac_item(collection, f"item-{number}", corner=(10.0 + number, 10.0))
        items.append({**item, "assets": {"red": {**shared["red"], **own}}})
    with psycopg.connect(url, autocommit=True, options="-c search_path=pgstac,public") as conn:
        document = stac_collection(collection, item_assets=shared, bands=[])
        conn.execute("SELECT create_collection(%s)", (Jsonb(document),))
        conn.execute("SELECT create_items(%s)", (Jsonb(items),))
        conn.execute(
            "INSERT INTO landbridge.uploads (product_id, image_id, username, status, item) "
            "VALUES (%s, 'i', 'ann', 'failure', '{}')",
            (collection,),
        )


@pytest.mark.parametrize("before", ["0010", "0030", "0050"])
def test_databases_of_versions_in_between_are_upgraded(
    stack: embedded.Stack, before: str, tmp_path: Path
) -> None:
    with empty_database(stack.database, f"upgrade_{before}") as url:
        assert migrate(url, before=before)
        store_older_data(url, "local:older", shares_lists=before < "0031")
        assert migrate(url)
        assert not migrate(url)
        assert findings(url, tmp_path) == []
        with started(url, tmp_path.as_uri()) as service:
            request = requests_to(service)
            path = "/collections/local:older/items/item-1"
            assert request("GET", path)["assets"]["red"]["x:list"] == [1, 2, 1]
            sums = request("GET", "/aggregate?collections=local:older&aggregations=total_count,total_bytes")
            assert [one["value"] for one in sums["aggregations"]] == [3, 21]
            assert request("GET", "/collections/local:older")["extent"]["spatial"]["bbox"] == [
                [10, 10, 13, 11]
            ]
            request("PATCH", path, json={"properties": {"eo:cloud_cover": 3}})
            cloudy = {"filter": {"op": "=", "args": [{"property": "eo:cloud_cover"}, 3]}}
            assert [one["id"] for one in request("POST", "/search", json=cloudy)["features"]] == ["item-1"]
        assert names_of_objects(url) == names_of_objects(stack.database)
