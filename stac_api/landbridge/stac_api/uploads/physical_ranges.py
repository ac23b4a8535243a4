"""Physical ranges of the product's bands, from the scale and offset that uploaded files state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from landbridge.mappings import band
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.pgstac import writes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

_TOLERANCE = 1e-6


def physical_range(data_range: Sequence[float], scale: Sequence[float]) -> tuple[float, float]:
    """Return the physical range of a data range by a scale and an offset."""
    factor, offset = scale
    low, high = (float(value) * factor + offset for value in data_range)
    return low, high


def compare(
    bands: Sequence[Mapping[str, Any]], scales: Mapping[str, Sequence[float]]
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Return the physical ranges that only the files state, and notes on ranges that differ."""
    missing, notes = {}, []
    for known in bands:
        name = str(known["name"])
        if name not in scales or known.get("type") in ("mask", "class"):
            continue
        statement = (
            f"The file of band {name!r} states scale {scales[name][0]:g} and offset {scales[name][1]:g}"
        )
        if known.get("data_range") is None:
            notes.append(
                f"{statement}, but the band has no data_range to apply them to. Its physical_range is not "
                f"set."
            )
            continue
        physical = physical_range(known["data_range"], scales[name])
        own = known.get("physical_range")
        if own is None:
            missing[name] = physical
        elif not _is_close(own, physical):
            notes.append(
                f"{statement}, by which its data_range means {_format(physical)}, but its physical_range is "
                f"{_format(own)}, which is used. Correct the band or the file."
            )
    return missing, notes


async def fill(
    pool: asyncpg.Pool,
    product_id: str,
    bands: Sequence[Mapping[str, Any]],
    scales: Mapping[str, Sequence[float]],
) -> tuple[list[str], list[str]]:
    """Set the physical ranges that a product's bands lack and files state.

    Returns
    -------
    tuple of two lists of str
        Texts for the user: ranges that were set, and ranges that differ from the files.
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
        f"The physical_range of band {name!r} is set to {_format(found)}, by scale and offset of its file."
        for name, found in filled.items()
    ]
    return done, notes


def _is_close(first: Sequence[float], second: Sequence[float]) -> bool:
    return all(
        math.isclose(
            one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE * max(map(abs, (*first, *second, 1e-9)))
        )
        for one, other in zip(first, second, strict=True)
    )


def _format(values: Sequence[float]) -> str:
    return f"({values[0]:g}, {values[1]:g})"
