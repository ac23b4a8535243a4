"""What an operator configures: environment variables with the prefix `LANDBRIDGE_`."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _as_prefix(value: object) -> object:
    path = value.strip().strip("/") if isinstance(value, str) else ""
    return f"/{path}" if path else "" if isinstance(value, str) else value


_Names = Annotated[tuple[str, ...], BeforeValidator(_split), NoDecode]
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(BaseSettings):
    """Settings of the server; every field is also an environment variable `LANDBRIDGE_<FIELD>`.

    The embedded stack fills them in itself; an operator sets at least `database_url`, `store_url`
    and `token`.
    """

    model_config = SettingsConfigDict(env_prefix="LANDBRIDGE_", extra="ignore", frozen=True)

    database_url: str = Field(
        description="libpq URL of a database with PostGIS, e.g. postgresql://user@host/db"
    )
    store_url: str = Field(description="where pixels and blobs live: file:///folder, s3://bucket/prefix, ...")
    store_public_endpoint: str | None = Field(
        default=None, description="by which clients reach an S3 store, where that is not AWS_ENDPOINT_URL"
    )
    store_timeout: float = Field(
        default=20.0, gt=0, description="seconds without a byte after which a request to the store has failed"
    )
    presign: bool = Field(
        default=True,
        description="let clients reach pixels at the store itself, by signed URLs, where it can sign",
    )
    signed_seconds: int = Field(default=900, ge=10, description="how long signed URLs are valid")
    token: SecretStr | None = Field(
        default=None, description="bearer token of the operator, who sees and changes everything"
    )
    open_reads: bool = Field(
        default=False,
        description="who shows no credential reads everything; for a server on loopback, of one user",
    )

    title: str = "Landbridge"
    description: str = "A STAC API that speaks the Catalog object API"
    landing_id: str = "landbridge"
    root_path: Annotated[str, BeforeValidator(_as_prefix)] = Field(
        default="", description="path prefix under which a proxy serves the API"
    )
    trusted_proxies: _Names = Field(
        default=(),
        description="addresses and networks of proxies whose `Forwarded` and `X-Forwarded-*` are believed; "
        "`*` for any, if clients can reach the server through a proxy only",
    )
    cors_origins: _Names = ("*",)
    cors_origin_regex: str | None = Field(default=None, description="and those that match this as a whole")
    allowed_hosts: _Names = Field(
        default=("*",), description="names, without ports, that a request's `Host` may have; `*` for any"
    )

    oidc_issuers: _Names = Field(
        default=(), description="OpenID Connect issuers whose tokens are taken; they share one space of names"
    )
    oidc_audience: _Names = Field(
        default=(), description="what a token's `aud` must name one of: this service, as its issuers know it"
    )
    oidc_leeway: int = Field(default=60, ge=0, le=600, description="seconds that clocks may differ by")
    oidc_user_claim: str = "sub"
    oidc_org_claim: str = "org"
    oidc_groups_claim: str = "groups"
    oidc_email_claim: str = "email"
    oidc_email_verified_claim: str = Field(
        default="email_verified",
        description="claim that must be true for the address to count; empty where the issuer's always do",
    )
    oidc_write_scope: str = Field(
        default="", description="scope without which a token only reads; empty where every token may write"
    )

    allowed_hrefs: _Names = Field(
        default=(),
        description="what hrefs of items may begin with although they are of files or of private networks; "
        "`*` for anything",
    )

    user: str = Field(default="local", description="the operator: the user behind `token`")
    org: str = Field(default="local", description="that user's organization")

    db_min_connections: int = Field(default=1, ge=0)
    db_max_connections: int = Field(default=10, ge=1)
    db_statement_cache: int = Field(
        default=1024, ge=0, description="prepared statements kept per connection; 0 behind pgbouncer"
    )
    statement_timeout: float = Field(default=30.0, gt=0, description="seconds one read query may take")
    max_page: int = Field(default=10_000, ge=1, description="most items one page of a search holds")
    max_unindexed_sort: int = Field(
        default=1_000_000, ge=1, description="most items sorted by a property without an index"
    )
    audit_stdout: bool = Field(default=True, description="print the audit log as JSON lines, too")
    max_bulk_items: int = Field(default=3_000, ge=1, description="most items of one request")
    rate_per_second: float = Field(
        default=200.0, ge=0, description="requests of one user that each process answers; 0 for no limit"
    )
    rate_burst: int = Field(default=2000, ge=1, description="how many of them may come at once")
    anonymous_rate_per_second: float = Field(
        default=50.0, ge=0, description="the same for each address, of who shows no good credential"
    )
    anonymous_rate_burst: int = Field(default=500, ge=1)
    max_body_bytes: int = Field(default=128 * 2**20, ge=1, description="largest JSON body of a bulk load")
    max_document_bytes: int = Field(
        default=8 * 2**20, ge=1, description="largest JSON body of any other write"
    )
    max_query_bytes: int = Field(default=4 * 2**20, ge=1, description="largest JSON body of a search")

    worker: bool = Field(default=True, description="run jobs inside the API process")
    worker_concurrency: int = Field(default=2, ge=1)
    alone: bool = Field(
        default=False,
        description="no other process serves this database: what ran at the start died with its worker",
    )
    staging: Path | None = Field(
        default=None, description="folder for uploads in transit (default: the system's temporary folder)"
    )
    worker_timeout: float = Field(
        default=20.0,
        gt=0,
        description="seconds without a sign of life after which a worker counts as dead",
    )
    job_tries: int = Field(
        default=5,
        ge=1,
        description="tries of a job that fails for want of the store or the database",
    )
    ingest_seconds: float = Field(
        default=25.0, gt=0, description="seconds to read an upload's files, and one more for each MiB of them"
    )
    ingest_memory_bytes: int = Field(
        default=512 * 2**20, ge=192 * 2**20, description="memory of the process that reads an upload's files"
    )
    max_upload_bytes: int = Field(default=64 * 2**30, ge=1, description="largest file accepted")
    quota_bytes: int = Field(
        default=0, ge=0, description="bytes that the images and blobs of each organization may have; 0: any"
    )

    @model_validator(mode="after")
    def _expressions(self) -> Self:
        try:
            re.compile(self.cors_origin_regex or "")
        except re.error as error:
            msg = f"cors_origin_regex {self.cors_origin_regex!r} is no regular expression: {error}"
            raise ValueError(msg) from None
        return self

    @model_validator(mode="after")
    def _proxies(self) -> Self:
        for given in self.trusted_proxies:
            try:
                ip_network(given if given != "*" else "0.0.0.0/0")
            except ValueError as error:
                msg = (
                    f"trusted_proxies: {given!r} is no address, no network like 10.0.0.0/8 and no *: {error}"
                )
                raise ValueError(msg) from None
        return self

    @model_validator(mode="after")
    def _issuers(self) -> Self:
        for issuer in self.oidc_issuers:
            parts = urlsplit(issuer)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
                msg = f"the issuer {issuer!r} must be an https:// URL: whoever is between could be anybody"
                raise ValueError(msg)
        if self.oidc_issuers and not self.oidc_audience:
            msg = "oidc_audience must be set with oidc_issuers: tokens for other services would be taken"
            raise ValueError(msg)
        if self.oidc_issuers and not self.oidc_user_claim:
            msg = "oidc_user_claim must name the claim that has the user"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.db_min_connections > self.db_max_connections:
            msg = (
                f"db_min_connections ({self.db_min_connections}) must not exceed "
                f"db_max_connections ({self.db_max_connections})"
            )
            raise ValueError(msg)
        return self
