"""Duration of a first call: with an empty home, with a running stack, and of the import.

The peers are the project's own aims in seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.frame import Contest, Peer, in_fresh_process, job
from bench.homes import empty_home, stack

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


@job("start")
def first_call_with_an_empty_home() -> Iterator[Contest]:
    first_call = in_fresh_process(_FIRST_CALL)

    def cold() -> object:
        with empty_home():
            return first_call()

    yield Contest(cold, [Peer("aim", 6.0)], runs=3)


@job("start")
def first_call_of_a_process_that_joins() -> Iterator[Contest]:
    with empty_home():
        stack("up")
        yield Contest(in_fresh_process(_FIRST_CALL), [Peer("aim", 0.3)], runs=9)


@job("start")
def import_of_the_catalog() -> Iterator[Contest]:
    yield Contest(in_fresh_process(_IMPORT), [Peer("aim", 0.3)], runs=9)
