"""The six commands that add subjects to the access lists of an object, and remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import SUBJECT_LISTS, reported

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["add_access_commands"]


def add_access_commands(group: click.Group, get: Callable[[str], Any]) -> None:
    """Add `add-owner`, `remove-owner` etc. to a group; `get` returns an object by its id, or None."""
    noun = str(group.name).removesuffix("s")
    for attribute, role in SUBJECT_LISTS.items():
        group.add_command(_add(noun, attribute, role, get))
        group.add_command(_remove(noun, attribute, role, get))


def _add(noun: str, attribute: str, role: str, get: Callable[[str], Any]) -> click.Command:
    @click.command(
        f"add-{role}", help=f"Make SUBJECT, such as user:ID or org:ID, {_a(role)} of the {noun} ID."
    )
    @click.argument("id")
    @click.argument("subject")
    def add(id: str, subject: str) -> None:
        with reported():
            found = _found(get, noun, id)
            subjects = list(getattr(found, attribute) or ())
            if subject in subjects:
                click.echo(f"{subject} is {_a(role)} of {id} already.")
                return
            found.update(**{attribute: [*subjects, subject]})
            found.save()
        click.echo(f"{subject} is now {_a(role)} of {id}.")

    return add


def _remove(noun: str, attribute: str, role: str, get: Callable[[str], Any]) -> click.Command:
    @click.command(f"remove-{role}", help=f"Remove SUBJECT from the {attribute} of the {noun} ID.")
    @click.argument("id")
    @click.argument("subject")
    def remove(id: str, subject: str) -> None:
        with reported():
            found = _found(get, noun, id)
            subjects = list(getattr(found, attribute) or ())
            if subject not in subjects:
                known = ", ".join(subjects) or "nobody"
                raise click.UsageError(f"{subject} is not {_a(role)} of {id}; its {attribute}: {known}.")
            found.update(**{attribute: [one for one in subjects if one != subject]})
            found.save()
        click.echo(f"{subject} is no longer {_a(role)} of {id}.")

    return remove


def _found(get: Callable[[str], Any], noun: str, id: str) -> Any:
    found = get(id)
    if found is None:
        raise click.UsageError(f"There is no {noun} {id!r}.")
    return found


def _a(role: str) -> str:
    return f"an {role}" if role == "owner" else f"a {role}"
