"""Searches for objects that have a geometry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from landbridge.catalog.errors import InvalidGeometryError
from landbridge.catalog.model.converters import to_geojson, to_shape, within_world_bounds
from landbridge.catalog.search.search import Search, T_co

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.type_hints.values import GeometryLike

__all__ = ["GeoSearch"]


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

    def intersects(self, geometry: GeometryLike, match_null_geometry: bool = False) -> Self:
        """Return the search for objects whose geometry intersects another, in place of an earlier one.

        Parameters
        ----------
        geometry : dict, shapely geometry or GeoContext
            Geometry in longitude and latitude, also as GeoJSON or with `__geo_interface__`. Longitudes may go
            beyond ±180 across the antimeridian.
        match_null_geometry : bool, default False
            Match objects without a geometry too.

        Returns
        -------
        GeoSearch
            New search of the same class.

        Raises
        ------
        TypeError
            If `geometry` is not a geometry.
        InvalidGeometryError
            If it is GeoJSON that is not valid. The error is a ValueError and a TypeError too.

        Examples
        --------
        >>> search.intersects(area).count()
        3
        >>> search.intersects({"type": "Point", "coordinates": [10, 50]}).count()
        0
        """
        from shapely.errors import ShapelyError

        try:
            document = to_geojson(within_world_bounds(to_shape(geometry)))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, ShapelyError) as error:
            refused = InvalidGeometryError if isinstance(geometry, Mapping) else TypeError
            raise refused(f"`intersects` needs a geometry; got {geometry!r}: {error}") from error
        new = self._copy(geometry=document, match_null_geometry=match_null_geometry)
        new._intersects = geometry
        return new
