"""Semantics 12.1 and 14.2: deletion of the bands and images of a product, in the background."""

import json
from concurrent.futures import TimeoutError as FuturesTimeoutError

import psycopg
import pytest

from landbridge.catalog import DeletionTaskStatus, Product, TaskState
from landbridge.catalog.task import TaskStatus
from landbridge.exceptions import ConflictError


@pytest.fixture
def running(banded, stack):
    """A product with a running deletion, according to the service."""
    with psycopg.connect(stack.database, autocommit=True) as conn:
        conn.execute("INSERT INTO landbridge.deletions (product_id) VALUES (%s)", (banded.id,))
        yield banded
        conn.execute("DELETE FROM landbridge.deletions WHERE product_id = %s", (banded.id,))


def test_bands_and_images_are_deleted_and_then_the_product_12_1_14_2(banded, remote):
    for number in range(3):
        remote(banded, f"i{number}")
    assert banded.get_delete_status().status == TaskState.NEVERRAN
    with pytest.raises(ConflictError):
        banded.delete()
    task = banded.delete_related_objects()
    assert isinstance(task, DeletionTaskStatus)
    assert (task.id, task.errors) == (banded.id, None)
    assert task.status in (TaskState.RUNNING, TaskState.SUCCEEDED)
    assert task.wait_for_completion(timeout=60) is None
    assert (task.status, task.objects_deleted, task.errors) == (TaskState.SUCCEEDED, 5, None)
    assert isinstance(task.start_datetime, str)
    assert task.duration_in_seconds >= 0
    again = banded.get_delete_status()
    assert (again.status, again.start_datetime) == ("SUCCESS", task.start_datetime)
    assert "SUCCESS" in repr(again)
    assert "objects_deleted: 5" in repr(again)
    assert (banded.bands().count(), banded.images().count()) == (0, 0)
    assert banded.delete_related_objects() is None
    banded.delete()
    assert Product.get(banded.id) is None


def test_a_second_deletion_is_a_conflict_12_1_14_2(running):
    with pytest.raises(ConflictError):
        running.delete_related_objects()
    assert running.get_delete_status().status == "RUNNING"


def test_waiting_ends_with_the_timeout_12_1(running):
    task = running.get_delete_status()
    with pytest.raises(FuturesTimeoutError, match="RUNNING"):
        task.wait_for_completion(timeout=0.1)
    with pytest.raises(FuturesTimeoutError, match="RUNNING"):
        task.wait_for_completion(timeout=0)


def test_a_failure_is_reported_and_not_raised_12_1(running, stack):
    task = running.get_delete_status()
    with psycopg.connect(stack.database, autocommit=True) as conn:
        conn.execute(
            "UPDATE landbridge.deletions SET status = 'FAILURE', errors = %s, end_datetime = now() "
            "WHERE product_id = %s",
            (json.dumps(["the disk is full"]), running.id),
        )
    task.wait_for_completion()
    assert (task.status, task.errors) == (TaskState.FAILED, ["the disk is full"])


def test_a_task_that_never_ran_has_ended_12_1(product):
    status = product.get_delete_status()
    assert status.wait_for_completion(timeout=0) is None
    assert (status.status, status.objects_deleted) == (TaskState.NEVERRAN, None)
    assert str(TaskState.NEVERRAN) == "NONE"


def test_a_task_in_general_is_abstract_1_22():
    with pytest.raises(TypeError, match="abstract"):
        TaskStatus()  # type: ignore[abstract]
