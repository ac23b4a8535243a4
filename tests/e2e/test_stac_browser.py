"""STAC Browser opens the catalog, filters it by cloud cover, opens an item, and draws its COG."""

import io
import json

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
        lambda answer: answer.request.method == "POST" and answer.url.endswith("/search")
    ) as search:
        page.get_by_role("button", name="Submit").click()
    sent, found = json.loads(search.value.request.post_data), search.value.json()
    assert sent["filter-lang"] == "cql2-json"
    clear = {image.name for image in dataset.images if image.cloud_fraction < 0.2}
    assert {item["id"] for item in found["features"]} == clear
    cards = page.locator(".card-grid .item-card")
    page.wait_for_function(f"document.querySelectorAll('.card-grid .item-card').length == {len(clear)}")
    assert cards.count() == len(clear)

    name = sorted(clear)[0]
    page.get_by_text(name).first.click()
    page.locator(".ol-viewport canvas").first.wait_for()
    drawn = 0.0
    for _ in range(40):
        page.wait_for_timeout(500)
        drawn = coloured(page.locator(".ol-viewport").first.screenshot(path=tmp_path / "map.png"))
        if drawn > 0.05:
            break
    page.screenshot(path=tmp_path / "page.png")
    assert drawn > 0.05, f"{drawn:.1%} of the map is coloured; see {tmp_path}"
    assert failures == []


def coloured(png: bytes) -> float:
    """The share of pixels that have a colour and a neighbour of another: neither paper, nor an outline."""
    pixels = np.asarray(Picture.open(io.BytesIO(png)).convert("RGB")).astype(int)
    spread = pixels.max(axis=2) - pixels.min(axis=2)
    varied = np.abs(np.diff(pixels, axis=1)).sum(axis=2) > 0
    return float(((spread[:, 1:] > 12) & varied).mean())


@pytest.mark.parametrize("path", ["/collections?limit=10&sortby=title", "/queryables"])
def test_the_browsers_requests_are_answered_to_other_origins(http, path):
    answer = http.get(path, headers={"Origin": "http://browser.example"})
    assert answer.headers["access-control-allow-origin"] in ("*", "http://browser.example")
    asked = {
        "Origin": "http://browser.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "Range",
    }
    assert http.options("/search", headers=asked).status_code == 200
