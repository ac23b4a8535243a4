"""Local Google and Azure object stores, each with the environment variables of a server that uses it.

Google's speaks the same XML as S3 does: the same server stands in for it, without its tokens and signatures.
Azure's is Azurite, a program for Node.js: `npm install --global azurite`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from support import s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator

AZURITE = shutil.which("azurite-blob")
# The same in every installation: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextlib.contextmanager
def google() -> Iterator[dict[str, str]]:
    """Run a Google store and yield the environment variables of a server that uses it."""
    with s3_server.seaweedfs(verify=False) as server:
        yield {
            "LANDBRIDGE_STORE_URL": f"gs://{s3_server.BUCKET}/objects",
            "GOOGLE_BASE_URL": server.url,
            "GOOGLE_BEARER_TOKEN": "token",
            "GOOGLE_ALLOW_HTTP": "true",
        }


@contextlib.contextmanager
def azure() -> Iterator[dict[str, str]]:
    """Run an Azure store and yield the environment variables of a server that uses it."""
    assert AZURITE is not None
    port = s3_server.free_port()
    command = [AZURITE, "--silent", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
    with s3_server.served(command, lambda: _make_container(endpoint)):
        yield {
            "LANDBRIDGE_STORE_URL": f"az://{s3_server.BUCKET}/objects",
            "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
            "AZURE_STORAGE_ENDPOINT": endpoint,
            "AZURE_ALLOW_HTTP": "true",
        }


def _make_container(endpoint: str) -> None:
    headers = {
        "x-ms-date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "x-ms-version": "2021-08-06",
    }
    said = "\n".join(f"{name}:{value}" for name, value in headers.items())
    text = f"PUT{chr(10) * 12}{said}\n/{_ACCOUNT}/{_ACCOUNT}/{s3_server.BUCKET}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(_KEY), text.encode(), hashlib.sha256)).decode()
    headers["Authorization"] = f"SharedKey {_ACCOUNT}:{signature}"
    httpx.put(f"{endpoint}/{s3_server.BUCKET}?restype=container", headers=headers).raise_for_status()
