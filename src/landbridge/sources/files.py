"""Files of a user's sources: `sources/*.toml` beside `config.toml`, and `[sources.<id>]` in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import ConfigError
from landbridge.profiles import config_path, read_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from landbridge.mappings.sources.model import SourceTable

__all__ = ["credentials_of", "delete_file", "read_table", "source_file", "user_tables", "write_file"]

# Keys of `[sources.<id>]` that are credentials; the other keys are those of a source's table.
CREDENTIALS = frozenset(
    {
        "token",
        "username",
        "password",
        "access_key_id",
        "secret_access_key",
        "session_token",
        "profile",
    }
)


def user_tables(environ: Mapping[str, str]) -> Iterator[SourceTable]:
    """Yield the tables of the user's sources: those of `config.toml`, then those of files by name.

    Raises ConfigError if one is invalid.
    """
    path = config_path(environ)
    for name, cells in _config_tables(environ).items():
        content = {key: value for key, value in cells.items() if key not in CREDENTIALS}
        if "url" in content:
            from landbridge.mappings.sources.parse import parse

            with _as_config_error():
                yield parse({"id": name, **content}, f"{path}: sources.{name}")
    folder = path.parent / "sources"
    if folder.is_dir():
        for file in sorted(folder.glob("*.toml")):
            yield read_table(file)


def credentials_of(id: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials that `config.toml` has for a source; empty if it has none."""
    cells = _config_tables(environ).get(id, {})
    found = {key: value for key, value in cells.items() if key in CREDENTIALS}
    if wrong := [key for key, value in found.items() if not isinstance(value, str) or not value]:
        raise ConfigError(
            f"{config_path(environ)}: sources.{id}.{wrong[0]} must be a text that is not empty."
        )
    return found


def _config_tables(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    path = config_path(environ)
    tables = (read_config(path) or {}).get("sources", {})
    if not isinstance(tables, dict) or not all(isinstance(cells, dict) for cells in tables.values()):
        raise ConfigError(f"{path}: sources must have a table for each source, such as [sources.mine].")
    return tables


def read_table(file: Path) -> SourceTable:
    """Return the table in a TOML file. ConfigError if it cannot be read or is invalid."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    from landbridge.mappings.sources.parse import parse_text

    with _as_config_error():
        return parse_text(text, str(file))


@contextmanager
def _as_config_error() -> Iterator[None]:
    """Turn a SourceError in the context into a ConfigError."""
    from landbridge.mappings.sources.parse import SourceError

    try:
        yield
    except SourceError as error:
        raise ConfigError(str(error)) from error


def source_file(id: str) -> Path:
    """Return the path of the file of a user's source, which need not exist."""
    return config_path(os.environ).parent / "sources" / f"{id}.toml"


def write_file(id: str, text: str) -> Path:
    """Write the file of a user's source, in place of an earlier one, and return its path."""
    path = source_file(id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return path


def delete_file(id: str) -> bool:
    """Delete the file of a user's source; return False if there is none."""
    try:
        source_file(id).unlink()
    except FileNotFoundError:
        return False
    return True
