"""Copies of images in a product of one's own: their pixels and their attributes."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.catalog.band import Band, class_of_type
from landbridge.catalog.enums import ImageUploadStatus, StorageState
from landbridge.catalog.image_copy_values import CopyError, add_to_values, shift_of_values
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.pixels.engine_inputs import bands_of, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from landbridge.raster import Band as EngineBand

# An Image and a Product: their modules import this one.
Image = Any
Product = Any

__all__ = [
    "CopyError",
    "CopyResult",
    "CopyResults",
    "complete_upload",
    "copy_image",
    "copy_images",
    "prepare_bands",
    "write_files",
]

# Copies that run at the same time: each reads with several threads, and waits for its upload.
_WORKERS = 4
# Attributes that follow from the files of the copy, or that the service sets.
_NOT_COPIED = frozenset(
    {
        "id",
        "name",
        "product",
        "product_id",
        "files",
        "storage_state",
        "cs_code",
        "projection",
        "geotrans",
        "x_pixels",
        "y_pixels",
        "preview_url",
        "preview_file",
        "bits_per_pixel",
        "created",
        "modified",
    }
)
_NOT_COPIED_OF_BANDS = frozenset(
    {"id", "name", "product", "product_id", "type", "band_index", "file_index", "sort_order", "data_type"}
)
# Properties of Items that describe the files of the original.
_PIXEL_PROPERTIES = ("proj:", "raster:", "file:", "grid:")


@dataclass(frozen=True, slots=True)
class CopyResult:
    """Result of the copy of one image.

    Attributes
    ----------
    source_id : str
        Id of the original.
    image_id : str
        Id of the copy.
    status : str
        "copied", "skipped" if the copy was complete already, or "failed".
    error : Exception, optional
        Reason of a failure.
    """

    source_id: str
    image_id: str
    status: str
    error: Exception | None = None


class CopyResults(list[CopyResult]):
    """Results of the copies of several images, in the order of the images.

    Examples
    --------
    >>> results = CopyResults([CopyResult("a:x", "b:x", "copied"), CopyResult("a:y", "b:y", "skipped")])
    >>> results
    1 copied, 1 skipped, 0 failed
    >>> [result.image_id for result in results.copied]
    ['b:x']
    """

    @property
    def copied(self) -> list[CopyResult]:
        """Results of the images that were copied."""
        return self._with("copied")

    @property
    def skipped(self) -> list[CopyResult]:
        """Results of the images whose copies were complete already."""
        return self._with("skipped")

    @property
    def failed(self) -> list[CopyResult]:
        """Results of the images that could not be copied, each with its error."""
        return self._with("failed")

    def _with(self, status: str) -> list[CopyResult]:
        return [result for result in self if result.status == status]

    def __repr__(self) -> str:
        return f"{len(self.copied)} copied, {len(self.skipped)} skipped, {len(self.failed)} failed"


@dataclass(frozen=True, slots=True)
class Grid:
    """Area and grid of the copies: arguments of `Image.download`."""

    geocontext: Any = None
    crs: str | None = None
    resolution: float | None = None
    resampler: str = "near"

    @property
    def is_own(self) -> bool:
        """True if each copy has the grid of its original."""
        return self.geocontext is None and self.crs is None and self.resolution is None


def copy_image(
    image: Image, product: Product | str, bands: Any, grid: Grid, *, overwrite: bool
) -> tuple[Image, bool]:
    """Return the copy of an image, and False if it was complete already; see `Image.copy_to`."""
    target = _target_product(product)
    names = prepare_bands(image, target, bands)
    return _copy(image, target, names, grid, overwrite=overwrite)


def copy_images(
    images: Sequence[Image],
    product: Product | str,
    bands: Any,
    grid: Grid,
    *,
    overwrite: bool,
    progress: bool | None,
    max_workers: int | None,
) -> CopyResults:
    """Copy images, several at a time; see `ImageCollection.copy_to`."""
    from landbridge.raster.runtime.progress import progress_bar

    target = _target_product(product)
    names = prepare_bands(images[0], target, bands)

    def copy(image: Image) -> CopyResult:
        copy_id = f"{target.id}:{image.name}"
        try:
            _, is_new = _copy(image, target, names, grid, overwrite=overwrite)
        except Exception as error:  # noqa: BLE001 - an error of one image must not stop the others
            return CopyResult(image.id, copy_id, "failed", error)
        return CopyResult(image.id, copy_id, "copied" if is_new else "skipped")

    results = CopyResults()
    pool = ThreadPoolExecutor(max_workers or _WORKERS, thread_name_prefix="landbridge-copy")
    with progress_bar(progress, len(images), "copy", "images") as bar:
        try:
            for result in pool.map(copy, images):
                results.append(result)
                bar.update()
        finally:
            # After an interruption no further copy begins; repeat the call to complete the rest.
            pool.shutdown(wait=True, cancel_futures=True)
    return results


def _target_product(product: Product | str) -> Product:
    if not isinstance(product, str):
        return product
    found = class_of("product").get(product)
    if found is None:
        raise ValueError(f"Product {product!r} does not exist; save it first.")
    return found


# Bands
def prepare_bands(image: Image, target: Product, bands: Any) -> tuple[str, ...]:
    """Return the names of the bands to copy; a product without bands gets them, as those of the image.

    Raises ValueError if the image or the product lacks one of them.
    """
    known = bands_of(image._client, image.product_id).engine[0]
    own = [record.attributes["name"] for record in bands_of(target._client, target.id)]
    names = tuple(bands.split() if isinstance(bands, str) else bands or own or known)
    if missing := [name for name in names if name not in known]:
        raise ValueError(
            f"Product {image.product_id!r} has no band {missing[0]!r}; its bands are {', '.join(known)}."
        )
    if own:
        if missing := [name for name in names if name not in own]:
            raise ValueError(
                f"Product {target.id!r} has no band {missing[0]!r}; its bands are {', '.join(own)}."
            )
        if missing := [name for name in own if name not in names]:
            raise ValueError(
                f"Product {target.id!r} needs band {missing[0]!r} too: `bands` does not have it."
            )
        return names
    _make_bands(image, target, names)
    return names


def _make_bands(image: Image, target: Product, names: Sequence[str]) -> None:
    """Save copies of an image's bands: those of one data type and nodata value share a file."""
    attributes = {
        record.attributes["name"]: record.attributes for record in bands_of(image._client, image.product_id)
    }
    files: dict[Any, list[str]] = defaultdict(list)
    types: dict[str, str] = {}
    for name in names:
        _, types[name] = image.scaling_parameters([name])
        files[types[name], attributes[name].get("nodata")].append(name)
    places = {
        name: (file, index)
        for file, members in enumerate(files.values())
        for index, name in enumerate(members)
    }
    for order, name in enumerate(names):
        file, index = places[name]
        _copied_band(attributes[name], types[name], target, file, index, order).save()


def _copied_band(
    attributes: Mapping[str, Any], data_type: str, target: Product, file: int, index: int, order: int
) -> Band:
    from landbridge.raster.dtypes import full_range

    band_class = class_of_type(attributes.get("type") or "generic")
    values = {
        name: value
        for name, value in attributes.items()
        if name in band_class.ATTRIBUTES
        and not band_class._attribute_types[name].readonly
        and name not in _NOT_COPIED_OF_BANDS
        and value is not None
    }
    if "default" in (values.get("processing_levels") or {}):
        del values["processing_levels"]  # the copy's pixels have been converted
    if str(attributes.get("type")) != "mask":
        values.setdefault("data_range", full_range(data_type))
        values.setdefault("display_range", values["data_range"])
    return band_class(
        product=target,
        name=attributes["name"],
        data_type=data_type,
        file_index=file,
        band_index=index,
        sort_order=order,
        **values,
    )


# Images
def _copy(
    image: Image, target: Product, names: Sequence[str], grid: Grid, *, overwrite: bool
) -> tuple[Image, bool]:
    """Return the copy of an image, and whether it was made now."""
    image_class = type(image)
    existing = image_class.get(f"{target.id}:{image.name}", client=target._client)
    if _is_complete(existing) and existing is not None and not overwrite:
        return existing, False
    new = image_class(
        client=target._client, product=target, name=image.name, **_copied_attributes(image, grid)
    )
    with tempfile.TemporaryDirectory(prefix="landbridge-copy-") as folder:
        files = _write_files(image, target, names, grid, Path(folder))
        try:
            complete_upload(new.upload(files, overwrite=existing is not None))
        except CopyError as error:
            current = image_class.get(new.id, client=target._client)
            if not overwrite and _is_complete(current) and current is not None:
                return current, False  # an upload of an interrupted call has succeeded meanwhile
            raise CopyError(f"Image {image.id} was not copied: {error}") from None
    return new, True


def complete_upload(upload: Any) -> None:
    """Wait for an upload. Raise CopyError if it fails."""
    upload.wait_for_completion(warn_transient_errors=False)
    if upload.status != ImageUploadStatus.SUCCESS:
        reasons = [event.message for event in upload.events or () if event.severity == "ERROR"]
        raise CopyError(f"upload {upload.id} is {upload.status}" + (f": {reasons[-1]}" if reasons else "."))


def _is_complete(image: Image | None) -> bool:
    """Return whether an image exists and its pixels are stored by the service."""
    return image is not None and image.storage_state == StorageState.AVAILABLE


def _copied_attributes(image: Image, grid: Grid) -> dict[str, Any]:
    """Return the attributes that a copy shares with its original."""
    left_out = _NOT_COPIED if grid.is_own else _NOT_COPIED | {"geometry"}
    found = {
        name: value
        for name in image.ATTRIBUTES
        if name not in left_out and (value := getattr(image, name)) is not None
    }
    if extra := found.pop("extra_properties", None):
        kept = {name: value for name, value in extra.items() if not name.startswith(_PIXEL_PROPERTIES)}
        if kept:
            found["extra_properties"] = kept
    return found


def _write_files(image: Image, target: Product, names: Sequence[str], grid: Grid, folder: Path) -> list[str]:
    """Write the files of a copy as the bands of its product say, and return their paths."""
    bands = bands_of(target._client, target.id).engine[0]
    source = sources([image])[0]
    shifts = {name: shift_of_values(name, source, bands[name]) for name in names}

    def write(members: list[str], path: Path, **options: Any) -> None:
        image.download(
            members,
            geocontext=grid.geocontext,
            crs=grid.crs,
            resolution=grid.resolution,
            dest=path,
            resampler=grid.resampler,
            progress=False,
            **options,
        )
        add_to_values(path, members, shifts, image.id)

    return write_files(target, names, folder, write)


def write_files(target: Product, names: Sequence[str], folder: Path, write: Callable[..., None]) -> list[str]:
    """Write the files of an image as the bands of its product say, and return their paths.

    Parameters
    ----------
    target : Product
        Product of the image.
    names : sequence of str
        Names of the bands.
    folder : Path
        Folder of the files.
    write : callable
        Called with the bands of each file, its path, and the options `data_type` and `nodata` of a download.
    """
    bands, bindings = bands_of(target._client, target.id).engine
    layout: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        place = bindings.location(name)
        index = bindings.bands[name].file_index
        layout[place.file if index is None else index].append((place.band, name))
    paths = []
    for file in sorted(layout):
        members = [name for _, name in sorted(layout[file])]
        path = folder / f"{file}.tif"
        data_types = {str(bands[name].data_type) for name in members}
        write(
            members,
            path,
            data_type=data_types.pop() if len(data_types) == 1 else None,
            nodata=_common_nodata(bands, members),
        )
        paths.append(str(path))
    return paths


def _common_nodata(bands: Mapping[str, EngineBand], names: Sequence[str]) -> float | None:
    """Return the nodata value that all bands have; None if they differ."""
    found = {bands[name].nodata for name in names}
    return found.pop() if len(found) == 1 else None
