"""Headers of remote TIFFs as bytes: compact, checked, and without their addresses."""

import json
import zlib
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs, parse_crs
from landbridge.raster.dtypes import NUMPY_TYPES
from landbridge.raster.io.connection import Version
from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.headers import Header
from landbridge.raster.io.overviews import OverviewOrigin
from landbridge.raster.io.tiff_directory import Tiff, TiffPage

__all__ = ["MAX_BYTES", "decode", "encode", "is_encodable", "version_of", "without_file"]

# The number after the name is the version of the form: others are not read.
_MAGIC = b"LBHEADER2\n"
_DIGEST_BYTES = 16
MAX_BYTES = 2 * 2**20
"""Largest size of an encoded header."""
_MAX_DECODED = 32 * 2**20
_INT64 = np.dtype("<i8")
_DTYPE_NAMES = frozenset(dtype.name for dtype in NUMPY_TYPES.values()) | {"int8", "uint64", "int64"}


def is_encodable(header: Header) -> bool:
    """Return whether a header can be kept: its tiles are read natively, and its version can be checked."""
    return (
        header.tiff is not None
        and version_of(header) is not None
        and parse_crs(str(grid_crs(header.grid))) == header.grid.crs
    )


def version_of(header: Header) -> Version | None:
    """Return the version of the remote file that a header is of; None without a strong ETag."""
    version = getattr(header.tiff.file, "version", None) if header.tiff is not None else None
    return version if isinstance(version, Version) and version.condition else None


def without_file(header: Header) -> Header:
    """Return a header without its address and its file, as `decode` returns it."""
    assert header.tiff is not None
    return replace(header, address="", tiff=replace(header.tiff, file=_NO_FILE))


def encode(key: str, header: Header) -> bytes:
    """Return an encodable header and the version of its file as bytes."""
    version, tiff = version_of(header), header.tiff
    assert version is not None
    assert tiff is not None
    document = {
        "key": key,
        "size": version.size,
        "etag": version.etag,
        "count": header.count,
        "dtypes": header.dtypes,
        "nodata": header.nodata,
        "grid": _encoded_grid(header.grid),
        "overviews": header.overviews,
        "alpha": header.alpha,
        "origins": [[origin.method, origin.excludes] for origin in header.overview_origins],
        "tiff": {
            "nodata": tiff.nodata,
            "has_alpha": tiff.has_alpha,
            "origins": [[origin.method, origin.excludes] for origin in tiff.overview_origins],
            "pages": [_encoded_page(page) for page in tiff.pages],
        },
    }
    # Differences of offsets compress well.
    arrays = [
        part.astype(_INT64).tobytes()
        for page in tiff.pages
        for part in (np.diff(page.offsets, prepend=0), page.counts)
    ]
    text = json.dumps(document, separators=(",", ":")).encode()
    content = zlib.compress(b"\n".join((text, b"".join(arrays))), 1)
    return b"".join((_MAGIC, _digest(content), content))


def decode(key: str, data: bytes) -> tuple[Version, Header] | None:
    """Return the version and the header that were encoded for a key; None if the bytes are anything else.

    The header's address is empty, and its TIFF has no file.
    """
    start = len(_MAGIC) + _DIGEST_BYTES
    content = data[start:]
    if data[: len(_MAGIC)] != _MAGIC or data[len(_MAGIC) : start] != _digest(content):
        return None
    try:
        unpacked = zlib.decompressobj().decompress(content, _MAX_DECODED)
        text, _, arrays = unpacked.partition(b"\n")
        document = json.loads(text)
        return None if document["key"] != key else _decoded(document, arrays)
    except (zlib.error, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        # Another version of Landbridge, or another program, wrote it.
        return None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _encoded_grid(grid: GeoBox) -> dict[str, Any]:
    return {
        "shape": list(grid.shape.yx),
        "transform": list(grid.transform)[:6],
        "crs": str(grid_crs(grid)),
    }


def _encoded_page(page: TiffPage) -> dict[str, Any]:
    return {
        "size": page.size,
        "tile": page.tile,
        "samples": page.samples,
        "planar": page.planar,
        "dtype": page.dtype.name,
        "compression": page.compression,
        "predictor": page.predictor,
        "swapped": page.swapped,
        "tiles": len(page.offsets),
    }


def _decoded(document: dict[str, Any], arrays: bytes) -> tuple[Version, Header]:
    numbers = np.frombuffer(arrays, _INT64).astype(np.int64)
    size, tiff = int(document["size"]), document["tiff"]
    pages, start = [], 0
    for page in tiff["pages"]:
        tiles = int(page["tiles"])
        offsets = np.cumsum(numbers[start : start + tiles])
        counts = numbers[start + tiles : start + 2 * tiles].copy()
        start += 2 * tiles
        pages.append(_decoded_page(page, offsets, counts, size))
    if start != len(numbers) or not pages or not isinstance(document["etag"], str):
        raise ValueError("the header is incomplete")
    form = document["grid"]
    grid = GeoBox(tuple(form["shape"]), Affine(*form["transform"]), parse_crs(form["crs"]))
    return Version(size, document["etag"], None), Header(
        address="",
        count=int(document["count"]),
        dtypes=tuple(document["dtypes"]),
        nodata=tuple(document["nodata"]),
        grid=grid,
        overviews=tuple(document["overviews"]),
        mask=False,
        alpha=int(document["alpha"]),
        tiff=Tiff(
            file=_NO_FILE,
            pages=tuple(pages),
            nodata=tiff["nodata"],
            grid=grid,
            has_alpha=bool(tiff["has_alpha"]),
            overview_origins=_origins(tiff["origins"]),
        ),
        overview_origins=_origins(document["origins"]),
    )


# A file is set when the header is used.
_NO_FILE: File = None  # type: ignore[assignment]


def _origins(pairs: Any) -> tuple[OverviewOrigin, ...]:
    return tuple(OverviewOrigin(method, excludes) for method, excludes in pairs)


def _decoded_page(page: dict[str, Any], offsets: Any, counts: Any, size: int) -> TiffPage:
    """Return a page. ValueError if its tiles do not lie in the file, or there is another number of them."""
    if page["dtype"] not in _DTYPE_NAMES:
        raise ValueError(page["dtype"])
    decoded = TiffPage(
        size=(int(page["size"][0]), int(page["size"][1])),
        tile=(int(page["tile"][0]), int(page["tile"][1])),
        samples=int(page["samples"]),
        planar=bool(page["planar"]),
        dtype=np.dtype(page["dtype"]),
        compression=int(page["compression"]),
        predictor=int(page["predictor"]),
        offsets=offsets,
        counts=counts,
        swapped=bool(page["swapped"]),
    )
    tiles = decoded.stored_tiles
    inside = (offsets >= 0).all() and (counts >= 0).all() and (offsets + counts <= size).all()
    if len(offsets) != tiles or len(counts) != tiles or not inside:
        raise ValueError("the tiles do not lie in the file")
    return decoded
