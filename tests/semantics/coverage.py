"""Which numbered statements of the behaviour specification have a test.

A test carries the numbers of the statements it checks at the start or the end of its name
(`test_9_10_keys`, `test_updates_roll_back_1_9_2_13`), or in its docstring ("Semantics 1.9, 2.13").
`statements.txt` lists the statements, and for those that no test can check the reason.

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
SPECIFICATION = TESTS.parent.parent / "shared" / "spec" / "catalog_semantics.md"

_LINE = re.compile(r"(?P<number>\d+\.\d+)(?:\s+untestable:\s+(?P<reason>.+))?")
_START = re.compile(r"test_((?:\d+_\d+_)+)")
_END = re.compile(r"((?:_\d+_\d+)+)\Z")
_DOCSTRING = re.compile(r"Semantics((?:[, ]+(?:and )?\d+\.\d+)+)")
_PAIR = re.compile(r"(\d+)[_.](\d+)")
_SECTION = re.compile(r"## (\d+)\. ")
_STATEMENT = re.compile(r"(\d+)\. ")


@dataclass(frozen=True, slots=True)
class Coverage:
    statements: dict[str, str | None]  # each number, with the reason where it is untestable
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
            number for number, reason in self.statements.items() if not reason and number not in self.tests
        ]

    def __str__(self) -> str:
        lines = [f"{len(self.statements)} statements, {len(self.tested)} tested, untestable:"]
        lines += [f"  {number}: {reason}" for number, reason in self.untestable.items()]
        if self.missing:
            lines.append(f"neither: {', '.join(self.missing)}")
        return "\n".join(lines)


def statements() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for line in (HERE / "statements.txt").read_text().splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"statements.txt: a number, or a number and a reason, is needed; got {line!r}")
        found[match["number"]] = match["reason"]
    return found


def specified(text: str) -> list[str]:
    """The numbers of all statements in the specification."""
    found, section = [], ""
    for line in text.splitlines():
        if match := _SECTION.match(line):
            section = match[1]
        elif section and (match := _STATEMENT.match(line)):
            found.append(f"{section}.{match[1]}")
    return found


def numbers(name: str, docstring: str | None) -> set[str]:
    """The numbers that a test carries."""
    found = [match[1] for match in (_START.match(name), _END.search(name)) if match]
    found += [match[1] for match in _DOCSTRING.finditer(docstring or "")]
    return {f"{section}.{number}" for part in found for section, number in _PAIR.findall(part)}


def tests() -> Iterator[tuple[str, set[str]]]:
    """Each test function below the folder of tests, and the numbers it carries."""
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
