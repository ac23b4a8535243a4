"""A local S3 server and the environment variables of a server that uses it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BUCKET = "landbridge"
_START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def served(command: Sequence[str], prepare: Callable[[], object]) -> Iterator[None]:
    """Run a server process inside the `with` block; call `prepare` until the server answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + _START_SECONDS
            while True:
                with contextlib.suppress(httpx.TransportError):
                    prepare()
                    break
                assert server.poll() is None
                assert time.monotonic() < deadline
            yield
        finally:
            server.kill()


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """Run an S3 server with an empty bucket and yield its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
    with served(command, lambda: httpx.put(f"{url}/{BUCKET}").raise_for_status()):
        yield url


def environment(url: str) -> dict[str, str]:
    return {
        "LANDBRIDGE_STORE_URL": f"s3://{BUCKET}/objects",
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "landbridge",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-store",
    }
