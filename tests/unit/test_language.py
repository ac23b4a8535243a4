"""The rules on language of CONTRIBUTING.md that a script can check."""

import ast
import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("mappings/", "src/", "src/porting/", "stac_api/")


def script():
    spec = importlib.util.spec_from_file_location("count_language", ROOT / "scripts/count_language.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


count_language = script()
SOURCES = [
    str(path.relative_to(ROOT))
    for folder in FOLDERS
    for path in sorted((ROOT / folder / "landbridge").rglob("*.py"))
]


def test_the_sources_are_found():
    assert len(SOURCES) > 200


def test_docstrings_name_their_subject_or_begin_with_a_verb():
    found = [
        f"{path}:{line}: {text.strip().splitlines()[0]}"
        for path in SOURCES
        for line, text in count_language.docstrings(ast.parse((ROOT / path).read_text()))
        if count_language.first_word(text) in count_language.FIRST_WORDS
    ]
    assert not found, "\n".join(found)


def test_no_file_has_a_private_name():
    assert [path for path in SOURCES if count_language.has_private_name(path)] == []


def test_the_script_counts():
    code = '"""What it is."""\n\n# where it is\n\ndef f():\n    """Return where."""\n'
    files = {"src/landbridge/facts.py": code, "docs/index.md": "What is where.\nnp.where(x)\n"}
    counts = count_language.count(files)
    assert counts['docstrings that begin with "What"'] == 1
    assert counts["docstrings"] == 2
    assert counts['lines of prose with "where"'] == 3
    assert counts["files with a private name"] == 1
