"""Settings of jobs, uploads and notifications."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from landbridge.stac_api.core.settings.group import MIB, Group, Names

__all__ = ["QUEUES", "JobSettings", "NotificationSettings"]


QUEUES: Final = ("default", "ingest", "hash", "deletion", "notifications")
"""Queues of jobs; `default` has the upkeep, and the jobs that earlier versions queued."""


class JobSettings(Group):
    """Jobs and uploads"""

    worker: bool = Field(default=True, description="Run jobs inside the API process")
    worker_queues: Names = Field(
        default=(),
        description="Kinds of jobs that this process runs, separated by commas: `ingest` (uploads of "
        "images), `hash` (checksums of blobs), `deletion`, `notifications` and `default` (upkeep); all by "
        "default. Each kind needs a worker that runs it",
    )
    worker_concurrency: int = Field(
        default=2, ge=1, description="Number of uploads that a worker ingests at once"
    )
    hash_concurrency: int = Field(
        default=1, ge=1, description="Number of checksums that a worker computes at once"
    )
    deletion_concurrency: int = Field(
        default=1, ge=1, description="Number of deletions that a worker runs at once"
    )
    worker_timeout: float = Field(
        default=20.0,
        gt=0,
        description="Seconds without a heartbeat after which a worker counts as dead; others retry its jobs",
    )
    alone: bool = Field(
        default=False,
        description="No other process serves this database, so jobs that run at the start of this one have "
        "lost their worker. The embedded stack sets it",
    )
    job_tries: int = Field(
        default=5,
        ge=1,
        description="Number of attempts at a job that fails because of the store, the database or disk space",
    )
    staging: Path | None = Field(
        default=None,
        description="Folder of workers for uploads in progress; default: the system's temporary folder",
    )
    ingest_seconds: float = Field(
        default=25.0,
        gt=0,
        description="Maximum seconds to read an upload's files, plus one second for each MiB of them",
    )
    ingest_memory_bytes: int = Field(
        default=512 * MIB,
        ge=192 * MIB,
        description="Maximum memory of a process that reads an upload's files",
    )
    max_upload_bytes: int = Field(default=64 * 2**30, ge=1, description="Maximum size of an uploaded file")

    @model_validator(mode="after")
    def _check_queues(self) -> Self:
        if unknown := sorted(set(self.worker_queues) - set(QUEUES)):
            raise ValueError(
                f"worker_queues has {', '.join(map(repr, unknown))}; choose from {', '.join(QUEUES)}"
            )
        return self


class NotificationSettings(Group):
    """Notifications"""

    notification_urls: Names = Field(
        default=(),
        description="Prefixes of URLs to which notifications may go although they are plain HTTP or in "
        "private networks, such as `http://hooks.lan:8080/new`, separated by commas; `*` allows all. The "
        "embedded stack allows all by default",
    )
    notification_timeout: float = Field(
        default=10.0, gt=0, le=60, description="Seconds that a receiver has for its answer"
    )
    notification_tries: int = Field(
        default=20, ge=1, description="Number of attempts at a notification, before it is a dead letter"
    )
    notification_pause: float = Field(
        default=10.0,
        gt=0,
        description="Seconds after the first failed attempt; the pause doubles each time, up to an hour",
    )
    notification_hours: float = Field(
        default=72.0,
        gt=0,
        description="Hours after which a notification that was not delivered is a dead letter",
    )
    notification_concurrency: int = Field(
        default=4, ge=1, description="Number of subscriptions that a worker serves at once"
    )
    notification_identity_days: float = Field(
        default=90.0,
        gt=0,
        description="Days that a subscription made with an OpenID Connect token keeps the groups of its "
        "owner; then it is suspended until the owner changes it",
    )
    max_notifications: int = Field(
        default=100, ge=1, description="Maximum number of subscriptions, and of destinations, of one user"
    )
