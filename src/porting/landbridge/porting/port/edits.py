"""Changed source text: replacements of nodes, rendered into the text that stays as it is."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Edit", "Need", "Operand", "Part", "Primary", "Source", "apply"]

_PRIMARY = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.List, ast.Dict, ast.JoinedStr)


@dataclass(frozen=True, slots=True)
class Need:
    """Name of a module that the new text uses; it is imported, by another name if it is taken."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Primary:
    """Node before a dot or bracket: put in parentheses unless it binds as tightly."""

    node: ast.AST


@dataclass(frozen=True, slots=True)
class Operand:
    """Node beside an operator: put in parentheses unless it binds as tightly."""

    node: ast.AST


Part = str | ast.AST | Need | Primary | Operand


@dataclass(frozen=True, slots=True)
class Edit:
    """New text for a range of the old text."""

    start: int
    end: int
    text: str


@dataclass
class Source:
    """Text of a script, with the ranges of its nodes."""

    text: str
    _lines: list[int] = field(init=False)
    _wide: dict[int, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = [0]
        self._wide = {}
        for number, line in enumerate(_lines(self.text)):
            self._lines.append(self._lines[-1] + len(line))
            if not line.isascii():
                self._wide[number] = line.encode()

    def offset(self, line: int, column: int) -> int:
        """Return the position of a line (from 1) and a column in bytes."""
        wide = self._wide.get(line - 1)
        if wide is not None:
            column = len(wide[:column].decode(errors="replace"))
        return self._lines[line - 1] + column

    def line_start(self, line: int) -> int:
        """Return the position at which a line begins; that of the end for the line after the last."""
        return self._lines[min(line, len(self._lines)) - 1]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return the range of a node."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self.offset(line, column), self.offset(end_line, end_column)

    def segment(self, node: ast.AST) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def indent(self, node: ast.AST) -> str | None:
        """Return the indentation of a statement; None if it does not begin its line."""
        start, _ = self.span(node)
        before = self.text[self.line_start(node.lineno) : start]  # type: ignore[attr-defined]
        return None if before.strip() else before

    def ends_line(self, node: ast.AST) -> bool:
        """Return whether nothing but a comment follows a node on its last line."""
        _, end = self.span(node)
        rest = self.text[end : self.line_start(node.end_lineno + 1)].strip()  # type: ignore[attr-defined]
        return not rest or rest.startswith("#")

    def render(
        self,
        node: ast.AST,
        replacements: Mapping[ast.AST, Sequence[Part]],
        name_of: Callable[[Need], str],
        children: Mapping[ast.AST, Sequence[ast.AST]],
    ) -> str:
        """Return the new text of a node."""
        if node in replacements:
            return "".join(self._part(part, replacements, name_of, children) for part in replacements[node])
        start, end = self.span(node)
        edits = self.edits(node, replacements, name_of, children)
        return apply(self.text[start:end], [Edit(e.start - start, e.end - start, e.text) for e in edits])

    def edits(
        self,
        root: ast.AST,
        replacements: Mapping[ast.AST, Sequence[Part]],
        name_of: Callable[[Need], str],
        children: Mapping[ast.AST, Sequence[ast.AST]],
    ) -> list[Edit]:
        """Return the changes below a node, which itself is not replaced, from first to last."""
        found: list[Edit] = []
        todo = list(children[root])
        while todo:
            node = todo.pop()
            if node in replacements:
                found.append(Edit(*self.span(node), self.render(node, replacements, name_of, children)))
            else:
                todo += children[node]
        return sorted(found, key=lambda edit: edit.start)

    def _part(
        self,
        part: Part,
        replacements: Mapping[ast.AST, Sequence[Part]],
        name_of: Callable[[Need], str],
        children: Mapping[ast.AST, Sequence[ast.AST]],
    ) -> str:
        match part:
            case str():
                return part
            case Need():
                return name_of(part)
            case Primary() | Operand():
                text = self.render(part.node, replacements, name_of, children)
                tight = isinstance(part.node, (*_PRIMARY, ast.Constant, ast.Tuple)) and not (
                    isinstance(part, Primary) and isinstance(part.node, ast.Constant)
                )
                return text if tight else f"({text})"
        return self.render(part, replacements, name_of, children)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with changes that do not overlap, given from first to last."""
    pieces = []
    position = 0
    for edit in edits:
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position:]])


def _lines(text: str) -> list[str]:
    """Return the lines as Python counts them: ended by a line feed, a carriage return, or both."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        # str.splitlines also splits at form feeds and other characters that end no line of Python.
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += line
        else:
            lines.append(line)
    return lines
