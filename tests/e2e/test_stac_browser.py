"""STAC Browser opens the catalog, filters it by cloud cover, opens an item, and draws its COG."""

import io

import numpy as np
import pytest
from PIL import Image as Picture


def test_a_person_finds_a_clear_scene_and_sees_it(page, browser_url, product, dataset, tmp_path):
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda answer: failures.append(answer.url) if answer.status >= 400 else None)

    page.goto(browser_url)
    page.get_by_text(product.name, exact=True).first.click()
    page.get_by_text(dataset.images[0].name).first.wait_for()

    page.get_by_role("button", name="Show filter").click()
    page.locator(".queryables button").first.click()
    page.locator(".queryables .dropdown-item", has=page.get_by_text("eo:cloud_cover", exact=True)).click()
    row = page.locator(".queryable-row")
    row.locator(".op .dropdown-toggle-split").click()
    row.locator(".op .dropdown-item", has=page.get_by_text("<", exact=True)).first.click()
    row.locator("input.value").fill("20")
    row.locator("input.value").press("Tab")
    with page.expect_response(
        lambda answer: "filter" in answer.url + (answer.request.post_data or "")
    ) as search:
        page.get_by_role("button", name="Submit").click()
    found = search.value.json()
    clear = {image.name for image in dataset.images if image.cloud_fraction < 0.2}
    assert {item["id"] for item in found["features"]} == clear
    cards = page.locator(".card-grid .item-card")
    page.wait_for_function(f"document.querySelectorAll('.card-grid .item-card').length == {len(clear)}")
    assert cards.count() == len(clear)

    name = min(clear)
    page.get_by_text(name).first.click()
    wait_until_drawn(page, tmp_path / "map.png")
    assert failures == []


def wait_until_drawn(page, shot, answers=(None,)):
    """Wait until a scene is on the map, and the list of its requests' answers is not empty."""
    page.locator(".ol-viewport canvas").first.wait_for()
    for _ in range(60):
        page.wait_for_timeout(500)
        if answers and drawn(page.locator(".ol-viewport").first.screenshot(path=shot)):
            break
    assert drawn(shot.read_bytes()), f"no scene is drawn; see {shot}"


def drawn(png: bytes) -> bool:
    """Return whether a scene, not only its outline, is on the map: many different dark pixels."""
    pixels = np.asarray(Picture.open(io.BytesIO(png)).convert("RGB")).astype(int)
    varied = np.abs(np.diff(pixels, axis=1)).sum(axis=2) > 0
    scene = pixels[:, 1:][(pixels[:, 1:].max(axis=2) < 200) & varied]
    return len(scene) > 0.05 * varied.size and len(np.unique(scene, axis=0)) > 500


@pytest.mark.parametrize("path", ["/collections?limit=10&sortby=title", "/queryables"])
def test_the_browsers_requests_are_answered_to_another_origin_of_this_machine(http, path):
    origin = "http://localhost:8080"
    answer = http.get(path, headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] in ("*", origin)
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "Range",
    }
    assert http.options("/search", headers=asked).status_code == 200


def test_a_collection_is_shown_with_its_images_and_its_preview(page, browser_url, product, tmp_path):
    """It draws the files of a collection's images rather than the tiles that the collection links to."""
    previews = []
    page.on("response", lambda answer: previews.append(answer) if "/preview.png" in answer.url else None)
    page.goto(f"{browser_url}/collections/{product.id}")
    wait_until_drawn(page, tmp_path / "collection.png", previews)
    assert {answer.status for answer in previews} == {200}


def test_a_collection_without_listed_images_is_drawn_by_its_tiles(page, browser_url, product, tmp_path):
    tiles = []
    page.on("response", lambda answer: tiles.append(answer) if "/tiles/WebMercatorQuad/" in answer.url else 0)
    # STAC Browser draws the previews of the images that it lists; without any, the layer of the collection.
    page.route(
        f"**/collections/{product.id}/items*",
        lambda route: route.fulfill(json={"type": "FeatureCollection", "features": [], "links": []}),
    )
    page.goto(f"{browser_url}/collections/{product.id}")
    wait_until_drawn(page, tmp_path / "tiles.png", tiles)
    assert {answer.status for answer in tiles} == {200}
