"""Files of the Raster service, written by GDAL."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from landbridge.porting.raster.values import ALPHA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.porting.raster.pixels import Layer

__all__ = ["encode", "file_name", "save"]


class _Format(NamedTuple):
    """File format: extension, numbers of bands and data types that it can have, and options of its driver."""

    extension: str
    counts: tuple[int, ...] | None = None
    dtypes: tuple[str, ...] | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed


_FORMATS: Final = {
    "GTiff": _Format("tif", options={"compress": "lzw", "tiled": True, "blockxsize": 512, "blockysize": 512}),
    "PNG": _Format("png", (1, 2, 3, 4), ("uint8", "uint16")),
    "JPEG": _Format("jpg", (1, 3), ("uint8",)),
}


def _format(name: str) -> _Format:
    found = _FORMATS.get(name)
    if found is None:
        raise ValueError(f"`output_format` is one of {', '.join(_FORMATS)}; got {name!r}.")
    return found


def file_name(ids: Sequence[str], names: Sequence[str], output_format: str, basename: str | None) -> str:
    """Return the name of a file: `{basename}.tif`, or `{id}-{band}-{band}.tif`.

    The second one is the name that `Image.download` gives the file, and `ImageCollection.download_mosaic`
    that of several images.

    Examples
    --------
    >>> from landbridge.porting.raster.files import file_name
    >>> file_name(["local:fields:one"], ["red", "nir"], "PNG", None)
    'local:fields:one-red-nir.png'
    >>> file_name(["local:fields:one", "local:fields:two"], ["red"], "GTiff", None)
    'mosaic-red.tif'
    """
    extension = _format(output_format).extension
    if basename is None:
        basename = f"{ids[0] if len(ids) == 1 else 'mosaic'}-{'-'.join(names)}"
    return f"{basename}.{extension}"


def encode(layer: Layer, output_format: str) -> bytes:
    """Return the bytes of a file with the pixels and the georeference of a layer.

    Raises
    ------
    ValueError
        If the format cannot hold the number of bands or their type.
    """
    chosen = _format(output_format)
    pixels = np.ma.getdata(layer.pixels)
    count, rows, columns = pixels.shape
    if chosen.counts is not None and count not in chosen.counts:
        raise ValueError(
            f"{output_format} files have {' or '.join(map(str, chosen.counts))} bands; got {count}."
        )
    if chosen.dtypes is not None and pixels.dtype.name not in chosen.dtypes:
        raise ValueError(
            f"{output_format} files hold {' or '.join(chosen.dtypes)}; the pixels are {pixels.dtype}. "
            "Set `scales` and data_type='Byte'."
        )
    if output_format == "PNG" and count > 1 and layer.names[-1] == ALPHA:
        # An alpha of 1 would be nearly transparent.
        pixels = pixels.copy()
        pixels[-1] = np.where(pixels[-1] > 0, np.iinfo(pixels.dtype).max, 0)
    nodata = {band.get("noDataValue") for band in layer.info["bands"]}
    with warnings.catch_warnings(), MemoryFile() as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver=output_format,
            count=count,
            height=rows,
            width=columns,
            dtype=pixels.dtype.name,
            crs=rasterio.crs.CRS.from_wkt(layer.info["coordinateSystem"]["wkt"]),
            transform=Affine.from_gdal(*layer.info["geoTransform"]),
            nodata=nodata.pop() if len(nodata) == 1 and output_format == "GTiff" else None,
            **chosen.options,
        ) as target:
            target.write(pixels)
            if output_format == "GTiff":
                target.descriptions = layer.names
                target.colorinterp = [_color(name, count) for name in layer.names]
        return bytes(memory.read())


def _color(name: str, count: int) -> ColorInterp:
    if count == 1:
        return ColorInterp.gray
    return ColorInterp[name] if name in {"red", "green", "blue", ALPHA} else ColorInterp.undefined


def save(content: bytes, name: str) -> None:
    """Write a file, and make its folder if that is missing."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
