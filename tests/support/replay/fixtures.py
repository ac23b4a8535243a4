"""Documents of our own in the style of each provider, for machines without the real ones."""

from __future__ import annotations

import uuid

from support.replay.grids import transform_of
from support.replay.pixels import size

_COMMON = {
    "coastal-aerosol": "coastal",
    "red-edge": "rededge",
    "red-edge-2": "rededge",
    "red-edge-3": "rededge",
    "red-edge-4": "nir08",
    "water-vapor": "nir09",
    "swir1": "swir16",
    "swir2": "swir22",
    "thermal": "lwir11",
}


def _names(product, key):
    return [(name, band) for name, band in product.bands.items() if band.asset == key]


def _eo(product, key, corner=None):
    listed = [
        {
            "name": name.upper() if len(_names(product, key)) > 1 else key,
            "common_name": _COMMON.get(name, name),
            **({"center_wavelength": sum(band.wavelength) / 2000} if band.wavelength else {}),
        }
        for name, band in _names(product, key)
        if band.type == "spectral"
    ]
    return {"eo:bands": listed} if listed else {}


def _raster(product, key, corner=None):
    pixels = product.assets[key]
    one = {"data_type": pixels.dtype, "spatial_resolution": pixels.resolution}
    if pixels.nodata is not None:
        one["nodata"] = pixels.nodata
    if pixels.scale is not None:
        one |= {"scale": pixels.scale, "offset": pixels.offset}
    return {"raster:bands": [one] * pixels.count}


def _own_grid(product, key, corner):
    pixels = product.assets[key]
    side = size(pixels, product.finest)
    return {"proj:shape": [side, side], "proj:transform": transform_of(corner, pixels.resolution)}


def _bands_1_1(product, key, corner=None):
    pixels = product.assets[key]
    names = [
        {"name": key.split("_")[0], "eo:common_name": _COMMON.get(name, name)}
        for name, band in _names(product, key)
        if band.type == "spectral"
    ]
    out = {"data_type": pixels.dtype, "nodata": pixels.nodata, "proj:code": f"EPSG:{product.epsg}"}
    if names:
        out["bands"] = names
    if pixels.scale is not None:
        out |= {"raster:scale": pixels.scale, "raster:offset": pixels.offset}
    return out


def _alternate(product, key, corner=None):
    return {"alternate": {"s3": {"storage:platform": "AWS", "storage:requester_pays": True}}}


def _type(name):
    def members(product, key, corner):
        return {"roles": ["data"], "type": name}

    return members


def _titles(product, key, corner):
    return {"eo:bands": [{"name": name.title()} for name, _ in _names(product, key)]}


def _key_as_name(product, key, corner):
    return {"eo:bands": [{"name": key}]}


def _crs_and_gsd(product, key, corner):
    return {"proj:epsg": product.epsg, "gsd": product.assets[key].resolution}


_COG = _type("image/tiff; application=geotiff; profile=cloud-optimized")
# Functions that return members of an asset, by style
_MEMBERS = {
    "earth-search": (_COG, _eo, _raster, _own_grid),
    "eo": (_COG, _eo, _own_grid),
    "eo-30": (_COG, _eo),
    "landsat": (_COG, _eo, _raster),
    "raster": (_COG, _raster),
    "bands": (_COG, _titles),
    "usgs": (_type("image/vnd.stac.geotiff; cloud-optimized=true"), _eo, _alternate),
    "cdse": (_type("image/jp2"), _bands_1_1, _own_grid),
    "bare": (),
    "odc": (_type("image/tiff; application=geotiff"), _key_as_name, _own_grid),
    "swisstopo": (_COG, _crs_and_gsd),
}


def _asset(product, key, corner):
    parts = [members(product, key, corner) for members in _MEMBERS[product.style]]
    return {name: value for part in parts for name, value in part.items()}


# Styles that tell the grid of the item, and those that tell its CRS only.
_ITEM_GRID = {"eo-30", "landsat", "raster", "bands", "usgs", "odc"}
_ITEM_CRS = {"earth-search", "eo", *_ITEM_GRID}
_WITH_ITEM_ASSETS = {"earth-search", "eo", "eo-30", "landsat", "raster", "bands", "cdse"}
_EXTENSIONS = {
    "projection": "https://stac-extensions.github.io/projection/v1.0.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v1.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
}
_EXTENSIONS_1_1 = [
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json",
]


def _extensions(product):
    if product.style == "cdse":
        return _EXTENSIONS_1_1
    return [] if product.style in ("bare", "swisstopo") else list(_EXTENSIONS.values())


def collection(product):
    """Return a Collection."""
    document = {
        "type": "Collection",
        "stac_version": "1.1.0" if product.style == "cdse" else "1.0.0",
        "stac_extensions": _extensions(product),
        "id": product.collection,
        "title": f"{product.collection} of {product.provider}",
        "description": f"Replayed {product.collection}",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2013-01-01T00:00:00Z", None]]},
        },
        "links": [],
    }
    if product.style in _WITH_ITEM_ASSETS:
        document["item_assets"] = {
            key: {
                name: member
                for name, member in _asset(product, key, (0, 0)).items()
                if not name.startswith("proj:")
            }
            for key in product.assets
        }
    return document


def _identifier(product, number):
    name = f"{('LC08', 'LE07')[number % 2]}_L2SP_02803{number}_20230601_20230610_02_T1"
    special = {
        "landsat-c2l2-sr": f"{name}_SR",
        "landsat-c2l2-st": f"{name}_ST",
        "ga_ls8c_ard_3": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
    }
    return special.get(product.collection, f"{product.collection}-{number}")


def items(product):
    """Return the Items of which others are copies, one of each kind; their files are not there yet."""
    return [_item(product, number, *kind) for number, kind in enumerate(product.variants)]


def _item(product, number, special, lacking):
    properties = {
        "datetime": "2023-06-01T10:20:30.123000Z",
        "created": "2023-06-02T00:00:00Z",
        "updated": "2023-06-02T00:00:00Z",
        "eo:cloud_cover": 10.5,
        **product.properties,
        **special,
    }
    if product.style in _ITEM_CRS:
        properties["proj:epsg"] = product.epsg
    if product.style in _ITEM_GRID:
        side = round(size(next(iter(product.assets.values())), product.finest))
        resolution = next(iter(product.assets.values())).resolution
        properties |= {
            "proj:shape": [side, side],
            "proj:transform": transform_of(product.corner, resolution),
        }
    assets = {
        key: {
            "href": f"{product.store}/{key}.{product.extension}",
            **_asset(product, key, product.corner),
        }
        for key in product.assets
        if key not in lacking
    }
    for key, asset in assets.items():
        if product.style == "usgs":
            asset["alternate"]["s3"]["href"] = f"s3://usgs-landsat/collection02/{key}.TIF"
    assets["metadata"] = {"href": f"{product.store}/metadata.xml", "type": "application/xml"}
    return {
        "type": "Feature",
        "stac_version": "1.1.0" if product.style == "cdse" else "1.0.0",
        "stac_extensions": _extensions(product),
        "id": _identifier(product, number),
        "collection": product.collection,
        "geometry": None,
        "properties": properties,
        "assets": assets,
        "links": [],
    }
