"""pg_dump and pg_restore as subprocesses. No password is on a command line, which other users can read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from psycopg import conninfo

from landbridge.stac_api.errors import BackupError
from landbridge.stac_api.pgstac.table_digests import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["dump", "program_version", "restore", "with_database"]

_CHUNK = 2**20
_JOBS = 2
# One after the other: a run with several jobs creates the triggers of a partitioned table, which has no data
# of its own, before the data of its partitions, and they would fire for restored rows as for new ones.
_SECTIONS = ("pre-data", "data", "post-data")
# An extension that exists before may belong to another role, which alone may comment on it.
_COMMENT_ON_EXTENSION = re.compile(r"^\d+; .* COMMENT - EXTENSION ").match


async def dump(folder: Path, database_url: str, snapshot: str) -> AsyncIterator[bytes]:
    """Yield the dump of a database as it was in a snapshot.

    Raises
    ------
    BackupError
        If pg_dump fails.
    """
    options = [f"--schema={schema}" for schema in SCHEMAS]
    options += ["--format=custom", "--compress=1", "--extension=*", f"--snapshot={snapshot}"]
    process = await _start(folder / "pg_dump", database_url, options)
    assert process.stdout is not None
    assert process.stderr is not None
    messages = asyncio.create_task(process.stderr.read())
    try:
        while chunk := await process.stdout.read(_CHUNK):
            yield chunk
        if await process.wait() != 0:
            raise _failure("pg_dump", process.returncode, await messages)
    finally:
        await _end(process)
        messages.cancel()


async def restore(folder: Path, database_url: str, file: Path) -> None:
    """Restore a dump into a database that has no schema of the service.

    Raises
    ------
    BackupError
        If pg_restore fails; the database is then incomplete.
    """
    contents = await _run(folder / "pg_restore", None, ["--list", str(file)])
    kept = file.with_suffix(".list")
    kept.write_text("".join(line for line in contents.splitlines(True) if not _COMMENT_ON_EXTENSION(line)))
    options = ["--exit-on-error", "--no-owner", "--no-privileges", f"--jobs={_JOBS}", f"--use-list={kept}"]
    for section in _SECTIONS:
        await _run(folder / "pg_restore", database_url, [*options, f"--section={section}", str(file)])


async def program_version(folder: Path) -> str:
    """Return the version of pg_dump in a folder: 17.2."""
    answer = await _run(folder / "pg_dump", None, ["--version"])
    found = re.search(r"\(PostgreSQL\) (\S+)", answer)
    return found[1] if found else answer.strip()


def with_database(database_url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlsplit(database_url)._replace(path=f"/{quote(name, safe='')}").geturl()


async def _run(program: Path, database_url: str | None, options: list[str]) -> str:
    process = await _start(program, database_url, options)
    try:
        answer, messages = await process.communicate()
    finally:
        await _end(process)
    if process.returncode != 0:
        raise _failure(program.name, process.returncode, messages)
    return answer.decode(errors="replace")


async def _start(program: Path, database_url: str | None, options: list[str]) -> asyncio.subprocess.Process:
    environment = {**os.environ, "LC_ALL": "C"}
    if database_url is not None:
        parts = conninfo.conninfo_to_dict(database_url)
        if (password := parts.pop("password", None)) is not None:
            environment["PGPASSWORD"] = str(password)
        options = [f"--dbname={conninfo.make_conninfo('', **parts)}", *options]
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            program, *options, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment
        )
    except OSError as error:
        raise BackupError(f"{program} cannot be run: {error.strerror}.") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process whose reader failed or was cancelled."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _failure(name: str, code: int | None, messages: bytes) -> BackupError:
    return BackupError(f"{name} failed with code {code}:\n{messages.decode(errors='replace').strip()}")
