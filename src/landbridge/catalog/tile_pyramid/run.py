"""Building of a kept pyramid: mosaics of all images of a product, uploaded as images of a product of its own.

The service shows the pyramid if a tile of the product would need more images than one tile may have. It
compares the revision of the product with the one that the pyramid shows, so that a change of any image ends
that.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog.enums import StorageState
from landbridge.catalog.image import Image
from landbridge.catalog.image_copies import CopyError, complete_upload, prepare_bands, write_files
from landbridge.catalog.image_copy_values import shift_of_values
from landbridge.catalog.pixels.engine_inputs import bands_of, sources
from landbridge.catalog.product import Product
from landbridge.catalog.tile_export.layer import find_layer
from landbridge.catalog.tile_export.tile_range import TileRange
from landbridge.raster.runtime.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from landbridge.catalog.image_collection import ImageCollection
    from landbridge.catalog.tile_export.tile_range import Tile

__all__ = ["PYRAMID", "PyramidError", "Report", "build"]

PYRAMID: Final = "landbridge:pyramid"
"""Extra property of a product: its pyramid."""
_PYRAMID_OF, _BANDS = "landbridge:pyramid_of", "landbridge:bands"
# Member of a layer's TileJSON, and extra property of the images made of it
_REVISION: Final = "landbridge:revision"
_ZOOM: Final = "landbridge:zoom"
# Zooms between a tile of 256 pixels and an image of the pyramid, which has 2,048.
_ZOOMS_OF_IMAGE: Final = 3
_AT_ONCE: Final = 2  # images that are rendered, or wait for their upload


class PyramidError(CopyError):
    """A pyramid cannot be built."""


@dataclass(slots=True)
class Report:
    """Result of a build.

    Attributes
    ----------
    product_id : str
        Product of the pyramid.
    zoom : int
        Last zoom that it shows, of tiles of 256 pixels.
    written, kept, empty : int
        Its images: written now, there from before, and places without pixels of the product.
    failures : list of str
        Why images are missing.
    is_shown : bool
        True if the service shows it from now on.
    """

    product_id: str
    zoom: int
    written: int = 0
    kept: int = 0
    empty: int = 0
    failures: list[str] = field(default_factory=list)
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class _Layer:
    """State of a product's map: revision of its images and bands, first zoom, and extent."""

    revision: str
    first_zoom: int
    bounds: tuple[float, float, float, float]

    @classmethod
    def of(cls, product: Product) -> _Layer:
        _, tilejson = find_layer(product.images(), [])
        revision = tilejson.get(_REVISION)
        if revision is None:
            raise PyramidError(
                f"The service of {product.id} shows no pyramids; it needs a newer landbridge-stac-api."
            )
        return cls(revision, tilejson["minzoom"], tuple(tilejson["bounds"]))

    @property
    def bands(self) -> str:
        """Part of the revision that tells the bands."""
        return self.revision.rpartition("-")[2]


def build(product: Product, zoom: int | None = None, *, progress: bool | None = False) -> Report:
    """Build the pyramid of a product, or complete one whose building was stopped.

    Parameters
    ----------
    product : Product
        A saved product without changes, for which you have the right to change it.
    zoom : int, optional
        Last zoom of the pyramid, of tiles of 256 pixels. By default the first zoom at which the tiles of the
        product can show all its images.
    progress : bool, optional, default False
        Show a progress bar; None shows it only on a terminal.

    Returns
    -------
    Report
        What was written. If images failed, or the product changed meanwhile, it is not shown: build again.

    Raises
    ------
    PyramidError
        If the product needs no pyramid, has no images, or a product of another kind has the pyramid's id.
    BadRequestError
        If the service offers no tiles.
    """
    product.reload()  # it may have a pyramid meanwhile
    layer = _Layer.of(product)
    pyramid = _pyramid_product(product)
    if zoom is None:
        zoom = _stated_zoom(product, layer) or layer.first_zoom
    if zoom == 0:
        raise PyramidError(f"{product.id} needs no pyramid: its tiles show all images at every zoom.")
    report = Report(pyramid.id, zoom)
    newest = next(iter(product.images().sort("acquired", ascending=False).limit(1)), None)
    if newest is None:
        raise PyramidError(f"{product.id} has no images.")
    _prepare(product, pyramid, newest, layer)
    zoom_of_images = max(0, zoom - _ZOOMS_OF_IMAGE)
    places = [*TileRange.of_bounds(zoom_of_images, zoom_of_images, layer.bounds)]
    _write_images(product, pyramid, layer, places, report, progress=progress)
    if not report.failures and _Layer.of(product).revision == layer.revision:
        product.extra_properties = {
            **(product.extra_properties or {}),
            PYRAMID: {
                "product": pyramid.id,
                "shows": layer.revision,
                "revision": _Layer.of(pyramid).revision,
                "zoom": zoom,
            },
        }
        product.save()
        report.is_shown = True
    return report


def _stated_zoom(product: Product, layer: _Layer) -> int | None:
    """Return the zoom of a pyramid that is shown already: the layer then begins at zoom 0."""
    stated = (product.extra_properties or {}).get(PYRAMID) or {}
    return stated.get("zoom") if stated.get("shows") == layer.revision else None


def _pyramid_product(product: Product) -> Product:
    """Return the product of a pyramid, saved, with the same readers as the product that it shows."""
    name = f"{product.id}-pyramid"
    pyramid = Product.get(name, client=product._client)
    if pyramid is None:
        pyramid = Product(
            id=name,
            name=f"{product.name}, first zooms",
            description=f"Mosaics of all images of {product.id} for the first zooms of its map.",
            extra_properties={_PYRAMID_OF: product.id},
            client=product._client,
        )
    elif (pyramid.extra_properties or {}).get(_PYRAMID_OF) != product.id:
        raise PyramidError(f"{name} is a product of its own; rename it, because the pyramid has this id.")
    for subjects in ("owners", "writers", "readers"):
        setattr(pyramid, subjects, list(getattr(product, subjects) or []))
    pyramid.save()
    return pyramid


def _prepare(product: Product, pyramid: Product, newest: Image, layer: _Layer) -> None:
    """Give a pyramid the bands of its product; bands that have changed since then are made anew."""
    extra = pyramid.extra_properties or {}
    if extra.get(_BANDS) not in (None, layer.bands):
        deletion = pyramid.delete_related_objects()
        if deletion is not None:
            deletion.wait_for_completion()
    prepare_bands(newest, pyramid, None)
    pyramid.extra_properties = {**extra, _PYRAMID_OF: product.id, _BANDS: layer.bands}
    pyramid.save()


def _write_images(
    product: Product,
    pyramid: Product,
    layer: _Layer,
    places: list[Tile],
    report: Report,
    *,
    progress: bool | None,
) -> None:
    names = {_name(place): place for place in places}
    known = {image.name: image for image in pyramid.images()}
    for image in known.values():
        if image.name not in names:
            image.delete()

    def make(place: Tile) -> str | None:
        image = known.get(_name(place))
        if image is not None and _is_current(image, layer, report.zoom):
            return "kept"
        return _write_image(product, pyramid, layer, place, report.zoom, image)

    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="landbridge-pyramid")
    with progress_bar(progress, len(places), "pyramid", "images") as bar:
        try:
            for place, future in [(place, pool.submit(make, place)) for place in places]:
                try:
                    found = future.result()
                except Exception as error:  # noqa: BLE001 - an error of one image must not stop the others
                    report.failures.append(f"{_name(place)}: {error}")
                else:
                    report.kept += found == "kept"
                    report.written += found == "written"
                    report.empty += found is None
                bar.update()
        finally:
            # After an interruption no further image is begun.
            pool.shutdown(wait=True, cancel_futures=True)


def _is_current(image: Image, layer: _Layer, zoom: int) -> bool:
    # The first zooms all have one image of the same name.
    made_for = (image.extra_properties or {}).get(_REVISION), (image.extra_properties or {}).get(_ZOOM)
    return image.storage_state == StorageState.AVAILABLE and made_for == (layer.revision, zoom)


def _write_image(
    product: Product, pyramid: Product, layer: _Layer, place: Tile, zoom: int, existing: Image | None
) -> str | None:
    """Write one image of a pyramid; return None if no image of the product lies there."""
    from landbridge.geo import AOI, XYZTile

    z, column, row = place
    tile = XYZTile(x=column, y=row, z=z)
    images = product.images().intersects(tile.geometry).sort("acquired").collect()
    if not images:
        _delete(existing)
        return None
    names = [record.attributes["name"] for record in bands_of(pyramid._client, pyramid.id)]
    _check_values(images, pyramid, names)
    new = Image(
        client=pyramid._client,
        product=pyramid,
        name=_name(place),
        acquired=images[-1].acquired,
        extra_properties={_REVISION: layer.revision, _ZOOM: zoom},
    )
    # The pixels of the tiles of the last zoom
    edge = tile.tilesize * 2 ** (zoom - z)
    grid = AOI(bounds=tile.bounds, bounds_crs=tile.bounds_crs, crs=tile.crs, shape=(edge, edge))
    with tempfile.TemporaryDirectory(prefix="landbridge-pyramid-") as folder:

        def write(members: list[str], path: Path, **options: Any) -> None:
            images.download_mosaic(members, geocontext=grid, dest=path, progress=False, **options)

        files = write_files(pyramid, names, Path(folder), write)
        if not any(map(_has_pixels, files)):
            _delete(existing)
            return None
        complete_upload(new.upload(files, overwrite=existing is not None))
    return "written"


def _delete(image: Image | None) -> None:
    if image is not None:
        image.delete()


def _has_pixels(path: str) -> bool:
    """Return whether a file has a valid pixel: small images may lie between those of a pyramid."""
    import rasterio

    with rasterio.open(path) as dataset:
        return bool(dataset.read_masks().any())


def _check_values(images: ImageCollection, pyramid: Product, names: Iterable[str]) -> None:
    """Raise PyramidError if a stored value does not mean the same in all images."""
    bands = bands_of(pyramid._client, pyramid.id).engine[0]
    for source in sources(list(images)):
        for name in names:
            if name in source.bands and shift_of_values(name, source, bands[name]):
                raise PyramidError(
                    f"Image {source.id} has another offset of {name} than its product, so that it cannot be "
                    "part of a pyramid."
                )


def _name(place: Tile) -> str:
    return "-".join(map(str, place))
