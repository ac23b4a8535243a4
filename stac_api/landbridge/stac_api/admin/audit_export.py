"""`landbridge-server audit-export`: the whole audit log, or a period of it, as a file."""

from __future__ import annotations

import csv
import json
import logging
import os
import sys
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import click

from landbridge.stac_api.admin import service
from landbridge.stac_api.admin.command_errors import CommandError, log, reported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["audit_export"]

_FORMATS = ["jsonl", "csv"]


def _parse_time(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date and time, such as 2025-05-01T12:00.") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


@click.command("audit-export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=str))
@click.option(
    "--since", callback=_parse_time, help="First time, such as 2025-05-01; in UTC if it has no zone."
)
@click.option("--until", callback=_parse_time, help="Time after the last one.")
@click.option("--format", "kind", type=click.Choice(_FORMATS), default="jsonl", show_default=True)
def audit_export(file: str, since: datetime | None, until: datetime | None, kind: str) -> None:
    """Write the audit log to a new FILE, or to stdout for -; oldest entries first, in bounded memory.

    Only its owner can read the file. Entries have the names and addresses of users.
    """
    from landbridge.stac_api.access.audit import Entry, stream_entries

    log(logging.WARNING)
    with reported():
        database_url = service.settings(worker=False).database_url
    count = 0
    names = [field.name for field in fields(Entry)]
    with _opened(file) as target:
        table = csv.DictWriter(target, names) if kind == "csv" else None
        if table is not None:
            table.writeheader()
        for entry in stream_entries(database_url, since=since, until=until):
            document: dict[str, Any] = entry.document()
            if table is None:
                target.write(json.dumps(document) + "\n")
            else:
                table.writerow({**document, "targets": " ".join(document["targets"])})
            count += 1
    click.echo(f"{count} entries", err=True)


@contextmanager
def _opened(file: str | Path) -> Iterator[IO[str]]:
    """Open a new file that only its owner can read, or stdout."""
    if file == "-":
        yield sys.stdout
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CommandError(f"{file} cannot be made: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
        yield target
