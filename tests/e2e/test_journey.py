"""The notebook of the whole journey, exported to HTML, in a headless Chromium: views, bars, map, pictures.

With `LANDBRIDGE_SCREENSHOTS` set, the pictures of the documentation are written anew: `make screenshots`.
"""

import itertools
import os

import pytest

from support.notebooks import ROOT, TUTORIALS, executed_alone

from .conftest import colors

WIDTH = 1100


@pytest.fixture(scope="module")
def html(stack, tmp_path_factory):
    """The exported notebook."""
    pytest.importorskip("playwright", reason="`make test-browser` installs playwright")
    nbconvert = pytest.importorskip("nbconvert")
    folder = tmp_path_factory.mktemp("journey")
    notebook = executed_alone(TUTORIALS / "whole-journey.md", folder)
    text, _ = nbconvert.HTMLExporter(template_name="lab").from_notebook_node(notebook)
    path = folder / "journey.html"
    path.write_text(text)
    return path


@pytest.fixture
def journey(offline_page, html):
    """The notebook in Chromium, and the list of its errors."""
    errors = []
    offline_page.on("pageerror", lambda error: errors.append(str(error)))
    offline_page.set_viewport_size({"width": WIDTH, "height": 1600})
    offline_page.goto(html.as_uri())
    offline_page.frame_locator("iframe").locator(".leaflet-container").wait_for()
    offline_page.wait_for_load_state("networkidle")
    return offline_page, errors


def cell(page, last_line):
    """Return the cell whose code ends with a line."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".highlight", has_text=last_line)).last


def test_views_bars_map_and_pictures_are_visible(journey):
    page, errors = journey

    product = cell(page, 'Product.get("local:demo-landsat")').locator(".lb")
    rows = product.locator("details[open] tbody tr")
    assert rows.count() == 5
    swatches = {rows.nth(number).locator("td").first.screenshot() for number in range(5)}
    assert len(swatches) == 5
    assert product.locator(".lb-text").is_hidden()

    bars = cell(page, "summary_interval").locator(".lb rect.lb-bar")
    boxes = [bars.nth(number).bounding_box() for number in range(bars.count())]
    assert [round(box["height"] / boxes[0]["height"], 1) for box in boxes] == [1, 0.5, 1, 0.5]
    # January, April, July and October
    steps = [right["x"] - left["x"] for left, right in itertools.pairwise(boxes)]
    assert steps == pytest.approx([steps[0]] * 3, abs=1)
    assert steps[0] == pytest.approx(3 * boxes[0]["width"], rel=0.1)

    thumbnails = cell(page, "search.collect()").locator(".lb img")
    assert thumbnails.count() == 6
    assert all(thumbnails.nth(number).evaluate("one => one.naturalWidth") > 0 for number in range(6))

    frame = page.frame_locator("iframe")
    assert frame.locator("path.leaflet-interactive").count() == 2
    assert frame.locator("img.leaflet-image-layer").evaluate("one => one.naturalWidth") > 0
    assert colors(cell(page, "explore(basemap=None)").locator("iframe").screenshot()) > 500
    assert colors(cell(page, "display(mosaic").locator("img").screenshot()) > 500
    assert cell(page, "to_geopandas()").locator("tbody tr").count() == 6
    upload = cell(page, "upload.wait_for_completion()").locator(".lb")
    assert upload.get_by_text("success", exact=True).is_visible()

    assert errors == []


def test_the_pictures_of_the_documentation_are_made(journey, tmp_path):
    page, _ = journey
    folder = ROOT / "docs" / "images" if os.environ.get("LANDBRIDGE_SCREENSHOTS") else tmp_path
    first = cell(page, 'Product.get("local:demo-landsat")').bounding_box()
    last = cell(page, "search.collect()").bounding_box()
    height = last["y"] + last["height"] - first["y"]
    clip = {"x": 0, "y": first["y"], "width": WIDTH, "height": height}
    views = page.screenshot(path=folder / "notebook-views.png", clip=clip, full_page=True)
    drawn = cell(page, "explore(basemap=None)").locator("iframe").screenshot(path=folder / "notebook-map.png")
    assert colors(views) > 500
    assert colors(drawn) > 500
