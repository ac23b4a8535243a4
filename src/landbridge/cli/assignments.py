"""Attributes given on the command line: `--set cloud_fraction=0.1`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from landbridge.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parse_assignments", "set_option"]


def set_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option --set, which may be repeated."""
    return click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="ATTRIBUTE=VALUE",
        help='Further attribute; its value is JSON, such as 0.1 or ["a", "b"], or else a text. Repeatable.',
    )(function)


def parse_assignments(assignments: tuple[str, ...], model: Any) -> dict[str, Any]:
    """Return the values of attributes of a catalog class by name.

    Raises
    ------
    click.UsageError
        If a text has no name or no value, or names an attribute that the class does not have.
    """
    known = sorted(model._attribute_types)  # noqa: SLF001 - the attributes of the class
    found: dict[str, Any] = {}
    for text in assignments:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.UsageError(f"--set {text!r} is not ATTRIBUTE=VALUE.")
        if name not in known:
            hint = did_you_mean(name, known) or f" There are {', '.join(known)}."
            raise click.UsageError(f"--set: {model.__name__} has no attribute {name!r}.{hint}")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
