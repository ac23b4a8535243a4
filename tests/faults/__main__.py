"""`python -m faults [local|s3]... [WORDS]...`: run the table of faults; ends with `N of M cases passed`.

With words, only rows whose names contain one of them. The exit code is 0 if all cases passed.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from faults import failpoints, site, table

_WIDTH = 34
_printing = threading.Lock()


STORES = ("local", "s3")


def main(arguments: list[str]) -> int:
    stores = [store for store in STORES if store in arguments] or STORES
    words = [word for word in arguments if word not in STORES] or [""]
    with ThreadPoolExecutor(len(stores)) as pool:
        results = [result for found in pool.map(lambda store: run(store, words), stores) for result in found]
    for store in stores:
        _print(store, [(fault, point, wrong) for tested, fault, point, wrong in results if tested == store])
    passed = sum(not wrong for *_, wrong in results)
    print(f"{passed} of {len(results)} cases passed")
    return int(passed < len(results))


def run(store: str, words: list[str]) -> list[tuple[str, table.Fault, str, str]]:
    """Run the cases of one store, one after the other."""
    found = []
    with site.running(store) as service:
        table.prepare(service)
        if not service.disk:
            print(f"{store}: no small disk can be mounted here; its rows are left out", file=sys.stderr)
        for fault, point in table.cases(store, disk=service.disk):
            if not any(word in fault.name for word in words):
                continue
            begin = time.monotonic()
            wrong = table.run_case(service, fault, point)
            found.append((store, fault, point, wrong))
            with _printing:
                taken = time.monotonic() - begin
                print(
                    f"{store} | {fault.name} | {point or 'alone'} | {taken:.1f} s | {wrong or 'passed'}",
                    file=sys.stderr,
                )
    return found


def _print(store: str, results: list[tuple[table.Fault, str, str]]) -> None:
    columns = [*failpoints.POINTS, ""]
    heads = [column or "alone" for column in columns]
    print(f"\n{f'store: {store}':{_WIDTH}}" + "".join(f"{head:>11}" for head in heads))
    names = list(dict.fromkeys(fault.name for fault, *_ in results))
    for name in names:
        row = {point: wrong for fault, point, wrong in results if fault.name == name}
        marks = ["" if point not in row else "FAILED" if row[point] else "passed" for point in columns]
        print(f"{name:{_WIDTH}}" + "".join(f"{mark:>11}" for mark in marks))
    for fault, point, wrong in results:
        if wrong:
            print(f"  {fault.name} at {point}: {wrong}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
