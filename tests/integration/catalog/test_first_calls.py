"""The first call of a client: in a forked child, in many threads, in an event loop and after a pickle."""

import asyncio
import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from landbridge.catalog import CatalogClient, Image, Product
from support import process_targets
from support.process_targets import seen

THREADS = 16


@pytest.fixture
def image(banded, uploaded):
    return uploaded(
        banded, "first", np.stack([np.full((40, 60), 7, "uint16"), np.full((40, 60), 9, "uint16")])
    )


def _in_the_child(image, queue):
    try:
        queue.put(seen(image))
    except BaseException as error:
        queue.put(repr(error))
        raise


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_makes_its_first_call_after_its_parent_used_the_client(image):
    wanted = seen(image)
    held, done = threading.Event(), threading.Event()

    def hold():
        # As a thread of the parent may do during the fork; the child does not have that thread.
        with image._client._lock, CatalogClient._default_lock:
            held.set()
            done.wait(120)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(60)
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        child = context.Process(target=_in_the_child, args=(image, queue))
        child.start()
        child.join(120)
    finally:
        done.set()
        thread.join(60)
    assert child.exitcode == 0, "the child hangs or failed"
    assert queue.get() == wanted
    assert seen(image) == wanted


def test_sixteen_threads_make_the_first_calls_of_a_client_at_once(image):
    wanted = seen(image)
    CatalogClient.clear_all_default_clients()
    gate = threading.Barrier(THREADS)

    def first():
        gate.wait(60)
        client = CatalogClient.get_default_client()
        found = Image.get(image.id)
        return seen(found), id(client), id(client.session), found.product.name

    with ThreadPoolExecutor(THREADS) as pool:
        made = [one.result(120) for one in [pool.submit(first) for _ in range(THREADS)]]
    assert [one[0] for one in made] == [wanted] * THREADS
    assert len({one[1:] for one in made}) == 1


def test_a_running_event_loop_makes_the_first_call(image):
    wanted = seen(image)
    CatalogClient.clear_all_default_clients()

    async def first():
        found = Image.get(image.id)
        inside = seen(found)
        beside = await asyncio.gather(*(asyncio.to_thread(seen, found) for _ in range(4)))
        product = Product.get(found.product_id)
        made = Image(
            name="more", product=product, acquired="2020-01-01", cs_code="EPSG:32621", geotrans=found.geotrans
        )
        upload = made.upload_ndarray(np.full((2, 40, 60), 3, "uint16"))
        upload.wait_for_completion(120)
        return [inside, *beside], made.ndarray("nir")[0, 0, 0]

    inside, value = asyncio.run(first())
    assert inside == [wanted] * 5
    assert value == 3


def test_an_unpickled_client_makes_its_first_call_in_a_spawned_process(image):
    wanted = seen(image)
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    child = context.Process(target=process_targets.read_an_image, args=(pickle.dumps(image), queue))
    child.start()
    child.join(180)
    assert child.exitcode == 0
    assert queue.get() == wanted
