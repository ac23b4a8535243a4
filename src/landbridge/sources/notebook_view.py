"""View of the sources in use in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.notebook.markup import frame, link, short, table, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.mappings.sources.model import SourceTable

__all__ = ["sources_view"]

_MOST_ROWS = 40
_KINDS = {"api": "STAC API", "catalog": "static catalog", "parquet": "parquet"}


def sources_view(sources: Sequence[SourceTable]) -> str:
    """Return the table of sources, in the order in which they are asked."""
    rows = [
        (
            tag("b", short(source.id, 60)),
            link(source.documentation, short(source.title or "", 80)),
            _KINDS.get(source.kind, source.kind),
            tag("code", short(source.url, 100)),
            _access(source),
            str(len(source.products) or ""),
        )
        for source in sources[:_MOST_ROWS]
    ]
    count = len(sources)
    return frame(
        "Sources",
        f"{count} source{'' if count == 1 else 's'} in use",
        table(("id", "title", "kind", "address", "login", "products"), rows) if rows else None,
        tag("p", f"The first {_MOST_ROWS} of {count:,}.", class_="lb-note") if count > _MOST_ROWS else None,
        text="\n".join(f"{source.id}: {source.url}" for source in sources[:_MOST_ROWS]),
    )


def _access(source: SourceTable) -> str:
    """Return the kinds of login that the files of a source need."""
    kinds = dict.fromkeys(rule.kind for rule in source.access if rule.kind != "public")
    return ", ".join(kinds) or "none"
