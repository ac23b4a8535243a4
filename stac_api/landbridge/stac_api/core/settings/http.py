"""Settings of HTTP, and limits of requests."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from landbridge.stac_api.core.settings.group import MIB, Group, Names

__all__ = ["HttpSettings", "LimitSettings"]


def _as_prefix(value: object) -> object:
    path = value.strip().strip("/") if isinstance(value, str) else ""
    return f"/{path}" if path else "" if isinstance(value, str) else value


class HttpSettings(Group):
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
    trusted_proxies: Names = Field(
        default=(),
        description="Addresses and networks of proxies whose `Forwarded` and `X-Forwarded-*` headers the "
        "server uses, separated by commas; `*` for any, if clients reach the server only through a proxy",
    )
    cors_origins: Names = Field(
        default=("*",),
        description="Origins whose pages may call the API from a browser, separated by commas. The embedded "
        "stack always adds those of this machine",
    )
    cors_origin_regex: str | None = Field(
        default=None, description="Regular expression of further origins; it must match the whole origin"
    )
    allowed_hosts: Names = Field(
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


class LimitSettings(Group):
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
        default=128 * MIB, ge=1, description="Maximum size of the JSON body of a bulk load"
    )
    max_document_bytes: int = Field(
        default=8 * MIB, ge=1, description="Maximum size of the JSON body of any other write"
    )
    max_query_bytes: int = Field(
        default=4 * MIB, ge=1, description="Maximum size of the JSON body of a search"
    )
    rate_per_second: float = Field(
        default=200.0,
        ge=0,
        description="Requests per second of one user that each process answers; `0` for no limit, the "
        "default of the embedded stack",
    )
    rate_burst: int = Field(default=2000, ge=1, description="Requests of one user that may arrive at once")
    anonymous_rate_per_second: float = Field(
        default=50.0,
        ge=0,
        description="Requests per second of one address without a valid token; `0` for no limit, the "
        "default of the embedded stack",
    )
    anonymous_rate_burst: int = Field(
        default=500, ge=1, description="Requests of one address without a valid token that may arrive at once"
    )
    tile_rate_per_second: float = Field(
        default=200.0,
        ge=0,
        description="Requests per second for map tiles of one user that each process answers, beside its "
        "other requests; `0` for no limit, the default of the embedded stack",
    )
    tile_rate_burst: int = Field(
        default=2000, ge=1, description="Requests for map tiles of one user that may arrive at once"
    )
    anonymous_tile_rate_per_second: float = Field(
        default=100.0,
        ge=0,
        description="Requests per second for map tiles of one address without a valid token; `0` for no "
        "limit, the default of the embedded stack",
    )
    anonymous_tile_rate_burst: int = Field(
        default=1000,
        ge=1,
        description="Requests for map tiles of one address without a valid token that may arrive at once",
    )
