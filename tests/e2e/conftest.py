"""STAC Browser, built, served beside the stack, and opened in a headless Chromium."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

import demo
from conftest import REPOSITORY
from datasets import generated
from landbridge.catalog import Product

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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
