"""Malicious and broken files, generated: {name: path}."""

from __future__ import annotations

import io
import itertools
import math
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.transform import Affine, from_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# TIFF 6.0, section 2; BigTIFF adds 16 (8-byte integers).
_SHORT, _LONG, _DOUBLE, _LONG8 = 3, 4, 12, 16
_CODES = {_SHORT: "H", _LONG: "I", _DOUBLE: "d", _LONG8: "Q"}

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, ROWS, STRIP_BYTES = (
    256, 257, 258, 259, 262, 273, 277, 278, 279,
)  # fmt: skip
PLANAR, TILE_WIDTH, TILE_LENGTH, TILES, TILE_BYTES, SUB_IFDS, FORMAT = 284, 322, 323, 324, 325, 330, 339
PIXEL_SCALE, TIE_POINT, GEO_KEYS = 33550, 33922, 34735
_UTM_21N = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32621)


def corpus(folder: Path) -> dict[str, Path]:
    """Write all files into a folder."""
    found = {}
    for name, content in itertools.chain(
        _truncated(folder), _of_another_kind(), _lying(), _cyclic(), _misplaced(folder), _misfits(folder)
    ):
        path = folder / name
        path.write_bytes(content)
        found[name] = path
    return found


def tiff(
    tags: dict[int, tuple[int, Sequence[float]]],
    data: bytes = b"",
    *,
    big: bool = False,
    next_ifd: Callable[[int], int] = lambda _: 0,
) -> bytes:
    """Return a little-endian TIFF of one directory; a tag's value of -1 stands for the offset of `data`."""
    head, entry, offset = (16, 20, "Q") if big else (8, 12, "I")
    counting = 8 if big else 2
    size = head + counting + entry * len(tags) + (8 if big else 4)
    room = 8 if big else 4
    extra, entries = b"", b""
    sizes = [struct.calcsize(f"<{len(numbers)}{_CODES[kind]}") for kind, numbers in tags.values()]
    data_at = size + sum(length for length in sizes if length > room)
    for tag, (kind, given) in sorted(tags.items()):
        numbers = [data_at if number == -1 else number for number in given]
        raw = struct.pack(f"<{len(numbers)}{_CODES[kind]}", *numbers)
        if len(raw) > room:
            place, extra = struct.pack(f"<{offset}", size + len(extra)), extra + raw
        else:
            place = raw.ljust(room, b"\0")
        entries += struct.pack(f"<HH{offset}", tag, kind, len(numbers)) + place
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    count = struct.pack("<Q" if big else "<H", len(tags))
    return header + count + entries + struct.pack(f"<{offset}", next_ifd(head)) + extra + data


def image(width: int, length: int, **more: Any) -> dict[int, tuple[int, Sequence[float]]]:
    """Return the tags of a georeferenced image of two uint16 bands, and `more` tags by their names here."""
    tags: dict[int, tuple[int, Sequence[float]]] = {
        WIDTH: (_LONG, [width]),
        LENGTH: (_LONG, [length]),
        BITS: (_SHORT, [16, 16]),
        COMPRESSION: (_SHORT, [1]),
        PHOTOMETRIC: (_SHORT, [1]),
        SAMPLES: (_SHORT, [2]),
        PLANAR: (_SHORT, [1]),
        FORMAT: (_SHORT, [1, 1]),
        PIXEL_SCALE: (_DOUBLE, [30, 30, 0]),
        TIE_POINT: (_DOUBLE, [0, 0, 0, 600000, 4200000, 0]),
        GEO_KEYS: (_SHORT, _UTM_21N),
    }
    tags.update({globals()[name]: value for name, value in more.items()})
    return {tag: value for tag, value in tags.items() if value is not None}


def _strips(length: int, rows: int, offset: int = -1, size: int = 0) -> dict[str, Any]:
    count = math.ceil(length / rows)
    return {
        "ROWS": (_LONG, [rows]),
        "STRIPS": (_LONG, [offset] * count),
        "STRIP_BYTES": (_LONG, [size] * count),
    }


def bomb(side: int, tile: int = 512) -> bytes:
    """Return a square image whose tiles share the same few hundred compressed bytes."""
    packed = zlib.compress(bytes(tile * tile * 4), 9)
    count = math.ceil(side / tile) ** 2
    tags = image(
        side, side,
        COMPRESSION=(_SHORT, [8]), TILE_WIDTH=(_LONG, [tile]), TILE_LENGTH=(_LONG, [tile]),
        TILES=(_LONG, [-1] * count), TILE_BYTES=(_LONG, [len(packed)] * count),
    )  # fmt: skip
    return tiff(tags, packed)


def strip_bomb(megabytes: int) -> bytes:
    """Return an image in one strip of some megabytes, compressed as much as possible by deflate."""
    width, rows = 2**18 // 4, 4 * megabytes
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    tags = image(
        width, rows,
        COMPRESSION=(_SHORT, [8]), ROWS=(_LONG, [rows]),
        STRIPS=(_LONG, [-1]), STRIP_BYTES=(_LONG, [len(packed)]),
    )  # fmt: skip
    return tiff(tags, packed)


def _raster(folder: Path, array: np.ndarray | None = None, **profile: Any) -> bytes:
    if array is None:
        array = np.random.default_rng(1).integers(1, 60000, (2, 200, 300)).astype("uint16")
    options = {
        "driver": "GTiff",
        "crs": "EPSG:32621",
        "transform": from_origin(600000, 4200000, 30, 30),
        **profile,
    }
    path = folder / "made.bin"
    with rasterio.open(
        path, "w", count=len(array), height=array.shape[1], width=array.shape[2], dtype=array.dtype, **options
    ) as file:
        file.write(array)
    content = path.read_bytes()
    path.unlink()
    return content


def _truncated(folder: Path) -> Iterator[tuple[str, bytes]]:
    byte = np.random.default_rng(1).integers(0, 255, (3, 200, 300)).astype("uint8")
    kinds = {
        "strips.tif": _raster(folder),
        "tiles.tif": _raster(
            folder, tiled=True, blockxsize=64, blockysize=64, compress="deflate", interleave="pixel"
        ),
        "photo.jpg": _raster(folder, byte, driver="JPEG"),
        "picture.png": _raster(folder, driver="PNG"),
        "wavelets.jp2": _raster(folder, driver="JP2OpenJPEG", CODEC="JP2", REVERSIBLE="YES", QUALITY="100"),
    }
    for name, whole in kinds.items():
        for tenth in range(10):
            yield f"{tenth}0-percent-{name}", whole[: len(whole) * tenth // 10]
    tiles = bytearray(kinds["tiles.tif"])
    middle = len(tiles) // 2
    tiles[middle : middle + 2000] = bytes(byte ^ 0x5A for byte in tiles[middle : middle + 2000])
    yield "spoiled-tiles.tif", bytes(tiles)


def _of_another_kind() -> Iterator[tuple[str, bytes]]:
    yield "text.tif", b"This is no image.\n" * 50
    yield "wrong-magic.tif", b"II\x2b\x2a" + bytes(4000)
    yield "other-endian.tif", b"MM\x00\x2a\x00\x00\x00\x08" + bytes(100)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.tif", bytes(2**22))
    yield "archive.zip", packed.getvalue()
    source = (
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        "<SourceFilename>{}</SourceFilename></SimpleSource></VRTRasterBand>"
    )
    vrt = '<VRTDataset rasterXSize="9" rasterYSize="9">{}</VRTDataset>'
    yield "passwd.vrt", vrt.format(source.format("/etc/passwd")).encode()
    yield "network.vrt", vrt.format(source.format("/vsicurl/http://127.0.0.1:9/x.tif")).encode()
    yield (
        "tiles.gti",
        b"<GDALTileIndexDataset><IndexDataset>/etc/passwd</IndexDataset></GDALTileIndexDataset>",
    )
    yield (
        "service.xml",
        b"<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:9/</ServerUrl></Service></GDAL_WMS>",
    )
    yield "raw.hdr", b"ENVI\nsamples=9\nlines=9\nbands=1\ndata type=2\n"
    yield "science.h5", b"\x89HDF\r\n\x1a\n" + bytes(2000)
    yield "grid.nc", b"CDF\x01" + bytes(2000)


def _lying() -> Iterator[tuple[str, bytes]]:
    yield "2-to-the-60-pixels.tif", tiff(image(2**30, 2**30, **_strips(1, 1, size=8)), bytes(8))
    yield "2-to-the-60-pixels-big.tif", tiff(image(2**30, 2**30, **_strips(1, 1, size=8)), bytes(8), big=True)
    yield "most-pixels.tif", tiff(image(2**31 - 1, 2**31 - 1, **_strips(1, 1, size=8)), bytes(8))
    yield "no-pixels.tif", tiff(image(0, 0, **_strips(1, 1, size=8)), bytes(8))
    yield "a-line-of-4-gigapixels.tif", tiff(image(2**32 - 1, 1, **_strips(1, 1, size=8)), bytes(8))
    yield (
        "a-strip-of-20-gigabytes.tif",
        tiff(image(70000, 70000, **_strips(70000, 70000, size=64)), bytes(64)),
    )
    tile = {"TILES": (_LONG, [-1]), "TILE_BYTES": (_LONG, [64])}
    yield (
        "a-tile-of-a-gigapixel.tif",
        tiff(
            image(
                300,
                300,
                TILE_WIDTH=(_LONG, [32768]),
                TILE_LENGTH=(_LONG, [32768]),
                COMPRESSION=(_SHORT, [8]),
                **tile,
            ),
            zlib.compress(bytes(9999)),
        ),
    )
    yield (
        "bands-65535.tif",
        tiff(
            image(
                2000,
                2000,
                SAMPLES=(_SHORT, [65535]),
                BITS=(_SHORT, [16]),
                FORMAT=(_SHORT, [1]),
                **_strips(2000, 2000, size=64),
            ),
            bytes(64),
        ),
    )
    yield "strips-beyond-the-end.tif", tiff(image(64, 64, **_strips(64, 16, offset=2**31, size=4096)))
    yield "endless-strips.tif", tiff(image(64, 64, **_strips(64, 16, size=2**32 - 1)), bytes(4096))
    yield "no-strips.tif", tiff(image(64, 64))
    yield (
        "odd-bits.tif",
        tiff(image(64, 64, BITS=(_SHORT, [65535, 65535]), **_strips(64, 64, size=16384)), bytes(16384)),
    )
    yield (
        "unknown-compression.tif",
        tiff(image(64, 64, COMPRESSION=(_SHORT, [60000]), **_strips(64, 64, size=64)), bytes(64)),
    )
    yield (
        "no-deflate-stream.tif",
        tiff(image(64, 64, COMPRESSION=(_SHORT, [8]), **_strips(64, 64, size=64)), b"\xff" * 64),
    )
    yield (
        "no-jpeg-stream.tif",
        tiff(image(64, 64, COMPRESSION=(_SHORT, [7]), **_strips(64, 64, size=64)), b"\xff" * 64),
    )
    yield "a-strip-of-600-megabytes.tif", strip_bomb(600)
    yield "bomb-of-40-gigabytes.tif", bomb(100_352)
    yield "bomb-of-1-gigabyte.tif", bomb(16_384)
    chunk = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(chunk)) + b"IHDR" + chunk
    yield "huge.png", head + struct.pack(">I", zlib.crc32(b"IHDR" + chunk)) + bytes(64)
    yield (
        "huge.jpg",
        b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" + bytes(64),
    )
    siz = struct.pack(">HIIIIIIIIH", 0, 2**31, 2**31, 0, 0, 2**31, 2**31, 0, 0, 2) + b"\x0f\x01\x01" * 2
    yield "huge.jp2", b"\xff\x4f\xff\x51" + struct.pack(">H", len(siz) + 2) + siz + bytes(64)


def _cyclic() -> Iterator[tuple[str, bytes]]:
    """Return directories that refer to themselves, without data."""
    lost = _strips(64, 16, offset=2**30, size=4096)
    yield "cyclic.tif", tiff(image(64, 64, **lost), next_ifd=lambda here: here)
    yield "cyclic-big.tif", tiff(image(64, 64, **lost), big=True, next_ifd=lambda here: here)
    yield "own-child.tif", tiff(image(64, 64, SUB_IFDS=(_LONG, [8]), **lost))
    yield "directory-nowhere.tif", struct.pack("<2sHI", b"II", 42, 2**32 - 2) + bytes(100)
    yield "directory-of-65535.tif", struct.pack("<2sHIH", b"II", 42, 8, 65535) + bytes(3000)


def _misplaced(folder: Path) -> Iterator[tuple[str, bytes]]:
    data = bytes(64 * 64 * 4)
    whole = _strips(64, 64, size=len(data))
    for name, scale in (("nan", math.nan), ("infinite", math.inf), ("zero", 0.0), ("endless", 1e300)):
        yield (
            f"{name}-pixels.tif",
            tiff(image(64, 64, PIXEL_SCALE=(_DOUBLE, [scale, scale, 0]), **whole), data),
        )
    tie = (_DOUBLE, [0, 0, 0, math.nan, math.nan, 0])
    yield "nan-corner.tif", tiff(image(64, 64, TIE_POINT=tie, **whole), data)
    yield "nowhere.tif", _raster(folder, crs="EPSG:4326", transform=from_origin(600000, 4200000, 30, 30))
    yield "flat.tif", _raster(folder, transform=Affine(30, 0, 600000, 0, 0, 4200000))
    yield "no-reference-system.tif", _raster(folder, crs=None)
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 1)
    yield "no-such-reference-system.tif", tiff(image(64, 64, GEO_KEYS=(_SHORT, keys), **whole), data)


def _misfits(folder: Path) -> Iterator[tuple[str, bytes]]:
    shape = (2, 64, 64)
    yield "floats.tif", _raster(folder, np.ones(shape, "float32"))
    yield "complex.tif", _raster(folder, np.ones(shape, "complex64"))
    yield "one-band.tif", _raster(folder, np.ones((1, 64, 64), "uint16"))
    yield "nothing-but-nodata.tif", _raster(folder, np.zeros(shape, "uint16"), nodata=0)
