"""The operating system user that PostgreSQL runs as, and the files that it can reach.

PostgreSQL refuses to run as root. If the caller is root, initdb and postgres run as `postgres` if that user
exists, else as `nobody`. The API process keeps the caller's user, because the other may not be able to read
the Python installation (/root is 0700).
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
    """An operating system user; `foreign`: another than the caller, so processes must switch to it."""

    name: str
    uid: int
    gid: int
    foreign: bool

    @property
    def owner(self) -> tuple[int, int] | None:
        """(uid, gid) for new files; None if the caller's files belong to this user anyway."""
        return (self.uid, self.gid) if self.foreign else None

    def popen_options(self) -> dict[str, Any]:
        """Return the arguments of `subprocess.Popen` that run a program as this user."""
        options: dict[str, Any] = {"umask": 0o077, "cwd": "/"}
        if self.foreign:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def user_of_cluster(data: Path) -> OsUser:
    """Return the user of the cluster in `data`: its owner; for a new cluster the caller, unless it is root.

    Raises ClusterError if there is no such user.
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
    msg = f"PostgreSQL does not run as root, and there is no user {' or '.join(CANDIDATE_NAMES)} to run it."
    raise ClusterError(f"{msg} Create one: useradd --system postgres")


def names_allowed_to_connect(os_user: OsUser) -> tuple[str, ...]:
    """Return the OS users that can connect to the cluster: its own and the caller."""
    caller = os.geteuid()
    return tuple(
        dict.fromkeys((os_user.name, _password_entry(caller).pw_name, *(() if caller else ("root",))))
    )


def reachable(path: Path, os_user: OsUser) -> bool:
    """Return whether the user can search every directory above `path`, and `path` itself if it is one.

    Only permission bits of the user and its own group count.
    """
    if not os_user.foreign:
        return True
    resolved = path.resolve()
    folders = [*reversed(resolved.parents), *([resolved] if resolved.is_dir() else [])]
    return all(_may_search(folder, os_user) for folder in folders)


def _may_search(folder: Path, os_user: OsUser) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    if status.st_uid == os_user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == os_user.gid:
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
