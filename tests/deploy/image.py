"""`python -m deploy.image OPTIONS`: run a search from the server's image, by buildah with these options.

`scripts/build-image` builds the image and prints the options.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx

from deploy.topology import database
from support.s3_server import free_ports
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "landbridge-stac-api"
_USER = "10001"
_COLLECTION = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "id": "local:scenes",
    "description": "A collection of the image's test",
    "license": "other",
    "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
    "links": [],
}
_ITEM = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "a",
    "collection": "local:scenes",
    "geometry": {"type": "Point", "coordinates": [10, 20]},
    "bbox": [10, 20, 10, 20],
    "properties": {"datetime": "2024-05-01T00:00:00Z"},
    "assets": {},
    "links": [],
}
# Folders that the user may not list are not entered: find would fail.
_WRITABLE = ("-not", "-type", "l", "-writable", "-print")
_FIND_WRITABLE = ("find", "/", "-xdev", *_WRITABLE, ",", "-type", "d", "-not", "-readable", "-prune")
_PACKAGES = (
    "import importlib.metadata as m, json; print(json.dumps(sorted({d.name for d in m.distributions()})))"
)


class Container:
    """A container of the image."""

    def __init__(self, options: list[str]) -> None:
        self._buildah = ["buildah", *options]
        self.config = json.loads(self._run("inspect", "--type", "image", IMAGE))["Docker"]["config"]
        self.name = self._run("from", "--pull-never", IMAGE).strip()

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._buildah, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, *command: str, volume: str = "", **environment: str) -> list[str]:
        """Return the command that runs a program in the container, on this machine's network."""
        options = ["--isolation", "chroot", "--network", "host", *(["--volume", volume] if volume else [])]
        for name, value in environment.items():
            options += ["--env", f"{name}={value}"]
        return [*self._buildah, "run", *options, self.name, "--", *command]

    def run(self, *command: str, **options: str) -> str:
        """Run a program to its end and return its output."""
        done = subprocess.run(self.command(*command, **options), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def remove(self) -> None:
        self._run("rm", self.name)


@contextlib.contextmanager
def _served(container: Container, command: list[str], url: str) -> Iterator[None]:
    with subprocess.Popen(command) as server:
        try:

            def answers() -> bool:
                assert server.poll() is None
                with contextlib.suppress(httpx.TransportError):
                    return httpx.get(f"{url}/_mgmt/ping").is_success
                return False

            wait_until(answers)
            yield
        finally:
            server.terminate()


def main(options: list[str]) -> int:
    """Run all checks; an assertion fails otherwise."""
    container = Container(options)
    try:
        check_files(container)
        with database() as (folder, variables):
            secrets = f"{folder}/secrets:/run/secrets:ro"
            environment = {**variables, "LANDBRIDGE_STORE_URL": "file:///staging/store"}
            print(
                container.run("landbridge-server", "migrate", volume=secrets, **environment).splitlines()[-1]
            )
            search(container, secrets, environment)
    finally:
        container.remove()
    return 0


def check_files(container: Container) -> None:
    """Check the user, what it may write, and the list of packages."""
    assert container.config["User"].split(":")[0] == _USER, container.config["User"]
    assert container.run("id", "-u").strip() == _USER
    found = container.run(*_FIND_WRITABLE)
    writable = {
        path for path in found.split("\n") if path and not path.startswith(("/tmp", "/var/tmp", "/dev"))
    }
    assert writable <= {"/staging", "/run/lock", "/var/lock"}, writable
    bom = json.loads(container.run("cat", "/app/sbom.cdx.json"))
    listed = {component["name"].lower().replace("_", "-") for component in bom["components"]}
    installed = {
        name.lower().replace("_", "-") for name in json.loads(container.run("python", "-c", _PACKAGES))
    }
    assert installed <= listed, installed - listed
    print(f"user {_USER} may write {', '.join(sorted(writable))} and /tmp; {len(listed)} packages are listed")


def search(container: Container, secrets: str, environment: dict[str, Any]) -> None:
    """Store an item and search it, through the command of the image."""
    port = free_ports()
    url = f"http://127.0.0.1:{port}"
    command = [*container.config["Cmd"][:-3], "127.0.0.1", "--port", str(port)]
    kind, *health = container.config["Healthcheck"]["Test"]
    assert kind == "CMD", kind
    with (
        _served(container, container.command(*command, volume=secrets, **environment), url),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        token = container.run("cat", "/run/secrets/operator_token", volume=secrets)
        client.headers["Authorization"] = f"Bearer {token}"
        client.post("/collections", json=_COLLECTION).raise_for_status()
        client.post("/collections/local:scenes/items", json=_ITEM).raise_for_status()
        query = {"filter": {"op": "=", "args": [{"property": "id"}, "a"]}}
        found = client.post("/search", json=query).raise_for_status().json()
        assert [item["id"] for item in found["features"]] == ["a"], found
        container.run(*[part.replace("127.0.0.1:8000", f"127.0.0.1:{port}") for part in health])
    print("a search from the image found the item; its health check passes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
