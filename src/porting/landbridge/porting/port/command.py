"""`landbridge port`: report what old scripts use, and rewrite them for the Catalog."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landbridge.errors import LandbridgeError
from landbridge.porting.port.analysis import Analysis, analyse
from landbridge.porting.port.read import find_files
from landbridge.porting.port.report import as_json, as_text, exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["port"]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Rewrite the files, with a comment where you must decide.")
@click.option("--json", "in_json", is_flag=True, help="Print the report as JSON.")
def port(paths: Sequence[Path], write: bool, in_json: bool) -> None:
    """Report which old APIs scripts, notebooks and folders use; nothing is imported or run.

    Exits with 0 if everything runs as it is, is carried by an adapter or is rewritten; with 1 if something is
    gone or you must decide; with 2 if a file can't be read or written.
    """
    reports = []
    failed = False
    for path in find_files(paths):
        try:
            found = analyse(path)
        except LandbridgeError as error:  # of the configured sources
            raise click.UsageError(str(error)) from error
        reports.append(found.report)
        if write and found.text is not None:
            try:
                _write(path, found)
            except (OSError, UnicodeEncodeError) as error:
                failed = True
                click.echo(f"{path}: could not be written: {error}", err=True)
    if in_json:
        click.echo(json.dumps(as_json(reports), indent=2))
    else:
        click.echo(as_text(reports, write))
    raise SystemExit(2 if failed else exit_code(reports))


def _write(path: Path, found: Analysis) -> None:
    """Replace a file by its new text at once, so that an interruption leaves the old or the new one."""
    assert found.text is not None
    target = path.resolve()
    content = found.text.encode(found.encoding)
    mode = stat.S_IMODE(target.stat().st_mode)
    if not os.access(target, os.W_OK):
        raise PermissionError(f"{target} is read-only")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
