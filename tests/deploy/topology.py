"""The services of docker-compose.yml as processes of this machine.

Commands and variables are those of the file. Only what names a container is replaced: hosts and ports, and
the folders of secrets and data.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from joserfc.jwk import RSAKey

from deploy import compose_file
from deploy.compose_file import FOLDER, PROGRAMS
from deploy.supervisor import Part
from landbridge.stac_api.embedded.os_user import user_of_cluster
from landbridge.stac_api.embedded.postgres_programs import find_installation
from support.s3_server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE = "https://catalog.example.org"
CLIENT = "landbridge"
APIS, WORKERS = 2, 2
_DATABASES = ("database_password", "postgres_password", "store_database_password")


@dataclass(frozen=True, slots=True)
class Topology:
    """Running service: the address of its proxy, the authority of its certificate, and its parts."""

    folder: Path
    url: str
    issuer: str
    parts: dict[str, Part]

    @property
    def authority(self) -> Path:
        """Certificate of the authority that Caddy made."""
        return self.folder / "proxy" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def tls(self) -> ssl.SSLContext:
        """Return a context that trusts this authority only."""
        return ssl.create_default_context(cafile=str(self.authority))


class _Builder:
    """Makes the parts; `_Builder.start` starts them in the order of `depends_on`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        names = ("proxy", "http", "health", "db", "issuer", *self._numbered("api", APIS))
        # A port of outgoing connections could be taken while its part is down.
        firsts: set[int] = set()
        while len(firsts) < 1 + -(-len(names) // 4):
            firsts.add(free_ports())
        self.store, *others = firsts
        self.port = dict(zip(names, (first + n for first in others for n in range(4)), strict=False))
        self.url = f"https://localhost:{self.port['proxy']}"
        self.issuer = f"http://127.0.0.1:{self.port['issuer']}"
        self.services = compose_file.services(
            LANDBRIDGE_SITE=self.url,
            BROWSER_SITE=f"https://browser.localhost:{self.port['proxy']}",
            LANDBRIDGE_OIDC_ISSUERS=self.issuer,
            LANDBRIDGE_OIDC_AUDIENCE=AUDIENCE,
            POSTGRES_SHARED_BUFFERS="128MB",
        )
        self.parts: dict[str, Part] = {}
        self.replaced = {
            "/run/secrets": str(self.secrets),
            "@db/": f"@127.0.0.1:{self.port['db']}/",
            "http://store:8333": f"http://127.0.0.1:{self.store}",
            "store:9333": f"127.0.0.1:{self.store + 1}",
            "/staging": str(folder / "staging"),
        }

    @staticmethod
    def _numbered(name: str, count: int) -> tuple[str, ...]:
        return tuple(f"{name}-{number}" for number in range(1, count + 1))

    def environment(self, service: str, **more: str) -> dict[str, str]:
        """Return the variables of a service, for this machine."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        kept |= {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TMPDIR": str(self.folder / "tmp")}
        for name, value in (self.services[service]["environment"] or {}).items():
            for ours, here in self.replaced.items():
                value = value.replace(ours, here)  # noqa: PLW2901 - step by step
            kept[name] = value
        return kept | more

    def add(
        self, name: str, command: list[str], environment: dict[str, str], healthy: Any, **options: Any
    ) -> None:
        part = Part(name, command, environment, healthy, self.folder / f"{name}.log", options)
        self.parts[name] = part
        part.start()
        part.wait_until_healthy()

    def once(self, command: list[str], environment: dict[str, str], **options: Any) -> None:
        """Run a service that ends."""
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, **options
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start all parts."""
        self.start_issuer()
        self.start_database()
        self.start_store()
        self.once(self.services["migrate"]["command"], self.environment("migrate"))
        for name in self._numbered("api", APIS):
            self.start_api(name)
        for name in self._numbered("worker", WORKERS):
            self.add(name, self.services["worker"]["command"], self.environment("worker"), self.works(name))
        self.start_proxy()

    def start_issuer(self) -> None:
        key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
        script = Path(__file__).with_name("issuer.mjs")
        command = ["node", str(script), str(self.port["issuer"]), AUDIENCE, str(keys)]
        described = f"{self.issuer}/.well-known/openid-configuration"
        self.add("issuer", command, dict(os.environ), lambda: httpx.get(described).is_success)

    def start_database(self) -> None:
        user = user_of_cluster(Path("/nonexistent"))
        programs = find_installation(user).bin
        data, password = self.folder / "database", self.folder / "postgres_password"
        data.mkdir()
        shutil.copy(self.secrets / "postgres_password", password)
        if user.owner is not None:
            for path in (data, password):
                os.chown(path, *user.owner)
        options = user.popen_options()
        service = self.services["db"]
        initdb = [
            str(programs / "initdb"),
            "--pgdata",
            str(data),
            "--username",
            "postgres",
            "--encoding=UTF8",
        ]
        initdb += [*service["environment"]["POSTGRES_INITDB_ARGS"].split(), "--auth-local=scram-sha-256"]
        self.once([*initdb, f"--pwfile={password}"], dict(os.environ), **options)
        program, *settings = service["command"]
        command = [str(programs / program), "-D", str(data), "-p", str(self.port["db"]), *settings]
        command += ["-clisten_addresses=127.0.0.1", "-cunix_socket_directories="]
        given = {"host": "127.0.0.1", "port": self.port["db"], "user": "postgres", "connect_timeout": 5}
        given["password"] = (self.secrets / "postgres_password").read_text()

        def answers() -> bool:
            with psycopg.connect(dbname="postgres", **given) as conn:
                return conn.execute("SELECT 1").fetchone() == (1,)

        self.add("db", command, dict(os.environ), answers, **options)
        with psycopg.connect(dbname="postgres", autocommit=True, **given) as conn:
            conn.execute("CREATE DATABASE landbridge")
        psql = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port["db"]), "PGPASSWORD": given["password"]}
        script = [str(FOLDER / "make-databases.sh")]
        self.once(script, self.environment("db", SECRETS=str(self.secrets), **psql))

    def start_store(self) -> None:
        ports = " ".join(str(self.store + n) for n in range(4))
        (self.folder / "store").mkdir()
        environment = self.environment(
            "store",
            STORE_DATABASE_HOST="127.0.0.1",
            STORE_DATABASE_PORT=str(self.port["db"]),
            STORE_ADDRESS="127.0.0.1",
            STORE_BIND="127.0.0.1",
            STORE_DATA=str(self.folder / "store"),
            STORE_PORTS=ports,
        )
        health = f"http://127.0.0.1:{self.store}/healthz"
        command = ["/bin/sh", str(FOLDER / "start-store.sh")]
        self.add("store", command, environment, lambda: httpx.get(health).is_success)
        self.once(["/bin/sh", str(FOLDER / "set-up-store.sh")], self.environment("store-setup"))

    def start_api(self, name: str) -> None:
        port = self.port[name]
        command = self.services["api"]["command"]
        command = [*command[: command.index("--host")], "--host", "127.0.0.1", "--port", str(port)]
        health = f"http://127.0.0.1:{port}/_mgmt/health"
        self.add(name, command, self.environment("api"), lambda: httpx.get(health, timeout=5).is_success)

    def works(self, name: str) -> Any:
        """Return a check that a worker has its connections to the queue."""
        given = {"host": "127.0.0.1", "port": self.port["db"], "user": "postgres", "dbname": "landbridge"}
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s"

        def check() -> bool:
            password = (self.secrets / "postgres_password").read_text()
            with psycopg.connect(password=password, connect_timeout=5, **given) as conn:
                row = conn.execute(query, (f"landbridge % {self.parts[name].pid}",)).fetchone()
            return bool(row and row[0])

        return check

    def start_proxy(self) -> None:
        data = self.folder / "proxy"
        upstreams = " ".join(f"127.0.0.1:{self.port[name]}" for name in self._numbered("api", APIS))
        options = self.services["proxy"]["environment"]["CADDY_OPTIONS"]
        environment = self.environment(
            "proxy",
            # A container has port 80 for itself.
            CADDY_OPTIONS=f"{options}\n\thttp_port {self.port['http']}",
            API_UPSTREAMS=f"to {upstreams}",
            STORE_UPSTREAMS=f"to 127.0.0.1:{self.store}",
            BROWSER_UPSTREAMS=f"to 127.0.0.1:{self.port['issuer']}",
            HEALTH_SITE=f"http://127.0.0.1:{self.port['health']}",
            XDG_DATA_HOME=str(data),
            XDG_CONFIG_HOME=str(data),
        )
        command = [
            str(PROGRAMS / "caddy"),
            "run",
            "--config",
            str(FOLDER / "Caddyfile"),
            "--adapter",
            "caddyfile",
        ]
        health = f"http://127.0.0.1:{self.port['health']}"
        self.add("proxy", command, environment, lambda: httpx.get(health).text == "running")


@contextlib.contextmanager
def database() -> Iterator[tuple[Path, dict[str, str]]]:
    """Run the database alone; yield the folder of `secrets` and the variables of a server that uses it."""
    with _builder() as builder:
        builder.start_database()
        url = builder.services["api"]["environment"]["LANDBRIDGE_DATABASE_URL"]
        variables = {
            "LANDBRIDGE_DATABASE_URL": url.replace("@db/", builder.replaced["@db/"]),
            "PGPASSWORD_FILE": "/run/secrets/database_password",
            "LANDBRIDGE_TOKEN_FILE": "/run/secrets/operator_token",
        }
        builder.secrets.chmod(0o755)  # a container's user has to enter it
        yield builder.folder, variables


@contextlib.contextmanager
def running() -> Iterator[Topology]:
    """Run the service inside the `with` block."""
    with _builder() as builder:
        builder.start()
        yield Topology(builder.folder, builder.url, builder.issuer, builder.parts)


@contextlib.contextmanager
def _builder() -> Iterator[_Builder]:
    folder = Path(tempfile.mkdtemp(prefix="lb-compose-"))
    folder.chmod(0o711)
    builder = _Builder(folder)
    try:
        for name in ("staging", "tmp"):
            (folder / name).mkdir()
        (folder / "tmp").chmod(0o1777)
        builder.once([str(FOLDER / "make-secrets"), str(builder.secrets)], dict(os.environ))
        yield builder
    finally:
        for part in reversed(builder.parts.values()):
            part.stop()
        shutil.rmtree(folder, ignore_errors=True)
