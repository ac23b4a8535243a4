"""`python -m access.matrix`: who may do what, its last line `N of M cells as expected`.

Exit code 0 if all cells are as expected, and every route of the OpenAPI has a row.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from pathlib import Path

from access.matrix.cells import Cell, cells, routes
from access.matrix.table import ROWS
from access.matrix.world import CALLERS, World
from access.service import started
from landbridge.stac_api.embedded import control
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.stack import up
from support.embedded_stack import fresh_database, new_home


def main() -> int:
    logging.getLogger("landbridge").setLevel(logging.ERROR)
    home = Home(new_home())
    try:
        with (
            tempfile.TemporaryDirectory() as store,
            fresh_database(up(home).database, "access_matrix") as database,
            started(database, Path(store).as_uri(), audit_stdout=False) as service,
        ):
            missing = routes(service.app) - {(row.method, row.path) for row in ROWS}
            found = list(cells(World.made(service, database)))
    finally:
        control.remove(home)
        shutil.rmtree(home.root, ignore_errors=True)
    _print(found)
    for method, path in sorted(missing):
        print(f"{method} {path} has no row")
    right = sum(not cell.wrong for cell in found)
    print(f"{right} of {len(found)} cells as expected")
    return int(right < len(found) or bool(missing))


def _print(found: list[Cell]) -> None:
    width = max(len(cell.row.name) for cell in found) + 1
    print(" " * width + "".join(f"{caller:>11}" for caller in CALLERS))
    for row in ROWS:
        marks = (f"{cell.status}{'!' if cell.wrong else ' '}" for cell in found if cell.row is row)
        print(f"{row.name:{width}}" + "".join(f"{mark:>11}" for mark in marks))
    for cell in found:
        if cell.wrong:
            print(f"  {cell.row.name}, {cell.caller}: {cell.wrong}")


if __name__ == "__main__":
    sys.exit(main())
