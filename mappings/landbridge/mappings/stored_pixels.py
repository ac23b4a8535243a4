"""Scale, offset, nodata and data type that an Item's own assets state for their bands.

STAC 1.1 states them in ``bands`` and in the asset, STAC 1.0 in ``raster:bands``. Uploaded files (with a
``catalog:file_index``) are left out: their product describes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from landbridge.mappings.assets import FILE_INDEX
from landbridge.mappings.codecs import CODECS

__all__ = ["StoredPixels", "band_lists", "of_asset", "pack", "scaling_of", "unpack"]

_SCALE, _OFFSET, _NODATA, _TYPE = "raster:scale", "raster:offset", "nodata", "data_type"
_decode_nodata, _decode_type = CODECS["nodata"].decode, CODECS["data_type"].decode


class StoredPixels(NamedTuple):
    """Statements of an asset about the pixels of one band; None: not stated."""

    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    data_type: str | None = None


_NOTHING = StoredPixels()
_UNSTATED = (None, None, None, None)


def scaling_of(stored: StoredPixels | None) -> tuple[float, float] | None:
    """Return the stated scale and offset; None if neither is stated."""
    if stored is None or (stored.scale is None and stored.offset is None):
        return None
    return 1.0 if stored.scale is None else stored.scale, stored.offset or 0.0


def band_lists(asset: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return an asset's ``bands`` and ``raster:bands``; an empty list if one is missing or malformed."""
    lists = (asset.get("bands"), asset.get("raster:bands"))
    new, old = (bands if isinstance(bands, list) else [] for bands in lists)
    return new, old


def of_asset(asset: Mapping[str, Any]) -> tuple[StoredPixels, ...]:
    """Return the statements of an asset by band; empty if it states nothing.

    An asset without a list of bands makes one statement, for all its bands.
    """
    get = asset.get
    new, old = band_lists(asset)
    whole = (get(_SCALE), get(_OFFSET), get(_NODATA), get(_TYPE))
    if not new and not old:
        return _statements(whole, (), ()) if any(value is not None for value in whole) else ()
    return _statements(
        whole,
        tuple([(get(_SCALE), get(_OFFSET), get(_NODATA), get(_TYPE)) for get in _getters(new)]),
        tuple([(get("scale"), get("offset"), get(_NODATA), get(_TYPE)) for get in _getters(old)]),
    )


def _getters(parts: list[Any]) -> list[Callable[[str], Any]]:
    return [part.get if isinstance(part, Mapping) else _nothing for part in parts]


def _nothing(_name: str) -> None:
    return None


_Values = tuple[Any, Any, Any, Any]


def _statements(
    whole: _Values, new: tuple[_Values, ...], old: tuple[_Values, ...]
) -> tuple[StoredPixels, ...]:
    """Return the statements for raw values of an asset and of its bands in the new and the old form."""
    try:
        # A search reads the assets of every Item, and most Items of a product state the same.
        return _decoded(whole, new, old)
    except TypeError:
        # A value is a list or an object, which has no hash.
        return _decoded.__wrapped__(whole, new, old)


@lru_cache(maxsize=4096)
def _decoded(whole: _Values, new: tuple[_Values, ...], old: tuple[_Values, ...]) -> tuple[StoredPixels, ...]:
    count = max(len(new), len(old), 1)
    forms = [(*part, *[_UNSTATED] * (count - len(part))) for part in (new, old)]
    found = []
    for values in zip(*forms, [whole] * count, strict=True):
        scale, offset, nodata, data_type = (
            next((value for value in stated if value is not None), None)
            for stated in zip(*values, strict=True)
        )
        found.append(StoredPixels(_number(scale), _number(offset), _nodata(nodata), _data_type(data_type)))
    return () if all(one == _NOTHING for one in found) else tuple(found)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _nodata(value: Any) -> float | None:
    decoded = value if _decode_nodata is None else _decode_nodata(value)
    # A float cannot hold all integers of 64 bits.
    return decoded if isinstance(decoded, int) and not isinstance(decoded, bool) else _number(decoded)


def _data_type(value: Any) -> str | None:
    try:
        return None if value is None or _decode_type is None else _decode_type(value)
    except (KeyError, TypeError):
        return None


Packed = tuple[tuple[str, tuple[StoredPixels, ...]], ...]


def pack(assets: Any) -> Packed:
    """Return the statements of an Item's assets by key, for `unpack`; empty if there are none.

    Equal statements of two Items are one object, because those of a product's Items are mostly equal.
    """
    if not isinstance(assets, Mapping):
        return ()
    found = [
        (key, stored)
        for key, asset in assets.items()
        if isinstance(asset, Mapping) and FILE_INDEX not in asset and (stored := of_asset(asset))
    ]
    return _shared(tuple(found)) if found else ()


@lru_cache(maxsize=4096)
def _shared(packed: Packed) -> Packed:
    return packed


def unpack(
    packed: Iterable[tuple[str, tuple[StoredPixels, ...]]], key: str, index: int
) -> StoredPixels | None:
    """Return the statements about a band of an asset; None if there are none."""
    stored = next((stored for name, stored in packed if name == key), ())
    if not stored:
        return None
    return stored[0] if len(stored) == 1 else stored[index] if index < len(stored) else None
