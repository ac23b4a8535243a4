"""A service whose objects are in S3 is backed up to S3, and restored into a folder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg

from integration.test_server_blobs import announced
from landbridge.stac_api.__main__ import main
from landbridge.stac_api.assets.store import AssetStore
from support.embedded_stack import empty_database

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest


def test_a_backup_goes_from_one_bucket_to_another_place_and_back(
    stack: Any,
    http: httpx.Client,
    store: AssetStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = http.post("/blobs", json={"item": announced()}).json()
    data = bytes(range(256)) * 2**16  # more than one part
    http.put(answer["url"], content=data).raise_for_status()
    place = "s3://landbridge/backups-of-this-test"
    monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", stack.database)
    monkeypatch.setenv("LANDBRIDGE_STORE_URL", store.url)
    for _ in range(2):
        assert main(["backup", place, "--keep", "1"]) == 0, capsys.readouterr().err
    assert main(["backup", place, "--verify-only", "newest"]) == 0, capsys.readouterr().err
    kept = asyncio.run(AssetStore(place).sizes("backups/"))
    assert len({path.split("/")[1] for path in kept}) == 1

    with empty_database(stack.database, "restored_from_s3") as url:
        monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", url)
        monkeypatch.setenv("LANDBRIDGE_STORE_URL", (tmp_path / "store").as_uri())
        assert main(["restore", place]) == 0, capsys.readouterr().err
        with psycopg.connect(url) as conn:
            rows = conn.execute("SELECT count(*) FROM pgstac.items").fetchone()
        assert rows is not None
        assert rows[0] >= 1
        assert data in [path.read_bytes() for path in (tmp_path / "store").rglob("data") if path.is_file()]
        assert main(["doctor"]) == 0, capsys.readouterr().out
