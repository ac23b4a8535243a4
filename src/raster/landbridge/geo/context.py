"""Base class of all GeoContexts."""

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from folium import Map
    from odc.geo.geobox import GeoBox


class GeoContext:
    """Area and grid of a raster: an immutable value, the base class of AOI, DLTile and XYZTile.

    Two contexts are equal if they are of the same class and have the same fields; `all_touched` does not
    count. Contexts can be pickled, but not hashed.

    Parameters
    ----------
    all_touched : bool, default False
        True keeps each pixel that the geometry touches, False each pixel whose center it contains.
    """

    __slots__ = ("_all_touched",)
    # Fields that `==` compares and `repr` shows, in this order; `all_touched` is shown but not compared.
    _fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, all_touched: bool = False) -> None:
        """Initialize the field that all contexts have."""
        self._all_touched = bool(all_touched)

    @property
    def all_touched(self) -> bool:
        """True if the geometry keeps each pixel that it touches, not only those whose center it contains."""
        return self._all_touched

    @property
    def raster_params(self) -> dict[str, Any]:
        """Parameters that describe the grid to a raster service, as a dict."""
        return {"cutline_all_touched": True} if self._all_touched else {}

    @property
    def geobox(self) -> "GeoBox":
        """Grid of the pixels as odc-geo's `GeoBox`, for `odc.stac.load`, `.odc.reproject` and others.

        ValueError is raised if a field is missing that a grid needs; its message names the field.
        """
        from landbridge.geo.grids.geobox import output_grid

        return output_grid(self)

    def explore(self, basemap: str | None = "OpenStreetMap") -> "Map":
        """Show the area on an interactive map.

        A notebook shows the map that a cell returns; `save("map.html")` writes it as a page.
        `landbridge.maps.explore` shows several areas, or areas and images, on one map.

        Parameters
        ----------
        basemap : str, optional, default "OpenStreetMap"
            Basemap by its name in folium; None for no basemap.

        Returns
        -------
        folium.Map
            Map with the outline of the area.

        Raises
        ------
        ImportError
            If `landbridge` or folium is not installed; the extra `landbridge[maps]` has both.
        ValueError
            If the area has neither a geometry nor bounds.

        Examples
        --------
        >>> from landbridge.geo import XYZTile
        >>> type(XYZTile(1, 1, 2).explore()).__name__
        'Map'
        """
        from landbridge.geo.views import view

        explore = view("map")
        if explore is None:
            raise ImportError("A map needs landbridge and folium: pip install 'landbridge[maps]'")
        drawn: Map = explore(self, basemap=basemap)
        return drawn

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in self._fields)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # compared by value, and hashing geometries is slow

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for cls in type(self).__mro__
            for name in getattr(cls, "__slots__", ())
            if hasattr(self, name)
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _field_texts(self) -> dict[str, str]:
        """Return the text of each field in the repr."""
        return {name: repr(getattr(self, name)) for name in (*self._fields, "all_touched")}

    def _repr_html_(self) -> str | None:
        from landbridge.geo.views import view

        html = view("html")  # without one, notebooks show the text
        return None if html is None else str(html(self, self._field_texts()))

    def __repr__(self) -> str:
        name = type(self).__name__
        indent = ",\n" + " " * (len(name) + 1)
        return f"{name}({indent.join(f'{key}={text}' for key, text in self._field_texts().items())})"
