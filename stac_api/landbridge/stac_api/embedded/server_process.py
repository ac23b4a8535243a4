"""The server process of an embedded stack: a uvicorn server on loopback, and its supervised PostgreSQL.

A thread prepares PostgreSQL while the main thread imports the application: on two cores a start takes as
long as the slower of the two. PostgreSQL outlives a killed API, and the next server joins it; a killed
PostgreSQL is started again at once. Under root only PostgreSQL drops its privileges (see `os_user`).
"""

import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType, MappingProxyType
from typing import Any

from landbridge.stac_api.core.logs import configure_logs
from landbridge.stac_api.core.settings.group import PREFIX
from landbridge.stac_api.core.settings.monitoring import MonitoringSettings
from landbridge.stac_api.embedded import private_address
from landbridge.stac_api.embedded.cluster import DATABASE, database_url, open_cluster
from landbridge.stac_api.embedded.home_directory import Home, hold_lock, read_state, write_state
from landbridge.stac_api.embedded.identity import Origin, confirm, origin_of
from landbridge.stac_api.embedded.postgres_supervisor import PhaseTimer, PostgresSupervisor, StopRequested
from landbridge.stac_api.embedded.versions import installed_version
from landbridge.stac_api.errors import SchemaError, StackError, StartError

HOST = "127.0.0.1"
HOST_6 = "::1"
ATTEMPTS = 10  # to prepare the database, while PostgreSQL recovers
PAUSE_SECONDS = 0.2
LOCK_SECONDS = 30.0  # maximum wait for the serve lock of an ending server
# Settings of a stack of one user, each of which its variable changes.
_OF_ONE_USER: Mapping[str, Any] = MappingProxyType(
    {
        "log_requests": False,
        # Most stacks show no map; who sets the variable wants the first tile at once.
        "tile_workers_at_start": False,
        "allowed_hrefs": ["*"],  # the user may read the user's own files
        "notification_urls": ["*"],  # and be notified on the user's own machine
        "rate_per_second": 0,
        "anonymous_rate_per_second": 0,
        "tile_rate_per_second": 0,
        "anonymous_tile_rate_per_second": 0,
    }
)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class StartReport:
    """Sends one line about the start to the waiting parent process, through its pipe if there is one."""

    descriptor: int | None

    def failure(self, message: str, *, again: bool = False) -> None:
        """Send that the start failed, and whether another attempt may succeed."""
        self.send({"error": message, "again": again})

    def send(self, message: dict[str, Any]) -> None:
        # Once only: after closing, the number may belong to another file.
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is None:
            return
        # The parent may have given up waiting.
        with contextlib.suppress(OSError), open(descriptor, "wb") as pipe:  # noqa: PTH123 - a descriptor
            pipe.write(json.dumps(message).encode() + b"\n")


@dataclass(slots=True)
class StopSignals:
    """Handler of SIGTERM and SIGINT: raises StopRequested while `raises` is set, and records the request."""

    raises: bool = True
    asked: bool = False

    def install(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        if self.raises and first:
            raise StopRequested


def serve(home: Home, report: StartReport) -> None:
    """Run the stack of a home until SIGTERM or SIGINT; then end the API first and PostgreSQL after it.

    Raises StackError if it cannot run; the waiting parent process gets the error too.
    """
    # Libraries would mix PGHOST and other variables into the database's URL.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    os.environ["LANDBRIDGE_HOME"] = str(home.root)
    os.umask(0o077)
    configure_logs(MonitoringSettings())
    try:
        home.create()
        with hold_lock(home.serve_lock, LOCK_SECONDS, "serve this home"):
            _serve(home, report)
    except StopRequested:
        report.failure(f"The server of {home.root} was told to stop while it was starting.")
    except StackError as error:
        report.failure(str(error), again=isinstance(error, StartError))
        raise
    except Exception as error:
        report.failure(f"{type(error).__name__}: {error}\nThe server's log is {home.api_log}")
        raise


def _serve(home: Home, report: StartReport) -> None:
    timer, interrupt = PhaseTimer(), StopSignals()
    origin = origin_of(home)
    supervisor = PostgresSupervisor(open_cluster(home))
    interrupt.install()
    try:
        with ThreadPoolExecutor(1, "prepare") as pool:
            prepared = pool.submit(_prepare, supervisor, origin, timer)
            with timer.phase("import the application"):
                from landbridge.stac_api.core.settings import Settings
                from landbridge.stac_api.embedded.http_server import Server
            database = prepared.result()
        # A copy of another home has neither its address nor its token.
        previous = {} if origin.copied else read_state(home) or {}
        (private_address.renew if origin.copied else private_address.create)(home)
        with _listening_sockets(str(previous.get("url", ""))) as listeners:
            state = {
                "version": 1,
                "landbridge": installed_version(),
                "url": f"http://{HOST}:{listeners[0].getsockname()[1]}",
                "token": previous.get("token") or secrets.token_urlsafe(32),
                "pid": os.getpid(),
                "store": str(home.store),
                "store_url": os.environ.get("LANDBRIDGE_STORE_URL") or home.store.as_uri(),
                "database": database,
            }
            begin = time.monotonic()

            def listening(server: Server) -> None:
                timer.phases["open the application"] = time.monotonic() - begin
                server.should_exit = interrupt.asked
                write_state(home, state)
                logger.info("Serving %s on %s", home.root, state["url"])
                report.send({"phases": timer.phases})

            settings = Settings(
                **_loopback_settings(),
                database_url=database,
                store_url=state["store_url"],
                token=state["token"],
                staging=home.staging,
                any_organization=True,
                organizations_file=home.organizations,
                private_key_file=home.private_key,
                alone=True,
            )
            server = Server(settings, listening)
            # From here uvicorn handles signals, and raises them again for our handler when it has stopped.
            interrupt.raises = False
            server.run(sockets=listeners)
            if not server.started:
                raise StartError("The application did not start.")
    finally:
        interrupt.raises = False
        supervisor.stop()
        forget_process(home)


def _loopback_settings() -> dict[str, Any]:
    """Return the settings for loopback: nothing without a credential, and nothing for foreign web pages."""
    from landbridge.stac_api.access.headers import LOOPBACK_HOSTS, LOOPBACK_ORIGINS

    def named(variable: str) -> list[str]:
        return [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]

    return {
        **{name: value for name, value in _OF_ONE_USER.items() if not os.environ.get(PREFIX + name.upper())},
        "anonymous_reads": False,  # LANDBRIDGE_OPEN_READS takes precedence
        "cors_origins": named("LANDBRIDGE_CORS_ORIGINS"),
        "cors_origin_regex": LOOPBACK_ORIGINS,
        "allowed_hosts": [*LOOPBACK_HOSTS, *named("LANDBRIDGE_ALLOWED_HOSTS")],
    }


def forget_process(home: Home) -> None:
    """Remove the process from the state file; address and token stay for the next start."""
    if (state := read_state(home)) is not None and state.get("pid") is not None:
        write_state(home, state | {"pid": None})


def _prepare(supervisor: PostgresSupervisor, origin: Origin, timer: PhaseTimer) -> str:
    """Start PostgreSQL, create and migrate the database, and return its URL."""
    sockets = supervisor.bring_up(timer).sockets
    supervisor.start()
    with timer.phase("import the database client"):
        import psycopg

        from landbridge.stac_api.pgstac.migrate import migrate
    for _ in range(ATTEMPTS):
        url = database_url(sockets)
        try:
            with timer.phase("create the database"):
                create_database(database_url(sockets, "postgres"))
            with timer.phase("migrate"):
                migrate(url)
            with psycopg.connect(url, autocommit=True) as connection:
                confirm(supervisor.home, origin, connection)
            return url
        except SchemaError as error:
            raise StackError(f"The stack of {supervisor.home.root} cannot start. {error}") from error
        except psycopg.OperationalError as error:
            # PostgreSQL was killed, or recovers because one of its processes was killed.
            logger.warning("The database cannot be prepared: %s", error)
            failure = error
        time.sleep(PAUSE_SECONDS)
        sockets = supervisor.bring_up(timer).sockets
    msg = f"The database cannot be prepared: {failure}"
    raise StartError(msg)


def create_database(server: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        known = "SELECT FROM pg_database WHERE datname = %s"
        if connection.execute(known, (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


@contextlib.contextmanager
def _listening_sockets(previous: str) -> Iterator[list[socket.socket]]:
    """Yield sockets bound to one port of loopback, of IPv4 and of IPv6 if the machine has it.

    The port is that of the previous URL if it is free for both: with another program on one of them, the name
    `localhost` would lead some clients there.
    """
    port = previous.rpartition(":")[2]
    with contextlib.ExitStack() as stack:
        for wanted in [*([int(port)] if port.isdigit() else ()), *[0] * ATTEMPTS]:
            with contextlib.suppress(OSError), contextlib.ExitStack() as attempt:
                first = attempt.enter_context(_bound(socket.AF_INET, HOST, wanted))
                listeners = [first]
                if _has_ipv6_loopback():
                    port_of_first = first.getsockname()[1]
                    listeners.append(attempt.enter_context(_bound(socket.AF_INET6, HOST_6, port_of_first)))
                stack.enter_context(attempt.pop_all())
                break
        else:
            raise StartError(f"No port of {HOST} and {HOST_6} can be bound.")
        yield listeners


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """Return a socket bound to an address. Raises OSError if it is taken."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def _has_ipv6_loopback() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        _bound(socket.AF_INET6, HOST_6, 0).close()
    except OSError:
        return False
    return True
