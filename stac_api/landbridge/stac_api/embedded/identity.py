"""Identity of a home: the id of the service in its database, and the folder in which the home is.

A home may be moved, and a stopped one may be copied. A copy gets an identity and a token of its own. Copies
that would share files with the original, or that may be torn, are refused.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from landbridge.stac_api.embedded.home_directory import Home, read_state, write_private
from landbridge.stac_api.errors import StackError

if TYPE_CHECKING:
    import psycopg

__all__ = ["Origin", "confirm", "forget", "origin_of"]

_ADVICE = "Use `landbridge backup` on the original and `landbridge restore` into a new home."


@dataclass(frozen=True, slots=True)
class Identity:
    """Id of a home's service, and the folder in which the home was when its stack ran last."""

    service: str
    root: Path


@dataclass(frozen=True, slots=True)
class Origin:
    """Knowledge about a home before its stack starts.

    `service` is the id that its database must have, None if it is new; `copied` is set for a copy of another
    home, which gets an id of its own.
    """

    service: str | None
    copied: bool


def _path(home: Home) -> Path:
    return home.root / "identity.json"


def _read(home: Home) -> Identity | None:
    """Return the identity of a home; None if it has none, or if it cannot be read."""
    try:
        document = json.loads(_path(home).read_text("utf-8"))
        return Identity(str(document["service"]), Path(document["root"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def origin_of(home: Home) -> Origin:
    """Return whether a home is new, known or a copy.

    Raises:
        StackError: if it is a copy that would share the database or the object store of its original, or that
            was made while the original ran.
    """
    known = _read(home)
    if known is None:
        return Origin(None, copied=False)
    original = Home(known.root)
    if known.root == home.root or not _is_another(original, home, known.service):
        return Origin(known.service, copied=False)
    if home.postgres.is_symlink():
        shared = home.postgres.readlink()
        msg = f"The home {home.root} is a copy of {known.root}, and would share its database in {shared}."
        raise StackError(f"{msg} {_ADVICE}")
    if (home.postgres / "postmaster.pid").exists():
        msg = f"The home {home.root} is a copy of {known.root}, made while PostgreSQL ran there"
        raise StackError(f"{msg} or after it was killed: its database may be torn. {_ADVICE}")
    store = os.environ.get("LANDBRIDGE_STORE_URL")
    if store is not None and store == (read_state(home) or {}).get("store_url"):
        msg = f"The home {home.root} is a copy of {known.root}, and would share its object store {store}"
        raise StackError(f"{msg}: each would delete files of the other. {_ADVICE}")
    return Origin(known.service, copied=True)


def _is_another(original: Home, home: Home, service: str) -> bool:
    """Return whether the home that this one was is still there, as another folder."""
    known = _read(original)
    if known is None or known.service != service:
        return False
    try:
        return not original.root.samefile(home.root)
    except OSError:
        return False


def confirm(home: Home, origin: Origin, conn: psycopg.Connection) -> None:
    """Compare the database with the home's identity, and record the identity.

    A copy's database gets a new id.

    Raises:
        StackError: if the database is of another service than the home was.
    """
    if origin.copied:
        conn.execute("UPDATE landbridge.service SET id = gen_random_uuid()")
    row = conn.execute("SELECT id::text FROM landbridge.service").fetchone()
    assert row is not None  # its migration makes the row
    (service,) = row
    if origin.service is not None and not origin.copied and service != origin.service:
        raise StackError(
            f"The database of the home {home.root} is of another service ({service}) than the home "
            f"({origin.service}). If you put it there on purpose, delete {_path(home)}."
        )
    identity = Identity(service, home.root)
    if _read(home) != identity:
        write_private(_path(home), json.dumps({"service": service, "root": str(home.root)}) + "\n")


def forget(home: Home) -> None:
    """Forget the identity of a home whose database is replaced."""
    _path(home).unlink(missing_ok=True)
