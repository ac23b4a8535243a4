"""Stored values of copies, which must have the scale and offset of the bands of their product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.exceptions import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from landbridge.raster import Band, Source

__all__ = ["CopyError", "add_to_values", "shift_of_values"]

# Largest relative difference of equal scales, and difference of a whole number: they come from ranges.
_SAME_SCALE, _WHOLE = 1e-6, 1e-2


class CopyError(LandbridgeError, RuntimeError):
    """An image could not be copied."""


def add_to_values(path: Path, names: Sequence[str], shifts: Mapping[str, int], image_id: str) -> None:
    """Add a number to the valid pixels of each band of a GeoTIFF, which loses its overviews."""
    import rasterio
    from rasterio.enums import MaskFlags

    if not any(shifts[name] for name in names):
        return
    changed = path.with_name(f"changed-{path.name}")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path) as dataset:
        profile = {**dataset.profile, "driver": "GTiff", "tiled": True, "BIGTIFF": "IF_SAFER"}
        has_mask = MaskFlags.per_dataset in dataset.mask_flag_enums[0]
        with rasterio.open(changed, "w", **profile) as copy:
            for _, window in dataset.block_windows(1):
                for position, name in enumerate(names, start=1):
                    block = dataset.read(position, window=window, masked=True)
                    new = _shifted(block, shifts[name], name, image_id)
                    _check_nodata(new, block, dataset.nodatavals[position - 1], name, image_id)
                    copy.write(new, position, window=window)
                if has_mask:
                    copy.write_mask(dataset.dataset_mask(window=window), window=window)
    changed.replace(path)


def shift_of_values(name: str, source: Source, band: Band) -> int:
    """Return the number to add to the stored values of a band of an image.

    The copy has no scale and offset of its own, so that its values must have those of its product.
    """
    from landbridge.raster.plan.physical_values import declared_scaling

    own = source.radiometry.get(name) or declared_scaling(source.bands[name])
    wanted = declared_scaling(band)
    if own is None or wanted is None:
        return 0
    shift = (own[1] - wanted[1]) / wanted[0]
    if abs(own[0] - wanted[0]) > _SAME_SCALE * abs(wanted[0]) or abs(shift - round(shift)) > _WHOLE:
        raise CopyError(
            f"Band {name!r} of image {source.id} has scale {own[0]} and offset {own[1]}, and that of the "
            f"product has scale {wanted[0]} and offset {wanted[1]}: its stored values cannot be kept. Copy "
            "the image to a product whose band has the same numbers."
        )
    return round(shift)


def _shifted(block: Any, shift: int, name: str, image_id: str) -> Any:
    """Return the pixels of a masked block plus a number; masked pixels stay as they are."""
    import numpy as np

    if block.dtype.kind == "f":
        return np.where(np.ma.getmaskarray(block), block.data, block.data + shift).astype(block.dtype)
    limits = np.iinfo(block.dtype)
    new = block.astype("int64") + shift
    valid = new.compressed()
    if valid.size and (valid.min() < limits.min or valid.max() > limits.max):
        raise CopyError(
            f"Band {name!r} of image {image_id} has pixels that {block.dtype} cannot hold after its values "
            f"are shifted by {shift} to the offset of the product. Copy the image to a product with its own "
            "offset."
        )
    return np.where(np.ma.getmaskarray(block), block.data, new.data).astype(block.dtype)


def _check_nodata(new: Any, old: Any, nodata: float | None, name: str, image_id: str) -> None:
    """Raise CopyError if valid pixels have become nodata."""
    import numpy as np

    if nodata is not None and ((new == nodata) & ~np.ma.getmaskarray(old)).any():
        raise CopyError(
            f"Band {name!r} of image {image_id} has valid pixels that would become nodata ({nodata:g}) by "
            "the offset of the product. Copy the image to a product with its own offset."
        )
