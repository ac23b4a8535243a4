"""The description of a raster that `raster_info=True` returns."""

import warnings
from typing import TYPE_CHECKING, Any

from landbridge.raster.dtypes import data_type_of
from landbridge.raster.io.gdal import public

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from landbridge.raster.model import Raster

_COLORS = {"red": "Red", "green": "Green", "blue": "Blue", "alpha": "Alpha"}
_WGS84 = "EPSG:4326"


def raster_info(raster: "Raster") -> dict[str, Any]:
    """Georeference, size and bands of a raster, in the terms of GDAL's `gdalinfo -json`.

    `upload_ndarray(raster_meta=…)` takes it as it is.
    """
    rows, columns = raster.geobox.shape.yx
    return {
        "geoTransform": list(raster.geobox.transform.to_gdal()),
        "coordinateSystem": _coordinate_system(raster.geobox),
        "size": [columns, rows],
        "cornerCoordinates": _corners(raster.geobox),
        "wgs84Extent": _extent(raster.geobox),
        "bands": [
            {
                "band": number,
                "type": data_type_of(raster.data.dtype),
                "description": {
                    "name": band.name,
                    "type": band.type,
                    "data_type": band.data_type,
                    "nodata": band.nodata,
                    "data_range": band.data_range,
                    "display_range": band.display_range,
                    "physical_range": band.physical_range,
                },
                "colorInterpretation": _color(band.name, number, len(raster.bands)),
            }
            for number, band in enumerate(raster.bands, start=1)
        ],
        "metadata": {"": {}},
        "driverShortName": "MEM",
        "files": [public(address) for address in raster.files],
    }


def _coordinate_system(geobox: "GeoBox") -> dict[str, Any]:
    from landbridge.raster.grids.crs import crs_on

    crs = crs_on(geobox)
    projection = crs.proj
    with warnings.catch_warnings():
        # A PROJ string loses what it has no words for; whoever needs that reads the WKT beside it.
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
    from landbridge.raster.grids.crs import crs_of, crs_on, transformer

    rows, columns = geobox.shape.yx
    ring = [(0, 0), (0, rows), (columns, rows), (columns, 0), (0, 0)]
    to_lonlat = transformer(crs_on(geobox), crs_of(_WGS84))
    return {
        "type": "Polygon",
        "coordinates": [[list(to_lonlat.transform(*(geobox.transform @ place))) for place in ring]],
    }


def _color(name: str, number: int, count: int) -> str:
    if name in _COLORS:
        return _COLORS[name]
    return "Gray" if number == 1 and count == 1 else "Undefined"
