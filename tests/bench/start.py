"""How long a first call waits: the embedded stack from nothing, one that runs, and the import.

The peers are the project's own aims in seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.frame import Contest, Peer, in_fresh_process, job

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_CALL = """
import time
from landbridge.catalog import Product
start = time.perf_counter()
Product.exists("nothing")
print(time.perf_counter() - start)
"""
_IMPORT = """
import time
start = time.perf_counter()
import landbridge.catalog
print(time.perf_counter() - start)
"""


def _stack(verb: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "landbridge.stac_api.embedded", verb], check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def _empty_home() -> Iterator[Path]:
    """A home with nothing in it, in effect for this process and its children; its stack ends with it."""
    home = Path(tempfile.mkdtemp(prefix="landbridge-"))
    home.chmod(0o755)  # the database runs as another user where the caller is root
    before = {name: os.environ.pop(name, None) for name in ("LANDBRIDGE_HOME", "LANDBRIDGE_URL")}
    os.environ["LANDBRIDGE_HOME"] = str(home)
    try:
        yield home
    finally:
        _stack("down")
        shutil.rmtree(home, ignore_errors=True)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@job("start")
def first_call_with_an_empty_home() -> Iterator[Contest]:
    first_call = in_fresh_process(_FIRST_CALL)

    def cold() -> object:
        with _empty_home():
            return first_call()

    yield Contest(cold, [Peer("aim", 6.0)], runs=3)


@job("start")
def first_call_of_a_process_that_joins() -> Iterator[Contest]:
    with _empty_home():
        _stack("up")
        yield Contest(in_fresh_process(_FIRST_CALL), [Peer("aim", 0.3)], runs=9)


@job("start")
def import_of_the_catalog() -> Iterator[Contest]:
    yield Contest(in_fresh_process(_IMPORT), [Peer("aim", 0.3)], runs=9)
