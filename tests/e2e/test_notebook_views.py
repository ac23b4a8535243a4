"""Views of notebooks in a headless Chromium: what it asks for while it shows them."""

from __future__ import annotations

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image, ImageCollection
from landbridge.mappings import image as image_mapping

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1000,1500",
)


class Server(ThreadingHTTPServer):
    """Serves a page, answers all other addresses with nothing, and records them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.page, self.asked = b"", []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.page if self.path == "/page" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def asked(tmp_path):
    """Return the addresses that Chromium asks for while it shows the HTML that is made for an address."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make test-browser` installs it")

    def show(make):
        with Server() as server:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            server.page = f"<!doctype html><meta charset=utf-8>{make(address)}".encode()
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            picture = f"--screenshot={tmp_path / 'page.png'}"
            command = [CHROMIUM, *SWITCHES, "--virtual-time-budget=3000", picture, f"{address}/page"]
            subprocess.run(command, capture_output=True, timeout=120, check=True)
            server.shutdown()
            thread.join()
        return sorted(set(server.asked) - {"/page", "/favicon.ico"})

    return show


def views(address):
    client = CatalogClient(url=address, retries=0, auth=Auth(user="local", org="local"))

    def image(name):
        known = {"id": f"local:p:{name}", "name": name, "product_id": "local:p"}
        item = image_mapping.to_stac(
            {**known, "acquired": "2024-01-02T00:00:00Z", "preview_url": f"{address}/{name}.png?x=1&y=2"}
        )
        return Image._from_record(item, client)

    return image("one")._repr_html_() + ImageCollection([image("two"), image("three")])._repr_html_()


def test_a_thumbnail_is_fetched_when_its_section_is_opened_and_not_before(asked):
    assert asked(views) == []
    opened = asked(lambda address: views(address).replace("<details>", "<details open>"))
    assert opened == ["/one.png?x=1&y=2", "/three.png?x=1&y=2", "/two.png?x=1&y=2"]
