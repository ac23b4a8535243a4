"""Settings of the database and of the object store."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from landbridge.stac_api.core.settings.group import Group, Names

__all__ = ["DatabaseSettings", "StoreSettings"]


class DatabaseSettings(Group):
    """Database"""

    database_url: str = Field(description="libpq URL of a database with PostGIS: `postgresql://user@host/db`")
    read_database_url: str | None = Field(
        default=None,
        description="libpq URL of a streaming replica of the database, on which searches and reads of "
        "collections and items run; everything else runs on the database itself",
    )
    db_min_connections: int = Field(default=1, ge=0, description="Minimum size of each connection pool")
    db_max_connections: int = Field(default=10, ge=1, description="Maximum size of each connection pool")
    db_statement_cache: int = Field(
        default=1024, ge=0, description="Prepared statements cached per connection; `0` behind pgbouncer"
    )
    statement_timeout: float = Field(default=30.0, gt=0, description="Maximum seconds of a read query")

    @model_validator(mode="after")
    def _check_pool_sizes(self) -> Self:
        if self.db_min_connections > self.db_max_connections:
            raise ValueError(
                f"db_min_connections ({self.db_min_connections}) must not exceed "
                f"db_max_connections ({self.db_max_connections})"
            )
        return self


class StoreSettings(Group):
    """Object store"""

    store_url: str = Field(
        description="URL of the object store of images and blobs: `file:///folder`, `s3://bucket/prefix`, "
        "`gs://…`, `az://…`"
    )
    store_public_endpoint: str | None = Field(
        default=None, description="Endpoint of an S3 store for clients, if it is not `AWS_ENDPOINT_URL`"
    )
    store_timeout: float = Field(
        default=20.0, gt=0, description="Seconds without data after which a request to the store fails"
    )
    presign: bool = Field(
        default=True,
        description="Give clients signed URLs of the store for reading, if the store can sign; otherwise the "
        "server sends the data itself",
    )
    signed_seconds: int = Field(
        default=900,
        ge=10,
        description="Seconds that signed URLs for reading are valid; those for writing: six hours",
    )
    quota_bytes: int = Field(
        default=0,
        ge=0,
        description="Maximum bytes of all images and blobs of each organization; `0` for no limit",
    )
    allowed_hrefs: Names = Field(
        default=(),
        description="Prefixes of item hrefs to allow although they are local files or in private networks, "
        "separated by commas; `*` allows all. The embedded stack allows all by default",
    )
