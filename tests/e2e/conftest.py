"""STAC Browser, built, served beside the stack, and opened in a headless Chromium."""

import functools
import http.server
import io
import json
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

import demo
from conftest import REPOSITORY
from datasets import generated
from landbridge.catalog import Product

LEAFLET = "leaflet@1.9.4"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def pixels(png):
    """Return the pixels (y, x, 3) of a screenshot."""
    return np.asarray(Picture.open(io.BytesIO(png)).convert("RGB")).astype(int)


def colors(png):
    """Return the number of colors of a screenshot."""
    return len(np.unique(pixels(png).reshape(-1, 3), axis=0))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Six scenes in two UTM zones, one GeoTIFF each."""
    return generated(512, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def product(stack, dataset):
    """Those scenes, uploaded through the object API."""
    product = demo.create_product(Product.namespace_id("browser-landsat"), dataset)
    product.update(name="Scenes in a browser", description="Generated scenes", tags=["browser"])
    product.save()
    assert demo.upload_images(product, dataset)
    return product


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve the files of the build; any other path is a route of the application."""

    configuration = b""

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path != "/" and Path(self.translate_path(path)).is_file():
            super().do_GET()
            return
        # By its documentation operators add a script with their settings to the page.
        page = (Path(self.directory) / "index.html").read_bytes()
        body = page.replace(b"<head>", b"<head><script>" + self.configuration + b"</script>", 1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def browser_url(stack):
    """URL of STAC Browser, configured for the stack's catalog."""
    pytest.importorskip("playwright", reason="`make test-browser` installs playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make test-browser` installs it")
    done = subprocess.run(
        [REPOSITORY / "scripts" / "install-browser"],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"STAC Browser could not be built: {done.stderr[-500:]}")
    folder = done.stdout.strip()
    options = {"catalogUrl": stack.private_url, "allowExternalAccess": False, "displayGeoTiffByDefault": True}
    handler = type(
        "Configured",
        (Handler,),
        {"configuration": f"window.STAC_BROWSER_CONFIG = {json.dumps(options)};".encode()},
    )
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=folder)
    ) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def page(browser_url):
    """Page of a headless Chromium that can reach this machine only."""
    from playwright import sync_api

    switches = [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--disable-dev-shm-usage",
    ]  # fmt: skip
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=switches)
        page = chromium.new_page(viewport={"width": 1400, "height": 1600})
        page.set_default_timeout(30_000)
        page.route(
            lambda url: "127.0.0.1" not in url and not url.startswith(("data:", "blob:")),
            lambda route: route.abort(),
        )
        yield page
        chromium.close()


@pytest.fixture(scope="session")
def leaflet(tmp_path_factory):
    """Files of Leaflet by name."""
    folder = tmp_path_factory.mktemp("leaflet")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed; `make test-browser` installs it")
    done = subprocess.run([npm, "pack", LEAFLET], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Leaflet could not be fetched: {done.stderr[-300:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return {name: (folder / "package" / "dist" / name).read_bytes() for name in ("leaflet.js", "leaflet.css")}


@pytest.fixture
def offline_page(leaflet):
    """Page of a headless Chromium that gets Leaflet from a folder, and nothing else from the web."""
    pytest.importorskip("playwright", reason="`make test-browser` installs playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make test-browser` installs it")
    from playwright import sync_api

    def answer(route):
        name = route.request.url.rpartition("/")[2].partition("?")[0]
        if name in leaflet:
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            route.fulfill(body=leaflet[name], content_type=kind)
        elif route.request.url.startswith(("data:", "blob:", "file:")):
            route.continue_()
        else:
            route.fulfill(body="", content_type="text/plain")

    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        made = chromium.new_page(viewport={"width": 900, "height": 700})
        made.route("**/*", answer)
        yield made
        chromium.close()
