"""Some cells of the table of faults; `make faults` prints it whole."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from faults import site, table
from landbridge.stac_api.jobs import points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("installation")

SOME = [
    ("local", "worker killed", points.INSERTED),
    ("local", "reader killed", points.VALIDATED),
    ("local", "database killed", points.INSERTED),
    ("local", "disk full for a moment", points.VALIDATED),
    ("local", "truncated file, worker killed", points.STORED),
    ("s3", "store refuses for a moment", points.CONVERTED),
]


@pytest.fixture(scope="module")
def service() -> Iterator[Callable[[str], site.Site]]:
    """The service with a store, started when it is first asked for."""
    running: dict[str, site.Site] = {}
    with ExitStack() as stack:

        def get(store: str) -> site.Site:
            if store not in running:
                running[store] = stack.enter_context(site.running(store))
                table.prepare(running[store])
            return running[store]

        yield get


@pytest.mark.parametrize(("store", "name", "point"), SOME, ids=map(", ".join, SOME))
def test_what_is_left_is_whole(
    service: Callable[[str], site.Site], store: str, name: str, point: str
) -> None:
    fault = next(fault for fault in table.faults() if fault.name == name)
    chosen = service(store)
    if fault.disk and not chosen.disk:
        pytest.skip("no small disk can be mounted here")
    assert table.broken(chosen, fault, point) == ""
