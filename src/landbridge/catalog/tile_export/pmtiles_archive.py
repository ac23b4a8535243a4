"""PMTiles archives: all tiles in one file, which clients read by byte ranges (https://docs.protomaps.com/pmtiles/)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from landbridge.catalog.tile_export.tile_folder import TileFolder
    from landbridge.catalog.tile_export.tile_range import Bounds, Tile

__all__ = ["check_installed", "pack"]

_E7: Final = 10_000_000  # positions are whole numbers of 1e-7 degrees


def check_installed() -> None:
    """Raise ImportError, which says what to install, if archives cannot be written."""
    try:
        import pmtiles.writer  # noqa: F401
    except ImportError as error:
        raise ImportError("PMTiles archives need pmtiles: pip install 'landbridge[tiles]'") from error


def pack(
    folder: TileFolder, tiles: Iterable[Tile], path: Path, tilejson: dict[str, Any], bounds: Bounds
) -> int:
    """Write the tiles of a folder that have pixels to an archive, and return its size in bytes.

    The archive is clustered: tiles are in the order of their ids, so that those of a place are read together.
    Equal tiles are stored once. An existing archive is replaced when the new one is whole.

    Raises
    ------
    ValueError
        If no tile has pixels: an archive has at least one.
    """
    from pmtiles.tile import Entry, zxy_to_tileid
    from pmtiles.writer import finalize_header

    entries: list[Entry] = []
    contents: list[Tile] = []
    offsets: dict[bytes, tuple[int, int]] = {}
    total = addressed = 0
    for tile_id, tile in sorted((zxy_to_tileid(*tile), tile) for tile in tiles if folder.size(tile)):
        content = folder.file(tile).read_bytes()
        digest = hashlib.blake2b(content, digest_size=32).digest()
        addressed += 1
        if digest not in offsets:
            offsets[digest] = (total, len(content))
            contents.append(tile)
            total += len(content)
        offset, length = offsets[digest]
        last = entries[-1] if entries else None
        if last is not None and last.offset == offset and tile_id == last.tile_id + last.run_length:
            last.run_length += 1
        else:
            entries.append(Entry(tile_id, offset, length, 1))
    if not entries:
        raise ValueError("No tile has pixels, and a PMTiles archive has at least one.")
    start = finalize_header(  # type: ignore[no-untyped-call]
        _header(folder.extension, tilejson, bounds),
        addressed,
        entries,
        len(contents),
        _metadata(folder, tilejson),
        True,
        total,
    )
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        for piece in start:
            file.write(piece)
        for tile in contents:
            file.write(folder.file(tile).read_bytes())
        size = file.tell()
    part.replace(path)
    return size


def _header(extension: str, tilejson: dict[str, Any], bounds: Bounds) -> dict[str, Any]:
    from pmtiles.tile import Compression, TileType

    kinds = {"png": TileType.PNG, "jpg": TileType.JPEG, "webp": TileType.WEBP}
    west, south, east, north = (round(value * _E7) for value in bounds)
    return {
        "tile_type": kinds[extension],
        "tile_compression": Compression.NONE,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": tilejson["minzoom"],
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _metadata(folder: TileFolder, tilejson: dict[str, Any]) -> dict[str, Any]:
    known = ("name", "description", "attribution", "version")
    return {
        **{name: tilejson[name] for name in known if name in tilejson},
        "type": "overlay",
        "format": folder.extension,
    }
