"""Counts the statements of docs/development/catalog_semantics.md that have a test.

A test carries the numbers of the statements it checks at the start or the end of its name
(`test_9_10_keys`, `test_updates_roll_back_1_9_2_13`), or in its docstring ("Semantics 1.9, 2.13").
The page gives the reason for a statement that no test can check.

    python -m semantics.coverage        prints the figures
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
PAGE = TESTS.parent / "docs" / "development" / "catalog_semantics.md"
# Uploads and the duties of the service have suites that cite few numbers, and imports have a benchmark.
WITH_OTHER_SUITES = re.compile(r"10\..*|14\.(?!12).*|12\.(8|9|10)")

_START = re.compile(r"test_((?:\d+_\d+_)+)")
_END = re.compile(r"((?:_\d+_\d+)+)\Z")
_DOCSTRING = re.compile(r"Semantics((?:[, ]+(?:and )?\d+\.\d+)+)")
_PAIR = re.compile(r"(\d+)[_.](\d+)")
_SECTION = re.compile(r"## (\d+)\. ")
_STATEMENT = re.compile(r"(\d+)\. .*?(?:\(Untestable: (.*)\))?")


@dataclass(frozen=True, slots=True)
class Coverage:
    statements: dict[str, str | None]  # each number, with the reason if it is untestable
    tests: dict[str, list[str]]  # each number, with the names of the tests that carry it

    @property
    def tested(self) -> list[str]:
        return [number for number in self.statements if number in self.tests]

    @property
    def untestable(self) -> dict[str, str]:
        return {number: reason for number, reason in self.statements.items() if reason}

    @property
    def missing(self) -> list[str]:
        return [
            number
            for number, reason in self.statements.items()
            if not (reason or number in self.tests or WITH_OTHER_SUITES.fullmatch(number))
        ]

    def __str__(self) -> str:
        lines = [f"{len(self.statements)} statements, {len(self.tested)} tested, untestable:"]
        lines += [f"  {number}: {reason}" for number, reason in self.untestable.items()]
        if self.missing:
            lines.append(f"without a test: {', '.join(self.missing)}")
        return "\n".join(lines)


def statements() -> dict[str, str | None]:
    """Return the number of each statement of the page, with the reason if it is untestable."""
    found: dict[str, str | None] = {}
    section = ""
    for line in PAGE.read_text().splitlines():
        if match := _SECTION.match(line):
            section = match[1]
        elif section and (match := _STATEMENT.fullmatch(line)):
            found[f"{section}.{match[1]}"] = match[2]
    return found


def numbers(name: str, docstring: str | None) -> set[str]:
    """Return the numbers that a test carries."""
    found = [match[1] for match in (_START.match(name), _END.search(name)) if match]
    found += [match[1] for match in _DOCSTRING.finditer(docstring or "")]
    return {f"{section}.{number}" for part in found for section, number in _PAIR.findall(part)}


def tests() -> Iterator[tuple[str, set[str]]]:
    """Yield each test function and the numbers it carries."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(TESTS)}::{node.name}", numbers(node.name, ast.get_docstring(node))


def measure() -> Coverage:
    found: dict[str, list[str]] = {}
    for name, carried in tests():
        for number in carried:
            found.setdefault(number, []).append(name)
    return Coverage(statements(), found)


if __name__ == "__main__":
    coverage = measure()
    sys.stdout.write(f"{coverage}\n")
    sys.exit(bool(coverage.missing))
