"""A service for fault tests: a server that is restarted whenever it dies, and a client that retries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from faults import serve
from faults.proxy import Proxy
from landbridge.stac_api.admin import doctor
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded import control
from landbridge.stac_api.embedded.home_directory import Home, read_state
from landbridge.stac_api.embedded.stack import running_stack
from landbridge.stac_api.runtime import open_services
from landbridge.stac_api.uploads import cleanup
from support import s3_server
from support.embedded_stack import copy_cluster, new_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 120.0
_DISK_BYTES = 24 * 2**20
_PAUSE = 0.1


@dataclass(slots=True)
class Site:
    """Running service."""

    home: Path
    environment: dict[str, str]
    disk: bool
    on_error: Callable[[str], None] = lambda _: None
    _ended: bool = False

    # The server
    def keep_running(self) -> None:
        """Start the server, and restart it whenever it has died, as an init system does."""
        tests = Path(__file__).parent.parent
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(tests)}
        with (self.home / "faults.log").open("ab") as log:
            while not self._ended:
                command = [sys.executable, serve.__file__, str(self.home)]
                process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
                while process.poll() is None and not self._ended:
                    time.sleep(_PAUSE)
                if self._ended:
                    process.terminate()
                    process.wait()

    def settings(self) -> Settings:
        state = read_state(Home(self.home))
        assert state is not None
        store = self.environment.get("LANDBRIDGE_STORE_URL") or (self.home / "store").as_uri()
        return Settings(database_url=state["database"], store_url=store, token=state["token"])

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, repeatedly until the answer is not 5xx."""
        deadline = time.monotonic() + DEADLINE
        while True:
            answer: httpx.Response | str = "no server"
            if (stack := running_stack(Home(self.home))) is not None:
                headers = {"Authorization": f"Bearer {stack.token}"}
                try:
                    answer = httpx.request(method, stack.url + path, headers=headers, timeout=60, **options)
                except httpx.TransportError as error:
                    answer = repr(error)
                else:
                    if answer.status_code < 500:
                        return answer
                self.on_error(answer if isinstance(answer, str) else answer.text)
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path}: {answer if isinstance(answer, str) else answer.text}")
            time.sleep(_PAUSE)

    # Faults
    def arm(self, point: str, subject: str, action: str) -> None:
        """Order an action for when the upload of an image reaches a point."""
        (self.home / "fault.done").unlink(missing_ok=True)
        (self.home / "fault.json").write_text(
            json.dumps({"point": point, "subject": subject, "action": action})
        )

    @property
    def struck(self) -> bool:
        return (self.home / "fault.done").exists()

    def heal(self) -> None:
        """Undo the lasting effects of a fault."""
        (self.home / "fault.json").unlink(missing_ok=True)
        (self.home / "proxy").unlink(missing_ok=True)
        if (self.home / "database-full").exists():
            serve.set_database_full(self.home, full=False)
            (self.home / "database-full").unlink()
        if self.disk:
            subprocess.run(["mount", "-o", "remount,rw", str(self.home / "disk")], check=True)
            (self.home / "disk" / "ballast").unlink(missing_ok=True)

    # State
    def left(self) -> tuple[list[doctor.Finding], set[str]]:
        """Run the cleanup, and return the doctor's findings and the paths of all objects in the store."""

        async def look() -> tuple[list[doctor.Finding], set[str]]:
            async with open_services(self.settings()) as (services, _):
                await cleanup.run(services)
                return await doctor.examine(services, late=0.0), set(await services.store.sizes(""))

        with _environment(self.environment):
            return asyncio.run(look())


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def running(store: str, cluster: Path | None = None, **more: str) -> Iterator[Site]:
    """Run a service with its objects in a folder (`local`) or in S3 behind a proxy (`s3`).

    It begins with a copy of a `cluster`, or else makes one. `more` are variables of its environment.
    """
    home = new_home()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        if cluster is not None:
            copy_cluster(cluster, Home(home).postgres)
        disk = _mounted(home / "disk")
        environment = {
            "LANDBRIDGE_JOB_TRIES": "3",
            "LANDBRIDGE_STORE_TIMEOUT": "2",
            # Send all bytes through the service, so that the faults affect them.
            "LANDBRIDGE_PRESIGN": "false",
            **more,
        }
        if store == "s3":
            server = stack.enter_context(s3_server.seaweedfs())
            url = stack.enter_context(Proxy(server.url, home / "proxy").running())
            environment |= server.environment(url)
        site = Site(home, environment, disk)
        supervisor = threading.Thread(target=site.keep_running, daemon=True)
        supervisor.start()

        def end() -> None:
            site._ended = True  # the thread's own
            supervisor.join()
            control.down(Home(home))
            if disk:
                subprocess.run(["umount", "--lazy", str(home / "disk")], check=False)
            control.remove(Home(home))

        stack.callback(end)
        site.call("GET", "/")
        yield site


def _mounted(folder: Path) -> bool:
    """Put store and temporary folders on a small disk, if one can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES},mode=0711", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    for name in ("store", "staging"):
        (folder / name).mkdir(mode=0o700)
        (folder.parent / name).symlink_to(folder / name)
    return True
