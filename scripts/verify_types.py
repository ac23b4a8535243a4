"""Fails if a public name of the modules that users import has a type that checkers must guess.

It runs `pyright --verifytypes landbridge` once, on a folder with links to the packages of all distributions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
# The server's modules are its own affair.
SOURCES = ("mappings", "src", "src/kernels", "src/porting", "src/raster")
# The name of an except clause, which does not exist after it.
NO_NAMES = {"landbridge.kernels.error"}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "landbridge"
        package.mkdir()
        for name in ("__init__.py", "py.typed"):
            (package / name).touch()
        for source in SOURCES:
            for path in (REPOSITORY / source / "landbridge").iterdir():
                is_module = path.suffix == ".py" or (path / "__init__.py").exists()
                if is_module:
                    (package / path.name).symlink_to(path)
        return 1 if _print(_verify(folder)) else 0


def _verify(folder: str) -> dict[str, Any]:
    """Return pyright's report on the package in a folder."""
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",  # pyright asks the first Python for its path
        "PYTHONPATH": folder,
    }
    command = [str(programs / "pyright"), "--outputjson", "--ignoreexternal", "--verifytypes", "landbridge"]
    with tempfile.TemporaryDirectory() as empty:
        finished = subprocess.run(
            command, cwd=empty, env=environment, capture_output=True, text=True, check=False
        )
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


def _print(report: dict[str, Any]) -> int:
    """Print the report. Return the number of names without a certain type, and of errors."""
    errors = [one["message"] for one in report["generalDiagnostics"]]
    symbols = [
        one
        for one in report["typeCompleteness"]["symbols"]
        if one["isExported"] and one["name"] not in NO_NAMES
    ]
    guessed = [one for one in symbols if one["isTypeAmbiguous"] or not one["isTypeKnown"]]
    print(f"pyright: {len(symbols) - len(guessed)} of {len(symbols)} public names have a certain type")
    for symbol in guessed:
        print(f"  {symbol['name']}: {'; '.join(one['message'] for one in symbol['diagnostics'])}")
    for error in errors:
        print(f"  {error}")
    return len(guessed) + len(errors)


if __name__ == "__main__":
    sys.exit(main())
