"""Memory of large results, used again."""

import gc
import mmap
import threading

import numpy as np
import pytest

from landbridge.raster.runtime.buffer_pool import BufferPool

SIZE = 2**24
U1, U2 = np.dtype("u1"), np.dtype("u2")

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_FREE"), reason="the system cannot take memory back")


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_when_no_view_of_its_array_is_left():
    memory = BufferPool()
    array = memory.empty((4, SIZE // 8), U2)
    array[:] = 7
    place, read_level = address(array), np.ma.MaskedArray(array[1:].view(U1)[::2])
    del array
    assert memory.pooled_bytes == 0
    assert address(memory.empty((SIZE,), U1)) != place
    assert (read_level[:, ::2] == 7).all()
    del read_level
    gc.collect()
    assert memory.pooled_bytes >= SIZE
    assert any(address(memory.empty((SIZE,), U1)) == place for _ in range(2))


def test_what_is_kept_is_bounded():
    memory = BufferPool(max_bytes=3 * SIZE)
    arrays = [memory.empty((SIZE,), U1) for _ in range(5)]
    del arrays
    assert memory.pooled_bytes == 3 * SIZE


def test_small_arrays_are_left_to_the_allocator():
    memory = BufferPool()
    memory.empty((2**21 - 1,), U1)
    assert memory.pooled_bytes == 0
    memory.empty((2**21,), U1)
    assert memory.pooled_bytes == 2**21


@pytest.mark.parametrize("wanted", [SIZE * 2, SIZE + 1])
def test_what_does_not_fit_goes_back_to_the_system_before_more_is_asked_for(wanted):
    memory = BufferPool()
    memory.empty((SIZE,), U1)
    assert memory.pooled_bytes == SIZE
    array = memory.empty((wanted,), U1)
    assert memory.pooled_bytes == 0
    assert not array.any()


def test_an_array_is_not_given_much_more_than_it_needs():
    memory = BufferPool()
    memory.empty((2 * SIZE,), U1)
    memory.empty((SIZE,), U1)
    assert memory.pooled_bytes == SIZE


def test_threads_share_no_array():
    memory, failures = BufferPool(), []
    begin = threading.Barrier(8)

    def work(number):
        begin.wait()
        for _ in range(20):
            array = memory.empty((SIZE,), U1)
            array[:: 2**12] = number
            if (array[:: 2**12] != number).any():
                failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    # Each has its last array while it makes the next.
    assert memory.pooled_bytes <= 16 * SIZE
