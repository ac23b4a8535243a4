"""Mapping tables as Markdown, for the documentation's page on the mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.mappings import tables

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["table"]

_HEAD = ("Attribute", "STAC", "Type", "Filter", "Sort", "Description")


def table(kind: str) -> str:
    """Return the Markdown table of a kind (``"product"``, ``"band"``, ``"image"``, ``"blob"``)."""
    rows = [_cells(row) for row in tables.load(kind).rows.values()]
    lines = [_HEAD, tuple("---" for _ in _HEAD), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    kinds = row.schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    name = f"`{row.name}`" + (" (read-only)" if row.readonly else "")
    path = f"`{'/'.join(row.path)}`"
    doc = row.doc + (f" Only {', '.join(row.types)} bands." if row.types else "")
    filtered = f"`{row.property_name}`" if row.filter else ""
    return (
        name,
        path,
        row.schema.get("format", kind),
        filtered,
        "yes" if row.sort else "",
        doc.replace("|", "\\|"),
    )
