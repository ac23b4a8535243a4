"""Sending files and arrays to become images."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from landbridge.catalog.client.http import BINARY
from landbridge.catalog.enums import DocumentState, ImageUploadType
from landbridge.catalog.errors import ImageExistsError
from landbridge.catalog.image_upload import ImageUpload, ImageUploadOptions
from landbridge.catalog.stac.images import IMAGES
from landbridge.catalog.stac.requests import convert
from landbridge.catalog.stac.uploads import upload_path
from landbridge.mappings import image as image_mapping

if TYPE_CHECKING:
    import numpy as np

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.raster.runtime.progress import Progress

__all__ = ["upload", "upload_ndarray"]

_CHUNK = 1 << 20
_MOST_OVERVIEWS = 16
_EXACT = 2**53  # beyond, not all whole numbers are floats


@dataclass(frozen=True, slots=True)
class _Part:
    """One file to send: its name, its bytes from `start` on, and their number."""

    name: str
    file: BinaryIO
    start: int
    size: int

    def chunks(self, report: Callable[[int], Any]) -> Iterator[bytes]:
        """The bytes anew, in pieces of constant size."""
        self.file.seek(self.start)
        left = self.size
        while left and (chunk := self.file.read(min(_CHUNK, left))):
            left -= len(chunk)
            report(len(chunk))
            yield chunk


def upload(
    image: ImageMetadata,
    files: Any,
    options: ImageUploadOptions | None,
    overwrite: bool,
    progress: bool | None,
) -> ImageUpload:
    """See `Image.upload`."""
    _check_identity(image)
    if image.cs_code or image.projection:
        warnings.warn(
            "cs_code and projection are taken from the file where it has them; setting them before an upload "
            "will be refused in future.",
            FutureWarning,
            stacklevel=3,
        )
    _check_uploadable(image, overwrite)
    several = [files] if isinstance(files, (str, io.IOBase)) or hasattr(files, "read") else files
    if isinstance(several, (bytes, Path)) or not isinstance(several, Iterable):
        raise ValueError(f"files must be paths as text, or open binary files; got {files!r}")  # noqa: TRY004
    with ExitStack() as opened:
        parts = [_part(file, place, opened) for place, file in enumerate(several)]
        if not parts:
            raise ValueError("files is empty: give at least one file")
        chosen = ImageUploadOptions(**(options._values if options else {}))
        if chosen.upload_type is None:
            chosen.upload_type = ImageUploadType.FILE
        return _send(image, parts, chosen, overwrite, progress)


def upload_ndarray(
    image: ImageMetadata,
    ndarray: Any,
    options: ImageUploadOptions | None,
    raster_meta: Mapping[str, Any] | None,
    overviews: list[int] | None,
    overview_resampler: str | None,
    overwrite: bool,
    progress: bool | None,
) -> ImageUpload:
    """See `Image.upload_ndarray`."""
    import numpy as np

    _check_identity(image)
    if image.cs_code and image.projection:
        warnings.warn(
            "Both cs_code and projection are set; cs_code is used. Setting both will be refused in future.",
            FutureWarning,
            stacklevel=3,
        )
    _check_uploadable(image, overwrite)
    several = [ndarray] if isinstance(ndarray, np.ndarray) else ndarray
    if not isinstance(several, Iterable):
        raise ValueError(f"an array or several arrays are needed; got {ndarray!r}")  # noqa: TRY004 - as documented
    arrays = [_checked_array(array, image.SUPPORTED_DATATYPES) for array in several]
    if not arrays:
        raise ValueError("there is no array: give at least one")
    geotrans, crs = _georeference(image, raster_meta)
    chosen = ImageUploadOptions(**(options._values if options else {}))
    chosen.upload_type = ImageUploadType.NDARRAY
    if overviews is not None:
        chosen.overviews = overviews
    if overview_resampler is not None:
        chosen.overview_resampler = overview_resampler
    if chosen.overviews is not None and len(chosen.overviews) > _MOST_OVERVIEWS:
        raise ValueError(f"there can be {_MOST_OVERVIEWS} overviews; got {len(chosen.overviews)}")
    with tempfile.TemporaryDirectory(prefix="landbridge-") as folder, ExitStack() as opened:
        parts = []
        for place, array in enumerate(arrays):
            path = Path(folder) / f"{place}.tif"
            _write_geotiff(path, array, geotrans, crs)
            parts.append(_part(str(path), place, opened))
        return _send(image, parts, chosen, overwrite, progress)


# Checks, in the order in which the API makes them
def _check_identity(image: ImageMetadata) -> None:
    image._check_not_deleted()
    if image.id is None:
        raise ValueError("An image needs a product (or product_id) and a name before it is uploaded.")
    if image.acquired is None:
        raise ValueError(f"Image {image.id} needs to have acquired set before it is uploaded.")


def _check_uploadable(image: ImageMetadata, overwrite: bool) -> None:
    if image.state != DocumentState.UNSAVED:
        raise ValueError(
            f"Image {image.id} is {image.state}; make a new Image of the same id to upload its data again."
        )
    client = image._client
    if not overwrite and IMAGES.get(client, image.id) is not None:
        raise ImageExistsError(f"Image {image.id} exists already; give overwrite=True to replace it.")
    product = image.product
    if product is None:
        raise ValueError(f"Image {image.id}: there is no product {image.product_id!r}; save it first.")
    if product.state != DocumentState.SAVED:
        raise ValueError(f"Image {image.id}: product {product.id!r} is {product.state}; save it first.")


def _part(file: Any, place: int, opened: ExitStack) -> _Part:
    if isinstance(file, str):
        stream: Any = opened.enter_context(Path(file).open("rb"))  # noqa: SIM115 - the stack closes it
        name = Path(file).name
    elif isinstance(file, io.TextIOBase) or not (hasattr(file, "read") and hasattr(file, "seek")):
        raise ValueError(f"files must be paths as text, or open binary files; got {file!r}")
    else:
        stream = file
        name = Path(str(getattr(file, "name", ""))).name or f"{place}.tif"
    start = stream.tell()
    size = stream.seek(0, io.SEEK_END) - start
    stream.seek(start)
    return _Part(name, stream, start, size)


def _checked_array(array: Any, supported: tuple[str, ...]) -> np.ndarray[Any, Any]:
    import numpy as np

    if not isinstance(array, np.ndarray):
        raise ValueError(f"an array is needed; got {array!r}")  # noqa: TRY004 - as documented
    if array.ndim not in (2, 3):
        raise ValueError(f"an array has 2 or 3 dimensions (band, y, x); got {array.ndim}")
    if array.dtype.name not in supported:
        raise ValueError(f"an array has one of the types {', '.join(supported)}; got {array.dtype.name}")
    cube = array if array.ndim == 3 else array[np.newaxis]
    bands, rows, columns = cube.shape
    if bands * 5 > min(rows, columns):
        warnings.warn(
            f"The array has the shape {array.shape}: is its first axis the bands, as in (band, y, x)?",
            stacklevel=4,
        )
    return cube


def _georeference(image: ImageMetadata, meta: Mapping[str, Any] | None) -> tuple[tuple[float, ...], str]:
    """The transformation and reference system: the image's own, else those of a raster's description."""
    meta = meta or {}
    geotrans = image.geotrans or meta.get("geoTransform")
    system = meta.get("coordinateSystem") or {}
    crs = image.cs_code or image.projection
    if crs is None:
        # Of a description, the code and the WKT say more than the PROJ string, which drops the datum.
        code = system.get("epsg")
        crs = f"EPSG:{code}" if code else system.get("wkt") or system.get("proj4")
    if geotrans is None or crs is None:
        raise ValueError(
            "an array needs georeferencing: set the image's geotrans and its cs_code or projection, or give "
            "raster_meta as returned with raster_info=True"
        )
    return tuple(geotrans), str(crs)


def _write_geotiff(path: Path, cube: np.ndarray[Any, Any], geotrans: tuple[float, ...], crs: str) -> None:
    """Write bands (band, y, x) as they are; masked pixels are hidden by the file's mask or a nodata value."""
    import numpy as np
    import rasterio

    masked = np.ma.is_masked(cube)
    hidden = np.ma.getmaskarray(cube) if masked else None
    # A file has one mask for all bands.
    nodata = None if hidden is None or (hidden == hidden[0]).all() else _free_value(cube)
    pixels = np.ma.filled(cube, 0 if nodata is None else nodata) if masked else np.asarray(cube)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    # GDAL has no half floats before 3.11, but writes 32 bits as 16.
    half = {"NBITS": 16} if pixels.dtype == np.float16 else {}
    if half:
        pixels = pixels.astype(np.float32)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=cube.shape[0],
            height=cube.shape[1],
            width=cube.shape[2],
            dtype=pixels.dtype,
            crs=crs,
            transform=rasterio.Affine.from_gdal(*geotrans),
            nodata=nodata,
            tiled=True,
            blockxsize=512,
            blockysize=512,
            BIGTIFF="IF_SAFER",
            **half,
        ) as file,
    ):
        file.write(pixels)
        if hidden is not None and nodata is None:
            file.write_mask(~hidden.all(axis=0))


def _free_value(cube: np.ndarray[Any, Any]) -> float:
    """Return a value that no valid pixel of a masked array has.

    Raises:
        ValueError: those that are tried are all taken.
    """
    import numpy as np

    if cube.dtype.kind == "f":
        return float("nan")
    limits = np.iinfo(cube.dtype)
    # Of 64 bits only numbers that a float holds.
    tried = [value for value in (0, limits.max, limits.min) if abs(value) <= _EXACT]
    valid = np.ma.compressed(cube)
    for value in tried:
        if not (valid == value).any():
            return value
    raise ValueError(
        f"the bands of the array are masked at different pixels, and a file has one mask for all: fill "
        f"masked pixels with a value that marks them (valid pixels have {', '.join(map(str, tried))}), and "
        f"give the bands that nodata"
    )


# The protocol
def _send(
    image: ImageMetadata,
    parts: list[_Part],
    options: ImageUploadOptions,
    overwrite: bool,
    progress: bool | None,
) -> ImageUpload:
    from landbridge.raster.runtime.progress import progress_bar

    client = image._client
    options.image_files = [part.name for part in parts]
    options.upload_size = sum(part.size for part in parts)
    attributes = image._to_service(image._set_names())
    record = client.post(
        "/uploads",
        {
            "item": convert(image_mapping.to_stac, {**attributes, "id": image.id}),
            "options": options.serialize(options),
            "files": [{"name": part.name, "size": part.size} for part in parts],
            "overwrite": overwrite,
        },
    )
    with progress_bar(progress, options.upload_size, f"upload {image.name}", "B") as bar:
        for place, part in enumerate(parts):
            _put(client, record, place, part, bar)
    # Submitting an upload that was submitted already changes nothing.
    record = client.post(f"{upload_path(str(record['id']))}/submit", idempotent=True)
    made = ImageUpload._from_record(record, client)
    made._set_value(ImageUpload.image, image)
    made._set_value(ImageUpload.image_upload_options, options)
    return made


def _put(client: CatalogClient, record: Mapping[str, Any], place: int, part: _Part, bar: Progress) -> None:
    """Send one file: to the API by its path, which stays as the API moves, elsewhere by the URL as it is."""
    own = f"{upload_path(str(record['id']))}/files/{place}"
    urls = record.get("resumable_urls") or ()
    target = urls[place] if place < len(urls) and not urlsplit(urls[place]).path.endswith(own) else own
    sent = 0

    def report(count: int) -> None:
        nonlocal sent
        sent += count
        bar.update(count)

    def content() -> Iterator[bytes]:
        nonlocal sent
        bar.update(-sent)
        sent = 0
        return part.chunks(report)

    client.request(
        "PUT",
        target,
        content=content,
        content_type=BINARY,
        headers={"Content-Length": str(part.size)},
    )
