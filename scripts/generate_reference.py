"""Write the generated parts of the documentation; `--check` only reports what is out of date.

The tree of errors goes to `landbridge.errors` and `docs/errors.md`, the mapping tables to `docs/mapping.md`,
the server's settings to `docs/configuration.md`.
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
from landbridge.stac_api.core.settings import GROUPS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

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
