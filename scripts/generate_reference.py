"""Write the generated parts of the documentation; `--check` only reports what is out of date.

The tree of errors goes to `landbridge.errors` and `docs/errors.md`, the mapping tables to `docs/mapping.md`,
the server's settings to `docs/configuration.md`, the products of the shipped sources to
`docs/guide/imagery-from-elsewhere.md`, and their bands to `docs/sources`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import PydanticUndefined

import landbridge
from landbridge.errors import LandbridgeError
from landbridge.mappings import markdown, tables
from landbridge.mappings.sources import shipped, shipped_texts
from landbridge.stac_api.core.settings import GROUPS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.mappings.sources.model import BandRow, ProductRow, SourceTable

ROOT = Path(__file__).resolve().parent.parent
_MIB = 2**20
_MODULE_COLUMN = 46


def import_all() -> None:
    """Import every module of every distribution, so that all classes are defined."""
    for module in pkgutil.walk_packages(landbridge.__path__, "landbridge."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _children(parent: type[Exception]) -> list[type[Exception]]:
    """Return the public direct subclasses for which `parent` comes first among the bases that are ours."""
    return sorted(
        (
            child
            for child in parent.__subclasses__()
            if not child.__name__.startswith("_")
            and next(base for base in child.__bases__ if issubclass(base, LandbridgeError)) is parent
            and child.__module__.startswith("landbridge.")
        ),
        key=lambda child: (child.__module__, child.__name__),
    )


def _lines(parent: type[Exception], indent: str = "") -> Iterator[str]:
    children = _children(parent)
    for child in children:
        last = child is children[-1]
        name = f"{indent}{'└── ' if last else '├── '}{child.__name__}"
        others = [base.__name__ for base in child.__bases__ if base is not parent]
        also = f" (also {', '.join(others)})" if others else ""
        yield f"{name:<{_MODULE_COLUMN}} {child.__module__.removeprefix('landbridge.')}{also}"
        yield from _lines(child, indent + ("    " if last else "│   "))


def error_tree() -> str:
    """Return the tree of all public error classes, with the module that defines each."""
    import_all()
    return "\n".join([LandbridgeError.__name__, *_lines(LandbridgeError)])


def _default(value: object) -> str:
    """Return a default value as the page shows it."""
    if value is PydanticUndefined:
        return "required"
    if value in (None, "", ()):
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and value >= _MIB and value % _MIB == 0:
        return f"`{value}` ({value // _MIB} MiB)"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def settings_tables() -> str:
    """Return the tables of the server's settings, one for each group."""
    lines = []
    for group in GROUPS:
        lines += [
            f"### {(group.__doc__ or '').strip()}",
            "",
            "| variable | meaning | default |",
            "|---|---|---|",
        ]
        lines += [
            f"| `{PREFIX}{name.upper()}` | {field.description} | {_default(field.default)} |"
            for name, field in group.model_fields.items()
        ]
        lines.append("")
    return "\n".join(lines)


def _rank(source: SourceTable, row: ProductRow) -> int:
    return source.rank if row.rank is None else row.rank


def products_of_sources() -> str:
    """Return the table of the products of the shipped sources, by id in the order in which they are asked."""
    lines = ["| id | source and collection | product |", "|---|---|---|"]
    rows = [(source, row) for source in map(shipped, shipped_texts()) for row in source.products]
    named = [(identifier, _rank(source, row), source, row) for source, row in rows for identifier in row.ids]
    others = [(f"{source.id}:{row.collection}", 0, source, row) for source, row in rows if not row.ids]
    for part in (named, others):
        for identifier, _, source, row in sorted(part, key=lambda one: one[:2]):
            page = f"[{source.title}](../sources/{source.id}.md) `{row.collection}`"
            lines.append(f"| `{identifier}` | {page} | {row.name} |")
    return "\n".join([*lines, ""])


def _physical(band: BandRow) -> str:
    """Return the formula of a band's physical values."""
    if band.mask is not None:
        chosen = (("values", band.mask.values), ("bits", band.mask.bits))
        return "; ".join(f"1 if {kind} {', '.join(map(str, few))}" for kind, few in chosen if few)
    if band.scale is None:
        return band.unit or ""
    offset = f" {'-' if band.offset < 0 else '+'} {abs(band.offset):g}" if band.offset else ""
    return f"{band.scale:.8g} * stored{offset} {band.unit or ''}".rstrip()


def _band_line(band: BandRow) -> str:
    attributes = band.attributes
    index = f" [{band.index}]" if band.index else ""
    low, high = attributes.get("wavelength_nm_min"), attributes.get("wavelength_nm_max")
    cells = [
        f"`{band.name}`",
        f"`{band.asset}`{index}",
        attributes["type"],
        attributes.get("data_type", "of the file"),
        f"{attributes['nodata']:g}" if "nodata" in attributes else "",
        f"{attributes['resolution']['value']:g}" if "resolution" in attributes else "",
        f"{low:g}-{high:g}" if low is not None else "",
        _physical(band),
    ]
    return f"| {' | '.join(cells)} |"


def bands_of_source(source: SourceTable) -> str:
    """Return a table of bands for each product of a source."""
    lines = []
    for row in source.products:
        lines += [f"### {row.name}", "", f"Collection `{row.collection}`"]
        if row.where:
            allowed = [f"`{name}` {' or '.join(map(str, values))}" for name, values in row.where.items()]
            lines[-1] += f" with {', '.join(allowed)}"
        if row.ids:
            lines[-1] += f"; ids {', '.join(f'`{identifier}`' for identifier in row.ids)}"
        lines[-1] += "."
        if row.note:
            lines[-1] += f" {row.note}"
        lines += ["", "| band | asset | type | data type | nodata | m | nm | physical value |"]
        lines += ["|---|---|---|---|---|---|---|---|", *map(_band_line, row.bands), ""]
    return "\n".join(lines)


def pages_of_sources() -> dict[Path, str]:
    """Return the pages about sources, with their tables."""
    guide = ROOT / "docs/guide/imagery-from-elsewhere.md"
    start, end = "<!-- products of sources -->\n", "<!-- end of products -->\n"
    found = {guide: between(guide.read_text(), start, end, f"\n{products_of_sources()}\n")}
    for source in map(shipped, shipped_texts()):
        page = ROOT / f"docs/sources/{source.id}.md"
        start, end = "<!-- bands -->\n", "<!-- end of bands -->\n"
        found[page] = between(page.read_text(), start, end, f"\n{bands_of_source(source)}")
    return found


def between(text: str, start: str, end: str, content: str) -> str:
    """Return `text` with `content` in place of the lines between the markers `start` and `end`."""
    head, rest = text.split(start, 1)
    _, tail = rest.split(end, 1)
    return f"{head}{start}{content}{end}{tail}"


def generated() -> dict[Path, str]:
    """Return the files that have a generated part, with the content that they should have."""
    tree = error_tree()
    source = ROOT / "mappings/landbridge/errors.py"
    page = ROOT / "docs/errors.md"
    mapping = ROOT / "docs/mapping.md"
    mapping_text = mapping.read_text()
    for kind in tables.KINDS:
        start, end = f"<!-- table of {kind} -->\n", f"<!-- end of {kind} -->\n"
        mapping_text = between(mapping_text, start, end, f"\n{markdown.table(kind)}\n")
    configuration = ROOT / "docs/configuration.md"
    indented = "".join(f"    {line}\n" for line in tree.splitlines())
    return {
        source: between(source.read_text(), "::\n\n", '"""\n\nfrom', indented),
        page: between(page.read_text(), "```text\n", "```\n", f"{tree}\n"),
        mapping: mapping_text,
        configuration: between(
            configuration.read_text(),
            "<!-- server settings -->\n",
            "<!-- end of server settings -->\n",
            f"\n{settings_tables()}",
        ),
        **pages_of_sources(),
    }


def main() -> int:
    """Run the command."""
    outdated = {path: text for path, text in generated().items() if path.read_text() != text}
    for path, text in outdated.items():
        sys.stdout.write(f"{path.relative_to(ROOT)} is out of date.\n")
        if "--check" not in sys.argv:
            path.write_text(text)
    return 1 if outdated and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
