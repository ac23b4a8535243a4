"""What a process that reads uploads can reach: the files of its job and no address.

A raster file can name others: a virtual raster its sources, a GeoTIFF the file of its overviews. Nothing that
a file says may make this server open another one or speak to another machine. GDAL has the drivers of
`DRIVERS` only, and opens no remote file; what is known to name other files is refused (`ingest`); and where
the kernel can, it holds the process to its job's files (Landlock, Linux 5.13) and without sockets (seccomp),
whatever a decoder is made to do.
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

# What an upload may be. Formats that refer to other files (VRT, GTI, ...) could make the server read them.
DRIVERS = ("GTiff", "JP2OpenJPEG", "JPEG", "PNG")
# What writing a COG and tracing its footprint take besides; `Memory` is part of `MEM` from GDAL 3.11 on.
_TOOLS = ("COG", "MEM", "Memory", "VRT")
# GDAL opens no file over a network whose whole name is not this, which none's is.
_NO_ADDRESS = "none"

# Landlock, by linux/landlock.h; the numbers of its system calls are the same on every processor.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_READ_FILE, _WRITE_FILE, _READ_DIR, _EXECUTE, _TRUNCATE = 1 << 2, 1 << 1, 1 << 3, 1 << 0, 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# Rights on files that each version knows, and what else it can refuse: (file rights, TCP, scopes).
_KNOWN = {1: ((1 << 13) - 1, 0, 0), 2: ((1 << 14) - 1, 0, 0), 3: ((1 << 15) - 1, 0, 0)}
_KNOWN |= {4: (_KNOWN[3][0], 0b11, 0), 5: ((1 << 16) - 1, 0b11, 0), 6: ((1 << 16) - 1, 0b11, 0b11)}

# seccomp, by linux/seccomp.h, linux/filter.h and linux/audit.h
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EACCES
_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}  # and the number of socket(2)
_IO_URING_SETUP = 425  # which makes sockets without that call
_X32 = 0x40000000

# System libraries, and what they look at.
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
    """Leave GDAL the drivers of uploads, and no way over a network; before anything else is asked of it."""
    os.environ["GDAL_DRIVER_PATH"] = "disable"
    os.environ["CPL_VSIL_CURL_ALLOWED_FILENAME"] = _NO_ADDRESS
    os.environ["GDAL_SKIP"] = ",".join(name for name in _drivers() if name not in (*DRIVERS, *_TOOLS))


def _drivers() -> list[str]:
    """The names of all drivers. They are registered once in a process, so another one lists them."""
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
    """Give up, for good, all that this job does not need: other files, and every socket.

    What the kernel can't hold back it doesn't: an old one leaves it to GDAL's own limits.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    libraries = {*_SYSTEM, sys.prefix, sys.base_prefix, *filter(None, sys.path)}
    # The files of an upload are in a folder of its own.
    sent = {file.parent for file in request.files}
    with contextlib.suppress(OSError):
        _hold_to(libc, [*libraries, *sent], [request.folder])
    if (known := _ARCHITECTURES.get(platform.machine())) is not None:
        with contextlib.suppress(OSError):
            _without_sockets(libc, *known)


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _hold_to(libc: ctypes.CDLL, readable: Iterable[str | Path], writable: Iterable[Path]) -> None:
    """Landlock: only these files and folders, each with what is below it; no TCP, no abstract sockets."""
    version = _checked(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG))
    files, tcp, scopes = _KNOWN[min(version, max(_KNOWN))]
    # A version's kernel takes the members that it knows; those of later ones have to be left out or zero.
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
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # there is none: nothing to allow
    try:
        rule = struct.pack("=Qi", rights if Path(path).is_dir() else rights & _OF_FILES, place)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _without_sockets(libc: ctypes.CDLL, architecture: int, socket: int) -> None:
    """seccomp: socket(2) fails, as whatever else makes one; system calls of other kinds end the process."""
    program = [
        (_LOAD, 0, 0, 4),  # which kind of system calls this is
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # which call
        (_AT_LEAST, 3, 0, _X32),
        (_EQUAL, 2, 0, socket),
        (_EQUAL, 1, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    _checked(libc.prctl(_SET_SECCOMP, _FILTER, filter_, 0, 0))
