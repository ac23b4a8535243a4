"""Print the matrix of sources: each cell of each provider, right or wrong.

Arguments are names of providers; all by default. The exit code is 1 if a cell is wrong.
"""

import sys
import time
import traceback
import warnings

from sources.cells import CELLS
from sources.columns import COLUMNS, site


def main(names):
    warnings.simplefilter("ignore")
    marks, took, faults = {}, {}, []
    for name in names:
        started = time.perf_counter()
        with site(name) as running:
            for cell, function in CELLS.items():
                began = time.perf_counter()
                try:
                    function(running)
                    marks[cell, name] = "+"
                except Exception as error:  # noqa: BLE001 - whatever it is, the cell is wrong
                    marks[cell, name] = "WRONG"
                    faults.append((name, cell, error))
                took[cell, name] = time.perf_counter() - began
        print(f"{name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    for (cell, name), seconds in sorted(took.items(), key=lambda one: -one[1])[:5]:
        print(f"slow: {name}, {cell}: {seconds:.1f} s", file=sys.stderr)
    width = max(map(len, CELLS))
    print(" " * width, *(f"{name:>18}" for name in names))
    for cell in CELLS:
        print(f"{cell:{width}}", *(f"{marks[cell, name]:>18}" for name in names))
    for name, cell, fault in faults:
        text = " ".join("".join(traceback.format_exception_only(fault)).split())
        line = traceback.extract_tb(fault.__traceback__)[-1]
        print(f"\n{name}, {cell} ({line.name}:{line.lineno}): {text[-700:]}")
    right = sum(mark == "+" for mark in marks.values())
    print(f"\n{right} of {len(marks)} cells right")
    return right == len(marks)


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:] or list(COLUMNS)))
