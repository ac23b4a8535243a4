"""Errors and log of commands."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from landbridge.errors import LandbridgeError
from landbridge.stac_api.errors import SchemaError, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CommandError", "log", "reported"]


class CommandError(LandbridgeError, click.ClickException):
    """The command cannot be done; the message says why."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message alone."""
        click.echo(self.format_message(), file=file, err=file is None)


@contextmanager
def reported() -> Iterator[None]:
    """Turn errors about settings, the schema and the embedded stack into a message and exit code 2."""
    try:
        yield
    except (SchemaError, StackError, ValueError) as error:  # pydantic's ValidationError is a ValueError
        raise CommandError(str(error)) from error


def log(level: int = logging.INFO) -> None:
    """Log to stderr from a level on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger().setLevel(level)
