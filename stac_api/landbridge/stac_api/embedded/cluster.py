"""The private PostgreSQL cluster on disk: its location, creation and configuration.

Only the user who started the cluster can connect (`peer` authentication), through a unix socket in a private
directory, as the role `landbridge`.
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
PORT = 5432  # part of the socket file's name; nothing listens on the network

# sizeof(sun_path) - 1, from each kernel's sys/un.h.
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103

SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": 100,
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
    """A cluster's data directory (absolute, links resolved; it may not exist yet) and its OS user."""

    home: Home
    data: Path
    os_user: OsUser

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    @property
    def major(self) -> int | None:
        """Major version of PostgreSQL that created the files; None without files."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    @property
    def name(self) -> str:
        """Name in the titles of the cluster's processes."""
        return f"{ROLE}-{_digest(self.data)}"


def open_cluster(home: Home) -> Cluster:
    """Return the cluster of a home, which must exist.

    It is in `{home}/postgres`. If root calls and PostgreSQL's OS user cannot reach the home (in /root, for
    example), `{home}/postgres` is a link to a directory in /var/lib/landbridge/clusters. Its name is a hash
    of the home and a random part, so that a new home of the same name never gets old data.
    """
    path = home.postgres
    if path.is_symlink():
        data = path.readlink()
        return Cluster(home, data, user_of_cluster(data))
    os_user = user_of_cluster(path)
    if path.exists() or reachable(home.root, os_user):
        return Cluster(home, path.resolve(), os_user)
    base = ROOT_HOME / "clusters" / f"{_digest(home.root)}-{secrets.token_hex(4)}"
    try:
        # Searchable, not readable: the OS user must reach its own directory inside.
        for folder in (ROOT_HOME, base.parent, base):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o111)
        path.symlink_to(base / path.name)
    except OSError as error:
        msg = f"User {os_user.name} cannot reach {home.root}, and {base} cannot be created: {error.strerror}."
        raise ClusterError(f"{msg} Set LANDBRIDGE_HOME to a directory that this user can reach.") from error
    return Cluster(home, base / path.name, os_user)


def create_cluster(cluster: Cluster, installation: Installation, *options: str) -> None:
    """Create the cluster's data directory, with further options of initdb.

    It gets its name when it is complete, so that an interrupted creation leaves nothing that looks like a
    cluster. The operating system flushes its files to disk within half a minute; after its first start the
    cluster flushes what it commits.
    """
    data, os_user = cluster.data, cluster.os_user
    if data.is_dir() and any(data.iterdir()):
        msg = f"{data} is neither empty nor a PostgreSQL cluster (it has no PG_VERSION)."
        raise ClusterError(f"{msg} Move it away, or set LANDBRIDGE_HOME to another directory.")
    fresh = data.with_name(f"{data.name}.new-{secrets.token_hex(4)}")
    private_directory(fresh, os_user)
    command = [str(installation.bin / "initdb"), "--pgdata", str(fresh), "--username", ROLE]
    command += ["--encoding=UTF8", "--locale=C", "--auth-local=peer", "--auth-host=reject"]
    command += ["--no-sync", "--no-instructions", *options]
    try:
        done = subprocess.run(  # noqa: S603 - initdb of the installation that was found
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            **os_user.popen_options(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"{command[0]} cannot be run as user {os_user.name}: {error}"
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


def finish_replacement(cluster: Cluster) -> None:
    """Put an upgraded data directory in the place of the old one, which is kept under another name.

    If this is interrupted between its two steps, the next start does the rest.
    """
    if not (upgraded := upgraded_directory(cluster)).is_dir():
        return
    if cluster.exists:
        cluster.data.rename(kept_directory(cluster))
    upgraded.rename(cluster.data)


def upgraded_directory(cluster: Cluster) -> Path:
    """Return the path of a complete data directory of a newer version, which replaces the cluster's."""
    return cluster.data.with_name(f"{cluster.data.name}.upgraded")


def kept_directory(cluster: Cluster) -> Path:
    """Return the path under which the data directory is kept after an upgrade."""
    return cluster.data.with_name(f"{cluster.data.name}-{cluster.major}")


def remove_leftovers(cluster: Cluster) -> None:
    """Remove directories that interrupted creations and upgrades left behind."""
    for leftover in cluster.data.parent.glob(f"{cluster.data.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def write_configuration(cluster: Cluster, sockets: Path) -> None:
    """Write the settings and the users allowed to connect; before every start, for old clusters too."""
    directory = str(sockets).replace('"', '""')
    settings = SETTINGS | {"unix_socket_directories": f'"{directory}"', "cluster_name": cluster.name}
    callers = names_allowed_to_connect(cluster.os_user)
    texts = {
        "landbridge.conf": [f"{name} = {_literal(value)}" for name, value in settings.items()],
        "pg_hba.conf": [f"local all all peer map={ROLE}"],
        "pg_ident.conf": [f'{ROLE} "{caller}" {ROLE}' for caller in callers],
    }
    for name, lines in texts.items():
        text = (
            "# Written at every start. Change settings with ALTER SYSTEM SET ...\n" + "\n".join(lines) + "\n"
        )
        write_private(cluster.data / name, text, cluster.os_user.owner)


def socket_directory(cluster: Cluster) -> Path:
    """Return the private directory of the socket; create it if it does not exist.

    It is `run` next to the data. If the socket's path there exceeds the kernel's limit, it is a directory
    in the system's temporary directory, named by user id and a hash of the data directory.
    """
    beside = cluster.data.parent / "run"
    if len(os.fsencode(beside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
        return private_directory(beside, cluster.os_user)
    for temporary in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"))):  # noqa: S108 - owner-checked
        short = temporary / f"{ROLE}-{cluster.os_user.uid}-{_digest(cluster.data)}"
        if len(os.fsencode(short / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            return private_directory(short, cluster.os_user)
    msg = f"No directory is short enough for PostgreSQL's socket ({SOCKET_PATH_BYTES} bytes): {short}."
    raise ClusterError(f"{msg} Set LANDBRIDGE_HOME to a shorter path.")


def remove_short_socket_directory(cluster: Cluster) -> None:
    """Delete the socket's directory of a stopped cluster if it is in the system's temporary directory."""
    directory = socket_directory(cluster)
    if directory.parent != cluster.data.parent:
        shutil.rmtree(directory, ignore_errors=True)


def private_directory(path: Path, os_user: OsUser) -> Path:
    """Create, or adopt, a directory of mode 0700 that belongs to the OS user. Links are not followed.

    Raises ClusterError if the path belongs to another user or is no directory.
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
        msg = f"{path} is not a directory of user {os_user.name} ({error.strerror})."
        raise ClusterError(f"{msg} Remove it.") from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in {os_user.uid, os.geteuid()}:
            msg = f"{path} belongs to user {status.st_uid}, not to {os_user.name}. Remove it."
            raise ClusterError(msg)
        if os_user.owner is not None and status.st_uid != os_user.uid:
            os.fchown(descriptor, *os_user.owner)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
    return path


def database_url(sockets: Path, database: str = DATABASE) -> str:
    """Return the libpq URL of a database through the cluster's socket; asyncpg accepts it too."""
    return f"postgresql://{ROLE}@/{database}?host={quote(str(sockets), safe='')}&port={PORT}"


def environment() -> dict[str, str]:
    """Return the environment without PostgreSQL's variables (PGPORT, PGDATA, ...), with English messages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _literal(value: object) -> str:
    """Return a value quoted for postgresql.conf."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
