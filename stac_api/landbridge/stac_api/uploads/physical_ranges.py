"""Scale and offset that uploaded files state, as the physical ranges of the product's bands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from landbridge.mappings import band
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.pgstac import writes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

_NEAR = 1e-6


def stated(data_range: Sequence[float], scale: Sequence[float]) -> tuple[float, float]:
    """Return what a data range stands for by a scale and an offset."""
    factor, offset = scale
    low, high = (float(value) * factor + offset for value in data_range)
    return low, high


def compare(
    bands: Sequence[Mapping[str, Any]], scales: Mapping[str, Sequence[float]]
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Return the physical ranges that bands have not and their files state, and notes on what disagrees."""
    missing, notes = {}, []
    for known in bands:
        name = str(known["name"])
        if name not in scales or known.get("type") in ("mask", "class"):
            continue
        said = f"The file of band {name!r} states scale {scales[name][0]:g} and offset {scales[name][1]:g}"
        if known.get("data_range") is None:
            notes.append(
                f"{said}, but the band has no data_range to apply them to: its physical_range is not set."
            )
            continue
        physical = stated(known["data_range"], scales[name])
        own = known.get("physical_range")
        if own is None:
            missing[name] = physical
        elif not _alike(own, physical):
            notes.append(
                f"{said}, by which its data_range stands for {_shown(physical)}, but its physical_range is "
                f"{_shown(own)}: that counts. Correct the band or the file."
            )
    return missing, notes


async def fill(
    pool: asyncpg.Pool,
    product_id: str,
    bands: Sequence[Mapping[str, Any]],
    scales: Mapping[str, Sequence[float]],
) -> tuple[list[str], list[str]]:
    """Set the physical ranges that a product's bands, as last read, have not and files state.

    Returns what was set and what disagrees, as texts for the user.
    """
    missing, notes = compare(bands, scales)
    filled: dict[str, tuple[float, float]] = {}

    def change(collection: dict[str, Any]) -> dict[str, Any]:
        known = {each["name"]: each for each in band.list_from_collection(collection)}
        filled.clear()
        filled.update(compare(list(known.values()), scales)[0])
        entries = [
            band.to_stac({**known[entry["name"]], "physical_range": filled[entry["name"]]}, entry)
            if entry.get("name") in filled
            else entry
            for entry in collection.get("bands") or []
        ]
        return incoming.collection(
            {**collection, "bands": entries}, "/", collection_id=product_id, previous=collection
        )

    if missing:
        await writes.change_collection(pool, product_id, change)
    done = [
        f"The physical_range of band {name!r} is set to {_shown(found)}, by scale and offset of its file."
        for name, found in filled.items()
    ]
    return done, notes


def _alike(first: Sequence[float], second: Sequence[float]) -> bool:
    return all(
        math.isclose(one, other, rel_tol=_NEAR, abs_tol=_NEAR * max(map(abs, (*first, *second, 1e-9))))
        for one, other in zip(first, second, strict=True)
    )


def _shown(values: Sequence[float]) -> str:
    return f"({values[0]:g}, {values[1]:g})"
