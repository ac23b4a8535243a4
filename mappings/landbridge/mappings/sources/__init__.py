"""Tables of STAC APIs, static catalogs and parquet files that others publish, shipped in `tables/*.toml`."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from landbridge.mappings.sources.model import SourceTable
from landbridge.mappings.sources.parse import SourceError, parse, parse_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SourceError", "SourceTable", "parse", "parse_text", "shipped"]


@cache
def shipped() -> Mapping[str, SourceTable]:
    """Return the shipped tables by the id of their source, sorted by id; they are read once."""
    from importlib.resources import files

    found = [
        parse_text(file.read_text(encoding="utf-8"), file.name)
        for file in files(__name__).joinpath("tables").iterdir()
        if file.name.endswith(".toml")
    ]
    return MappingProxyType({table.id: table for table in sorted(found, key=lambda table: table.id)})
