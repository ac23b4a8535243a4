"""Tables of STAC APIs, static catalogs and parquet files that others publish, shipped in `tables/*.toml`.

The name of a file is the id of its source. A table is parsed when it is needed first.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.mappings.sources.model import SourceTable

__all__ = ["shipped", "shipped_texts"]


@cache
def shipped_texts() -> Mapping[str, str]:
    """Return the TOML text of each shipped table by the id of its source, sorted by id."""
    from importlib.resources import files

    found = {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in files(__name__).joinpath("tables").iterdir()
        if file.name.endswith(".toml")
    }
    return MappingProxyType(dict(sorted(found.items())))


@cache
def shipped(id: str) -> SourceTable:
    """Return the shipped table of a source. Raises KeyError if there is none."""
    from landbridge.mappings.sources.parse import parse_text

    return parse_text(shipped_texts()[id], f"{id}.toml")
