"""Signers of the files of sources."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from landbridge.mappings.sources.asset_hrefs import beginning_of, lies_below, names_host
from landbridge.raster.errors import CredentialsError
from landbridge.raster.io.expiring_url import ExpiringUrl
from landbridge.raster.io.file_access import Credentials, FileAccess
from landbridge.sources import registry
from landbridge.sources.access import credentials

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from landbridge.mappings.sources.model import AccessRule, SourceTable

__all__ = ["SourceSigner", "forget", "known_signer", "signer"]

_BLOB_HOST = ".blob.core.windows.net"
# Accounts and buckets of a call are few; a table may be replaced by another one.
_MAX_ACCESSES = 512


class SourceSigner:
    """Signer of the files of sources: a function from an href to the address that pixels are read from.

    The address carries how the file is opened, and shows no secret. A pickle has the rules and no secret:
    another process finds credentials of its own, or raises the error that says what to configure.
    """

    def __init__(self, tables: Iterable[SourceTable]) -> None:
        # The products are not needed, and a pickle with them would be large.
        self._tables = tuple(replace(table, products=()) for table in tables)

    @cached_property
    def _rules(self) -> list[tuple[re.Pattern[str], SourceTable, AccessRule]]:
        """The rules in their order, each with a pattern that quickly excludes most addresses."""
        return [(beginning_of(rule.prefixes), table, rule) for table in self._tables for rule in table.access]

    def __call__(self, href: str) -> str:
        for beginning, table, rule in self._rules:
            if beginning.match(href) and any(lies_below(href, prefix) for prefix in rule.prefixes):
                return _address(href, table, rule)
        return href

    def __repr__(self) -> str:
        return f"SourceSigner({', '.join(repr(table.id) for table in self._tables)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return SourceSigner, (self._tables,)


class _KnownSigner(SourceSigner):
    """Signer by the rules of all sources in use. Another process uses the sources that it knows.

    The tables are read for the first remote file: catalogs of files on this machine do not need them.
    """

    def __init__(self) -> None:
        super().__init__(())

    @cached_property
    def _rules(self) -> list[tuple[re.Pattern[str], SourceTable, AccessRule]]:
        return [
            (beginning_of(rule.prefixes), table, rule)
            for table in registry.list_sources()
            for rule in table.access
            if all(map(names_host, rule.prefixes))
        ]

    def __repr__(self) -> str:
        return "known_signer()"

    def __reduce__(self) -> tuple[Any, ...]:
        return known_signer, ()


def signer(table: SourceTable) -> Callable[[str], str]:
    """Return the signer of a source's files.

    Parameters
    ----------
    table : SourceTable
        The source. The first of its access rules that covers a file counts.

    Returns
    -------
    callable
        Function from an href to the address to read. Missing credentials are an error of the read, which
        says what to configure.

    Examples
    --------
    >>> from landbridge import sources
    >>> from landbridge.sources.access import signer
    >>> signer(sources.get("earth-search"))("https://sentinel-cogs.s3.us-west-2.amazonaws.com/a.tif")
    'https://sentinel-cogs.s3.us-west-2.amazonaws.com/a.tif'
    """
    return SourceSigner((table,))


def known_signer() -> Callable[[str], str]:
    """Return the signer of files of all sources in use, for catalogs that refer to them.

    Returns
    -------
    callable
        Function from an href to the address to read. Only rules that name a host or a bucket count.

    Examples
    --------
    >>> from landbridge.sources.access import known_signer
    >>> known_signer()("https://example.org/a.tif")
    'https://example.org/a.tif'
    """
    return _KnownSigner()


def _address(href: str, table: SourceTable, rule: AccessRule) -> str:
    """Return the address of a file by its rule: the href alone if a plain request suffices."""
    access = _ACCESS[rule.kind](href, table, rule)
    return href if access is None else ExpiringUrl(href, access=access)


def forget() -> None:
    """Forget all credentials, for tests and for a forked child, whose locks nobody would release."""
    _shared_access.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)


@lru_cache(maxsize=_MAX_ACCESSES)
def _shared_access(
    source: str, kind: str, rule: AccessRule, settings: tuple[tuple[str, str], ...]
) -> FileAccess:
    """Return the access that all files of a rule share, or of a bucket or a container of it."""
    needed = credentials.needed_by(source, rule, kind, dict(settings))
    return FileAccess(
        f"source {source!r}",
        kind,
        settings,
        None if needed is None else Credentials(needed.fetch),
        "" if needed is None else needed.advice,
    )


def _public(href: str, table: SourceTable, rule: AccessRule) -> FileAccess | None:
    return _s3(href, table, rule) if href.startswith("s3://") else None


def _s3(href: str, table: SourceTable, rule: AccessRule) -> FileAccess | None:
    if not href.startswith("s3://"):
        # The alternate that the rule prefers is missing, and the href is no file of S3.
        raise CredentialsError(
            f"source {table.id!r} reads files from S3, and {href.partition('?')[0]!r} is no address of S3."
        )
    settings = [(name, value) for name in ("region", "endpoint") if (value := getattr(rule, name))]
    if rule.requester_pays:
        settings.append(("request_payer", "true"))
    return _shared_access(table.id, "s3", rule, tuple(settings))


def _bearer(href: str, table: SourceTable, rule: AccessRule) -> FileAccess | None:
    if href.startswith("s3://"):
        return _s3(href, table, rule)
    # A rule for all addresses sends the token to the API's own host only.
    if not any(names_host(prefix) and lies_below(href, prefix) for prefix in rule.prefixes) and (
        urlsplit(href)[:2] != urlsplit(table.url)[:2]
    ):
        return None
    return _shared_access(table.id, "http", rule, ())


def _planetary_computer(href: str, table: SourceTable, rule: AccessRule) -> FileAccess | None:
    parts = urlsplit(href)
    steps = parts.path.lstrip("/").split("/")
    if rule.endpoint is not None:
        # As an emulator of Azure has it: the account is the first part of the path.
        if not lies_below(href, f"{rule.endpoint.rstrip('/')}/") or len(steps) < 3:
            return None
        account, container = steps[:2]
        endpoint = f"{rule.endpoint.rstrip('/')}/{account}"
    else:
        account, _, host = parts.netloc.partition(".")
        if parts.scheme != "https" or f".{host}" != _BLOB_HOST or len(steps) < 2 or parts.query:
            return None
        container = steps[0]
        endpoint = f"https://{parts.netloc}"
    settings = (("account_name", account), ("container_name", container), ("endpoint", endpoint))
    return _shared_access(table.id, "azure", rule, settings)


_ACCESS: dict[str, Callable[[str, SourceTable, AccessRule], FileAccess | None]] = {
    "public": _public,
    "bearer": _bearer,
    "earthdata": _bearer,
    "planetary-computer": _planetary_computer,
    "s3": _s3,
}
