"""Checks of the proxy and of the store as clients see them, without load."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from deploy.load import data_href

if TYPE_CHECKING:
    from deploy.load import Load
    from deploy.topology import Topology

_HEADER_SECONDS = 10.0
_WRITES = 20


def tokens(load: Load) -> str:
    """Check that a token of the issuer counts, and a tampered one does not."""
    with load.client() as client:
        caller = client.get("/access/me").json()
        assert (caller["user"], caller["org"]) == ("ann", "acme"), caller
        head, claims, signature = load.token.split(".")
        tampered = f"{head}.{claims[:-2]}{'AA' if claims[-2:] != 'AA' else 'BB'}.{signature}"
        answer = client.get("/access/me", headers={"Authorization": f"Bearer {tampered}"})
        assert answer.status_code == 401, answer.text
    return "the issuer's token is taken, a tampered one gets 401"


def signed_urls(load: Load) -> str:
    """Check that the store's own signatures pass the proxy and are verified behind it."""
    with load.client() as client:
        item = client.get(f"/collections/{load.product}/items/scene-0").json()
        url = client.get(data_href(item)).headers["location"]
    assert url.startswith(f"{load.topology.url}/landbridge/"), url
    cases = {
        "tampered": ("GET", url[:-4] + ("0000" if url[-4:] != "0000" else "1111")),
        "unsigned": ("GET", url.partition("?")[0]),
        "longer": ("GET", re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=604800", url)),
        "another method": ("PUT", url),
    }
    with httpx.Client(verify=load.topology.tls(), timeout=30) as anybody:
        assert anybody.get(url, headers={"Range": "bytes=0-9"}).status_code == 206
        answers = {case: anybody.request(*request).status_code for case, request in cases.items()}
    assert answers == dict.fromkeys(cases, 403), answers
    return f"signed URLs are read through the proxy; {', '.join(cases)}: 403"


def addresses(load: Load) -> str:
    """Check that links have the proxy's address, whatever a client says."""
    forged = {
        "Forwarded": "host=evil.example.org;proto=http",
        "X-Forwarded-Host": "evil.example.org",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-For": "192.0.2.1",
    }
    with load.client() as client:
        links = client.get("/", headers=forged).json()["links"]
    others = [link["href"] for link in links if not link["href"].startswith(f"{load.topology.url}/")]
    own = [href for href in others if "evil" in href or "127.0.0.1" in href]
    assert not own, own
    return "links have the proxy's address; forged headers count for nothing"


def limits(load: Load) -> str:
    """Check that large headers, large documents and slow clients are refused."""
    with load.client() as client:
        answer = client.get("/", headers={"X-Large": "x" * 60_000})
        assert answer.status_code == 431, answer.status_code
        with contextlib.suppress(httpx.TransportError):
            answer = client.post("/search", content=b" " * (129 * 2**20))
            assert answer.status_code == 413, answer.status_code
    parts = urlsplit(load.topology.url)
    with (
        socket.create_connection((parts.hostname, parts.port)) as plain,
        load.topology.tls().wrap_socket(plain, server_hostname=parts.hostname) as slow,
    ):
        slow.settimeout(3 * _HEADER_SECONDS)
        begin = time.monotonic()
        slow.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
        with contextlib.suppress(OSError):
            while slow.recv(1000):
                pass
        waited = time.monotonic() - begin
    assert waited < 2 * _HEADER_SECONDS, waited
    return f"headers of 60 kB: 431; documents of 129 MiB: 413; half a header is cut off after {waited:.0f} s"


def durability(load: Load) -> str:
    """Check by strace that SeaweedFS syncs each write of its data to the disk before it answers."""
    strace = shutil.which("strace")
    assert strace is not None, "strace is not installed: apt-get install strace"
    process = load.topology.parts["store"].pid
    trace = load.topology.folder / "store.strace"
    command = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(trace), "-p", str(process)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer, load.client() as client:
        assert tracer.stderr is not None
        assert "attached" in (said := tracer.stderr.readline()), said
        for _ in range(_WRITES):
            load.write_blob(client)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    synced = len(re.findall(r"f(?:data)?sync\(\d+<[^>]*\.dat>", trace.read_text()))
    assert synced >= _WRITES, f"{synced} syncs of {_WRITES} writes"
    return f"{synced} syncs of the store's data for {_WRITES} blobs"


def logs(topology: Topology) -> str:
    """Check that no log has a secret or a signature that is valid."""
    secrets = [path.read_text() for path in (topology.folder / "secrets").iterdir()]
    found = []
    for log in topology.folder.glob("*.log"):
        text = log.read_text("utf-8", "replace")
        found += [f"{log.name}: a secret" for secret in secrets if secret in text]
        signatures = re.findall(r"X-Amz-Signature=[0-9a-f]{64}|[?&]signature=[\w-]{20,}", text)
        found += [f"{log.name}: {len(signatures)} signatures"] if signatures else []
    assert not found, found
    return "no secret and no signature in any log"
