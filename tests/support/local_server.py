"""Base class of the HTTP servers that tests run in a thread."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Request handler that sends JSON, keeps connections open and logs nothing."""

    protocol_version = "HTTP/1.1"
    # Otherwise the body of an answer waits 40 ms for the client to confirm the head.
    disable_nagle_algorithm = True

    def send_json(self, status, document, headers=None):
        """Send an answer; `headers` replace the content type of JSON."""
        payload = json.dumps(document).encode()
        self.send_response(status)
        given = {"Content-Type": "application/json"} if headers is None else headers
        for name, value in {**given, "Content-Length": len(payload)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args):
        pass


class LocalServer:
    """Server on a free port of this machine, running until `stop`."""

    def __init__(self, handler):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
