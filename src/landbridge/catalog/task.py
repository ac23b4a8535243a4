"""Status of tasks that run in the background of the service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.client.polling import growing_pauses, polls
from landbridge.catalog.enums import TaskState
from landbridge.catalog.stac.blobs import BLOBS
from landbridge.catalog.stac.requests import collection_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BlobDeletionTaskStatus", "DeletionTaskStatus", "TaskStatus"]

# Between the requests for a task's status: seconds before the second one, and growth.
_FIRST_PAUSE, _GROWTH = 0.05, 1.5


class TaskStatus(ABC):
    """Last known status of a background task."""

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
        self.status: TaskState | None = None if status is None else TaskState(status)
        self.start_datetime = start_datetime
        self.duration_in_seconds = duration_in_seconds
        self.errors = errors
        self._client = _client or CatalogClient.get_default_client()

    @abstractmethod
    def _read(self) -> Mapping[str, Any]:
        """Return the task's current status from the service."""

    def reload(self) -> None:
        """Read the status from the service again.

        Examples
        --------
        >>> status = product.get_delete_status()
        >>> status.reload()
        >>> status.status
        <TaskState.NEVERRAN: 'NONE'>
        """
        type(self).__init__(self, **{**self._read(), "_client": self._client})

    def wait_for_completion(self, timeout: float | None = None) -> None:
        """Wait until the task has ended.

        A failure raises no error: see `status` and `errors`.

        Parameters
        ----------
        timeout : float, optional
            Maximum number of seconds to wait. By default the wait is not limited.

        Raises
        ------
        concurrent.futures.TimeoutError
            If the task has not ended after `timeout` seconds.

        Examples
        --------
        >>> task = Blob(namespace="docs", name="task").upload_data(b"data").delete()
        >>> task.wait_for_completion(timeout=60)
        >>> task.status
        <TaskState.SUCCEEDED: 'SUCCESS'>
        """
        from concurrent.futures import TimeoutError as FuturesTimeoutError

        if self.status in self._TERMINAL_STATES:
            return
        for _ in polls(timeout, growing_pauses(_FIRST_PAUSE, _GROWTH, self._POLLING_INTERVAL)):
            self.reload()
            if self.status in self._TERMINAL_STATES:
                return
        raise FuturesTimeoutError(f"The task of {self.id} is {self.status} after {timeout} s.")

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} of {self.id}: {self.status}"]
        known = ((name, getattr(self, name)) for name in self._FIELDS)
        lines += [f"  {name}: {value}" for name, value in known if value is not None]
        return "\n".join(lines)


class DeletionTaskStatus(TaskStatus):
    """Last known status of the deletion of a product's bands and images.

    Parameters
    ----------
    objects_deleted : int, optional
        Number of objects that have been deleted so far.
    **kwargs
        The fields of every task: `id` of the product, `status` (a `TaskState`), `start_datetime` (a string),
        `duration_in_seconds` and `errors` (a list of strings, or None).

    Examples
    --------
    >>> product.get_delete_status().status
    <TaskState.NEVERRAN: 'NONE'>
    """

    _FIELDS = (*TaskStatus._FIELDS, "objects_deleted")

    def __init__(self, objects_deleted: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.objects_deleted = objects_deleted

    def _read(self) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._client.get(deletion_path(str(self.id)))
        return answer


def deletion_path(product_id: str) -> str:
    """Return the path of the deletion of a product's bands and images."""
    return f"{collection_path(product_id)}/deletion"


class BlobDeletionTaskStatus(TaskStatus):
    """Last known status of the deletion of blobs' data.

    Parameters
    ----------
    objects_deleted : int, optional
        Number of blobs that have been deleted so far.
    ids : list of str, optional
        Ids of the blobs.
    **kwargs
        The fields of every task: `id`, `status` (a `TaskState`), `start_datetime` (a string),
        `duration_in_seconds` and `errors` (a list of strings, or None).

    Examples
    --------
    >>> task = Blob(namespace="docs", name="status").upload_data(b"data").delete()
    >>> task.wait_for_completion()
    >>> task.objects_deleted, task.ids
    (1, ['data/local:docs/status'])
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
        """Start the deletion of blobs.

        Parameters
        ----------
        ids : list of str
            Ids of the blobs.
        raise_on_missing : bool
            Raise NotFoundError, and delete none, if a blob does not exist.
        client : CatalogClient or None
            Client to use; None for the default client.

        Returns
        -------
        BlobDeletionTaskStatus
            Status of the deletion, to wait for.

        Raises
        ------
        NotFoundError
            If a blob does not exist and `raise_on_missing` is True.

        Examples
        --------
        >>> BlobDeletionTaskStatus.create(["data/local:docs/nothing"], False, None).ids
        []
        """
        client = client or CatalogClient.get_default_client()
        return cls(**BLOBS.delete_many(client, ids, raise_on_missing), _client=client)

    def _read(self) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = BLOBS.deletion(self._client, str(self.id))
        return answer
