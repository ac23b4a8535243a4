"""Pages for people in a headless Chromium: their policy is kept, previews and map tiles are drawn."""

from __future__ import annotations

import pytest

from .conftest import CHROMIUM, colors

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 800}}


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="`make test-browser` installs playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make test-browser` installs it")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def opened(chromium, stack):
    """Open a page of the stack; it fails the test if anything is blocked, missing or an error."""
    failures = []
    contexts = []

    def open_page(path, **options):
        context = chromium.new_context(viewport=SIZES["desktop"], **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on(
            "console",
            lambda message: failures.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("response", lambda answer: failures.append(answer.url) if answer.status >= 400 else None)
        page.on("requestfailed", lambda asked: failures.append(f"{asked.url} {asked.failure}"))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((stack.url, "data:")) else failures.append(asked.url),
        )
        page.goto(f"{stack.private_url.rstrip('/')}{path}")
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert failures == []


def scroll_through(page):
    """Bring all images into view, since they are loaded then only."""
    for card in page.locator(".card").all():
        card.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")


def test_the_first_page_shows_products_with_previews(opened, product, tmp_path):
    page = opened("/")
    scroll_through(page)
    card = page.locator(".card", has_text=product.name)
    assert card.count() == 1
    assert colors(card.locator("img").screenshot(path=tmp_path / "preview.png")) > 200
    page.get_by_label("Search products").fill(product.name)
    page.get_by_role("button", name="Search").click()
    page.locator(".card", has_text=product.name).get_by_role("link").click()
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").inner_text() == product.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_products_map_draws_its_tiles(opened, product, dataset, tmp_path, scheme):
    page = opened(f"/collections/{product.id}", color_scheme=scheme)
    page.locator("#map[data-state=ready]").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.locator("path.footprint").count() == len(dataset.images)
    tiles = page.locator(".leaflet-tile-loaded")
    tiles.first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Outlines").uncheck()
    with_tiles = colors(page.locator("#map").screenshot(path=tmp_path / "tiles.png"))
    assert with_tiles > 1000
    page.get_by_label("Pixels").uncheck()
    # Land, outlines and text stay.
    assert colors(page.locator("#map").screenshot(path=tmp_path / "no-tiles.png")) < with_tiles / 2


def test_an_outline_leads_to_its_image(opened, product, dataset):
    page = opened(f"/collections/{product.id}")
    page.locator("#map[data-state=ready]").wait_for()
    page.locator("path.footprint").first.dispatch_event("click")
    link = page.locator(".leaflet-popup-content a")
    name = link.inner_text()
    assert name in {image.name for image in dataset.images}
    link.click()
    page.locator("h1", has_text=name).wait_for()
    page.locator("#map[data-state=ready]").wait_for()
    assert page.locator("path.footprint").count() == 1


def test_all_but_the_map_works_without_javascript(opened, product):
    page = opened(f"/collections/{product.id}", java_script_enabled=False)
    assert page.get_by_text("The map needs JavaScript").is_visible()
    assert page.locator("table tbody tr").count() > 0
    assert page.get_by_text(f"client.search(collections=['{product.id}']").is_visible()


def test_pages_are_used_by_keyboard(opened, product):
    page = opened("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Products", "Search", product.name, "Copy"} <= {
        text.splitlines()[-1].strip() for text in seen if text
    }


def test_lines_are_copied(opened, product):
    page = opened(f"/collections/{product.id}", permissions=["clipboard-read", "clipboard-write"])
    snippet = page.locator(".snippet", has_text="curl")
    snippet.get_by_role("button", name="Copy the lines for curl").click()
    snippet.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl ")


@pytest.mark.parametrize("path", ["/", "/collections/{}", "/collections/{}/items"])
def test_pages_fit_a_phone(opened, product, path):
    page = opened(path.format(product.id))
    page.set_viewport_size(SIZES["phone"])
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"]["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(opened, product, scheme):
    page = opened(f"/collections/{product.id}", color_scheme=scheme)
    found = page.evaluate(
        """() => ["body", ".facts dt", ".card .dates", ".card .title", "header a", "thead th"].map(name => {
            let element = document.querySelector(name);
            const text = getComputedStyle(element).color;
            const behind = () => getComputedStyle(element).backgroundColor;
            while (behind() === "rgba(0, 0, 0, 0)") element = element.parentElement;
            return [name, text, behind()];
        })"""
    )
    for name, text, behind in found:
        assert contrast(text, behind) >= 4.5, (name, text, behind)


def contrast(one, other):
    """Return the contrast of two colors, as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color):
    parts = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
