"""Fails if a public name of Landbridge has a type that checkers must guess, by `pyright --verifytypes`.

Usage: `python scripts/verify_types.py [module ...]`; by default the modules that users import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MODULES = (
    *("catalog", "geo", "raster", "utils", "auth", "sources", "mappings", "kernels", "notebook"),
    *("config", "errors", "exceptions", "organizations", "profiles"),
)


def main(modules: list[str]) -> int:
    programs = Path(sys.executable).parent
    # pyright takes the first Python of the path, and its own folder's files for those of the project.
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    guessed = 0
    with tempfile.TemporaryDirectory() as folder:
        for module in modules or MODULES:
            command = [programs / "pyright", "--outputjson", "--ignoreexternal", "--verifytypes"]
            finished = subprocess.run(
                [*command, f"landbridge.{module}"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            guessed += _print(module, json.loads(finished.stdout))
    return 1 if guessed else 0


def _print(module: str, report: dict[str, Any]) -> int:
    """Print the result of a module. Return the number of its names without a certain type."""
    errors = [one["message"] for one in report["generalDiagnostics"]]
    symbols = [one for one in report["typeCompleteness"]["symbols"] if one["isExported"]]
    guessed = [one for one in symbols if one["isTypeAmbiguous"] or not one["isTypeKnown"]]
    print(f"landbridge.{module}: {len(symbols) - len(guessed)} of {len(symbols)} public names are typed")
    for symbol in guessed:
        print(f"  {symbol['name']}: {'; '.join(one['message'] for one in symbol['diagnostics'])}")
    for error in errors:
        print(f"  {error}")
    return len(guessed) + len(errors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
