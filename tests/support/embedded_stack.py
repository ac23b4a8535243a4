"""Stacks and databases for tests, copied from a cluster whose database is migrated already.

Initialising PostgreSQL and migrating takes seconds. The cluster is made once and kept in pytest's cache;
every stack that does not test the start itself begins with a copy of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from filelock import FileLock
from psycopg import sql

from landbridge import stac_api
from landbridge.mappings import queryables
from landbridge.mappings.ids import BLOB_COLLECTION_PREFIX
from landbridge.stac_api.embedded import control
from landbridge.stac_api.embedded import stack as embedded
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.pgstac.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from landbridge.stac_api.embedded.postgres_programs import Installation

SHARED = pytest.StashKey[set[str]]()  # the URLs of running databases that several modules of a process use
TEMPLATE = "landbridge_template"
_SHARED_MEMORY = Path("/dev/shm")
_ROOM = 8 * 2**30
_SERVER = Path(stac_api.__file__).parent


def new_home() -> Path:
    """Make a home directory whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="lb-", dir=_memory()))
    # PostgreSQL's account has to pass through the home if the tests are run by root.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return folder


def _memory() -> Path | None:
    """Return a folder in memory with room for the homes of a run, if there is one.

    A cluster has 2,000 files; to make them on disk took eight times the CPU time (1.4 s against 0.16 s).
    """
    with contextlib.suppress(OSError):
        if shutil.disk_usage(_SHARED_MEMORY).free >= _ROOM and os.access(_SHARED_MEMORY, os.W_OK | os.X_OK):
            return _SHARED_MEMORY
    return None


def cluster_template(cache: Path, installation: Installation) -> Path:
    """Return the data directory of a migrated cluster; make it if the cache does not have it."""
    data = cache / _fingerprint(installation)
    with FileLock(cache / "lock"):
        if not data.exists():
            for outdated in cache.glob("*-cluster"):
                shutil.rmtree(outdated)
            _make(data)
    return data


def _fingerprint(installation: Installation) -> str:
    """Return a name that changes with PostgreSQL, the account and all files that a migration reads."""
    versions = [version(name) for name in ("procrastinate", "pypgstac")]
    digest = hashlib.sha256(repr([installation.version, os.geteuid(), versions]).encode())
    scripts = [*_SERVER.rglob("*.sql"), *_SERVER.glob("pgstac/*.py")]
    for path in (*sorted(scripts), Path(queryables.__file__), Path(__file__)):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()[:16]}-cluster"


def _make(data: Path) -> None:
    home = Home(new_home())
    try:
        stack = embedded.up(home)
        with psycopg.connect(stack.database, autocommit=True) as conn:
            # Tests kill processes and never the machine: what PostgreSQL wrote is safe without it.
            conn.execute("ALTER SYSTEM SET fsync = off")
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate(_beside(stack.database, TEMPLATE))
        control.down(home)
        part = data.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        copy_cluster(home.postgres, part)
        part.rename(data)
    finally:
        control.remove(home)


def copy_cluster(data: Path, target: Path) -> None:
    """Copy the data directory of a cluster that does not run."""
    # The owner and the modes have to stay, which shutil.copytree does not keep.
    subprocess.run(["cp", "-a", str(data), str(target)], check=True)


@contextlib.contextmanager
def running_stack(template: Path, folder: Path | None = None) -> Iterator[embedded.Stack]:
    """Run a stack on a copy of the cluster inside the `with` block, by default in a new home."""
    home = Home(folder or new_home())
    try:
        copy_cluster(template, home.postgres)
        yield embedded.up(home)
    finally:
        control.remove(home)
        shutil.rmtree(home.root, ignore_errors=True)


@contextlib.contextmanager
def empty_database(cluster: str, name: str) -> Iterator[str]:
    """Create a database without tables in the cluster of a stack, yield its URL, and drop it."""
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _beside(cluster, name)
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def fresh_database(cluster: str, name: str) -> Iterator[str]:
    """Create a migrated database in the cluster of a stack, yield its URL, and drop it."""
    url = _beside(cluster, name)
    new = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    with psycopg.connect(cluster, autocommit=True) as conn:
        found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone()
        if found is not None:
            new += sql.SQL(" TEMPLATE {}").format(sql.Identifier(TEMPLATE))
        conn.execute(new)
        try:
            migrate(url)
            yield url
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def collections_removed(config: pytest.Config) -> Iterator[None]:
    """Remove the collections that are made inside the `with` block in the databases of `SHARED`.

    Each has a partition. With the 500 that the tests of a process make, a new collection took twice the CPU
    time, a search of all collections ten times, and the doctor seconds.
    """
    databases = config.stash[SHARED]
    before = {database: _collections(database) for database in databases}
    yield
    for database in databases:
        _remove(database, _collections(database) - before.get(database, set()))


def _collections(database: str) -> set[str]:
    with psycopg.connect(database) as conn:
        rows = conn.execute("SELECT id FROM pgstac.collections")
        return {row[0] for row in rows if not row[0].startswith(BLOB_COLLECTION_PREFIX)}


def _remove(database: str, ids: Collection[str]) -> None:
    """Remove collections and their items, but no files; none if a job holds the locks of one for long."""
    if not ids:
        return
    busy = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
    with contextlib.suppress(*busy), psycopg.connect(database) as conn:
        conn.execute("SET lock_timeout = '5s'")
        conn.execute("SELECT landbridge.lock_partitions()")
        conn.execute("SELECT pgstac.delete_collection(id) FROM unnest(%s::text[]) AS id", [sorted(ids)])


def _beside(cluster: str, name: str) -> str:
    url = cluster.replace("/landbridge?", f"/{name}?", 1)
    assert url != cluster
    return url
