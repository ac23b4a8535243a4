"""Output of commands: tables on a terminal, lines for other programs, JSON, and ids."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = [
    "Column",
    "Form",
    "attributes_of",
    "json_option",
    "output_options",
    "shows_progress",
    "write_json",
    "write_object",
    "write_objects",
]

# Number of rows that share the width of their columns. Longer lists are printed as they arrive.
_ROWS = 200


class Form(Enum):
    """Form of the output."""

    TABLE = "table"
    JSON = "json"
    IDS = "ids"


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a table: its title, and the function that returns the value of an object."""

    title: str
    value: Callable[[Any], Any]
    is_number: bool = False


def json_option(printed: str = "JSON") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the option --json, which sets `as_json`; its help says what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {printed}.")


def output_options(*, ids: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options --json and (with `ids`) --quiet, which set `form`."""

    def choose(form: Form) -> Callable[[click.Context, click.Parameter, bool], None]:
        def chosen(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
            ctx.params.setdefault("form", Form.TABLE)
            if value:
                if ctx.params["form"] not in (Form.TABLE, form):
                    raise click.UsageError("Give either --json or --quiet.", ctx)
                ctx.params["form"] = form

        return chosen

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        if ids:
            function = click.option(
                "-q",
                "--quiet",
                is_flag=True,
                expose_value=False,
                callback=choose(Form.IDS),
                help="Print ids only, one on each line.",
            )(function)
        lines = "one document on each line" if ids else "one document"
        return click.option(
            "--json",
            is_flag=True,
            expose_value=False,
            callback=choose(Form.JSON),
            help=f"Print JSON, {lines}.",
        )(function)

    return add


def write_objects(objects: Iterable[Any], columns: Sequence[Column], form: Form) -> int:
    """Print objects as they arrive, and return their number.

    A terminal gets tables. Without one, each object is a line of values that are separated by tabs, whole and
    without colors. `Form.JSON` prints a JSON document with all attributes on each line.
    """
    count = 0
    remaining: Iterator[Any] = iter(objects)
    if form is Form.TABLE and sys.stdout.isatty():
        while rows := list(islice(remaining, _ROWS)):
            _print_table(
                [column.title for column in columns], [_cells(row, columns) for row in rows], columns
            )
            count += len(rows)
        return count
    for each in remaining:
        count += 1
        if form is Form.JSON:
            write_json(attributes_of(each))
        elif form is Form.IDS:
            click.echo(_printable(str(each.id)))
        else:
            click.echo("\t".join(_cells(each, columns)))
    return count


def write_object(attributes: Mapping[str, Any], form: Form) -> None:
    """Print one document: its members as a table, or as indented JSON."""
    if form is Form.JSON:
        write_json(attributes, indent=True)
        return
    rows = [(name, _text(value)) for name, value in attributes.items() if value not in (None, [], {})]
    if sys.stdout.isatty():
        _print_table(["attribute", "value"], rows, ())
        return
    for row in rows:
        click.echo("\t".join(row))


def write_json(value: Any, *, indent: bool = False) -> None:
    """Print a JSON document, on one line if not `indent`."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0).decode())


def attributes_of(found: Any) -> dict[str, Any]:
    """Return the attributes of a catalog object as JSON values, its id first."""
    return {"id": found.id, **found.serialize()}


def shows_progress() -> bool:
    """Return whether progress bars are shown: if standard error is a terminal."""
    return sys.stderr.isatty()


def _cells(row: Any, columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(_text(column.value(row)) for column in columns)


def _text(value: Any) -> str:
    """Return the text of a value, as one line without control characters."""
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        import orjson

        value = orjson.dumps(value).decode()
    return _printable(str(value))


def _printable(text: str) -> str:
    """Return a text with control characters escaped: a name must not change the terminal, or end a line."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == " " else one.encode("unicode_escape", "surrogatepass").decode()
        for one in text
    )


def _print_table(titles: Sequence[str], rows: Sequence[tuple[str, ...]], columns: Sequence[Column]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, title in enumerate(titles):
        is_number = bool(columns) and columns[index].is_number
        # Folded rather than cut, so that ids can be copied.
        table.add_column(title, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(file=sys.stdout).print(table)
