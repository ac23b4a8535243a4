"""Types as a user's type checker sees them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "tests" / "typed_scripts"
# The folders of the distributions' source, and the one that has the marker of modules beside packages.
SOURCES = [
    REPOSITORY / folder / "landbridge"
    for folder in ("src", "mappings", "stac_api", "src/kernels", "src/porting")
]


def pyright(*arguments: object) -> dict:
    """Return the report of pyright, which finds the packages of this environment by its Python."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    finished = subprocess.run(
        [programs / "pyright", "--outputjson", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert finished.stdout, finished.stderr
    return json.loads(finished.stdout)


def test_pyright_finds_the_types_and_the_errors_that_users_scripts_expect():
    # `make check` runs mypy on the same scripts.
    report = pyright("-p", SCRIPTS / "pyrightconfig.json")
    assert report["summary"]["filesAnalyzed"] == len(list(SCRIPTS.glob("*.py")))
    found = [
        f"{one['file']}:{one['range']['start']['line'] + 1}: {one['message']}"
        for one in report["generalDiagnostics"]
    ]
    assert found == []


def test_the_scripts_expect_many_types_and_errors():
    text = "".join(script.read_text() for script in SCRIPTS.glob("*.py"))
    assert text.count("assert_type(") >= 60
    assert text.count("# type: ignore[") >= 20


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.name)
def test_every_package_of_a_distribution_says_that_it_is_typed(source):
    packages = [folder for folder in source.iterdir() if (folder / "__init__.py").exists()]
    assert packages
    assert [folder.name for folder in packages if not (folder / "py.typed").exists()] == []
    if list(source.glob("*.py")):  # modules of the namespace itself
        assert (source / "py.typed").exists()
