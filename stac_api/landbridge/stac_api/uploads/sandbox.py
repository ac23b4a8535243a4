"""Sandbox of a worker process: it can open the files of its job only, and no network connection.

A raster file can refer to others: a virtual raster to its sources, a GeoTIFF to the file of its overviews. No
content of a file may make this server open another file or contact another machine. Therefore GDAL has only
the drivers of `DRIVERS` and opens no remote file, `conversion` refuses files that refer to others, and the
kernel, if it can, restricts the process to its job's files (Landlock, Linux 5.13) and forbids sockets
(seccomp), so that an exploited decoder is restricted, too.
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

import rasterio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from landbridge.stac_api.uploads.messages import ConversionRequest

# Formats of uploads. Formats that refer to other files (VRT, GTI, ...) could make the server read those.
DRIVERS = ("GTiff", "JP2OpenJPEG", "JPEG", "PNG")
# Drivers for writing a COG and tracing its footprint; `Memory` is part of `MEM` from GDAL 3.11 on.
_TOOLS = ("COG", "MEM", "Memory", "VRT")
# GDAL opens only the remote file of exactly this name, which no URL equals.
_NO_ADDRESS = "none"

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


def limit_gdal() -> None:
    """Restrict GDAL to the drivers of uploads and to local files; call it before any other use of GDAL."""
    os.environ["GDAL_DRIVER_PATH"] = "disable"
    os.environ["CPL_VSIL_CURL_ALLOWED_FILENAME"] = _NO_ADDRESS
    os.environ["GDAL_SKIP"] = ",".join(name for name in _drivers() if name not in (*DRIVERS, *_TOOLS))


def _drivers() -> list[str]:
    """Return the names of all drivers, from a forked process: a process registers its drivers only once."""
    reading, writing = os.pipe()
    if (lister := os.fork()) == 0:
        with rasterio.Env() as env:
            os.write(writing, "\n".join(env.drivers()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        names = pipe.read().decode().split("\n")
    os.waitpid(lister, 0)
    return names


def enter(request: ConversionRequest) -> None:
    """Restrict this process for good to the files of a request, without sockets.

    An old kernel that supports neither leaves only the limits of GDAL.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    libraries = {*_SYSTEM, sys.prefix, sys.base_prefix, *filter(None, sys.path)}
    # The folder of an upload holds no other files.
    folders = {file.parent for file in request.files}
    with contextlib.suppress(OSError):
        _restrict_files(libc, [*libraries, *folders], [request.folder])
    if (known := _SOCKET_CALLS.get(platform.machine())) is not None:
        with contextlib.suppress(OSError):
            _forbid_sockets(libc, *known)


def _checked(result: int) -> int:
    """Return the result of a system call, or raise its error."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _restrict_files(libc: ctypes.CDLL, readable: Iterable[str | Path], writable: Iterable[Path]) -> None:
    """Allow by Landlock only these files and folders, with all below; forbid TCP and abstract sockets."""
    version = _checked(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG))
    files, tcp, scopes = _RESTRICTABLE[min(version, max(_RESTRICTABLE))]
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
