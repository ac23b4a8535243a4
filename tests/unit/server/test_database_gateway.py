"""Only `landbridge.stac_api.pgstac` names the tables, functions and markers of pgstac and procrastinate."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import landbridge.stac_api.pgstac

if TYPE_CHECKING:
    from collections.abc import Iterator

GATEWAY = Path(landbridge.stac_api.pgstac.__file__).parent
SERVER = GATEWAY.parent

TABLES = "items|collections|base_items|partitions|partition_stats|queryables|searches|collections_asitems"
FUNCTIONS = (
    "create_collection|update_collection|delete_collection|get_collection|create_item|create_items|update_item|"
    "delete_item|collection_base_item|current_base_item|check_partition|upsert_queryable|content_dehydrate|"
    "content_hydrate|to_float|to_int|to_tstz|to_text_array"
)
FOREIGN = re.compile(
    rf"""
      \b(?:FROM|JOIN|INTO|UPDATE|TABLE|TRUNCATE|COPY)\s+(?:ONLY\s+)?(?:pgstac\.)?(?:{TABLES})\b
    | \bpgstac\.(?:{TABLES}|{FUNCTIONS}|_items)
    | \bSELECT\s+(?:\w+\.)?(?:{FUNCTIONS})\s*\(
    | \b(?:to_float|to_int|to_tstz|to_text_array)\(
    | \bprocrastinate[._](?:procrastinate_)?(?:jobs|workers|events|periodic_defers)\b
    | \bsearch_path=procrastinate | \bpgstac\.readonly\b
    | 𒍟
    """,
    re.VERBOSE,
)


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return line and text of each string that is no docstring; the fields of f-strings become 0."""
    docstrings = set()
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings.add(first.value)
        if isinstance(node, ast.JoinedStr):
            inside |= {value for value in node.values if isinstance(value, ast.Constant)}
            parts = (str(value.value) if isinstance(value, ast.Constant) else "0" for value in node.values)
            yield node.lineno, "".join(parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings | inside:
            yield node.lineno, node.value


def _named(folder: Path) -> list[str]:
    """Return the lines in a folder, except the gateway, that name something of pgstac or procrastinate."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        if not path.is_relative_to(GATEWAY):
            for line, text in _strings(ast.parse(path.read_text("utf-8"))):
                if match := FOREIGN.search(text):
                    found.append(f"{path.relative_to(folder)}:{line}: {match[0]}")
    return found


def test_no_other_folder_names_what_is_pgstacs_or_procrastinates() -> None:
    assert _named(SERVER) == []


@pytest.mark.parametrize(
    "code",
    [
        "'SELECT id FROM items WHERE id = $1'",
        "f'SELECT {columns} FROM pgstac.collections'",
        "'''\nSELECT a\nJOIN collections c ON true'''",
        "'SELECT create_item($1)'",
        "f'to_float({path})'",
        "'SELECT FROM procrastinate.procrastinate_jobs'",
        "'𒍟※'",
    ],
)
def test_such_a_name_is_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "module.py").write_text(f"_QUERY = {code}\n", "utf-8")
    assert len(_named(tmp_path)) == 1


@pytest.mark.parametrize("code", ["'Items from collections'", "'SELECT id FROM landbridge.uploads'"])
def test_other_text_is_not_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "module.py").write_text(f'"""Reads FROM items."""\n_QUERY = {code}\n', "utf-8")
    assert _named(tmp_path) == []
