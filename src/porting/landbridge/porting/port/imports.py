"""Imports of a rewritten script: old ones converted, those of dropped names removed, new ones added."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from landbridge.porting.port.edits import Edit, Need
from landbridge.porting.port.resolve import path_of, resolve

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from landbridge.porting.port.edits import Source
    from landbridge.porting.port.scopes import Scopes

__all__ = ["ImportNames", "convert_import", "edit_import", "is_old", "new_imports", "old_path", "removal"]

# Names that a new import prefers over the name itself.
_SHORT = {("landbridge.catalog", "properties"): ("p",)}


def is_old(statement: ast.AST) -> bool:
    """Return whether a statement imports a name of the old package."""
    if not isinstance(statement, (ast.Import, ast.ImportFrom)):
        return False
    return any(old_path(statement, alias) is not None for alias in statement.names)


def old_path(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str | None:
    """Return the path of an imported name below the old root; None if it is of another package."""
    if isinstance(statement, ast.Import):
        return path_of(alias.name)
    if statement.level or statement.module is None:
        return None
    if alias.name == "*":
        return path_of(statement.module)
    return path_of(f"{statement.module}.{alias.name}")


@dataclass
class ImportNames:
    """Chooses the names of what new text needs, and remembers what has to be imported."""

    scopes: Scopes
    needed: dict[Need, str] = field(default_factory=dict)
    _bound: dict[Need, str] = field(init=False)

    def __post_init__(self) -> None:
        self._bound = {}
        for name, bindings in self.scopes.module.bindings.items():
            if len(bindings) == 1 and bindings[0].kind == "import":
                need = _need_of(bindings[0].node, bindings[0].owner)
                if need is not None:
                    self._bound.setdefault(need, name)

    def __call__(self, need: Need) -> str:
        """Return the name by which new text refers to something."""
        if need in self._bound:
            return self._bound[need]
        if need not in self.needed:
            short = _SHORT.get((need.module, need.name), ())
            names = [*short, need.name, f"catalog_{need.name}", f"landbridge_{need.name}"]
            used = self.scopes.taken | set(self.needed.values())
            number = 2
            while names[0] in used:
                names = names[1:] or [f"landbridge_{need.name}_{number}"]
                number += 1
            self.needed[need] = names[0]
        return self.needed[need]


def _need_of(alias: ast.AST, statement: ast.AST | None) -> Need | None:
    """Return what an import of this package, or a converted one of the old package, binds."""
    assert isinstance(alias, ast.alias)
    if not isinstance(statement, (ast.Import, ast.ImportFrom)):
        return None
    path = old_path(statement, alias)
    if path is not None:
        found = resolve(path)
        if found.verdict != "same" or found.rest or (isinstance(statement, ast.Import) and not alias.asname):
            return None
        if found.name:
            return Need(found.module, found.name)
        return Need(*found.module.rsplit(".", 1))
    if isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
        return Need(statement.module, alias.name)
    return None


def new_imports(needed: dict[Need, str]) -> list[str]:
    """Return the import statements of what new text needs."""
    lines = []
    for module in sorted({need.module for need in needed}):
        names = sorted((need.name, name) for need, name in needed.items() if need.module == module)
        texts = [name if name == bound else f"{name} as {bound}" for name, bound in names]
        lines.append(f"from {module} import {', '.join(texts)}")
    return lines


def convert_import(statement: ast.Import | ast.ImportFrom, dropped: Container[ast.AST]) -> list[str] | None:
    """Return the statements in place of an old import; None if it stays as it is.

    Parameters
    ----------
    statement : Import or ImportFrom
        Old import.
    dropped : container of alias
        Names that the new text does not use any more.
    """
    kept: list[str] = []
    converted: dict[Need, str] = {}
    modules: list[str] = []
    for alias in statement.names:
        if alias in dropped:
            continue
        path = old_path(statement, alias)
        found = resolve(path) if path is not None else None
        if found is None or found.verdict != "same" or found.rest:
            kept.append(alias.name if alias.asname is None else f"{alias.name} as {alias.asname}")
        elif alias.name == "*":
            modules.append(f"from {found.module} import *")
        elif found.name:
            converted[Need(found.module, found.name)] = alias.asname or found.name
        elif isinstance(statement, ast.ImportFrom):
            parent, name = found.module.rsplit(".", 1)
            converted[Need(parent, name)] = alias.asname or alias.name
        elif alias.asname:
            modules.append(f"import {found.module} as {alias.asname}")
        else:  # its uses are by the root and were replaced, or it stays
            kept.append(alias.name)
    if len(kept) == len(statement.names):
        return None
    old = []
    if kept and isinstance(statement, ast.Import):
        old = [f"import {', '.join(kept)}"]
    elif kept and isinstance(statement, ast.ImportFrom):
        old = [f"from {statement.module} import {', '.join(kept)}"]
    return [*modules, *new_imports(converted), *old]


def edit_import(
    source: Source, scopes: Scopes, statement: ast.stmt, lines: Iterable[str], added: list[str]
) -> Edit:
    """Return the change of an old import to new lines, after the `added` ones."""
    indent = source.indent(statement)
    found = list(dict.fromkeys([*added, *lines]))
    if not found:
        return removal(source, scopes, statement)
    start, end = source.span(statement)
    if indent is None or not source.ends_line(statement):
        return Edit(start, end, "; ".join(found))
    return Edit(start, end, f"\n{indent}".join(found))


def removal(source: Source, scopes: Scopes, statement: ast.stmt) -> Edit:
    """Return the change that removes a statement: its lines, or `pass` if a block needs one."""
    start, end = source.span(statement)
    parent = scopes.parents[statement]
    siblings = next(
        block
        for name in ("body", "orelse", "finalbody", "handlers")
        if isinstance(block := getattr(parent, name, None), list) and statement in block
    )
    is_alone = len(siblings) == 1 and not isinstance(parent, ast.Module)
    if is_alone or source.indent(statement) is None or source.text[end:].partition("\n")[0].strip():
        return Edit(start, end, "pass")
    line = source.line_start(statement.lineno)
    after = source.line_start(statement.end_lineno + 1)  # type: ignore[operator] # of a parsed tree
    return Edit(line, after, "")
