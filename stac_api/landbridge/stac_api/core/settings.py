"""Settings of the server: environment variables with the prefix `LANDBRIDGE_`, grouped by subject.

`scripts/generate_reference.py` writes the tables of `docs/configuration.md` from the descriptions here.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from landbridge.mappings.organizations import name_problem
from landbridge.stac_api.core.monitoring_settings import MonitoringSettings

__all__ = ["GROUPS", "PREFIX", "QUEUES", "Settings"]

PREFIX: Final = "LANDBRIDGE_"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MIB: Final = 2**20
QUEUES: Final = ("default", "ingest", "hash", "deletion", "notifications")
"""Queues of jobs; `default` has the upkeep, and the jobs that earlier versions queued."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _as_prefix(value: object) -> object:
    path = value.strip().strip("/") if isinstance(value, str) else ""
    return f"/{path}" if path else "" if isinstance(value, str) else value


def _as_organization(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return None if isinstance(value, str) else value
    if problem := name_problem(value.strip()):
        raise ValueError(f"the organization {value!r} {problem}")
    return value.strip()


_Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split), NoDecode]
_Names = Annotated[tuple[str, ...], BeforeValidator(_split), NoDecode]


class _Group(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)


class DatabaseSettings(_Group):
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


class StoreSettings(_Group):
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
    allowed_hrefs: _Names = Field(
        default=(),
        description="Prefixes of item hrefs to allow although they are local files or in private networks, "
        "separated by commas; `*` allows all. The embedded stack allows all",
    )


class OperatorSettings(_Group):
    """Operator and anonymous reads"""

    token: SecretStr | None = Field(
        default=None, description="Bearer token of the operator, who can read and change everything"
    )
    accepted_tokens: _Secrets = Field(
        default=(),
        description="Further tokens of the operator that are accepted, separated by commas, with the URLs "
        "that they signed: the next or the last one, to change `LANDBRIDGE_TOKEN` without an interruption",
    )
    user: Annotated[str, BeforeValidator(lambda value: value or "local")] = Field(
        default="local", description="User name of the operator"
    )
    org: Annotated[str | None, BeforeValidator(_as_organization)] = Field(
        default="local",
        description="Organization of the operator, which prefixes the ids of its products; empty for none",
    )
    any_organization: bool = Field(
        default=False,
        description="Let the operator make products and blobs of every organization: ids that begin with one "
        "are kept, and the organization becomes an owner. The embedded stack sets it",
    )
    organizations_file: Path | None = Field(
        default=None,
        description="File of the operator's organizations, which `landbridge org` changes; its default "
        "counts if `LANDBRIDGE_ORG` is not set. The embedded stack sets it",
    )
    open_reads: bool = Field(
        default=False,
        description="Allow anonymous reads of everything. For a server on loopback, on a machine with one "
        "user",
    )
    anonymous_reads: bool = Field(
        default=True,
        description="Answer callers without a token, who can read what `public` may read; otherwise only "
        "`/_mgmt/ping`, `/_mgmt/health` and the schema of the extension. The embedded stack unsets it",
    )
    private_key_file: Path | None = Field(
        default=None,
        description="File with the key of the private address, by which callers without a token read "
        "everything: `/k/` and the key. The embedded stack sets it",
    )


class OidcSettings(_Group):
    """OpenID Connect"""

    oidc_issuers: _Names = Field(
        default=(),
        description="OpenID Connect issuers whose tokens the server accepts, separated by commas; all share "
        "one namespace of users and organizations",
    )
    oidc_audience: _Names = Field(
        default=(),
        description="Audiences, separated by commas: a token's `aud` must contain one of them. Required with "
        "issuers",
    )
    oidc_leeway: int = Field(
        default=60,
        ge=0,
        le=600,
        description="Accepted clock difference of issuer and server, in seconds",
    )
    oidc_user_claim: str = Field(default="sub", description="Claim with the user; `a.b` reads a nested claim")
    oidc_org_claim: str = Field(default="org", description="Claim with the organization")
    oidc_groups_claim: str = Field(default="groups", description="Claim with the groups")
    oidc_email_claim: str = Field(default="email", description="Claim with the email address")
    oidc_email_verified_claim: str = Field(
        default="email_verified",
        description="Claim that must be true for the email address to count; empty if the issuer verifies "
        "every address",
    )
    oidc_write_scope: str = Field(
        default="", description="Scope that a token needs for writing; empty if every token may write"
    )

    @model_validator(mode="after")
    def _check_issuers(self) -> Self:
        for issuer in self.oidc_issuers:
            parts = urlsplit(issuer)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
                raise ValueError(
                    f"the issuer {issuer!r} must be an https:// URL, so that nobody can forge its keys"
                )
        if self.oidc_issuers and not self.oidc_audience:
            raise ValueError(
                "oidc_audience must be set with oidc_issuers, to reject tokens for other services"
            )
        if self.oidc_issuers and not self.oidc_user_claim:
            raise ValueError("oidc_user_claim must name the claim that contains the user")
        return self


class HttpSettings(_Group):
    """HTTP"""

    title: str = Field(default="Landbridge", description="Title of the API")
    description: str = Field(
        default="A STAC API that speaks the Catalog object API", description="Description of the API"
    )
    landing_id: str = Field(default="landbridge", description="Id of the landing page's Catalog")
    root_path: Annotated[str, BeforeValidator(_as_prefix)] = Field(
        default="",
        description="Path prefix under which a proxy serves the API, whether or not the proxy strips it",
    )
    trusted_proxies: _Names = Field(
        default=(),
        description="Addresses and networks of proxies whose `Forwarded` and `X-Forwarded-*` headers the "
        "server uses, separated by commas; `*` for any, if clients reach the server only through a proxy",
    )
    cors_origins: _Names = Field(
        default=("*",),
        description="Origins whose pages may call the API from a browser, separated by commas. The embedded "
        "stack always adds those of this machine",
    )
    cors_origin_regex: str | None = Field(
        default=None, description="Regular expression of further origins; it must match the whole origin"
    )
    allowed_hosts: _Names = Field(
        default=("*",),
        description="Host names, without ports, that the server answers to, separated by commas; `*`: any. "
        "The embedded stack always adds `127.0.0.1`, `localhost` and `::1`, and no others by default",
    )
    audit_stdout: bool = Field(default=True, description="Print the audit log to stdout as JSON lines too")

    @model_validator(mode="after")
    def _check_origin_regex(self) -> Self:
        try:
            re.compile(self.cors_origin_regex or "")
        except re.error as error:
            raise ValueError(
                f"cors_origin_regex {self.cors_origin_regex!r} is no regular expression: {error}"
            ) from None
        return self

    @model_validator(mode="after")
    def _check_proxies(self) -> Self:
        for given in self.trusted_proxies:
            try:
                ip_network(given if given != "*" else "0.0.0.0/0")
            except ValueError as error:
                raise ValueError(
                    f"trusted_proxies: {given!r} is no address, no network like 10.0.0.0/8 and no *: {error}"
                ) from None
        return self


class LimitSettings(_Group):
    """Limits of requests"""

    max_page: int = Field(default=10_000, ge=1, description="Maximum number of items on a page of a search")
    max_unindexed_sort: int = Field(
        default=1_000_000,
        ge=1,
        description="Maximum number of items that a search sorts by a property without an index",
    )
    count_seconds: float = Field(
        default=0.25,
        gt=0,
        description="Seconds that a page of a search may count its matches, if it asks for more than "
        "collections and a range of time; after that the page has no `numberMatched`",
    )
    max_bulk_items: int = Field(default=3_000, ge=1, description="Maximum number of items in one request")
    max_body_bytes: int = Field(
        default=128 * _MIB, ge=1, description="Maximum size of the JSON body of a bulk load"
    )
    max_document_bytes: int = Field(
        default=8 * _MIB, ge=1, description="Maximum size of the JSON body of any other write"
    )
    max_query_bytes: int = Field(
        default=4 * _MIB, ge=1, description="Maximum size of the JSON body of a search"
    )
    rate_per_second: float = Field(
        default=200.0,
        ge=0,
        description="Requests per second of one user that each process answers; `0` for no limit, as in the "
        "embedded stack",
    )
    rate_burst: int = Field(default=2000, ge=1, description="Requests of one user that may arrive at once")
    anonymous_rate_per_second: float = Field(
        default=50.0,
        ge=0,
        description="Requests per second of one address without a valid token; `0` for no limit, as in the "
        "embedded stack",
    )
    anonymous_rate_burst: int = Field(
        default=500, ge=1, description="Requests of one address without a valid token that may arrive at once"
    )
    tile_rate_per_second: float = Field(
        default=200.0,
        ge=0,
        description="Requests per second for map tiles of one user that each process answers, beside its "
        "other requests; `0` for no limit, as in the embedded stack",
    )
    tile_rate_burst: int = Field(
        default=2000, ge=1, description="Requests for map tiles of one user that may arrive at once"
    )
    anonymous_tile_rate_per_second: float = Field(
        default=100.0,
        ge=0,
        description="Requests per second for map tiles of one address without a valid token; `0` for no "
        "limit, as in the embedded stack",
    )
    anonymous_tile_rate_burst: int = Field(
        default=1000,
        ge=1,
        description="Requests for map tiles of one address without a valid token that may arrive at once",
    )


class JobSettings(_Group):
    """Jobs and uploads"""

    worker: bool = Field(default=True, description="Run jobs inside the API process")
    worker_queues: _Names = Field(
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
        default=512 * _MIB,
        ge=192 * _MIB,
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


class NotificationSettings(_Group):
    """Notifications"""

    notification_urls: _Names = Field(
        default=(),
        description="Prefixes of URLs to which notifications may go although they are plain HTTP or in "
        "private networks, such as `http://hooks.lan:8080/new`, separated by commas; `*` allows all. The "
        "embedded stack allows all",
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


class TileSettings(_Group):
    """Tiles"""

    tile_workers: int = Field(
        default=2, ge=0, description="Number of processes that render tiles; `0` turns tiles off"
    )
    tile_workers_at_start: bool = Field(
        default=True,
        description="Start the processes that render tiles with the server; otherwise the first tile starts "
        "them. The embedded stack does not start them",
    )
    tile_memory_bytes: int = Field(
        default=1536 * _MIB, ge=512 * _MIB, description="Maximum memory of a process that renders tiles"
    )
    tile_cache_bytes: int = Field(
        default=640 * _MIB,
        ge=0,
        description="Maximum size of the decoded pixels that each process keeps for later tiles",
    )
    tile_seconds: float = Field(default=10.0, gt=0, description="Maximum seconds to render one tile")
    tile_queue: int = Field(
        default=256,
        ge=0,
        description="Number of tiles that may wait for a process before the server answers 503",
    )
    tile_hrefs: _Names = Field(
        default=(),
        description="Prefixes of item hrefs outside the store that tiles may read, such as "
        "`https://data.example.com/`, separated by commas. The processes may then connect to any "
        "host; without them, and with a folder as store, they have no network",
    )
    tile_max_items: int = Field(
        default=200,
        ge=1,
        le=2_000,
        description="Maximum number of images in one tile; one that needs more says that one has to zoom in",
    )
    tile_token_seconds: int = Field(
        default=24 * 3600,
        ge=60,
        description="Seconds of validity of the tokens in URLs of tiles, for clients that send no headers",
    )
    max_registered_searches: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of registered searches of one user; that unused for longest is dropped",
    )
    registered_search_days: float = Field(
        default=90.0, gt=0, description="Days without use after which a registered search is dropped"
    )


GROUPS: Final[tuple[type[BaseSettings], ...]] = (
    DatabaseSettings,
    StoreSettings,
    OperatorSettings,
    OidcSettings,
    HttpSettings,
    LimitSettings,
    JobSettings,
    TileSettings,
    NotificationSettings,
    MonitoringSettings,
)


class Settings(
    DatabaseSettings,
    StoreSettings,
    OperatorSettings,
    OidcSettings,
    HttpSettings,
    LimitSettings,
    JobSettings,
    TileSettings,
    NotificationSettings,
    MonitoringSettings,
):
    """All settings of the server; every field is also an environment variable `LANDBRIDGE_<FIELD>`.

    The embedded stack sets them itself; an operator sets at least `database_url`, `store_url` and `token`.
    """
