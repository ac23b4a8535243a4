"""A service that answers what a test told it to, and fails on purpose."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Scripted:
    """Answers requests with what it was told to, in order, then with 200."""

    def __init__(self):
        self.answers, self.seen = [], []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.seen.append((self.command, self.path, dict(self.headers), body))
                status, headers, document = (
                    script.answers.pop(0) if script.answers else (200, {}, {"ok": True})
                )
                if status == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                payload = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": len(payload)}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names are http.server's

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def fail(self, *statuses, headers=None, document=None):
        self.answers += [
            (status, headers or {}, document or {"code": "E", "description": "no"}) for status in statuses
        ]
