"""`scripts/audit`, which `make check` runs, against a database of vulnerabilities on loopback."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit"
ADVISORY = {
    "id": "GHSA-test-0001",
    "summary": "made up for a test",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "httpx", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Speaks the protocol of osv.dev; `known` are the packages with a vulnerability."""

    server: "DatabaseServer"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = [query["package"]["name"] for query in body["queries"]]
        self.server.asked += asked
        found = {"vulns": [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]}
        self.send({"results": [found if name in self.server.known else {} for name in asked]})

    def do_GET(self):
        self.send(ADVISORY)

    def send(self, document):
        content = json.dumps(document).encode()
        self.send_response(500 if self.server.broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


class DatabaseServer(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Database)
        self.known, self.asked, self.broken = set(), [], False


@pytest.fixture
def database():
    server = DatabaseServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def audit(port, *options):
    command = [SCRIPT, "--service-url", f"http://127.0.0.1:{port}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_what_is_locked_is_looked_up_and_passes_where_nothing_is_known(database):
    done = audit(database.server_port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"httpx", "rasterio", "stac-fastapi-pgstac"} <= set(database.asked)
    assert "does not answer" not in done.stderr


def test_a_known_vulnerability_fails_and_is_named(database):
    database.known = {"httpx"}
    done = audit(database.server_port)
    assert done.returncode == 1
    assert "GHSA-test-0001" in done.stdout


def test_a_database_that_does_not_answer_is_said_and_fails_nothing(database):
    database.broken = True
    done = audit(database.server_port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "does not answer; nothing was looked up" in done.stderr


def test_another_error_fails(database):
    assert audit(database.server_port, "--no-such-option").returncode != 0
