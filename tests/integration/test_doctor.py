"""Doctor: finds, reports and repairs inconsistencies between catalog and store."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from landbridge.stac_api.__main__ import doctor, report
from landbridge.stac_api.core.settings import Settings
from support.wait import wait_until

from .conftest import stac_item
from .test_server_blobs import announced
from .test_server_uploads import announce, upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from landbridge.stac_api.admin.doctor import Finding
    from support.receiver import Receiver


@pytest.fixture
def examined(stack: Any, collection: str) -> Callable[..., list[Finding]]:
    """Return the doctor's findings about this test's objects."""

    def examine(*subjects: str, **options: Any) -> list[Finding]:
        settings = Settings(
            database_url=stack.database, store_url=stack.store.as_uri(), token=stack.token, worker=False
        )
        found = asyncio.run(doctor(settings, **options))
        mine = (collection, *subjects)
        return [finding for finding in found if any(name in finding.subject for name in mine)]

    return examine


def test_a_healthy_catalog_has_no_findings(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], examined: Callable[..., list[Finding]]
) -> None:
    upload(http, collection, "a", geotiff())
    announce(http, collection, "on its way", geotiff())
    assert examined() == []


def test_missing_and_changed_files_are_found_and_not_repaired(
    stack: Any,
    http: httpx.Client,
    collection: str,
    geotiff: Callable[..., Path],
    examined: Callable[..., list[Finding]],
) -> None:
    for name in ("lost", "short"):
        upload(http, collection, name, geotiff())
    (lost,) = (stack.store / "images" / collection / "lost").rglob("0.tif")
    (short,) = (stack.store / "images" / collection / "short").rglob("0.tif")
    lost.unlink()
    short.write_bytes(b"x")
    for options in ({}, {"repair": True}):
        found = {finding.kind: finding for finding in examined(**options)}
        assert set(found) == {"missing", "size"}
        assert "lost" in found["missing"].subject
        assert "upload it anew with overwrite=True" in found["missing"].detail
        assert "has 1 bytes, but the item says" in found["size"].detail
    assert report(list(found.values()), as_json=False).endswith("2 findings\n")


def test_orphans_are_found_and_deleted(
    stack: Any,
    http: httpx.Client,
    collection: str,
    geotiff: Callable[..., Path],
    examined: Callable[..., list[Finding]],
) -> None:
    upload(http, collection, "a", geotiff())
    gone = f"{collection}-gone"
    orphans = [
        stack.store / "images" / collection / "a" / "12-old" / "0.tif",
        stack.store / "images" / gone / "b" / "1" / "0.tif",
        stack.store / "blobs" / "data" / f"stray-{collection}" / "data",
        stack.store / "uploads" / "999999999" / "0",
    ]
    for path in orphans:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    subjects = ("uploads/999999999",)
    found = examined(*subjects)
    assert {finding.kind for finding in found} == {"orphan"}
    # The service's own cleanup may delete the last of them meanwhile.
    assert len(found) in (len(orphans) - 1, len(orphans))
    assert examined(*subjects, repair=True) == []
    assert not any(path.exists() for path in orphans)
    assert len(list((stack.store / "images" / collection / "a").rglob("*.tif"))) == 1


def test_data_of_a_blob_that_was_sent_twice_is_no_orphan(
    stack: Any, http: httpx.Client, examined: Callable[..., list[Finding]]
) -> None:
    """An interrupted request may leave data beside that of the repeated one, until the record is deleted."""
    item = announced()
    announcement = http.post("/blobs", json={"item": item}).json()
    http.put(announcement["url"], content=b"data").raise_for_status()
    earlier = f"blobs/data/{uuid.uuid4().hex}/data"
    (stack.store / earlier).parent.mkdir()
    (stack.store / earlier).write_bytes(b"da")
    assert [finding.kind for finding in examined(earlier)] == ["orphan"]
    note = "UPDATE landbridge.blob_uploads SET paths = $2::text || paths WHERE id = $1"
    asyncio.run(_execute(stack.database, note, uuid.UUID(announcement["id"]), earlier))
    assert examined(earlier) == []


def test_notifications_that_do_not_arrive_are_found(
    http: httpx.Client, collection: str, receiver: Receiver, examined: Callable[..., list[Finding]]
) -> None:
    receiver.answer = lambda _: 400
    name = f"doctor{uuid.uuid4().hex[:8]}"
    hook = http.post("/notifications/destinations", json={"name": name, "url": receiver.url}).json()["id"]
    body = {"name": name, "products": [collection], "destination": hook}
    subscription = http.post("/notifications/subscriptions", json=body).json()["id"]
    assert examined(subscription) == []
    http.post(f"/collections/{collection}/items", json=stac_item(collection, "a")).raise_for_status()
    path = f"/notifications/subscriptions/{subscription}"
    wait_until(lambda: http.get(path).json()["dead_letters"] == 1)
    (finding,) = examined(subscription, repair=True)
    assert (finding.kind, finding.subject) == ("unsent", f"subscription {subscription}")
    assert "The receiver answered 400." in finding.detail
    http.delete(path).raise_for_status()
    assert examined(subscription) == []


async def _execute(database: str, query: str, *arguments: Any) -> Any:
    import asyncpg

    conn = await asyncpg.connect(database)
    try:
        return await conn.fetchval(query, *arguments)
    finally:
        await conn.close()


def test_records_without_a_job_are_found_and_continued(
    stack: Any,
    http: httpx.Client,
    collection: str,
    geotiff: Callable[..., Path],
    examined: Callable[..., list[Finding]],
) -> None:
    """A request that dies between its record and its job leaves such a record.

    The records are an hour ahead, so that the server does not continue them before they are examined.
    """
    record = announce(http, collection, "a", path := geotiff()).json()
    http.put(f"/uploads/{record['id']}/files/0", content=path.read_bytes()).raise_for_status()
    pending = (
        "UPDATE landbridge.uploads SET status = 'pending', modified = now() + interval '1 hour' WHERE id = $1"
    )
    asyncio.run(_execute(stack.database, pending, int(record["id"])))
    deletion = """
        INSERT INTO landbridge.deletions (product_id, start_datetime)
        VALUES ($1, now() + interval '1 hour') RETURNING id
    """
    other = asyncio.run(_execute(stack.database, deletion, f"{collection}-none"))
    subjects = (f"upload {record['id']}", f"deletion {other}")
    later = -7200.0
    found = examined(*subjects, late=later)
    assert [finding.kind for finding in found] == ["stuck", "stuck"]
    examined(*subjects, late=later, repair=True)
    assert http.get(f"/uploads/{record['id']}", params={"wait": 50}).json()["status"] == "success"
    status = "SELECT status FROM landbridge.deletions WHERE id = $1"
    while asyncio.run(_execute(stack.database, status, other)) == "RUNNING":
        continue
    assert asyncio.run(_execute(stack.database, status, other)) == "SUCCESS"
    assert examined(*subjects, late=later) == []


def test_the_command_prints_findings_and_has_an_exit_code(
    stack: Any, http: httpx.Client, collection: str, geotiff: Callable[..., Path]
) -> None:
    upload(http, collection, "a", geotiff())
    for path in (stack.store / "images" / collection / "a").rglob("*.tif"):
        path.unlink()
    environment = {**os.environ, "LANDBRIDGE_HOME": str(stack.home)}
    command = [sys.executable, "-m", "landbridge.cli", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    (mine,) = [finding for finding in found if collection in finding["subject"]]
    assert mine["kind"] == "missing"
    assert stack.token not in done.stdout + done.stderr
