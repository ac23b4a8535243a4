"""Tasks that run in the background of the service, and waiting for them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import TaskState
from landbridge.catalog.stac.blobs import BLOBS
from landbridge.catalog.stac.requests import collection_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BlobDeletionTaskStatus", "DeletionTaskStatus", "TaskStatus"]

_FIRST_WAIT, _GROWTH = 0.05, 1.5


class TaskStatus(ABC):
    """How a background task stands, as of when it was last asked.

    Parameters
    ----------
    id
        What the task works on.
    status
        How far it has come: a `TaskState`.
    start_datetime
        When it began, as the service wrote it.
    duration_in_seconds
        How long it took, once it has ended.
    errors
        What went wrong, None where nothing did.
    """

    _POLLING_INTERVAL: ClassVar[float] = 60
    _TERMINAL_STATES: ClassVar[frozenset[str]] = frozenset(
        {TaskState.NEVERRAN, TaskState.SUCCEEDED, TaskState.FAILED}
    )
    _FIELDS: ClassVar[tuple[str, ...]] = ("start_datetime", "duration_in_seconds", "errors")

    def __init__(
        self,
        id: str | None = None,
        status: TaskState | str | None = None,
        start_datetime: str | None = None,
        duration_in_seconds: float | None = None,
        errors: list[str] | None = None,
        _client: CatalogClient | None = None,
        **_kwargs: Any,
    ) -> None:
        self.id = id
        self.status = None if status is None else TaskState(status)
        self.start_datetime = start_datetime
        self.duration_in_seconds = duration_in_seconds
        self.errors = errors
        self._client = _client or CatalogClient.get_default_client()

    @abstractmethod
    def _read(self) -> Mapping[str, Any]:
        """What the service says of the task now."""

    def reload(self) -> None:
        """Ask how the task stands now."""
        type(self).__init__(self, **{**self._read(), "_client": self._client})

    def wait_for_completion(self, timeout: float | None = None) -> None:
        """Wait until the task has ended; `status` says how, and nothing is raised where it failed.

        `concurrent.futures.TimeoutError` after `timeout` seconds, where that is given.
        """
        from concurrent.futures import TimeoutError as FuturesTimeoutError

        end = None if timeout is None else time.monotonic() + timeout
        wait = _FIRST_WAIT
        while self.status not in self._TERMINAL_STATES:
            self.reload()
            if self.status in self._TERMINAL_STATES:
                return
            left = self._POLLING_INTERVAL if end is None else end - time.monotonic()
            if left <= 0:
                raise FuturesTimeoutError(f"The task of {self.id} is {self.status} after {timeout} s.")
            time.sleep(min(wait, left))
            wait = min(wait * _GROWTH, self._POLLING_INTERVAL)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} of {self.id}: {self.status}"]
        known = ((name, getattr(self, name)) for name in self._FIELDS)
        lines += [f"  {name}: {value}" for name, value in known if value is not None]
        return "\n".join(lines)


class DeletionTaskStatus(TaskStatus):
    """How the deletion of a product's bands and images stands.

    `objects_deleted` is their number so far; the other fields are those of every task.
    """

    _FIELDS = (*TaskStatus._FIELDS, "objects_deleted")

    def __init__(self, objects_deleted: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.objects_deleted = objects_deleted

    def _read(self) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._client.get(deletion_path(str(self.id)))
        return answer


def deletion_path(product_id: str) -> str:
    """The path of the deletion of what belongs to a product."""
    return f"{collection_path(product_id)}/deletion"


class BlobDeletionTaskStatus(TaskStatus):
    """How the deletion of blobs' data stands.

    `objects_deleted` is the number of blobs deleted so far, `ids` are theirs.
    """

    _FIELDS = (*TaskStatus._FIELDS, "objects_deleted", "ids")

    def __init__(
        self, objects_deleted: int | None = None, ids: list[str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.objects_deleted = objects_deleted
        self.ids = ids

    @classmethod
    def create(cls, ids: list[str], raise_on_missing: bool, client: CatalogClient | None) -> Self:
        """Begin the deletion of blobs; with `raise_on_missing`, NotFoundError where one does not exist."""
        client = client or CatalogClient.get_default_client()
        return cls(**BLOBS.delete_many(client, ids, raise_on_missing), _client=client)

    def _read(self) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = BLOBS.deletion(self._client, str(self.id))
        return answer
