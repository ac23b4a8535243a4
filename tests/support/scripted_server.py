"""A service that sends the answers that a test sets, errors included."""

from support.local_server import LocalServer, QuietHandler


class ScriptedServer(LocalServer):
    """Server that sends `answers` in order and then 200; `seen` are the recorded requests."""

    def __init__(self):
        self.answers, self.seen = [], []
        script = self

        class Handler(QuietHandler):
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
                self.send_json(status, document, headers)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names are http.server's

        super().__init__(Handler)

    def fail(self, *statuses, headers=None, document=None):
        self.answers += [
            (status, headers or {}, document or {"code": "E", "description": "no"}) for status in statuses
        ]
