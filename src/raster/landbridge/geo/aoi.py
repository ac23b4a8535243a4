"""GeoContext of an area of interest."""

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Self

import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from landbridge.geo.aoi_fields import (
    Bounds,
    check_bounds,
    check_origin,
    check_resolution,
    check_shape,
    look_like_degrees,
)
from landbridge.geo.context import GeoContext
from landbridge.geo.crs import WGS84, is_geographic, is_wgs84, lon_center
from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian, join_at_antimeridian
from landbridge.geo.shapes import MAX_LAT, MAX_LON, to_shapely

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

UNCHANGED = "unchanged"
# Degrees that geographic bounds may reach beyond the globe if no resolution defines half a pixel.
_DEGREES_TOLERANCE = 0.001


class AOI(GeoContext):
    """Area of interest, with the coordinate reference system and grid of its pixels.

    Fields may be missing until pixels are read. Longitudes may continue beyond ±180: bounds whose west is
    east of their east cross the antimeridian (as in RFC 7946), and their east is stored with 360 degrees
    more. The bounds of a geometry that is cut at the antimeridian go across it.

    Parameters
    ----------
    geometry : dict or shapely geometry, optional
        Geometry in longitude and latitude, also as GeoJSON or with `__geo_interface__`. Pixels outside it are
        masked.
    resolution : float, optional
        Side of a pixel in units of `crs`. Give either `resolution` or `shape`.
    crs : str, optional
        Coordinate reference system of the pixels: an EPSG code such as "EPSG:32612", a PROJ string or WKT.
    align_pixels : bool, optional
        Put the lines of the grid on multiples of the resolution. By default True if there is a resolution,
        also one that is assigned later.
    bounds : tuple of float, optional
        (min x, min y, max x, max y) in `bounds_crs`. By default those of the geometry.
    bounds_crs : str, default "EPSG:4326"
        Coordinate reference system of the bounds.
    shape : tuple of int, optional
        (rows, columns) in pixels.
    all_touched : bool, default False
        True keeps each pixel that the geometry touches, False each pixel whose center it contains.
    grid_origin : tuple of float, optional
        Point (x, y) in `crs` that lines of an aligned grid go through, in place of (0, 0).

    Raises
    ------
    TypeError
        If a field is of the wrong type.
    ValueError
        If a field is out of range, or if two fields contradict each other.

    Examples
    --------
    >>> from landbridge.geo import AOI
    >>> aoi = AOI(bounds=(759900, 4309500, 761400, 4310700), bounds_crs="EPSG:32612", crs="EPSG:32612")
    >>> aoi = aoi.assign(resolution=30)
    >>> aoi.align_pixels
    True
    >>> AOI({"type": "LineString", "coordinates": [[9, 50], [10, 51]]}, crs="EPSG:4326").bounds
    (9.0, 50.0, 10.0, 51.0)
    """

    __slots__ = (
        "_align_pixels",
        "_bounds",
        "_bounds_crs",
        "_crs",
        "_geometry",
        "_grid_origin",
        "_resolution",
        "_shape",
    )
    _fields = (
        "geometry",
        "resolution",
        "crs",
        "align_pixels",
        "bounds",
        "bounds_crs",
        "shape",
    )

    def __init__(
        self,
        geometry: Any = None,
        resolution: float | None = None,
        crs: str | None = None,
        align_pixels: bool | None = None,
        bounds: Any = None,
        bounds_crs: str | None = WGS84,
        shape: Any = None,
        all_touched: bool = False,
        *,
        grid_origin: Any = None,
    ) -> None:
        """Check and store the fields."""
        super().__init__(all_touched=all_touched)
        self._geometry: BaseGeometry | None = None if geometry is None else to_shapely(geometry)
        self._resolution = check_resolution(resolution)
        self._crs = crs
        self._shape = check_shape(shape)
        if self._resolution is not None and self._shape is not None:
            raise ValueError("An AOI has either a resolution or a shape. Set one of them to None.")
        # None: aligned if there is a resolution, which may be assigned later. A shape is not aligned.
        by_resolution = align_pixels is None and shape is None
        self._align_pixels = None if by_resolution else bool(align_pixels)
        self._grid_origin = check_origin(grid_origin)
        if bounds is None and self._geometry is not None:
            if bounds_crs is not None and not is_wgs84(bounds_crs):
                raise ValueError(
                    f"The bounds of the geometry are in {WGS84}, but bounds_crs is {bounds_crs!r}. "
                    "Set the bounds too, or leave bounds_crs out."
                )
            bounds = join_at_antimeridian(self._geometry).bounds if not self._geometry.is_empty else None
        self._bounds: Bounds | None = check_bounds(bounds, bounds_crs)
        self._bounds_crs = bounds_crs
        if self._bounds is not None and bounds_crs is not None:
            self._check_bounds(self._bounds, bounds_crs)

    def _check_bounds(self, bounds: Bounds, bounds_crs: str) -> None:
        if is_geographic(bounds_crs):
            self._check_degrees(bounds, bounds_crs)
        elif look_like_degrees(bounds):
            warnings.warn(
                f"The bounds {bounds} look like degrees, but bounds_crs is {bounds_crs!r}.",
                UserWarning,
                stacklevel=3,
            )
        if (
            self._geometry is not None
            and is_wgs84(bounds_crs)
            and not self._geometry.is_empty
            and not shapely.intersects(cut_at_antimeridian(box(*bounds)), cut_at_antimeridian(self._geometry))
        ):
            raise ValueError(f"The geometry and the bounds {bounds} do not overlap.")
        if self._crs == bounds_crs and self._resolution is not None and not self._may_be_small:
            width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
            if width < self._resolution or height < self._resolution:
                raise ValueError(
                    f"The bounds are {width} x {height}, less than one pixel of resolution "
                    f"{self._resolution}. "
                    "Use a finer resolution, larger bounds or all_touched=True."
                )

    def _check_degrees(self, bounds: Bounds, crs: str) -> None:
        """Raise ValueError for bounds beyond the poles, or too far beyond the antimeridian."""
        own = self._crs == crs
        x = y = _DEGREES_TOLERANCE
        if own and self._resolution is not None:
            x = y = self._resolution / 2
        elif own and self._shape is not None:
            # A grid whose pixel centers lie on the poles reaches half a pixel beyond them.
            x = max(x, (bounds[2] - bounds[0]) / self._shape[1] / 2)
            y = max(y, (bounds[3] - bounds[1]) / self._shape[0] / 2 * (1 + _DEGREES_TOLERANCE))
        middle, width = lon_center(crs), bounds[2] - bounds[0]
        # Areas may cross the antimeridian, and grids may have other longitudes, such as 0 to 360.
        beyond = FULL_CIRCLE if width <= MAX_LON else MAX_LON if own else 0.0
        west, east = middle - MAX_LON - beyond - x, middle + MAX_LON + beyond + x
        if bounds[0] < west or bounds[2] > east or width > FULL_CIRCLE + 2 * x:
            raise ValueError(
                f"The longitudes of bounds {bounds} are outside {middle - MAX_LON:g} to {middle + MAX_LON:g}."
            )
        if bounds[1] < -MAX_LAT - y or bounds[3] > MAX_LAT + y:
            raise ValueError(f"The latitudes of bounds {bounds} are outside -{MAX_LAT:g} to {MAX_LAT:g}.")

    @property
    def _may_be_small(self) -> bool:
        """True if bounds may be smaller than a pixel: the grid or `all_touched` decides which pixel it is."""
        return self._all_touched or self._grid_origin is not None

    @property
    def geometry(self) -> BaseGeometry | None:
        """Geometry that masks pixels, in longitude and latitude."""
        return self._geometry

    @property
    def resolution(self) -> float | None:
        """Side of a pixel, in units of `crs`."""
        return self._resolution

    @property
    def crs(self) -> str | None:
        """Coordinate reference system of the pixels: an EPSG code, PROJ string or WKT."""
        return self._crs

    @property
    def align_pixels(self) -> bool:
        """True if the lines of the grid lie on multiples of the resolution, counted from `grid_origin`."""
        return self._resolution is not None if self._align_pixels is None else self._align_pixels

    @property
    def grid_origin(self) -> tuple[float, float] | None:
        """Point (x, y) in `crs` that lines of an aligned grid go through; None for (0, 0)."""
        return self._grid_origin

    @property
    def bounds(self) -> Bounds | None:
        """(min x, min y, max x, max y) in `bounds_crs`."""
        return self._bounds

    @property
    def bounds_crs(self) -> str | None:
        """Coordinate reference system of the bounds."""
        return self._bounds_crs

    @property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns) in pixels."""
        return self._shape

    @classmethod
    def from_geobox(cls, geobox: "GeoBox", all_touched: bool = False) -> Self:
        """Return the AOI whose grid is a GeoBox of odc-geo.

        Parameters
        ----------
        geobox : odc.geo.geobox.GeoBox
            Grid with a coordinate reference system and rows from north to south.
        all_touched : bool, default False
            True keeps each pixel that a geometry touches, which may be assigned later.

        Returns
        -------
        AOI
            Area with the grid of the GeoBox: `AOI.from_geobox(geobox).geobox == geobox`.

        Raises
        ------
        TypeError, ValueError
            If `geobox` is not a GeoBox, has no coordinate reference system, or is rotated or mirrored.

        Examples
        --------
        >>> from odc.geo.geobox import GeoBox
        >>> aoi = AOI.from_geobox(GeoBox.from_bbox((0, 0, 100, 50), "EPSG:32612", resolution=10))
        >>> aoi.resolution, aoi.bounds, aoi.geobox.shape.yx
        (10.0, (0.0, 0.0, 100.0, 50.0), (5, 10))
        """
        from landbridge.geo.grids.geobox import area_of_grid

        # The GeoBox states its units, so small bounds need no warning that they look like degrees.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            return cls(**area_of_grid(geobox), all_touched=all_touched)

    @property
    def raster_params(self) -> dict[str, Any]:
        """Parameters that describe the grid to a raster service, as a dict.

        ValueError is raised if a field is missing that a grid needs; its message names the field.
        """
        for name in ("bounds", "bounds_crs", "crs"):
            if getattr(self, name) is None:
                raise ValueError(f"The AOI has no {name}. Set it before pixels are read.")
        if self._resolution is None and self._shape is None:
            raise ValueError(
                "The AOI has no resolution and no shape. Set one of them before pixels are read."
            )
        return {
            **super().raster_params,
            **({} if self._grid_origin is None else {"grid_origin": self._grid_origin}),
            "cutline": None if self._geometry is None else self._geometry.__geo_interface__,
            "resolution": self._resolution,
            "srs": self._crs,
            "bounds_srs": self._bounds_crs,
            "align_pixels": self._align_pixels,
            "bounds": self._bounds,
            "dimensions": None if self._shape is None else (self._shape[1], self._shape[0]),
        }

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        if self._geometry is not None:
            return self._geometry.__geo_interface__
        if self._bounds is not None and self._bounds_crs is not None and is_wgs84(self._bounds_crs):
            return cut_at_antimeridian(box(*self._bounds)).__geo_interface__
        raise RuntimeError(f"An AOI without a geometry and without bounds in {WGS84} has no GeoJSON form.")

    def assign(
        self,
        geometry: Any = UNCHANGED,
        resolution: Any = UNCHANGED,
        crs: Any = UNCHANGED,
        align_pixels: Any = UNCHANGED,
        bounds: Any = UNCHANGED,
        bounds_crs: Any = UNCHANGED,
        shape: Any = UNCHANGED,
        all_touched: Any = UNCHANGED,
        *,
        grid_origin: Any = UNCHANGED,
    ) -> "AOI":
        """Return a copy with some fields changed.

        A new resolution removes the shape, and a new crs the grid origin. A new geometry keeps the bounds
        unless `bounds="update"`. None is a value like any other; fields that are not given stay.

        Parameters
        ----------
        geometry : dict, shapely geometry or None, optional
            New geometry.
        resolution : float or None, optional
            New resolution.
        crs : str or None, optional
            New coordinate reference system of the pixels.
        align_pixels : bool or None, optional
            New alignment.
        bounds : tuple of float, "update" or None, optional
            New bounds; "update" takes them from the new geometry.
        bounds_crs : str or None, optional
            New coordinate reference system of the bounds.
        shape : tuple of int or None, optional
            New shape.
        all_touched : bool, optional
            New rule for pixels at the edge of the geometry.
        grid_origin : tuple of float or None, optional
            New grid origin.

        Returns
        -------
        AOI
            Changed copy.

        Raises
        ------
        TypeError
            If a field is of the wrong type.
        ValueError
            If a shape is given for an AOI with a resolution (unless `resolution=None` too), if
            `bounds="update"` is given without a geometry, or if fields contradict each other.

        Examples
        --------
        >>> aoi = AOI(bounds=(0, 0, 1, 1), crs="EPSG:4326", resolution=0.1)
        >>> aoi.assign(shape=(5, 5), resolution=None).shape
        (5, 5)
        """
        if _is(bounds, "update"):
            if geometry is None or _is(geometry, UNCHANGED):
                raise ValueError('bounds="update" needs a new geometry in the same call.')
            bounds, bounds_crs = None, WGS84
        changes = {
            "geometry": geometry,
            "resolution": resolution,
            "crs": crs,
            "align_pixels": align_pixels,
            "bounds": bounds,
            "bounds_crs": bounds_crs,
            "shape": shape,
            "all_touched": all_touched,
            "grid_origin": grid_origin,
        }
        fields = {
            name: getattr(self, f"_{name}") if _is(value, UNCHANGED) else value
            for name, value in changes.items()
        }
        if _is(grid_origin, UNCHANGED) and fields["crs"] != self._crs:
            fields["grid_origin"] = None
        if resolution is not None and not _is(resolution, UNCHANGED) and _is(shape, UNCHANGED):
            fields["shape"] = None
        given = fields["geometry"]
        if fields["bounds"] is None and bounds is not None and not is_wgs84(fields["bounds_crs"] or WGS84):
            # Bounds in bounds_crs will be assigned later; those of the geometry would be in another system.
            copy = AOI(**{**fields, "geometry": None})
            copy._geometry = None if given is None else to_shapely(given)
            return copy
        return AOI(**fields)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self._grid_origin == getattr(other, "_grid_origin", None)

    __hash__: ClassVar[None] = None  # __eq__ removes the inherited value

    def _field_texts(self) -> dict[str, str]:
        shown = super()._field_texts()
        if self._grid_origin is not None:
            shown["grid_origin"] = repr(self._grid_origin)
        if self._geometry is not None:
            text = self._geometry.wkt
            shown["geometry"] = f"<{text if len(text) <= 60 else f'{text[:28]}.....{text[-10:]}'}>"
        return shown


def _is(value: Any, word: str) -> bool:
    return isinstance(value, str) and value == word
