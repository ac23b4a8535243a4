"""The private PostgreSQL cluster on disk: where it lies, how it is created and configured.

The cluster is reached by a unix socket only, in a directory nobody else can enter, and only by the user who
started it (`peer` authentication), as the one role LANDBRIDGE.
"""

import hashlib
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from landbridge.stac_api.embedded.home_directory import ROOT_HOME, Home, write_private
from landbridge.stac_api.embedded.os_user import OsUser, names_allowed_to_connect, reachable, user_of_cluster
from landbridge.stac_api.embedded.postgres_programs import Installation
from landbridge.stac_api.errors import ClusterError

ROLE = "landbridge"
DATABASE = "landbridge"
PORT = 5432  # names the socket file, nothing listens on the network

# sizeof(sun_path) - 1, from each kernel's sys/un.h.
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103

SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": 60,
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # pgstac has a partition per collection, and a search over all of them locks every one.
    "max_locks_per_transaction": 1024,
    "jit": "off",  # costs more than it gains on queries of milliseconds
    "random_page_cost": 1.1,  # disks without a head to move
    # Durable, but with nothing for the replicas this cluster never has.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",  # it writes to the file descriptor it was started with
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's data directory (absolute, links resolved; it may not exist yet) and its account."""

    home: Home
    data: Path
    account: OsUser

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    @property
    def major(self) -> int | None:
        """The major version of PostgreSQL whose files these are; None if there are none."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    @property
    def name(self) -> str:
        """Shown in the titles of the cluster's processes, so that they can be told from others'."""
        return f"{ROLE}-{_digest(self.data)}"


def open_cluster(home: Home) -> Cluster:
    """The cluster of a home, which must exist.

    It lies in `{home}/postgres`. Where root calls and the account PostgreSQL runs under cannot pass through
    to the home (under /root, say), `{home}/postgres` is a link to a directory in /var/lib/landbridge/clusters
    named by a hash of the home and a random part: a home deleted and made anew never meets the old data.
    """
    place = home.postgres
    if place.is_symlink():
        data = place.readlink()
        return Cluster(home, data, user_of_cluster(data))
    account = user_of_cluster(place)
    if place.exists() or reachable(home.root, account):
        return Cluster(home, place.resolve(), account)
    base = ROOT_HOME / "clusters" / f"{_digest(home.root)}-{secrets.token_hex(4)}"
    try:
        # Passable, not readable: the account has to get to its own directory in there.
        for folder in (ROOT_HOME, base.parent, base):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o111)
        place.symlink_to(base / place.name)
    except OSError as error:
        msg = f"User {account.name} cannot reach {home.root}, and {base} cannot be created: {error.strerror}."
        raise ClusterError(
            f"{msg} Set LANDBRIDGE_HOME to a directory that user can pass through to."
        ) from error
    return Cluster(home, base / place.name, account)


def create_cluster(cluster: Cluster, installation: Installation) -> None:
    """Make the cluster's data directory.

    It is made beside its place and renamed into it, so that an interrupted creation leaves nothing that
    looks like a cluster. Its files are left to the system to
    flush to disk, which takes it half a minute; from its first start on the cluster flushes what it commits.
    """
    data, account = cluster.data, cluster.account
    if data.is_dir() and any(data.iterdir()):
        msg = f"{data} is neither empty nor a PostgreSQL cluster (it has no PG_VERSION)."
        raise ClusterError(f"{msg} Move it away, or set LANDBRIDGE_HOME to another directory.")
    fresh = data.with_name(f"{data.name}.new-{secrets.token_hex(4)}")
    private_directory(fresh, account)
    command = [str(installation.bin / "initdb"), "--pgdata", str(fresh), "--username", ROLE]
    command += ["--encoding=UTF8", "--locale=C", "--auth-local=peer", "--auth-host=reject"]
    command += ["--no-sync", "--no-instructions"]
    try:
        done = subprocess.run(  # noqa: S603 - initdb of the installation that was found
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            **account.popen_options(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"{command[0]} cannot be run as user {account.name}: {error}"
        raise ClusterError(msg) from error
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        msg = f"{command[0]} failed in {data.parent}:\n{(done.stdout + done.stderr).strip()}"
        raise ClusterError(msg)
    with (fresh / "postgresql.conf").open("a") as file:
        file.write("\ninclude 'landbridge.conf'\n")
    if data.is_dir():
        data.rmdir()
    fresh.rename(data)


def remove_leftovers(cluster: Cluster) -> None:
    """Remove what interrupted creations left; an initdb that outlived one may write more until next time."""
    for leftover in cluster.data.parent.glob(f"{cluster.data.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def write_configuration(cluster: Cluster, sockets: Path) -> None:
    """Write our settings and who may connect; done before every start, so that old clusters follow."""
    directory = str(sockets).replace('"', '""')
    settings = SETTINGS | {"unix_socket_directories": f'"{directory}"', "cluster_name": cluster.name}
    callers = names_allowed_to_connect(cluster.account)
    texts = {
        "landbridge.conf": [f"{name} = {_literal(value)}" for name, value in settings.items()],
        "pg_hba.conf": [f"local all all peer map={ROLE}"],
        "pg_ident.conf": [f'{ROLE} "{caller}" {ROLE}' for caller in callers],
    }
    for name, lines in texts.items():
        text = (
            "# Written at every start. Settings of your own: ALTER SYSTEM SET ...\n" + "\n".join(lines) + "\n"
        )
        write_private(cluster.data / name, text, cluster.account.owner)


def socket_directory(cluster: Cluster) -> Path:
    """A directory for the socket that only the cluster's account can enter; created if need be.

    It is `run` beside the data, unless the socket's path there is longer than the kernel's limit; then a
    short one under the system's temporary directory, named by user and a hash of the data directory.
    """
    beside = cluster.data.parent / "run"
    if len(os.fsencode(beside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
        return private_directory(beside, cluster.account)
    for temporary in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"))):  # noqa: S108 - owner-checked
        short = temporary / f"{ROLE}-{cluster.account.uid}-{_digest(cluster.data)}"
        if len(os.fsencode(short / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            return private_directory(short, cluster.account)
    msg = f"No directory is short enough for PostgreSQL's socket ({SOCKET_PATH_BYTES} bytes): {short}."
    raise ClusterError(f"{msg} Set LANDBRIDGE_HOME to a shorter path.")


def private_directory(path: Path, account: OsUser) -> Path:
    """Make, or take over, a directory of mode 0700 that belongs to the account. Links are not followed.

    Raises ClusterError if somebody else's file is in its place.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        msg = f"{path} cannot be created: {error.strerror}"
        raise ClusterError(msg) from error
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        msg = f"{path} is not a directory of user {account.name} ({error.strerror})."
        raise ClusterError(f"{msg} Remove it.") from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in {account.uid, os.geteuid()}:
            msg = f"{path} belongs to user {status.st_uid}, not to {account.name}. Remove it."
            raise ClusterError(msg)
        if account.owner is not None and status.st_uid != account.uid:
            os.fchown(descriptor, *account.owner)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
    return path


def database_url(sockets: Path, database: str = DATABASE) -> str:
    """The libpq URL of a database by the cluster's socket; asyncpg understands it too."""
    return f"postgresql://{ROLE}@/{database}?host={quote(str(sockets), safe='')}&port={PORT}"


def environment() -> dict[str, str]:
    """The caller's variables without PostgreSQL's own (PGPORT, PGDATA, ...), messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _literal(value: object) -> str:
    """A value as postgresql.conf spells it."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
