"""Uploads of files and arrays as images."""

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
from landbridge.catalog.stac.missing_product import missing_product
from landbridge.catalog.stac.requests import convert, writing
from landbridge.catalog.stac.uploads import upload_path
from landbridge.mappings import image as image_mapping

if TYPE_CHECKING:
    import numpy as np

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.catalog.transfer.request_options import RequestOptions
    from landbridge.raster.runtime.progress import Progress

__all__ = ["Part", "announce", "parts_of", "send_parts", "submit", "upload", "upload_ndarray"]

_CHUNK = 1 << 20
_IDENTITY = ("id", "product_id", "name")
_MAX_OVERVIEWS = 16
_LARGEST_EXACT = 2**53  # a float cannot hold all larger integers


@dataclass(frozen=True, slots=True)
class Part:
    """One file to send: its name, and its `size` bytes from `start` on."""

    name: str
    file: BinaryIO
    start: int
    size: int

    def chunks(self, report: Callable[[int], Any]) -> Iterator[bytes]:
        """Yield the bytes in chunks of constant size, each time from the start."""
        self.file.seek(self.start)
        remaining = self.size
        while remaining and (chunk := self.file.read(min(_CHUNK, remaining))):
            remaining -= len(chunk)
            report(len(chunk))
            yield chunk


def upload(
    image: ImageMetadata,
    files: Any,
    options: ImageUploadOptions | None,
    overwrite: bool,
    progress: bool | None,
    request: RequestOptions,
) -> ImageUpload:
    """Send files as the data of an image; see `Image.upload`."""
    _check_identity(image)
    if image.cs_code or image.projection:
        warnings.warn(
            "cs_code and projection are taken from the file if it has them; setting them before an upload "
            "will be refused in future.",
            FutureWarning,
            stacklevel=3,
        )
    _check_uploadable(image, overwrite)
    all_files = [files] if isinstance(files, (str, io.IOBase)) or hasattr(files, "read") else files
    if isinstance(all_files, (bytes, Path)) or not isinstance(all_files, Iterable):
        raise ValueError(f"`files` must be paths as text, or open binary files; got {files!r}.")  # noqa: TRY004
    with ExitStack() as opened:
        parts = [_part(file, index, opened) for index, file in enumerate(all_files)]
        if not parts:
            raise ValueError("`files` is empty: give at least one file.")
        sent_options = ImageUploadOptions(**(options._values if options else {}))
        if sent_options.upload_type is None:
            sent_options.upload_type = ImageUploadType.FILE
        return _send(image, parts, sent_options, overwrite, progress, request)


def upload_ndarray(
    image: ImageMetadata,
    ndarray: Any,
    options: ImageUploadOptions | None,
    raster_meta: Mapping[str, Any] | None,
    overviews: list[int] | None,
    overview_resampler: str | None,
    overwrite: bool,
    progress: bool | None,
    request: RequestOptions,
) -> ImageUpload:
    """Send arrays as the data of an image; see `Image.upload_ndarray`."""
    import numpy as np

    _check_identity(image)
    if image.cs_code and image.projection:
        warnings.warn(
            "Both cs_code and projection are set; cs_code is used. Setting both will be refused in future.",
            FutureWarning,
            stacklevel=3,
        )
    _check_uploadable(image, overwrite)
    all_arrays = [ndarray] if isinstance(ndarray, np.ndarray) else ndarray
    if not isinstance(all_arrays, Iterable):
        raise ValueError(f"`ndarray` must be an array or several arrays; got {ndarray!r}.")  # noqa: TRY004 - as documented
    arrays = [_checked_array(array, image.SUPPORTED_DATATYPES) for array in all_arrays]
    if not arrays:
        raise ValueError("`ndarray` is empty: give at least one array.")
    geotrans, crs = _georeference(image, raster_meta)
    sent_options = ImageUploadOptions(**(options._values if options else {}))
    sent_options.upload_type = ImageUploadType.NDARRAY
    if overviews is not None:
        sent_options.overviews = overviews
    if overview_resampler is not None:
        sent_options.overview_resampler = overview_resampler
    if sent_options.overviews is not None and len(sent_options.overviews) > _MAX_OVERVIEWS:
        raise ValueError(
            f"There can be at most {_MAX_OVERVIEWS} overviews; got {len(sent_options.overviews)}."
        )
    with tempfile.TemporaryDirectory(prefix="landbridge-") as folder, ExitStack() as opened:
        parts = []
        for index, array in enumerate(arrays):
            path = Path(folder) / f"{index}.tif"
            _write_geotiff(path, array, geotrans, crs)
            parts.append(_part(str(path), index, opened))
        return _send(image, parts, sent_options, overwrite, progress, request)


# Checks, in the order of the reference API
def _check_identity(image: ImageMetadata) -> None:
    image._check_not_deleted()
    if image.id is None:
        raise ValueError("Set `product` (or `product_id`) and `name` before uploading an image.")
    if image.acquired is None:
        raise ValueError(f"Set `acquired` before uploading image {image.id}.")


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
        raise ValueError(
            f"Image {image.id}: {missing_product(client, image.product_id)} Save the product first."
        )
    if product.state != DocumentState.SAVED:
        raise ValueError(f"Image {image.id}: product {product.id!r} is {product.state}; save it first.")


def _part(file: Any, index: int, opened: ExitStack) -> Part:
    """Return a path or an open file as a part of an upload; files that are opened here go onto the stack."""
    if isinstance(file, str):
        stream: Any = opened.enter_context(Path(file).open("rb"))  # noqa: SIM115 - the stack closes it
        name = Path(file).name
    elif isinstance(file, io.TextIOBase) or not (hasattr(file, "read") and hasattr(file, "seek")):
        raise ValueError(f"`files` must be paths as text, or open binary files; got {file!r}.")
    else:
        stream = file
        name = Path(str(getattr(file, "name", ""))).name or f"{index}.tif"
    start = stream.tell()
    size = stream.seek(0, io.SEEK_END) - start
    stream.seek(start)
    return Part(name, stream, start, size)


def _checked_array(array: Any, supported: tuple[str, ...]) -> np.ndarray[Any, Any]:
    import numpy as np

    if not isinstance(array, np.ndarray):
        raise ValueError(f"`ndarray` must be an array; got {array!r}.")  # noqa: TRY004 - as documented
    if array.ndim not in (2, 3):
        raise ValueError(f"An array must have 2 or 3 dimensions (band, y, x); got {array.ndim}.")
    if array.dtype.name not in supported:
        raise ValueError(
            f"An array must have one of the types {', '.join(supported)}; got {array.dtype.name}."
        )
    cube = array if array.ndim == 3 else array[np.newaxis]
    bands, rows, columns = cube.shape
    if bands * 5 > min(rows, columns):
        warnings.warn(
            f"The array has the shape {array.shape}: is its first axis the bands, as in (band, y, x)?",
            stacklevel=4,
        )
    return cube


def _georeference(image: ImageMetadata, meta: Mapping[str, Any] | None) -> tuple[tuple[float, ...], str]:
    """Return the geotransform and the coordinate reference system of the image, or else of `raster_meta`."""
    meta = meta or {}
    geotrans = image.geotrans or meta.get("geoTransform")
    system = meta.get("coordinateSystem") or {}
    crs = image.cs_code or image.projection
    if crs is None:
        # The EPSG code and the WKT include the datum, which the PROJ string drops.
        code = system.get("epsg")
        crs = f"EPSG:{code}" if code else system.get("wkt") or system.get("proj4")
    if geotrans is None or crs is None:
        raise ValueError(
            "An array needs georeferencing: set the image's geotrans and its cs_code or projection, or give "
            "raster_meta as returned with raster_info=True."
        )
    return tuple(geotrans), str(crs)


def _write_geotiff(path: Path, cube: np.ndarray[Any, Any], geotrans: tuple[float, ...], crs: str) -> None:
    """Write bands (band, y, x) to a GeoTIFF; masked pixels become the file's mask or a nodata value."""
    import numpy as np
    import rasterio

    masked = np.ma.is_masked(cube)
    masked_pixels = np.ma.getmaskarray(cube) if masked else None
    # A file has one mask for all bands; bands with different masks need a nodata value.
    same_masks = masked_pixels is None or bool((masked_pixels == masked_pixels[0]).all())
    nodata = None if same_masks else _unused_value(cube)
    pixels = np.ma.filled(cube, 0 if nodata is None else nodata) if masked else np.asarray(cube)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    # GDAL before 3.11 has no 16 bit floats, but can write 32 bit floats with 16 bits.
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
        if masked_pixels is not None and nodata is None:
            file.write_mask(~masked_pixels.all(axis=0))


def _unused_value(cube: np.ndarray[Any, Any]) -> float:
    """Return a value that no valid pixel of a masked array has; ValueError if all candidates are used."""
    import numpy as np

    if cube.dtype.kind == "f":
        return float("nan")
    limits = np.iinfo(cube.dtype)
    candidates = [value for value in (0, limits.max, limits.min) if abs(value) <= _LARGEST_EXACT]
    valid = np.ma.compressed(cube)
    for value in candidates:
        if not (valid == value).any():
            return value
    raise ValueError(
        "The bands of the array are masked at different pixels, and a file has one mask for all bands. Fill "
        "masked pixels with a value that no valid pixel has (valid pixels have "
        f"{', '.join(map(str, candidates))}), and set it as the nodata of the bands."
    )


# Requests
def _send(
    image: ImageMetadata,
    parts: list[Part],
    options: ImageUploadOptions,
    overwrite: bool,
    progress: bool | None,
    request: RequestOptions,
) -> ImageUpload:
    client = image._client
    record = _announce(image, parts, options, overwrite, request)
    send_parts(client, record, parts, f"upload {image.name}", progress)
    upload = submit(client, record)
    upload._set_value(ImageUpload.image, image)
    upload._set_value(ImageUpload.image_upload_options, options)
    return upload


def parts_of(paths: Iterable[str], opened: ExitStack) -> list[Part]:
    """Open files as parts of an upload; they are closed with the stack."""
    return [_part(path, index, opened) for index, path in enumerate(paths)]


def announce(image: ImageMetadata, parts: list[Part], *, overwrite: bool) -> Mapping[str, Any]:
    """Make the record of an upload, whose files are sent next, and return it."""
    from landbridge.catalog.transfer.request_options import RequestOptions

    options = ImageUploadOptions(upload_type=ImageUploadType.FILE)
    return _announce(image, parts, options, overwrite, RequestOptions())


def _announce(
    image: ImageMetadata,
    parts: list[Part],
    options: ImageUploadOptions,
    overwrite: bool,
    request: RequestOptions,
) -> Mapping[str, Any]:
    client = image._client
    options.image_files = [part.name for part in parts]
    options.upload_size = sum(part.size for part in parts)
    attributes = request.merge({**image._to_service(image._set_names()), "id": image.id}, _IDENTITY)
    announcement = {
        "item": convert(image_mapping.to_stac, attributes),
        "options": options.serialize(options),
        "files": [{"name": part.name, "size": part.size} for part in parts],
        "overwrite": overwrite,
    }
    with writing(client, 404):
        record: Mapping[str, Any] = client.post("/uploads", announcement, headers=request.headers)
    return record


def send_parts(
    client: CatalogClient,
    record: Mapping[str, Any],
    parts: list[Part],
    title: str = "",
    progress: bool | None = False,
) -> None:
    """Send the files of an upload that was announced; those that were sent before are sent again."""
    from landbridge.raster.runtime.progress import progress_bar

    with progress_bar(progress, sum(part.size for part in parts), title, "B") as bar:
        for index, part in enumerate(parts):
            _put(client, record, index, part, bar)


def submit(client: CatalogClient, record: Mapping[str, Any]) -> ImageUpload:
    """Tell the service that all files of an upload were sent, and return the upload."""
    # Idempotent: submitting an upload twice has the effect of submitting it once.
    submitted = client.post(f"{upload_path(str(record['id']))}/submit", idempotent=True)
    return ImageUpload._from_record(submitted, client)


def _put(client: CatalogClient, record: Mapping[str, Any], index: int, part: Part, bar: Progress) -> None:
    """Send one file: to the API by its path, which stays valid if its address changes, or to another URL."""
    api_path = f"{upload_path(str(record['id']))}/files/{index}"
    urls = record.get("resumable_urls") or ()
    target = (
        urls[index] if index < len(urls) and not urlsplit(urls[index]).path.endswith(api_path) else api_path
    )
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
