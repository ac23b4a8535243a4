"""`landbridge notifications` on a live stack, whose own worker delivers."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from integration.conftest import stac_collection, stac_item
from landbridge.catalog import CatalogClient
from landbridge.cli import main
from support.wait import wait_until

from .test_server_uploads import upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from support.receiver import Receiver


@pytest.fixture(autouse=True)
def client(stack: Any) -> Iterator[None]:
    CatalogClient.clear_all_default_clients()
    yield
    CatalogClient.clear_all_default_clients()


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["notifications", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_subscription_from_its_beginning_to_its_end(
    http: httpx.Client, collection: str, receiver: Receiver, tmp_path: Path
) -> None:
    name = uuid.uuid4().hex[:8]
    area, key = tmp_path / "area.json", tmp_path / "key"
    square = [[[30, 30], [32, 30], [32, 32], [30, 32], [30, 30]]]
    geometry = {"type": "Polygon", "coordinates": square}
    area.write_text(json.dumps({"type": "Feature", "geometry": geometry, "properties": {}}))
    key.write_text("Bearer sesame\n")
    options = ("--url", receiver.url, "--name", name, "--header", f"Authorization={key}", "--json")
    made = json.loads(
        run("add", collection, *options, "--geometry", str(area), "--filter", "eo:cloud_cover < 20")
    )
    assert (made["id"], made["geometry"]) == (f"local:{name}", geometry)
    assert run("test", name) == "The receiver answered 204.\n"
    assert receiver.is_signed(0, made["secret"])
    assert receiver.headers[0]["authorization"] == "Bearer sesame"
    receiver.events.clear()

    receiver.answer = lambda event: 400 if event["data"]["id"] == "bad" else 204
    path = f"/collections/{collection}/items"
    for item, cover in (("bad", 1), ("cloudy", 80), ("good", 1)):
        body = stac_item(collection, item, corner=(31.0, 31.0), **{"eo:cloud_cover": cover})
        assert http.post(path, json=body).is_success
    # The worker is woken by the database, long before it looks for waiting images by itself.
    wait_until(lambda: receiver.items() == ["bad", "good"])
    wait_until(lambda: "1 dead letters" in run("list"))
    assert f"local:{name}\tactive\t{collection}\t0 waiting\t1 dead letters" in run("list")
    letter, image, _, error = run("dead", name).strip().split("\t")
    assert (image, error) == (f"{collection}:bad", "The receiver answered 400.")

    receiver.answer = lambda _: 204
    run("retry", name, "999999999", code=1)
    assert run("retry", f"local:{name}", letter) == "1 dead letters will be sent again.\n"
    wait_until(lambda: receiver.items() == ["bad", "good", "bad"])
    wait_until(lambda: run("dead", name) == "")
    assert run("remove", name) == f"{name} is removed.\n"
    assert name not in run("list")
    assert name not in http.get("/notifications/destinations").text


def test_an_image_of_the_upload_worker_is_sent_once(
    http: httpx.Client, collection: str, receiver: Receiver, geotiff: Callable[..., Path]
) -> None:
    name = uuid.uuid4().hex[:8]
    secret = json.loads(run("add", collection, "--url", receiver.url, "--name", name, "--json"))["secret"]
    assert upload(http, collection, "scene", geotiff())["status"] == "success"
    assert upload(http, collection, "scene", geotiff(), overwrite=True)["status"] == "success"
    assert upload(http, collection, "next", geotiff())["status"] == "success"
    # An image that is replaced is not new, and would have come before the next one.
    wait_until(lambda: receiver.items() == ["scene", "next"])
    assert receiver.is_signed(0, secret)
    found = http.get(f"/collections/{collection}/items/next").json()
    sent = receiver.events[1]["data"]
    assert {name: asset["href"] for name, asset in sent["assets"].items()} == {
        name: asset["href"] for name, asset in found["assets"].items()
    }
    assert sent["assets"]
    run("remove", name)


def test_nothing_is_left_of_a_subscription_that_is_refused(http: httpx.Client, receiver: Receiver) -> None:
    assert "does not exist" in run("add", "local:nowhere", "--url", receiver.url, code=1)
    assert "nowhere" not in http.get("/notifications/destinations").text
    assert "no subscription" in run("test", "nowhere", code=1)


def test_a_receiver_that_fails_a_test_is_an_error(http: httpx.Client, receiver: Receiver) -> None:
    product = f"local:{uuid.uuid4().hex[:8]}"
    assert http.post("/collections", json=stac_collection(product)).is_success
    secret = run("add", product, "--url", receiver.url)
    assert "whsec_" in secret
    receiver.answer = lambda _: 503
    assert "answered 503" in run("test", product.removeprefix("local:"), code=1)
    run("remove", product.removeprefix("local:"))
