"""The PostgreSQL of a home without its API: for a restore or an upgrade of PostgreSQL."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from landbridge.stac_api.embedded.cluster import database_url, open_cluster
from landbridge.stac_api.embedded.home_directory import hold_lock, lock_holder
from landbridge.stac_api.embedded.postgres_supervisor import PhaseTimer, PostgresSupervisor
from landbridge.stac_api.embedded.server_process import create_database
from landbridge.stac_api.embedded.stack import START_SECONDS
from landbridge.stac_api.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.stac_api.embedded.home_directory import Home
    from landbridge.stac_api.embedded.postgres_programs import Installation

__all__ = ["running_database", "stopped_stack"]

_LOCK_SECONDS = 5.0


@contextlib.contextmanager
def stopped_stack(home: Home, purpose: str) -> Iterator[None]:
    """Keep the stack of a home from starting inside the `with` block; the home is created if missing.

    Raises StackError if the stack runs.
    """
    home.create()
    with hold_lock(home.up_lock, START_SECONDS, purpose):
        if (holder := lock_holder(home.serve_lock)) is not None:
            msg = f"The stack of {home.root} runs (process {holder}), so it is not possible to {purpose}."
            raise StackError(f"{msg} Stop it first: landbridge down")
        with hold_lock(home.serve_lock, _LOCK_SECONDS, purpose):
            yield


@contextlib.contextmanager
def running_database(home: Home, installation: Installation | None = None) -> Iterator[str]:
    """Run the PostgreSQL of a home, whose stack is stopped, and yield the URL of its database.

    The programs are those of `installation`; by default the supervisor looks for them.

    The cluster and the database are created if they do not exist; nothing is migrated.
    """
    supervisor = PostgresSupervisor(open_cluster(home), installation)
    try:
        sockets = supervisor.bring_up(PhaseTimer()).sockets
        create_database(database_url(sockets, "postgres"))
        yield database_url(sockets)
    finally:
        supervisor.stop()
