"""The account PostgreSQL runs under, and what that account can reach.

PostgreSQL refuses to run as root. Where the caller is root, initdb and postgres run as `postgres` if that
account exists, else as `nobody`; the API process itself stays the caller's, since the account may not even
be able to read the Python it runs on (/root is 0700).
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landbridge.stac_api.errors import ClusterError

CANDIDATE_NAMES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class OsUser:
    """An operating system user; `foreign` if processes have to be switched to it."""

    name: str
    uid: int
    gid: int
    foreign: bool

    @property
    def owner(self) -> tuple[int, int] | None:
        """(uid, gid) to hand new files to; None if they are the account's anyway."""
        return (self.uid, self.gid) if self.foreign else None

    def popen_options(self) -> dict[str, Any]:
        """Arguments of `subprocess.Popen` that run a program as this account, in a place it can be."""
        options: dict[str, Any] = {"umask": 0o077, "cwd": "/"}
        if self.foreign:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def user_of_cluster(data: Path) -> OsUser:
    """The account for the cluster in `data`: its owner, or for a new one the caller, if not root.

    Raises ClusterError if there is no such account.
    """
    caller = os.geteuid()
    try:
        uid = data.stat().st_uid
    except FileNotFoundError:
        uid = caller
    if caller != 0:
        if uid != caller:
            msg = f"The PostgreSQL cluster {data} belongs to user {uid}, not to you (user {caller})."
            raise ClusterError(f"{msg} Set LANDBRIDGE_HOME to a directory of your own.")
        return _os_user(_password_entry(caller), foreign=False)
    if uid != 0:
        return _os_user(_password_entry(uid), foreign=True)
    for name in CANDIDATE_NAMES:
        try:
            return _os_user(pwd.getpwnam(name), foreign=True)
        except KeyError:
            continue
    msg = (
        f"PostgreSQL does not run as root, and there is no account {' or '.join(CANDIDATE_NAMES)} to run it."
    )
    raise ClusterError(f"{msg} Create one: useradd --system postgres")


def names_allowed_to_connect(account: OsUser) -> tuple[str, ...]:
    """The operating system users that may open the cluster: its account and whoever started it."""
    caller = os.geteuid()
    return tuple(
        dict.fromkeys((account.name, _password_entry(caller).pw_name, *(() if caller else ("root",))))
    )


def reachable(path: Path, account: OsUser) -> bool:
    """Whether the account may pass through every directory above `path`, and through `path` if it is one.

    Only permission bits are looked at, for the account's own user and group.
    """
    if not account.foreign:
        return True
    resolved = path.resolve()
    folders = [*reversed(resolved.parents), *([resolved] if resolved.is_dir() else [])]
    return all(_may_search(folder, account) for folder in folders)


def _may_search(folder: Path, account: OsUser) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _password_entry(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        msg = f"User {uid} has no entry in the password database, and PostgreSQL does not run without one."
        raise ClusterError(
            f"{msg} Add one, e.g. echo landbridge:x:{uid}:0::/tmp:/bin/sh >> /etc/passwd"
        ) from None


def _os_user(entry: pwd.struct_passwd, *, foreign: bool) -> OsUser:
    return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid, foreign)
