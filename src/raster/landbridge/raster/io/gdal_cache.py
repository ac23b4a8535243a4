"""Keeps GDAL's cache of remote files from giving pixels of another version of a file.

GDAL keeps parts of remote files by their address, for the whole process and without asking whether the file
is still the same. So each open of a file here names the version that it must have. GDAL gets an address with
a fragment that tells the version: it keeps the parts of each version by themselves, and curl does not send
the fragment. Stores that GDAL does not open by URL have no such addresses: their part of the cache is emptied
before another version is opened. When the dataset is closed, the file is asked for its version again: all
bytes that were read between two equal answers are of that version.
"""

import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.file_protocol import File, FileChangedError
from landbridge.raster.io.gdal_settings import gdal_errors

__all__ = ["single_version"]

# Makes GDAL drop its cache of remote files as it closes them.
_UNCACHED = {
    "CPL_VSIL_CURL_NON_CACHED": ":".join(f"/vsi{kind}/" for kind in ("curl", "s3", "gs", "az", "adls"))
}
# The names of files beside would have the fragment too, and be taken for the file itself.
_NO_FILES_BESIDE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
_CURL = "/vsicurl/"
_SUFFIX_LENGTH = 8
# No file is of this driver: GDAL reads the first bytes, finds that, and closes the file.
_NO_DRIVER = "MEM"
# Largest number of names whose version in GDAL's cache is known.
_MAX_NAMES = 4096


@dataclass(slots=True)
class _Use:
    """Version of a file that datasets are open of, their number, and whether GDAL's cache was emptied."""

    version: object
    count: int = 0
    emptied: "Future[None]" = field(default_factory=Future)


_uses: dict[str, _Use] = {}
_cached: "OrderedDict[str, object]" = OrderedDict()
_lock = threading.Lock()
# A failed read may leave parts of two versions, or a refusal: later reads then use other addresses.
_numbers = itertools.count(1)
_round = 0


@contextmanager
def single_version(name: str, file: File | None) -> Iterator[str]:
    """Yield the name by which GDAL opens a file, and reads one version only until the `with` block ends.

    Parameters
    ----------
    name : str
        Path, URL or GDAL's name of the file.
    file : File or None
        Version that the file must have; None if it is unknown, because only GDAL can open the file. GDAL then
        reads the file anew, and keeps nothing of it.

    Raises
    ------
    FileChangedError
        If the file has another version, or other threads read another version of it.
    StaleHeaderError
        If the version is that of a kept header, and the file has another one.
    """
    if not is_remote(name):
        yield name
        if file is not None:
            file.check_current()
        return
    version = None if file is None else file.key
    # A virtual file names others, whose versions are not known.
    is_kept = file is not None and _suffix(name) != ".vrt"
    opened = _with_fragment(name, version) if _is_url(name) else _emptied(name, version)
    with opened as target, _env({} if is_kept else _UNCACHED):
        try:
            yield target
            if file is not None:
                file.check_current()
        except BaseException:
            _forget(name)
            raise


def _is_url(name: str) -> bool:
    return name.removeprefix(_CURL).startswith(("http://", "https://"))


def _suffix(name: str) -> str:
    suffix = PurePosixPath(urlsplit(name).path).suffix.lower()
    return suffix if suffix[1:].isalnum() and len(suffix) <= _SUFFIX_LENGTH else ""


@contextmanager
def _with_fragment(name: str, version: object) -> Iterator[str]:
    """Yield a URL with a fragment that no other version has; it ends as the path does."""
    number = next(_numbers) if version is None else _round
    digest = sha256(repr((version, number)).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    with _env(_NO_FILES_BESIDE):
        # rasterio leaves only GDAL's own names as they are.
        yield f"{_CURL}{name.removeprefix(_CURL)}#{digest}{_suffix(name)}"


@contextmanager
def _emptied(name: str, version: object) -> Iterator[str]:
    """Count a dataset as open, and empty GDAL's cache of it before if that may hold another version."""
    with _lock:
        use = _uses.setdefault(name, _Use(version))
        if use.version != version:
            raise FileChangedError
        use.count += 1
        is_first = use.count == 1
        is_known = version is not None and _cached.get(name) == version
    try:
        if is_first:
            try:
                if not is_known:
                    _empty_cache(name, version)
            finally:
                use.emptied.set_result(None)
        use.emptied.result()
        yield name
    finally:
        with _lock:
            use.count -= 1
            if not use.count:
                del _uses[name]


def _empty_cache(name: str, version: object) -> None:
    """Make GDAL forget what it has read of a file, and that it could not be opened."""
    import rasterio

    with suppress(*gdal_errors()), _env(_UNCACHED):
        rasterio.open(name, sharing=False, driver=_NO_DRIVER).close()
    with _lock:
        _cached[name] = version
        _cached.move_to_end(name)
        while len(_cached) > _MAX_NAMES:
            _cached.popitem(last=False)


def _forget(name: str) -> None:
    """Make later reads use nothing of what GDAL has read."""
    global _round  # noqa: PLW0603 - one for the process, as GDAL's cache
    with _lock:
        _cached.pop(name, None)
        _round = next(_numbers)


def _env(options: dict[str, str]) -> Any:
    import rasterio
    from rasterio.session import DummySession

    return rasterio.Env(DummySession(), **options)


def _reset_after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may hold it
    _lock = threading.Lock()
    _uses.clear()
    _cached.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
