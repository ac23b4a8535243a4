"""A local S3 server, SeaweedFS, and the environment variables of a server that uses it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BUCKET = "landbridge"
_START_SECONDS = 60.0
# SeaweedFS listens on four ports, and on each plus 10,000; all are below the ports of outgoing connections.
_FIRST_PORTS = range(12000, 22000, 4)
_GRPC_OFFSET = 10000


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def served(
    command: Sequence[str], prepare: Callable[[], object], environment: dict[str, str] | None = None
) -> Iterator[None]:
    """Run a server process inside the `with` block; call `prepare` until the server answers."""
    output = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=output, stderr=output, env=environment) as server:
        try:
            deadline = time.monotonic() + _START_SECONDS
            while True:
                with contextlib.suppress(httpx.HTTPError, BaseError, FileNotFoundError):
                    prepare()
                    break
                assert server.poll() is None, command
                assert time.monotonic() < deadline, command
                time.sleep(0.05)
            yield
        finally:
            server.kill()


@dataclass(frozen=True, slots=True)
class Key:
    """A pair of keys, and the actions of SeaweedFS that it allows, such as `Read:bucket`."""

    access: str
    secret: str
    actions: tuple[str, ...]


OWNER = Key("landbridge", "secret-of-the-store", ("Admin",))
# Each of these keys opens its own bucket only, and everybody may read one.
FIRST = Key("KEY0", "secret-0", ("Read:first", "List:first"))
SECOND = Key("KEY1", "secret-1", ("Read:second", "List:second"))
ANYBODY = Key("", "", ("Read:public",))
BUCKETS = (BUCKET, "first", "second", "public")


@dataclass(frozen=True, slots=True)
class S3Server:
    """Running S3 server."""

    url: str
    _numbers: Iterator[int]

    def environment(self, url: str = "") -> dict[str, str]:
        """Return the variables of a Landbridge server with an empty store here.

        `url` is the address of a proxy of this server.
        """
        return {
            "LANDBRIDGE_STORE_URL": f"s3://{BUCKET}/objects-{next(self._numbers)}",
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": OWNER.access,
            "AWS_SECRET_ACCESS_KEY": OWNER.secret,
        }

    def bucket(self, name: str = BUCKET, key: Key = OWNER) -> S3Store:
        """Return the store of a bucket, opened by a key."""
        return S3Store(
            name,
            endpoint=self.url,
            region="us-east-1",
            access_key_id=key.access,
            secret_access_key=key.secret,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )


@contextlib.contextmanager
def seaweedfs(*, verify: bool = True) -> Iterator[S3Server]:
    """Run an S3 server with `BUCKETS`, which verifies signatures unless `verify` is False."""
    folder = Path(tempfile.mkdtemp(prefix="lb-s3-"))
    try:
        config = folder / "keys.json"
        config.write_text(json.dumps({"identities": list(map(_identity, (OWNER, FIRST, SECOND, ANYBODY)))}))
        port = free_ports()
        server = S3Server(f"http://127.0.0.1:{port}", itertools.count(1))

        def list_buckets() -> None:
            httpx.get(f"{server.url}/healthz").raise_for_status()
            for name in BUCKETS:
                if verify:
                    server.bucket(name).list_with_delimiter()
                else:
                    httpx.get(f"{server.url}/{name}").raise_for_status()

        # It takes keys from the environment too. Its unix sockets are named by port, in the temporary folder.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        command = _command(folder, port) + [f"-s3.config={config}"] * verify
        with served(command, list_buckets, {**kept, "TMPDIR": str(folder)}):
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _identity(key: Key) -> dict[str, Any]:
    credentials = [{"accessKey": key.access, "secretKey": key.secret}] if key.access else []
    return {"name": key.access or "anonymous", "actions": key.actions, "credentials": credentials}


def free_ports() -> int:
    """Return the first of four free ports in a row that are free plus 10,000 as well."""
    tried = random.sample(_FIRST_PORTS, len(_FIRST_PORTS))
    ports = range(4)
    return next(
        first
        for first in tried
        if all(_is_free(first + n + more) for n in ports for more in (0, _GRPC_OFFSET))
    )


def _command(folder: Path, port: int) -> list[str]:
    program = Path(sysconfig.get_path("scripts")) / "weed"
    addresses = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.port": port,
        "master.port": port + 1,
        "volume.port": port + 2,
        "filer.port": port + 3,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
    }
    options = {
        "dir": folder,
        "bucket": ",".join(BUCKETS),
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        **addresses,
    }
    return [str(program), "mini", *(f"-{name}={value}" for name, value in options.items())]
