"""`python -m deploy`: run the services of docker-compose.yml as processes, use them, and kill each in turn.

Prints a table; the exit code is 0 if nothing was lost and errors came only while a killed part was away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import checks, topology
from deploy.compose_file import PROGRAMS
from deploy.load import Call, Load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.supervisor import Part
    from deploy.topology import Topology

# Caddy counts a server as down for five seconds after a failed request, and looks at its health every five.
_NOTICED_SECONDS = 7.0
_BEFORE, _AFTER = 5.0, 12.0  # seconds of load before and after each kill


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: when, and when the part was healthy again."""

    part: str
    killed: float
    back: float

    def explains(self, call: Call) -> bool:
        """Return whether a call was made while the part was away."""
        return call.end >= self.killed and call.begin <= self.back + _NOTICED_SECONDS


def main() -> int:
    """Run everything and return the exit code."""
    begin = time.monotonic()
    with topology.running() as service:
        waited, names = time.monotonic() - begin, ", ".join(service.parts)
        print(f"{len(service.parts)} processes run after {waited:.0f} s: {names}")
        load = use(service)
        failed = [*check(load), *crash(load)]
        if failed:
            logs = Path(tempfile.mkdtemp(prefix="lb-compose-logs-"))
            for log in service.folder.glob("*.log"):
                shutil.copy(log, logs)
            print(f"logs of all parts: {logs}")
    for problem in failed:
        print(f"FAILED  {problem}")
    print(f"{len(failed)} failures in {time.monotonic() - begin:.0f} s")
    return int(bool(failed))


def use(service: Topology) -> Load:
    """Have a user log in and work; return clients of this user."""
    folder = service.folder / "user"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'[profiles.work]\nurl = "{service.url}"\noidc = {{ issuer = "{service.issuer}", '
        f'client_id = "{topology.CLIENT}" }}\n'
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE_")}
    environment |= {
        "LANDBRIDGE_CONFIG": str(folder / "config.toml"),
        "LANDBRIDGE_PROFILE": "work",
        "LANDBRIDGE_SOURCES": "",
        "LANDBRIDGE_CACHE": str(folder / "cache"),
        "LANDBRIDGE_HOME": str(folder / "home"),
        "XDG_STATE_HOME": str(folder / "state"),
        "SSL_CERT_FILE": str(service.authority),
        "CURL_CA_BUNDLE": str(service.authority),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [str(PROGRAMS / "python"), "-m", "deploy.journey", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        for part in service.parts.values():
            print(f"== {part.name}\n{part.log.read_text('utf-8', 'replace')[-2000:]}", file=sys.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    steps = ", ".join(f"{step} {seconds} s" for step, seconds in seen["seconds"].items())
    print(f"user {seen['user']} of {seen['org']}, product {seen['product']}: {steps}")
    (tokens,) = (folder / "state").rglob("tokens/*.json")
    return Load(service, json.loads(tokens.read_text())["access"], seen["product"])


def check(load: Load) -> Iterator[str]:
    """Run the checks; print what was seen, and return the failures."""
    for one in (checks.tokens, checks.signed_urls, checks.addresses, checks.limits, checks.durability):
        try:
            print(f"ok      {one(load)}")
        except AssertionError as problem:
            yield f"{one.__name__}: {problem}"


def crash(load: Load) -> Iterator[str]:
    """Kill each part under load; print a row for each, and return the failures."""
    parts = load.topology.parts
    kills = []
    with load.running():
        for part in parts.values():
            time.sleep(_BEFORE)
            kills.append(kill(part))
            time.sleep(_AFTER)
    heads = f"{'killed':<10}{'away':>7}{'requests':>10}{'errors while away':>19}"
    print(f"\n{heads}{'errors later':>14}{'starts':>8}")
    begin = 0.0
    for one, after in zip(kills, [*[kill.killed for kill in kills[1:]], float("inf")], strict=True):
        calls = [call for call in load.calls if begin <= call.begin < after]
        failed = [call for call in calls if call.error]
        during = [call for call in failed if any(each.explains(call) for each in kills)]
        others = [call for call in failed if call not in during]
        print(
            f"{one.part:<10}{one.back - one.killed:>5.1f} s{len(calls):>10}{len(during):>19}{len(others):>14}"
            f"{parts[one.part].starts:>8}"
        )
        for call in others:
            when = call.begin - one.killed
            yield f"{call.kind} failed {when:.1f} s after {one.part} was killed: {call.error}"
        begin = after
    print(f"acknowledged: {len(load.items)} items, {len(load.blobs)} blobs, {len(load.uploads)} uploads")
    lost = load.lost()
    print(f"lost or changed: {len(lost)}")
    yield from lost
    yield from doctor(load.topology)
    try:
        print(f"ok      {checks.logs(load.topology)}")
    except AssertionError as problem:
        yield f"logs: {problem}"


def kill(part: Part) -> Kill:
    """Kill a part and wait until it is healthy again, which nobody helps."""
    starts, killed = part.starts, time.monotonic()
    part.kill()
    while part.starts == starts:
        time.sleep(0.01)
    part.wait_until_healthy()
    return Kill(part.name, killed, time.monotonic())


def doctor(service: Topology) -> Iterator[str]:
    """Have the service examined by `landbridge-server doctor`."""
    environment = dict(service.parts["worker-1"].environment)
    command = [str(PROGRAMS / "landbridge-server"), "doctor"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(f"doctor: {done.stdout.splitlines()[-1] if done.stdout else done.stderr}")
    if done.returncode:
        yield f"doctor: {done.stdout}{done.stderr}"


if __name__ == "__main__":
    sys.exit(main())
