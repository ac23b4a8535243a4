"""Each test asserts something, itself or by a helper."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
ASSERT = "assert"
NUMPY = {"assert_allclose", "assert_array_equal", "assert_equal"}
FAILING = frozenset({ASSERT, "raises", "warns", "fail"} | NUMPY)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def names(tree: ast.AST) -> set[str]:
    """Return the names that code uses or takes as fixtures, the last part of dotted ones."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Assert):
            found.add(ASSERT)
    return found


def is_test(name: str) -> bool:
    return name.startswith("test_")


def asserting(used: list[tuple[str, set[str]]], known: frozenset[str] = FAILING) -> frozenset[str]:
    """Return the known names and those of functions that use one of them, directly or by another function."""
    found = set(known)
    while more := {name for name, uses in used if name not in found and uses & found}:
        found |= more
    return frozenset(found)


def without_assertion(used: list[tuple[str, set[str]]], known: frozenset[str] = FAILING) -> list[str]:
    """Return the names of a module's tests that use no function that asserts."""
    known = asserting([(name, uses) for name, uses in used if not is_test(name)], known)
    return [name for name, uses in used if is_test(name) and not uses & known]


def used_names(source: str) -> list[tuple[str, set[str]]]:
    """Return the names of a module's functions and constants, each with the names that it uses."""
    tree = ast.parse(source)
    found = [(node.name, names(node)) for node in ast.walk(tree) if isinstance(node, Function)]
    constants = (node for node in tree.body if isinstance(node, ast.Assign))
    return found + [(name, names(node.value)) for node in constants for name in names(node.targets[0])]


def test_every_test_asserts_something() -> None:
    modules = {path: used_names(path.read_text()) for path in TESTS.rglob("*.py")}
    shared = [one for path, used in modules.items() if not is_test(path.name) for one in used]
    known = asserting([(name, uses) for name, uses in shared if not is_test(name)])
    found = {
        str(path.relative_to(TESTS)): missing
        for path, used in modules.items()
        if is_test(path.name) and (missing := without_assertion(used, known))
    }
    assert not found


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("def test_a():\n    assert 1", []),
        ("def test_a():\n    with pytest.raises(ValueError):\n        int('a')", []),
        ("def test_a():\n    int('1')", ["test_a"]),
        ("def check():\n    assert 1\ndef via():\n    check()\ndef test_a():\n    via()", []),
        ("NONE = pytest.raises(ValueError)\ndef test_a():\n    with NONE:\n        int('1')", []),
        ("async def test_a(service):\n    await service.get()", ["test_a"]),
    ],
)
def test_assertions_are_found(source: str, missing: list[str]) -> None:
    assert without_assertion(used_names(source)) == missing
