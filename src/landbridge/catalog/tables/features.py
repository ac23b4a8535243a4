"""Objects with a geometry as GeoJSON, for libraries that read `__geo_interface__`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.tables.frames import feature_properties

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Footprint", "feature_collection"]


class Footprint(dict[str, Any]):
    """GeoJSON geometry of an object, which can be indexed like a Feature too.

    It is a geometry in all respects: shapely and scripts for the old client read it as one. Libraries that
    take a list of Features, such as `GeoDataFrame.from_features`, ask each for its members "geometry",
    "properties" and "id", which no geometry has; these are answered as well.
    """

    def __init__(self, geometry: dict[str, Any], instance: Any) -> None:
        super().__init__(geometry)
        self._instance = instance

    def __missing__(self, name: str) -> Any:
        if name == "geometry":
            return dict(self)
        if name == "properties":
            return feature_properties(self._instance)
        if name == "id":
            return self._instance.id
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a member, of the Feature too."""
        try:
            return self[name]
        except KeyError:
            return default

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def feature_collection(objects: Iterable[Any]) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection of objects, with their attributes as properties."""
    return {"type": "FeatureCollection", "features": [feature(each) for each in objects]}


def feature(instance: Any) -> dict[str, Any]:
    """Return a GeoJSON Feature of an object; its geometry is null if the object has none."""
    geometry = instance.geometry
    return {
        "type": "Feature",
        "id": instance.id,
        "geometry": None if geometry is None else geometry.__geo_interface__,
        "properties": feature_properties(instance),
    }
