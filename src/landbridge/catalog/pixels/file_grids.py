"""Grids of images whose documents state none, from the headers of their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.transfer.remote_files import grid_attributes, read_file_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.geo import AOI

__all__ = ["file_grid_attributes", "file_system", "own_grid"]


def own_grid(image: ImageMetadata, names: Iterable[str]) -> AOI:
    """Return the grid of an image's pixels: as its document states it, else that of the files of bands."""
    from landbridge.geo import AOI

    system = image.cs_code or image.projection
    if (image.geotrans is not None and system) or not image.files:
        return image.geocontext
    found = file_grid_attributes(image, names)
    if not found:
        return image.geocontext
    x, width, _, y, _, height = found["geotrans"]
    rows, columns = found["y_pixels"], found["x_pixels"]
    crs = found.get("cs_code") or found["projection"]
    left, right = sorted((x, x + columns * width))
    bottom, top = sorted((y, y + rows * height))
    return AOI(
        geometry=image.geometry,
        crs=crs,
        bounds=(left, bottom, right, top),
        bounds_crs=crs,
        shape=(rows, columns),
        align_pixels=False,
    )


def file_grid_attributes(image: ImageMetadata, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the attributes of an image's grid: that of the finest of the files that hold the named bands.

    Without names, the file of the first band that the image has is read. The result is empty if the image
    has none of the bands.

    Raises
    ------
    BadRequestError
        If a header cannot be read.
    """
    from landbridge.catalog.pixels.engine_inputs import sources

    (source,) = sources([image])
    places = [
        source.place(name) for name in (source.bands if names is None else names) if name in source.bands
    ]
    files = list(dict.fromkeys(source.files[place[0]] for place in places if place is not None))
    headers = [read_file_header(file, source.sign) for file in (files if names is not None else files[:1])]
    return grid_attributes([header.grid for header in headers]) if headers else {}


def file_system(image: ImageMetadata) -> str | None:
    """Return the reference system of an image's first file with a band; None if it has none."""
    found = file_grid_attributes(image) if image.files else {}
    return found.get("cs_code") or found.get("projection")
