"""The commands of `landbridge-server`; `landbridge` offers `work`, `doctor`, `token` and `audit` as well.

Without LANDBRIDGE_DATABASE_URL these four work on the embedded stack of this user.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from landbridge.stac_api.admin import service
from landbridge.stac_api.admin.audit_export import audit_export
from landbridge.stac_api.admin.backup.commands import backup, restore
from landbridge.stac_api.admin.command_errors import CommandError, log, reported
from landbridge.stac_api.admin.options import json_option
from landbridge.stac_api.admin.partition_command import partition
from landbridge.stac_api.admin.user_commands import users
from landbridge.stac_api.core.settings import QUEUES

if TYPE_CHECKING:
    from landbridge.stac_api.access.principal import Right
    from landbridge.stac_api.access.tokens import ApiToken
    from landbridge.stac_api.core.settings import Settings

__all__ = ["audit", "doctor", "server", "token", "work"]

_RIGHTS: Final[dict[str, frozenset[Right]]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
}
_DEFAULT_ENTRIES: Final = 100
_DEFAULT_DAYS: Final = 90
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TABLE_TARGETS: Final = 3


def _log_as_configured() -> None:
    from landbridge.stac_api.core.logs import configure_logs
    from landbridge.stac_api.core.settings.monitoring import MonitoringSettings

    with reported():
        configure_logs(MonitoringSettings())


def _settings(*, worker: bool, **overrides: object) -> Settings:
    with reported():
        return service.settings(worker=worker, **overrides)


def _database_url() -> str:
    log(logging.WARNING)
    return _settings(worker=False).database_url


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def server() -> None:
    """Run and administer a service that environment variables configure."""


server.add_command(backup)
server.add_command(restore)
server.add_command(users)
server.add_command(partition)
server.add_command(audit_export)


def _required_database() -> str:
    from landbridge.stac_api.core.secret_files import read_secret_files

    with reported():
        read_secret_files()
    url = os.environ.get(service.DATABASE_VARIABLE)
    if url is None:
        raise CommandError(f"{service.DATABASE_VARIABLE} is not set; it is the URL of the database to use.")
    return url


@server.command()
def migrate() -> None:
    """Migrate the database to the schema of this version."""
    from landbridge.stac_api.pgstac.migrate import migrate

    log()
    url = _required_database()
    with reported():
        done = migrate(url)
    click.echo("migrated" if done else "nothing to migrate")


@server.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8000, show_default=True, help="Port to listen on.")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Number of processes."
)
def serve(host: str, port: int, workers: int) -> None:
    """Run the API.

    Each process has connection pools, caches and rate limits of its own, and runs jobs unless
    LANDBRIDGE_WORKER is false.
    """
    _log_as_configured()
    _required_database()
    with reported():
        service.serve(host, port, workers)


@server.command()
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice(QUEUES),
    help="Kind of jobs to run, repeatable; all by default.",
)
def work(queues: tuple[str, ...]) -> None:
    """Run jobs until the process is stopped: uploads, checksums, deletions, notifications, upkeep.

    The service is that of LANDBRIDGE_DATABASE_URL and LANDBRIDGE_STORE_URL; it may run on another machine.
    If they are not set, it is the embedded stack of this user, which has a worker of its own too.
    """
    _log_as_configured()
    overrides = {"worker_queues": queues} if queues else {}
    chosen = _settings(worker=True, **overrides)
    with reported():
        asyncio.run(service.work(chosen))


@server.command()
@click.option("--repair", is_flag=True, help="Delete orphans, resume stuck jobs, repair damaged items.")
@json_option("JSON lines")
@click.pass_context
def doctor(context: click.Context, repair: bool, as_json: bool) -> None:
    """Compare the catalog with its object store, and look for stuck jobs and undelivered notifications.

    Every asset of an item must exist with its size, and the store must hold nothing else. The exit code is 1
    if there are findings.
    """
    log(logging.WARNING)
    chosen = _settings(worker=False)
    with reported():
        findings = asyncio.run(service.doctor(chosen, repair=repair))
    click.echo(service.report(findings, as_json=as_json), nl=False)
    context.exit(1 if findings else 0)


@server.group()
def token() -> None:
    """Make, list and revoke API tokens."""


@token.command()
@click.option("--user", required=True, help="User that the token stands for.")
@click.option("--org", help="Organization of that user.")
@click.option("--group", "groups", multiple=True, help="Group of that user; may be repeated.")
@click.option("--email", help="Email address of that user.")
@click.option("--scope", type=click.Choice(list(_RIGHTS)), default="write", show_default=True, help="Rights.")
@click.option("--label", default="", help="Purpose of the token.")
@click.option(
    "--days", type=int, default=_DEFAULT_DAYS, show_default=True, help="Days of validity; 0 for no end."
)
@json_option("JSON lines")
def create(
    user: str,
    org: str | None,
    groups: tuple[str, ...],
    email: str | None,
    scope: str,
    label: str,
    days: int,
    as_json: bool,
) -> None:
    """Make a token and print it; it cannot be read again."""
    from landbridge.stac_api.access.principal import Principal
    from landbridge.stac_api.access.tokens import create_token

    if days < 0:
        raise CommandError(f"--days is {days}; it must be a number of days, or 0 for no end.")
    database_url = _database_url()
    with reported():
        principal = Principal(user=user, org=org, groups=groups, email=email, rights=_RIGHTS[scope])
    try:
        expires = datetime.now(UTC) + timedelta(days=days) if days else None
    except OverflowError:
        raise CommandError(f"--days is {days}, which no calendar holds; use 0 for no end.") from None
    secret, made = create_token(database_url, principal, label=label, expires=expires)
    if as_json:
        _print_json(_document(made) | {"token": secret})
        return
    until = f"valid until {made.expires:%Y-%m-%d}" if made.expires else "valid for ever"
    click.echo(f"Token {made.id} of {made.username}, {until}. It is not shown again:", err=True)
    click.echo(secret)


@token.command("list")
@json_option("JSON lines")
def list_(as_json: bool) -> None:
    """Describe all tokens, without their secrets."""
    from landbridge.stac_api.access.tokens import list_tokens

    found = list_tokens(_database_url())
    if as_json:
        for one in found:
            _print_json(_document(one))
        return
    _print_table(
        ("ID", "USER", "ORG", "SCOPE", "STATE", "EXPIRES", "LABEL"),
        [
            (
                one.id,
                one.username,
                one.org or "-",
                "write" if "write" in one.rights else "read",
                one.state(datetime.now(UTC)),
                f"{one.expires:%Y-%m-%d}" if one.expires else "never",
                one.label or "-",
            )
            for one in found
        ],
    )


@token.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@json_option("JSON lines")
def revoke(ids: tuple[str, ...], as_json: bool) -> None:
    """Revoke tokens by the ID that `list` shows, or by the token itself; servers follow within seconds."""
    from landbridge.stac_api.access.tokens import id_of, revoke_token

    database_url = _database_url()
    missing = []
    for name in ids:
        # A pasted token stands for its id. An unknown name is cut to the length of an id: it may be a secret.
        token_id = id_of(name)
        if (revoked := revoke_token(database_url, token_id)) is None:
            missing.append(token_id[:16])
        elif as_json:
            _print_json(_document(revoked))
        else:
            click.echo(f"revoked {revoked.id} of {revoked.username}")
    if missing:
        raise CommandError(f"There is no token {', '.join(missing)}; `token list` shows the ids.")


def _parse_since(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if text[-1:] in _UNITS and text[:-1].isdecimal():
            return datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        given = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is neither a date and time, such as 2025-05-01T12:00, nor a time span, such as 12h."
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


@server.command()
@click.option("--user", help="Only requests of this user.")
@click.option("--target", help="Only requests about this id: of a product, image, blob or upload.")
@click.option(
    "--since", callback=_parse_since, help="Only requests since a date and time, or in a span: 30m, 12h, 7d."
)
@click.option(
    "--limit", type=int, default=_DEFAULT_ENTRIES, show_default=True, help="Number of entries, the last ones."
)
@json_option("JSON lines")
def audit(user: str | None, target: str | None, since: datetime | None, limit: int, as_json: bool) -> None:
    """Print the audit log: which caller did what to which id."""
    from landbridge.stac_api.access.audit import find_entries

    if limit < 1:
        raise CommandError(f"--limit is {limit}; it must be at least 1.")
    entries = find_entries(_database_url(), user=user, target=target, since=since, limit=limit)
    if as_json:
        for entry in entries:
            _print_json(entry.document())
        return
    _print_table(
        ("TIME", "USER", "ORG", "STATUS", "METHOD", "ACTION", "TARGETS"),
        [
            (
                f"{entry.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                entry.username,
                entry.org or "-",
                str(entry.status),
                entry.method,
                entry.action,
                _first_targets(entry.targets),
            )
            for entry in entries
        ],
    )


def _first_targets(targets: list[str]) -> str:
    more = len(targets) - _TABLE_TARGETS
    return ", ".join(targets[:_TABLE_TARGETS]) + (f" and {more} more" if more > 0 else "")


def _document(token: ApiToken) -> dict[str, Any]:
    return asdict(token) | {"state": token.state(datetime.now(UTC))}


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, default=_iso_time))


def _iso_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _print_table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]
    for line in (head, *lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
