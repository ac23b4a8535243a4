"""Notebooks as one script: the code of their cells in order, and the way back."""

from __future__ import annotations

import bisect
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError
from landbridge.porting.port.edits import Edit, apply
from landbridge.porting.port.syntax import parse, syntax_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Notebook", "NotebookError"]

_CODE_MAGICS = frozenset({"capture", "prun", "time", "timeit"})  # cells that Python runs
# Lines for IPython, not Python: %magic, !command, help, and values of both.
_TIMED = re.compile(r"^(\s*)(%(?:time|timeit|prun)\s+(?:-\w+\s+(?:\d+\s+)?)*)(?=\S)")
_NAME = re.compile(r"[^\W\d]\w*")
_HELP = re.compile(r"^\s*(?:\?|[\w.]+\s*\?{1,2}\s*$)")
_SHELL = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?!")
_IN_SHELL = re.compile(r"\{[^}]*\}|\$\w+")  # what a shell command takes from Python
_LINE_MAGIC = re.compile(r"^\s*(?:[%!?]|[\w.]+\s*\?{1,2}\s*$|[\w.,\s]+=\s*[%!])")


class NotebookError(LandbridgeError, ValueError):
    """The file is not a notebook that can be read."""


@dataclass
class Notebook:
    """Notebook with its code as one text; lines of other languages are blanked, at the same length.

    Attributes
    ----------
    content : dict
        The notebook's JSON.
    text : str
        Code of all cells that can be parsed.
    problems : list of (int, str)
        Cells, from 1, whose code can't be parsed, and why.
    hidden : set of str
        Words of the blanked lines, which may be names that they use.
    """

    raw: str
    content: dict[str, Any] = field(init=False)
    text: str = field(init=False)
    problems: list[tuple[int, str]] = field(init=False)
    hidden: set[str] = field(init=False)
    _cells: list[int] = field(init=False)  # positions of the cells in the notebook
    _starts: list[int] = field(init=False)  # where they begin in the text
    _sources: list[str] = field(init=False)

    def __post_init__(self) -> None:
        try:
            content = json.loads(self.raw)
            cells = content["cells"] if "cells" in content else _old_cells(content)
            codes = [
                (position, _source(cell))
                for position, cell in enumerate(cells)
                if cell.get("cell_type") == "code"
            ]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise NotebookError(f"it is not a notebook: {error or type(error).__name__}") from error
        self.content = content
        self.problems = []
        self.hidden = set()
        self._cells, self._starts, self._sources = [], [], []
        pieces: list[str] = []
        length = 0
        for position, source in codes:
            code, problem = _python_of(source)
            if problem is not None:
                self.problems.append((position + 1, problem))
            for old, new in zip(source.splitlines(), code.splitlines(), strict=False):
                if old != new:
                    self.hidden.update(_hidden_names(old, new))
            code += "\n"
            self._cells.append(position)
            self._starts.append(length)
            self._sources.append(source)
            pieces.append(code)
            length += len(code)
        self.text = "".join(pieces)

    def place(self, offset: int) -> tuple[int, int]:
        """Return the cell, from 1, and the line in it, from 1, of a position in the text."""
        number = bisect.bisect_right(self._starts, offset) - 1
        start = self._starts[number]
        return self._cells[number] + 1, self.text.count("\n", start, offset) + 1

    def edited(self, edits: Sequence[Edit]) -> str:
        """Return the notebook's JSON with changed code; outputs, ids and all else stay."""
        cells = self.content["cells"] if "cells" in self.content else _old_cells(self.content)
        for number, (position, start) in enumerate(zip(self._cells, self._starts, strict=True)):
            end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.text) + 1
            mine = [
                Edit(edit.start - start, min(edit.end, end - 1) - start, edit.text)
                for edit in edits
                if start <= edit.start < end
            ]
            if mine:
                source = self._sources[number]
                text = apply(source, mine)
                if text.endswith("\n") and not source.endswith("\n"):
                    text = text.removesuffix("\n")
                _set_source(cells[position], text)
        return _dump(self.content, self.raw)


def _old_cells(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a notebook of format 3, which has them in worksheets."""
    return [cell for sheet in content["worksheets"] for cell in sheet["cells"]]


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"] if "source" in cell else cell["input"]
    return source if isinstance(source, str) else "".join(source)


def _set_source(cell: dict[str, Any], text: str) -> None:
    name = "source" if "source" in cell else "input"
    cell[name] = text if isinstance(cell[name], str) else text.splitlines(keepends=True)


def _python_of(source: str) -> tuple[str, str | None]:
    """Return a cell's Python, other lines blanked, and the reason if it can't be parsed."""
    first = source.lstrip()
    if (
        first.startswith("%%")
        and first[2:].split(maxsplit=1)[:1]
        and (first[2:].split(maxsplit=1)[0] not in _CODE_MAGICS)
    ):
        return _blank(source), None
    try:
        parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        error: BaseException | None = None
        for timed in (True, False):
            masked = "".join(_python_line(line, timed) for line in source.splitlines(keepends=True))
            try:
                parse(masked)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as caught:
                error = caught
            else:
                return masked, None
        assert error is not None
        return _blank(source), syntax_problem(error, source)
    return source, None


def _python_line(line: str, timed: bool) -> str:
    """Return a line as Python of the same length; `timed` keeps the statement that %time runs."""
    found = _TIMED.match(line)
    if found and timed:
        indent, magic = found.groups()
        return f"{indent}if 1{' ' * (len(magic) - 6)}: {line[found.end() :]}"
    return _masked(line) if _LINE_MAGIC.match(line) else line


def _hidden_names(line: str, code: str) -> list[str]:
    """Return the words of a line that may be names of Python which its blanked part uses."""
    if _HELP.match(line) or code.lstrip().startswith("if 1"):
        return []
    shell = _SHELL.match(line)
    return _NAME.findall(" ".join(_IN_SHELL.findall(line)) if shell else line)


def _masked(line: str) -> str:
    """Return a statement without effect as long as a line."""
    code = line.rstrip("\r\n")
    indent = code[: len(code) - len(code.lstrip())]
    filler = "0" + "#" * (len(code) - len(indent) - 1) if len(code) > len(indent) else ""
    return indent + filler + line[len(code) :]


def _blank(source: str) -> str:
    return "".join(" " if character not in "\r\n" else character for character in source)


def _dump(content: dict[str, Any], raw: str) -> str:
    """Return JSON in the layout of the file: its indentation, escapes and last line end."""
    found = re.search(r"^\{\r?\n([ \t]+)", raw)
    indent = found.group(1) if found else None
    separators = None if indent or re.search(r'^\{"[^"]*": ', raw) else (",", ":")
    text = json.dumps(content, indent=indent, ensure_ascii=raw.isascii(), separators=separators)
    return text + raw[len(raw.rstrip("\r\n")) :]
