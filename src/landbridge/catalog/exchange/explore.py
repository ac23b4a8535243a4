"""Layers of maps for images, searches and products: footprints, and pixels rendered on this machine."""

from __future__ import annotations

import math
import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any

from landbridge.catalog.pixels.engine_inputs import bands_of
from landbridge.maps.layers import Footprints, Layer, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MOST_FOOTPRINTS", "footprints", "image_layers", "search_layers"]

# Number of footprints that are drawn: a browser draws more only slowly.
MOST_FOOTPRINTS = 2000
# Latitude at which web maps end.
_MAX_LATITUDE = 85.05
_HALF_TURN = 20037508.342789244
_WEB_MERCATOR = "EPSG:3857"


def image_layers(
    images: Any, bands: Any = None, *, pixels: bool = True, size: int = 1024, scaling: Any = None
) -> list[Layer]:
    """Return the layers of a collection of images: their mosaic, unless `pixels` is False, and footprints."""
    layers: list[Layer] = []
    if pixels and len(images):
        picture = _picture(images, bands, size, scaling)
        layers += [] if picture is None else [picture]
    layers.append(footprints("Footprints", images))
    return layers


def search_layers(search: Any) -> list[Layer]:
    """Return the layer of the footprints of a search."""
    return [footprints("Footprints", search)]


def footprints(name: str, objects: Iterable[Any]) -> Footprints:
    """Return a layer of the footprints of the first objects."""
    found = list(islice(objects, MOST_FOOTPRINTS + 1))
    if len(found) > MOST_FOOTPRINTS:
        name = f"{name} (the first {MOST_FOOTPRINTS:,})"
    return Footprints(name, [_feature(each) for each in found[:MOST_FOOTPRINTS]])


def _feature(instance: Any) -> dict[str, Any]:
    acquired = getattr(instance, "acquired", None)
    cloud = getattr(instance, "cloud_fraction", None)
    shown = {
        "id": instance.id,
        "acquired": None if acquired is None else f"{acquired:%Y-%m-%d %H:%M}",
        "cloud_fraction": None if cloud is None else f"{cloud:.2f}",
    }
    geometry = instance.geometry
    document = None if geometry is None or geometry.is_empty else geometry.__geo_interface__
    return {"type": "Feature", "geometry": document, "properties": shown}


def _picture(images: Any, bands: Any, size: int, scaling: Any) -> Picture | None:
    """Return the mosaic of images as a layer; None if none of them has a footprint."""
    area = _area(images, size)
    if area is None:
        return None
    names = _bands(images[0], bands)
    chosen = scaling or _scaling(images, names)
    pixels = images.mosaic(names, area, scaling=chosen, data_type="Byte", mask_nodata=True, progress=False)
    return Picture(" ".join(names), _png(pixels), _bounds(area.geobox))


def _area(images: Any, size: int) -> Any:
    """Return the area of the footprints on the grid of web maps, with at most `size` pixels along an edge."""
    import shapely

    from landbridge.geo import AOI
    from landbridge.geo.longitudes import join_at_antimeridian

    shapes = [image.geometry for image in images if image.geometry is not None]
    if not shapes:
        return None
    west, south, east, north = join_at_antimeridian(shapely.union_all(shapes)).bounds
    south, north = max(south, -_MAX_LATITUDE), min(north, _MAX_LATITUDE)
    if west >= east or south >= north:
        return None
    area = AOI(bounds=(west, south, east, north), crs=_WEB_MERCATOR, shape=(1, 1))
    box = area.geobox.extent.boundingbox
    rows, columns = box.top - box.bottom, box.right - box.left
    step = max(rows, columns) / size
    shape = (max(1, round(rows / step)), max(1, round(columns / step)))
    return area.assign(shape=shape)


def _bands(image: Any, bands: Any) -> list[str]:
    """Return the names of the bands to show: those given, else one or three that the product displays."""
    if bands is not None:
        names = bands.split() if isinstance(bands, str) else list(bands)
        if len(names) not in (1, 3):
            raise ValueError(f"A map shows 1 or 3 bands; got {len(names)}: {' '.join(names)}.")
        return names
    product = image.product
    known = [record.attributes["name"] for record in bands_of(image._client, image.product_id)]
    preferred = list((product.default_display_bands if product is not None else None) or ())
    for candidate in (preferred, ["red", "green", "blue"], known[:1]):
        if len(candidate) in (1, 3) and set(candidate) <= set(known):
            return list(candidate)
    raise ValueError(f"Product {image.product_id} has no bands: give the names of 1 or 3 bands.")


def _scaling(images: Any, names: Sequence[str]) -> Any:
    """Return "display" if all bands have a display range, else "auto"."""
    products = {(id(image._client), image.product_id): image for image in images}
    ranges = [
        record.attributes.get("display_range")
        for image in products.values()
        for record in bands_of(image._client, image.product_id)
        if record.attributes["name"] in names
    ]
    return [("auto" if None in ranges else "display")] * len(names)


def _bounds(grid: Any) -> tuple[float, float, float, float]:
    """Return south, west, north and east of a grid of web maps, in degrees."""
    box = grid.extent.boundingbox

    def latitude(y: float) -> float:
        return math.degrees(2 * math.atan(math.exp(y / _HALF_TURN * math.pi)) - math.pi / 2)

    return (
        latitude(box.bottom),
        box.left / _HALF_TURN * 180,
        latitude(box.top),
        box.right / _HALF_TURN * 180,
    )


def _png(pixels: Any) -> bytes:
    """Return pixels (band, row, column) as PNG, in which masked ones are transparent."""
    import numpy as np
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    values = np.ma.getdata(pixels)
    masked = np.ma.getmaskarray(pixels).all(axis=0)
    colors = values if len(values) == 3 else np.repeat(values[:1], 3, axis=0)
    layers = np.concatenate([colors, np.where(masked, 0, 255)[np.newaxis]]).astype("uint8")
    profile = {
        "driver": "PNG",
        "width": values.shape[2],
        "height": values.shape[1],
        "count": 4,
        "dtype": "uint8",
    }

    with MemoryFile() as memory, warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        with memory.open(**profile) as file:
            file.write(layers)
        return bytes(memory.read())
