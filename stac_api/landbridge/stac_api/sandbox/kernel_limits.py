"""Restrictions of a process by the kernel: the files that it can open, and network connections.

Landlock (Linux 5.13) restricts a process to some files, and seccomp forbids sockets, so that an exploited
decoder is restricted, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Landlock, by linux/landlock.h; the numbers of its system calls are the same on every processor.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_READ_FILE, _WRITE_FILE, _READ_DIR, _EXECUTE, _TRUNCATE = 1 << 2, 1 << 1, 1 << 3, 1 << 0, 1 << 14
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# Rights that each version of Landlock can restrict: (file rights, TCP, scopes).
_RESTRICTABLE = {1: ((1 << 13) - 1, 0, 0), 2: ((1 << 14) - 1, 0, 0), 3: ((1 << 15) - 1, 0, 0)}
_RESTRICTABLE |= {
    4: (_RESTRICTABLE[3][0], 0b11, 0),
    5: ((1 << 16) - 1, 0b11, 0),
    6: ((1 << 16) - 1, 0b11, 0b11),
}

# seccomp, by linux/seccomp.h, linux/filter.h and linux/audit.h
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EACCES
_SOCKET_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}  # with the number of socket(2)
_IO_URING_SETUP = 425  # makes sockets without socket(2)
_X32 = 0x40000000

# System libraries, and the files that they read.
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/dev/null",
    "/dev/urandom",
    "/proc/meminfo",
    "/proc/self",
    "/sys/fs/cgroup",
)
# Files of name resolution and certificates
_NETWORK = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/ssl",
    "/etc/pki",
    "/run/systemd/resolve",
)


def restrict(
    readable: Iterable[str | Path], writable: Iterable[str | Path] = (), *, has_network: bool = False
) -> None:
    """Restrict this process for good to the system's libraries and these files and folders, with all below.

    Parameters
    ----------
    readable, writable : iterable of str or Path
        Files and folders that the process may read, and those that it may also change.
    has_network : bool, default False
        Allow sockets.

    Notes
    -----
    A kernel that supports neither Landlock nor seccomp restricts nothing.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    libraries = {*_SYSTEM, sys.prefix, sys.base_prefix, *filter(None, sys.path)}
    network = _NETWORK if has_network else ()
    with contextlib.suppress(OSError):
        _restrict_files(libc, [*libraries, *network, *readable], writable, has_network=has_network)
    if not has_network and (known := _SOCKET_CALLS.get(platform.machine())) is not None:
        with contextlib.suppress(OSError):
            _forbid_sockets(libc, *known)


def _checked(result: int) -> int:
    """Return the result of a system call, or raise its error."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _restrict_files(
    libc: ctypes.CDLL,
    readable: Iterable[str | Path],
    writable: Iterable[str | Path],
    *,
    has_network: bool,
) -> None:
    """Allow by Landlock only these files and folders, with all below; forbid TCP and abstract sockets."""
    version = _checked(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG))
    files, tcp, scopes = _RESTRICTABLE[min(version, max(_RESTRICTABLE))]
    tcp = 0 if has_network else tcp
    # The kernel accepts the members of its version; those of later versions must be missing or zero.
    handled = struct.pack("=QQQ", files, tcp, scopes)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0))
    try:
        for paths, rights in ((readable, _READ), (writable, files)):
            for path in paths:
                _allow(libc, ruleset, path, rights & files)
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str | Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # does not exist
    try:
        rule = struct.pack("=Qi", rights if Path(path).is_dir() else rights & _FILE_RIGHTS, descriptor)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


def _forbid_sockets(libc: ctypes.CDLL, architecture: int, socket: int) -> None:
    """Make socket(2) and io_uring fail by seccomp; system calls of another architecture end the process."""
    program = [
        (_LOAD, 0, 0, 4),  # architecture of the call
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # number of the call
        (_AT_LEAST, 3, 0, _X32),
        (_EQUAL, 2, 0, socket),
        (_EQUAL, 1, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    _checked(libc.prctl(_SET_SECCOMP, _FILTER, filter_, 0, 0))
