"""Description of a raster, as `raster_info=True` returns it."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.raster.dtypes import data_type_of
from landbridge.raster.io.redact import redact_url

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from landbridge.raster.model import Band

_COLORS = {"red": "Red", "green": "Green", "blue": "Blue", "alpha": "Alpha"}
_WGS84 = "EPSG:4326"


def raster_info(
    geobox: "GeoBox", dtype: np.dtype[Any], bands: Sequence["Band"], files: Sequence[str]
) -> dict[str, Any]:
    """Describe a raster's georeference, size and bands in the terms of GDAL's `gdalinfo -json`.

    `upload_ndarray(raster_meta=…)` accepts the result unchanged.
    """
    rows, columns = geobox.shape.yx
    return {
        "geoTransform": list(geobox.transform.to_gdal()),
        "coordinateSystem": _coordinate_system(geobox),
        "size": [columns, rows],
        "cornerCoordinates": _corners(geobox),
        "wgs84Extent": _extent(geobox),
        "bands": [
            {
                "band": number,
                "type": data_type_of(dtype),
                "description": {
                    "name": band.name,
                    "type": band.type,
                    "data_type": band.data_type,
                    "nodata": band.nodata,
                    "data_range": band.data_range,
                    "display_range": band.display_range,
                    "physical_range": band.physical_range,
                },
                "colorInterpretation": _color(band.name, number, len(bands)),
            }
            for number, band in enumerate(bands, start=1)
        ],
        "metadata": {"": {}},
        "driverShortName": "MEM",
        "files": [redact_url(address) for address in files],
    }


def _coordinate_system(geobox: "GeoBox") -> dict[str, Any]:
    from landbridge.geo.grids.crs import grid_crs

    crs = grid_crs(geobox)
    projection = crs.proj
    with warnings.catch_warnings():
        # A PROJ string omits what it cannot express; the WKT is complete.
        warnings.simplefilter("ignore", UserWarning)
        proj4 = projection.to_proj4()
    system: dict[str, Any] = {"wkt": projection.to_wkt(), "proj4": proj4}
    if crs.epsg is not None:
        system["epsg"] = crs.epsg
    return system


def _corners(geobox: "GeoBox") -> dict[str, list[float]]:
    rows, columns = geobox.shape.yx
    places = {
        "upperLeft": (0, 0),
        "lowerLeft": (0, rows),
        "lowerRight": (columns, rows),
        "upperRight": (columns, 0),
        "center": (columns / 2, rows / 2),
    }
    return {name: list(geobox.transform @ place) for name, place in places.items()}


def _extent(geobox: "GeoBox") -> dict[str, Any]:
    from landbridge.geo.grids.crs import grid_crs, parse_crs, transformer

    rows, columns = geobox.shape.yx
    ring = [(0, 0), (0, rows), (columns, rows), (columns, 0), (0, 0)]
    to_lonlat = transformer(grid_crs(geobox), parse_crs(_WGS84))
    return {
        "type": "Polygon",
        "coordinates": [[list(to_lonlat.transform(*(geobox.transform @ place))) for place in ring]],
    }


def _color(name: str, number: int, count: int) -> str:
    if name in _COLORS:
        return _COLORS[name]
    return "Gray" if number == 1 and count == 1 else "Undefined"
