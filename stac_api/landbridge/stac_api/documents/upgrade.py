"""Upgrade of documents of STAC 0.8 to 1.0-rc, and of short names of extensions, to STAC 1.1.

pystac does it; a document of STAC 1.0 or later whose extensions are URLs is not touched, and costs a look at
two members.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from landbridge.stac_api.errors import BadRequestError

__all__ = ["migrated"]

_OLD = ("0.", "1.0.0-")
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?\Z").match
_EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
# Short names that pystac leaves as they are.
_URLS = {
    "eo": _EO,
    "item-assets": "https://stac-extensions.github.io/item-assets/v1.0.0/schema.json",
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
}
# Names of extensions before they were URLs. Other names stay, and do not make a document an older one.
_SHORT = frozenset(
    {
        *(
            "asset",
            "checksum",
            "collection-assets",
            "commons",
            "datacube",
            "datetime-range",
            "dtr",
            "eo",
            "file",
        ),
        *(
            "item-assets",
            "label",
            "pointcloud",
            "processing",
            "proj",
            "projection",
            "sar",
            "sat",
            "scientific",
        ),
        *("single-file-stac", "table", "tiled-assets", "timestamps", "version", "view", "xarray"),
    }
)
# Extensions of items: pystac would look for an item's members in a collection that names them.
_OF_ITEMS = frozenset({"checksum", "datetime-range", "dtr"})
# In STAC 0.9 and before, the band objects are in the item or in its collection.
_INDEXED_BANDS = "eo:bands"


def migrated(document: dict[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the document as STAC 1.1 writes it; the document itself if it is not older.

    Args:
        document: a collection, or an item if `parent` is given.
        parent: the item's collection, which in STAC 0.9 and before may hold members of its items.

    Raises:
        BadRequestError: the document is older and cannot be migrated.
    """
    version, names = document.get("stac_version"), document.get("stac_extensions")
    old = isinstance(version, str) and version.startswith(_OLD)
    if not old and not _has_short_names(names):
        return document
    if not _is_whole(document, parent is not None):
        return document  # the checks report the error
    if not isinstance(version, str) or not _VERSION(version):
        version = "1.0.0"
    kind = "collection" if parent is None else "item"
    try:
        return _by_pystac(document, version, parent)
    except Exception as error:  # any member may be missing or of another type
        raise BadRequestError(
            f"The {kind} {document.get('id')!r} says that it is STAC {version} with the extensions "
            f"{names!r}, but cannot be migrated to STAC 1.1: {type(error).__name__}: {error}. Correct its "
            "`stac_version` and `stac_extensions`, or migrate it with pystac first."
        ) from error


def _is_whole(document: Mapping[str, Any], item: bool) -> bool:
    parts = ("properties", "assets") if item else ()
    names = document.get("stac_extensions")
    return (names is None or isinstance(names, list)) and all(
        isinstance(document.get(part), dict) for part in parts
    )


def _has_short_names(names: Any) -> bool:
    return isinstance(names, list) and any(isinstance(name, str) and name in _SHORT for name in names)


def _by_pystac(document: dict[str, Any], version: str, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    # Imported for the first older document: there are few.
    from pystac import STACObjectType
    from pystac.serialization import migrate
    from pystac.serialization.identify import STACJSONDescription, STACVersionRange

    document, names = dict(document), document.get("stac_extensions")
    names = [name for name in names or () if isinstance(name, str)]
    bands = None
    if parent is None:
        names = [name for name in names if name not in _OF_ITEMS]
        if isinstance(extent := document.get("extent"), dict):
            document["extent"] = _extent(extent)
    else:
        # The collection holds the members that all its items share.
        common = _object(parent.get("properties")) if "commons" in names else {}
        properties = {**common, **document["properties"]}
        document["assets"] = _with_bands(document["assets"], properties, parent)
        bands = properties.pop(_INDEXED_BANDS, None)
        document["properties"] = properties
        # pystac moves eo:epsg only if it finds the URL.
        names = [_EO if name == "eo" else name for name in names]
    document["stac_extensions"] = names
    versions = STACVersionRange()
    versions.set_to_single(version)
    kind = STACObjectType.COLLECTION if parent is None else STACObjectType.ITEM
    done = migrate.migrate_to_latest(document, STACJSONDescription(kind, versions, list(names)))
    if bands is not None:
        done["properties"][_INDEXED_BANDS] = bands
    full = (_URLS.get(name, name) for name in done["stac_extensions"])
    done["stac_extensions"] = list(dict.fromkeys(name for name in full if name not in _SHORT))
    return done


def _extent(extent: dict[str, Any]) -> dict[str, Any]:
    """Return the extent with its boxes and intervals in lists, as since STAC 0.8."""
    spatial, temporal = extent.get("spatial"), extent.get("temporal")
    if isinstance(spatial, list):
        extent = {**extent, "spatial": {"bbox": spatial if _nested(spatial) else [spatial]}}
    if isinstance(temporal, list):
        extent = {**extent, "temporal": {"interval": temporal if _nested(temporal) else [temporal]}}
    return extent


def _nested(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, list) for value in values)


def _with_bands(
    assets: Mapping[str, Any], properties: Mapping[str, Any], parent: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the assets with band objects in place of their numbers in the item's or collection's list."""
    places = (properties, _object(parent.get("properties")), _object(parent.get("summaries")), parent)
    bands = next((found for place in places if isinstance(found := place.get(_INDEXED_BANDS), list)), [])
    return {key: _asset(asset, bands) for key, asset in assets.items()}


def _asset(asset: Any, bands: list[Any]) -> Any:
    if not isinstance(asset, dict) or not isinstance(numbers := asset.get(_INDEXED_BANDS), list):
        return asset
    return {**asset, _INDEXED_BANDS: [_band(number, bands) for number in numbers]}


def _band(number: Any, bands: list[Any]) -> Any:
    if not isinstance(number, int) or isinstance(number, bool):
        return number
    if 0 <= number < len(bands) and isinstance(bands[number], dict):
        return bands[number]
    # Do not guess a name: numbers of bands differ from their positions.
    return {"description": f"Number {number} of the {_INDEXED_BANDS} of its collection, which are not known"}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
