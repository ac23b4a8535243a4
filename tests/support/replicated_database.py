"""A database with a streaming replica, both of this machine and with the schema of the service."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from landbridge.stac_api.embedded.cluster import (
    Cluster,
    database_url,
    environment,
    private_directory,
    write_configuration,
)
from landbridge.stac_api.embedded.home_directory import Home
from support.embedded_stack import copy_cluster, new_home
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from landbridge.stac_api.embedded.os_user import OsUser
    from landbridge.stac_api.embedded.postgres_programs import Installation

__all__ = ["Server", "replicated"]


@dataclass(frozen=True)
class Server:
    """One PostgreSQL server."""

    data: Path
    sockets: Path
    installation: Installation
    user: OsUser

    @property
    def url(self) -> str:
        return database_url(self.sockets)

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self.installation.bin / program), *arguments]
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            **self.user.popen_options(),
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def start(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.data / "log"), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def configure(self, **settings: str) -> None:
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (self.data / "landbridge.conf").open("a") as file:
            file.writelines(lines)


@contextlib.contextmanager
def replicated(template: Path, installation: Installation, user: OsUser) -> Iterator[tuple[Server, Server]]:
    """Run a database and its replica; yields both."""
    root = new_home()
    try:
        folders = [private_directory(root / name, user) for name in ("p", "r")]
        primary, replica = (
            Server(root / name, sockets, installation, user)
            for name, sockets in zip(("primary", "replica"), folders, strict=True)
        )
        copy_cluster(template, primary.data)
        write_configuration(Cluster(Home(root), primary.data, user), primary.sockets)
        primary.configure(wal_level="replica", max_wal_senders="4")
        with (primary.data / "pg_hba.conf").open("a") as file:
            file.write("local replication all peer map=landbridge\n")
        primary.start()
        try:
            private_directory(replica.data, user)
            source = f"host={primary.sockets} port=5432 user=landbridge"
            replica.run(
                "pg_basebackup", "-d", source, "-D", str(replica.data), "-R", "-X", "stream", "-c", "fast"
            )
            replica.configure(unix_socket_directories=str(replica.sockets), hot_standby_feedback="on")
            replica.start()
            try:
                yield primary, replica
            finally:
                with contextlib.suppress(AssertionError):  # a test may have stopped it
                    replica.stop()
        finally:
            with contextlib.suppress(AssertionError):
                primary.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def wait_for_replay(primary: Server, replica: Server) -> None:
    """Wait until the replica has replayed all that the primary has written."""
    with psycopg.connect(primary.url, autocommit=True) as conn:
        (position,) = conn.execute("SELECT pg_current_wal_lsn()").fetchone() or ("",)
    with psycopg.connect(replica.url, autocommit=True) as conn:
        query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: (conn.execute(query, (position,)).fetchone() or (False,))[0])
