"""Searches for objects that have a geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from landbridge.catalog.errors import InvalidGeometryError
from landbridge.catalog.model.converters import to_geojson, to_shape, within_world_bounds
from landbridge.catalog.search.plain_areas import shape_of_list
from landbridge.catalog.search.search import Search, T_co

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.type_hints.values import GeometryLike

__all__ = ["GeoSearch"]

_LONGEST = 200  # characters of a value in an error


class GeoSearch(Search[T_co]):
    """Search for objects that have a geometry.

    Parameters
    ----------
    model : type
        Class of the objects.
    client : CatalogClient, optional
        Client to use. By default the default client.
    url : str, optional
        Address of the API, if there is no `client`.
    includes : bool, default True
        Include the events of uploads.
    request_params : dict, optional
        Further query parameters of the requests.
    headers : dict, optional
        Further HTTP headers of the requests.
    """

    def __init__(
        self,
        model: type[T_co],
        client: CatalogClient | None = None,
        url: str | None = None,
        includes: bool = True,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(model, client, url, includes, request_params, headers)
        self._intersects: Any = None

    def to_geopandas(self, columns: Sequence[str] | None = None) -> GeoDataFrame:
        """Return all matching objects as a geopandas.GeoDataFrame with their geometries.

        Datetimes are in UTC, geometries in longitude and latitude (EPSG:4326). Attributes that are lists or
        mappings, such as `tags`, are JSON values.

        Parameters
        ----------
        columns : list of str, optional
            Names of attributes. By default all attributes.

        Returns
        -------
        geopandas.GeoDataFrame
            Table in the order of the search: a row for each object, a column for each attribute.

        Raises
        ------
        ImportError
            If geopandas is not installed: it is in the extra `landbridge[geopandas]`.
        AttributeError
            If the filter or `columns` names an attribute that the class does not have.

        Examples
        --------
        >>> frame = search.sort("acquired").to_geopandas(["name", "cloud_fraction"])
        >>> list(frame.columns), list(frame[frame.intersects(AOI(area).geometry)]["name"])
        (['name', 'cloud_fraction', 'geometry'], ['2024-01', '2024-04', '2024-07'])

        See Also
        --------
        Search.to_pandas : Table without a geometry.
        """
        from landbridge.catalog.tables.frames import to_geopandas

        return to_geopandas(self, self._model, columns)

    def intersects(
        self,
        geometry: GeometryLike | Sequence[float] | Sequence[Sequence[float]] | None = None,
        match_null_geometry: bool = False,
        *,
        bbox: Sequence[float] | None = None,
    ) -> Self:
        """Return the search for objects whose geometry intersects another, in place of an earlier one.

        Parameters
        ----------
        geometry : dict, shapely geometry, GeoContext or list, optional
            Geometry in longitude and latitude, also as GeoJSON or with `__geo_interface__`. A list of four
            numbers is a `bbox`, and a list of (longitude, latitude) pairs is the outline of a polygon.
            Longitudes may go beyond ±180 across the antimeridian.
        match_null_geometry : bool, default False
            Match objects without a geometry too.
        bbox : sequence of float, optional
            Bounds (west, south, east, north) in degrees, in place of a geometry. Bounds whose west is east of
            their east cross the antimeridian.

        Returns
        -------
        GeoSearch
            New search of the same class.

        Raises
        ------
        TypeError
            If `geometry` is not a geometry, or unless either it or `bbox` is given.
        InvalidGeometryError
            If it is GeoJSON or a list that is not valid. The error is a ValueError and a TypeError too.

        Examples
        --------
        >>> search.intersects(area).count()
        3
        >>> search.intersects({"type": "Point", "coordinates": [10, 50]}).count()
        0
        >>> search.intersects(bbox=(-108.1, 38.8, -107.9, 39.0)).count()
        3
        """
        from shapely.errors import ShapelyError

        if (geometry is None) == (bbox is None):
            raise TypeError(
                "`intersects` needs either a geometry or a bbox, such as bbox=(-108, 38, -107, 39)."
            )
        given = geometry if bbox is None else bbox
        try:
            shape = to_shape(geometry) if bbox is None and not _is_list(geometry) else shape_of_list(given)
            document = to_geojson(within_world_bounds(shape))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, ShapelyError) as error:
            listed = isinstance(given, Mapping) or _is_list(given) or bbox is not None
            refused = InvalidGeometryError if listed else TypeError
            name = "a geometry" if bbox is None else "a bbox"
            raise refused(f"`intersects` needs {name}; got {_shortened(given)}: {error}") from None
        new = self._copy(geometry=document, match_null_geometry=match_null_geometry)
        new._intersects = shape if bbox is not None or _is_list(geometry) else geometry
        return new


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (hasattr(value, "tolist") and hasattr(value, "shape"))


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
