"""The source that is asked for a product which several have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from landbridge import sources
from landbridge.sources import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTINEL = "esa:sentinel-2:l2a:v1"
LANDSAT = "usgs:landsat:oli-tirs:c2:l2:v0"


@pytest.fixture(autouse=True)
def all_sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LANDBRIDGE_SOURCES", raising=False)
    yield
    if "claims" in [table.id for table in sources.list()]:
        sources.remove("claims")


def claimed(product_id: str) -> str | None:
    table = registry.claim(product_id)
    return None if table is None else table.id


@pytest.mark.parametrize(
    ("product_id", "source"),
    [
        (SENTINEL, "earth-search"),
        # Earth Search comes first, but its Landsat files cost the reader.
        (LANDSAT, "planetary-computer"),
        ("usda:naip:v1", "planetary-computer"),
        ("cdse:sentinel-2-l2a", "cdse"),
        # The id begins with the name of a source that has no such product.
        ("usgs:landsat:oli-tirs:c2:l1:v0", "usgs"),
        ("nobody:landsat", None),
    ],
)
def test_the_source_with_the_lowest_rank_is_asked(product_id: str, source: str | None) -> None:
    assert claimed(product_id) == source


@pytest.mark.parametrize(
    ("chosen", "source"),
    [
        ("usgs,planetary-computer", "usgs"),
        ("earth-search,usgs,planetary-computer", "earth-search"),
        ("cdse", None),
        ("", None),
    ],
)
def test_the_order_of_the_variable_goes_before_ranks(
    chosen: str, source: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDBRIDGE_SOURCES", chosen)
    assert claimed(LANDSAT) == source


def test_a_source_of_ones_own_goes_before_the_shipped_ones() -> None:
    sources.add(
        "claims", "https://stac.example.org", rank=1000, products=[{"collection": "c", "ids": [LANDSAT]}]
    )
    assert claimed(LANDSAT) == "claims"
    sources.remove("claims")
    assert claimed(LANDSAT) == "planetary-computer"
