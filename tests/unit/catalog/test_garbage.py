"""Garbage collection held off while pages are made into objects."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from landbridge.catalog.garbage import paused


def test_collection_is_off_inside_and_on_again_after_an_error():
    with paused:
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), paused:
        {}["missing"]
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off():
    gc.disable()
    try:
        with paused:
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_goes_on_when_the_last_thread_is_done():
    both, one_left = Barrier(2), Barrier(2)

    def first():
        with paused:
            both.wait()
        one_left.wait()

    def second():
        with paused:
            both.wait()
            one_left.wait()
            return gc.isenabled()

    with ThreadPoolExecutor(2) as pool:
        left, stayed = pool.submit(first), pool.submit(second)
        left.result()
        assert stayed.result() is False
    assert gc.isenabled()
