"""Some cases of the table of faults; `make faults` runs all."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from faults import failpoints, serve, site, table
from integration.conftest import stac_item
from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image
from landbridge.exceptions import ServerError
from landbridge.mappings import blob
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("installation")

CASES = [
    ("local", "worker killed", failpoints.INSERTED),
    ("local", "reader killed", failpoints.VALIDATED),
    ("local", "database killed", failpoints.INSERTED),
    ("local", "disk full for a moment", failpoints.VALIDATED),
    ("local", "database full for a moment", failpoints.VALIDATED),
    ("local", "truncated file, worker killed", failpoints.STORED),
    ("local", "worker killed over an overwrite", failpoints.INSERTED),
    ("local", "complex file", ""),
    ("s3", "store refuses for a moment", failpoints.CONVERTED),
]


@pytest.fixture(scope="module")
def service(cluster_template: Path) -> Iterator[Callable[[str], site.Site]]:
    """Return the service with a store, which is started on first use."""
    running: dict[str, site.Site] = {}
    with ExitStack() as stack:

        def get(store: str) -> site.Site:
            if store not in running:
                running[store] = stack.enter_context(site.running(store, cluster_template))
                table.prepare(running[store])
            return running[store]

        yield get


@pytest.mark.parametrize(("store", "name", "point"), CASES, ids=map(", ".join, CASES))
def test_a_fault_leaves_no_partial_state(
    service: Callable[[str], site.Site], store: str, name: str, point: str
) -> None:
    fault = next(fault for fault in table.faults() if fault.name == name)
    chosen = service(store)
    if fault.disk and not chosen.disk:
        pytest.skip("no small disk can be mounted here")
    assert table.run_case(chosen, fault, point) == ""


@pytest.mark.parametrize(
    ("store", "action", "says"),
    [("local", "fill", "(it has no space left)"), ("s3", "refuse", "did not take the data")],
)
def test_a_blob_that_the_store_fails_to_store_can_be_sent_again(
    service: Callable[[str], site.Site], store: str, action: str, says: str
) -> None:
    chosen = service(store)
    if action == "fill" and not chosen.disk:
        pytest.skip("no small disk can be mounted here")
    item = blob.to_stac({"storage_type": "data", "namespace": "local:faults", "name": action})
    upload = chosen.call("POST", "/blobs", json={"item": item}).json()["id"]
    answers: list[str] = []
    serve.ACTIONS[action](chosen.home)

    def heal(answer: str) -> None:
        answers.append(answer)
        chosen.heal()

    chosen.on_error = heal
    data = bytes(range(256)) * 1000
    assert chosen.call("PUT", f"/blobs/uploads/{upload}", content=data).status_code == 201
    chosen.on_error = lambda _: None
    assert says in answers[0]
    assert str(chosen.home) not in answers[0]
    assert "127.0.0.1" not in answers[0]
    assert chosen.call("GET", f"/blobs/data/{item['id']}/data").content == data
    findings, objects = chosen.left()
    assert findings == []
    assert len([path for path in objects if path.startswith("blobs/")]) == 1


@pytest.mark.parametrize("many", [False, True], ids=["one", "bulk"])
def test_a_full_database_is_reported_and_stores_nothing(
    service: Callable[[str], site.Site], many: bool
) -> None:
    chosen = service("local")
    running = running_stack(Home(chosen.home))
    assert running is not None
    item = stac_item(table.COLLECTION, f"no-space-{many}")
    path = f"/collections/{table.COLLECTION}/{'bulk_items' if many else 'items'}"
    headers = {"Authorization": f"Bearer {running.token}"}
    body = {"items": {item["id"]: item}} if many else item
    serve.fill_database(chosen.home)
    try:
        answer = httpx.post(running.url + path, json=body, headers=headers)
        client = CatalogClient(running.url, Auth(user="local", org="local", token=running.token))
        with pytest.raises(ServerError, match="no space left"):
            client.post(path, body)
        client.close()
    finally:
        chosen.heal()
    assert answer.status_code == 507
    assert answer.json()["code"] == "InsufficientStorage"
    assert "no space left" in answer.json()["description"]
    assert "base/" not in answer.text
    shown = f"/collections/{table.COLLECTION}/items/{item['id']}"
    assert chosen.call("GET", shown).status_code == 404
    assert chosen.call("POST", path, json=body).status_code in (200, 201)
    assert chosen.call("DELETE", shown).status_code == 204


def test_a_service_that_fails_during_a_wait_causes_a_warning_10_5(
    service: Callable[[str], site.Site], geotiff: Callable[..., Path]
) -> None:
    chosen = service("local")
    running = running_stack(Home(chosen.home))
    assert running is not None
    client = CatalogClient(running.url, Auth(user="local", org="local", token=running.token), retries=0)
    image = Image(product_id=table.COLLECTION, name="waited-for", acquired="2020-01-01", client=client)
    chosen.arm(failpoints.CONVERTED, image.name, "kill server")
    upload = image.upload(str(geotiff()))
    with pytest.warns(UserWarning, match=f"Waiting for upload {upload.id}"):
        upload.wait_for_completion(timeout=60)
    assert upload.status == "success"
    assert image.state == "saved"
    client.close()
