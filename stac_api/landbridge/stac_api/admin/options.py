"""Options that several commands of `landbridge-server` have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["json_option"]


def json_option(printed: str = "JSON") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the option --json, which sets `as_json`; its help says what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {printed}.")
