"""Upgrade of a home's cluster to another major version of PostgreSQL, by pg_upgrade.

A data directory of the new version is made beside the old one and filled by copying. It takes the place of
the old one when it is complete; the old one is kept. An upgrade that is interrupted before leaves the cluster
as it was.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from landbridge.stac_api.embedded import postmaster
from landbridge.stac_api.embedded.cluster import (
    ROLE,
    create_cluster,
    database_url,
    environment,
    finish_replacement,
    kept_directory,
    open_cluster,
    private_directory,
    remove_leftovers,
    remove_short_socket_directory,
    socket_directory,
    upgraded_directory,
    write_configuration,
)
from landbridge.stac_api.embedded.control import folder_size
from landbridge.stac_api.embedded.maintenance import running_database, stopped_stack
from landbridge.stac_api.embedded.postgres_programs import SearchEnvironment, find_installation, find_newest
from landbridge.stac_api.errors import ClusterError, StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from landbridge.stac_api.embedded.cluster import Cluster
    from landbridge.stac_api.embedded.home_directory import Home
    from landbridge.stac_api.embedded.postgres_programs import Installation

__all__ = ["Upgrade", "upgrade"]

_RESERVE = 256 * 2**20  # bytes that an upgrade needs beside the copy
_NO_CHECKSUMS_SINCE = 18  # major version from which on initdb has checksums unless told otherwise


class Upgrade:
    """Result of an upgrade: the versions, and the folder of the old cluster."""

    def __init__(self, before: int, after: int, kept: Path) -> None:
        self.before, self.after, self.kept = before, after, kept


def upgrade(home: Home, report: Callable[[str], None] = lambda _: None) -> Upgrade | None:
    """Upgrade the cluster of a home to the newest installed version of PostgreSQL.

    Args:
        home: home whose stack does not run.
        report: gets lines of text about the progress.

    Returns:
        What was done; None if the cluster has the newest installed version.

    Raises:
        StackError: if the stack runs, if the home has no cluster, if a program is missing or fails, or if the
            disk is too small. The cluster is as it was.
    """
    with stopped_stack(home, "upgrade PostgreSQL"):
        cluster = open_cluster(home)
        finish_replacement(cluster)
        remove_leftovers(cluster)
        before = cluster.major
        if before is None:
            raise StackError(
                f"The home {home.root} has no database yet; it will be made by the newest version."
            )
        # LANDBRIDGE_PG_BIN names one version, and two are needed.
        anywhere = replace(SearchEnvironment.of_process(), pg_bin=None)
        new = find_newest(cluster.os_user) or find_newest(cluster.os_user, anywhere)
        if new is None or new.major <= before:
            return None
        old = find_installation(cluster.os_user, before, anywhere)
        _check_programs(new)
        kept = kept_directory(cluster)
        _check_space(cluster, kept)
        report(f"preparing the database of PostgreSQL {before}")
        _migrate(home, old)
        report(f"copying it to PostgreSQL {new.major}")
        staged = replace(
            cluster, data=cluster.data.with_name(f"{cluster.data.name}.new-{secrets.token_hex(4)}")
        )
        try:
            create_cluster(staged, new, *_checksum_options(cluster, old, new))
            _run_pg_upgrade(cluster, staged, old, new)
            report("updating extensions and statistics")
            _update_extensions(staged, new)
            staged.data.rename(upgraded_directory(cluster))
        except BaseException:
            shutil.rmtree(staged.data, ignore_errors=True)
            raise
        finish_replacement(cluster)
        return Upgrade(before, new.major, kept)


def _check_programs(new: Installation) -> None:
    missing = [name for name in ("pg_upgrade", "pg_restore", "pg_dumpall") if not (new.bin / name).is_file()]
    if missing:
        raise ClusterError(f"{new.bin} has no {' and no '.join(missing)}, which an upgrade needs.")


def _check_space(cluster: Cluster, kept: Path) -> None:
    if kept.exists():
        raise StackError(f"{kept} is in the way: the cluster of an earlier upgrade. Move or delete it.")
    needed = folder_size(cluster.data) + _RESERVE
    free = shutil.disk_usage(cluster.data.parent).free
    if free < needed:
        raise StackError(
            f"The upgrade copies the database, which needs {needed:,} bytes on the disk of "
            f"{cluster.data.parent}; {free:,} are free."
        )


def _migrate(home: Home, old: Installation) -> None:
    """Migrate the old database: older versions of our schema have a function that a dump cannot restore."""
    from landbridge.stac_api.pgstac.migrate import migrate

    with running_database(home, old) as url:
        migrate(url)


def _checksum_options(cluster: Cluster, old: Installation, new: Installation) -> list[str]:
    """Return the options of initdb for checksums of pages, which both versions must have or not."""
    answer = _run(cluster, [old.bin / "pg_controldata", cluster.data], cluster.data.parent)
    lines = (line.partition(":") for line in answer.splitlines())
    versions = [value.strip() for name, _, value in lines if name == "Data page checksum version"]
    if versions and versions[0] != "0":
        return ["--data-checksums"]
    return ["--no-data-checksums"] if new.major >= _NO_CHECKSUMS_SINCE else []


def _run_pg_upgrade(cluster: Cluster, staged: Cluster, old: Installation, new: Installation) -> None:
    sockets = socket_directory(cluster)
    write_configuration(staged, sockets)
    # pg_upgrade writes into its current directory.
    work = private_directory(cluster.data.with_name(f"{staged.data.name}-work"), cluster.os_user)
    command: list[str | Path] = [
        new.bin / "pg_upgrade",
        f"--old-datadir={cluster.data}",
        f"--new-datadir={staged.data}",
    ]
    command += [f"--old-bindir={old.bin}", f"--new-bindir={new.bin}", f"--username={ROLE}"]
    try:
        _run(cluster, [*command, f"--socketdir={sockets}", "--copy"], work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _update_extensions(staged: Cluster, new: Installation) -> None:
    """Start the new cluster, and update its extensions and the statistics of its tables."""
    import psycopg
    from psycopg import sql

    server = postmaster.start(staged, new)
    try:
        with psycopg.connect(database_url(server.sockets), autocommit=True) as conn:
            names = [row[0] for row in conn.execute("SELECT extname FROM pg_extension ORDER BY extname")]
            for name in names:
                conn.execute(sql.SQL("ALTER EXTENSION {} UPDATE").format(sql.Identifier(name)))
            conn.execute("ANALYZE")
    finally:
        with contextlib.suppress(StackError):
            postmaster.stop(staged, server)
        remove_short_socket_directory(staged)


def _run(cluster: Cluster, command: Sequence[str | Path], folder: Path) -> str:
    """Run a program as the cluster's user and return its output.

    Raises ClusterError if it fails; the message has the output.
    """
    options = {**cluster.os_user.popen_options(), "cwd": folder}
    done: subprocess.CompletedProcess[str]
    try:
        done = subprocess.run(  # noqa: S603 - programs of installations that were found
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            **options,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ClusterError(f"{command[0]} cannot be run as user {cluster.os_user.name}: {error}") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        raise ClusterError(f"{command[0]} failed with code {done.returncode}:\n{output}")
    return done.stdout
