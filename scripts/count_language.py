"""Count wording that the language rules in CONTRIBUTING.md exclude, in the working tree or in a commit.

python scripts/count_language.py [COMMIT]
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tarfile
import tokenize
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CODE = ("src/", "mappings/", "stac_api/")
FIRST_WORDS = ("What", "Whether", "How", "Where", "Which", "Who")
_WHERE = re.compile(r"(?<![.\w])where\b(?!\s*=)")
# File names that say nothing of a file's content.
_PRIVATE_NAMES = """
reuse paste pieces sample opening addresses strategy methods reduce
named garbage local extra signing kept
points lanes rows scope newest reading writing blocks discards hrefs
keeper accounts work child processes sweeping loading bodies told public
foreign plans complete facts bases tame alike
"""
PRIVATE_NAMES = frozenset(_PRIVATE_NAMES.split())


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring, including the texts below attributes."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                yield statement.lineno, statement.value.value


def first_word(text: str) -> str:
    """Return the first word of a docstring."""
    found = re.match(r"\w+", text.strip())
    return found[0] if found else ""


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each line of comments and docstrings."""
    for line, text in docstrings(ast.parse(source)):
        for offset, part in enumerate(text.splitlines()):
            yield line + offset, part
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def has_private_name(path: str) -> bool:
    """Say whether a source file has one of the private names."""
    return PurePosixPath(path).stem in PRIVATE_NAMES


def count(files: dict[str, str]) -> dict[str, int]:
    """Return the counts in files given by path."""
    words: Counter[str] = Counter()
    total = where = names = 0
    for path, text in files.items():
        if path.endswith(".md"):
            where += sum(bool(_WHERE.search(line)) for line in text.splitlines())
            continue
        in_code = path.startswith(CODE)
        names += in_code and has_private_name(path)
        where += sum(bool(_WHERE.search(line)) for _, line in prose(text))
        if in_code:
            found = [first_word(doc) for _, doc in docstrings(ast.parse(text))]
            total += len(found)
            words.update(word for word in found if word in FIRST_WORDS)
    return {
        **{f'docstrings that begin with "{word}"': words[word] for word in FIRST_WORDS},
        "docstrings": total,
        'lines of prose with "where"': where,
        "files with a private name": names,
    }


def working_tree() -> dict[str, str]:
    """Return the Python and Markdown files of the working tree."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "*.py", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names if (ROOT / name).exists()}


def of_commit(commit: str) -> dict[str, str]:
    """Return the Python and Markdown files of a commit."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            member.name: content.read().decode()
            for member in tar
            if member.name.endswith((".py", ".md")) and (content := tar.extractfile(member)) is not None
        }


def main(arguments: list[str]) -> int:
    """Print the counts."""
    for label, number in count(of_commit(arguments[0]) if arguments else working_tree()).items():
        print(f"{number:6} {label}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
