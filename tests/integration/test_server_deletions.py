"""Deletion of the images and bands of a product, in the background."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


def ended(http: httpx.Client, collection: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    record: dict[str, Any] = {"status": "RUNNING"}
    while record["status"] == "RUNNING":
        assert time.monotonic() < deadline
        record = http.get(f"/collections/{collection}/deletion").json()
    return record


def test_images_and_bands_are_deleted_and_counted(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    add_items(*({} for _ in range(600)))
    assert http.get(f"/collections/{collection}/deletion").json()["status"] == "NONE"
    started = http.post(f"/collections/{collection}/deletion")
    assert started.status_code == 202
    assert started.json()["status"] == "RUNNING"
    record = ended(http, collection)
    assert (record["status"], record["objects_deleted"], record["errors"]) == ("SUCCESS", 602, None)
    assert record["duration_in_seconds"] >= 0
    assert http.get("/search", params={"collections": collection}).json()["numberMatched"] == 0
    assert http.get(f"/collections/{collection}").json()["bands"] == []
    assert http.post(f"/collections/{collection}/deletion").status_code == 204, "nothing is left to delete"
    assert http.delete(f"/collections/{collection}").status_code == 204


def test_one_deletion_runs_at_a_time(stack: Any, http: httpx.Client, collection: str) -> None:
    with psycopg.connect(stack.database, autocommit=True) as conn:
        conn.execute("INSERT INTO landbridge.deletions (product_id) VALUES (%s)", (collection,))
        refused = http.post(f"/collections/{collection}/deletion")
        conn.execute("DELETE FROM landbridge.deletions WHERE product_id = %s", (collection,))
    assert refused.status_code == 409
    assert collection in refused.json()["description"]


def test_a_missing_product_has_nothing_to_delete(http: httpx.Client) -> None:
    assert http.post("/collections/local:nope/deletion").status_code == 404
