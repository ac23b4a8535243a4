"""Searches of the Scenes client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog import ImageCollection
from landbridge.geo import AOI, GeoContext
from landbridge.porting.arguments.areas import to_geometry
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.deprecations import warn_deprecated
from landbridge.porting.metadata.searches import ImageQuery, found_images
from landbridge.porting.scenes.areas import lonlat_area
from landbridge.porting.scenes.scene import Scene
from landbridge.porting.scenes.scene_collection import SceneCollection
from landbridge.porting.scenes.scene_properties import BandRecords

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["search"]


def search(
    aoi: Mapping[str, Any] | GeoContext | Any,
    products: str | Iterable[str],
    start_datetime: str | datetime | None = None,
    end_datetime: str | datetime | None = None,
    cloud_fraction: float | None = None,
    storage_state: str | None = None,
    limit: int | None = 100,
    sort_field: str | None = None,
    sort_order: str = "asc",
    date_field: str = "acquired",
    query: Any = None,
    randomize: bool | int | str = False,
    raster_client: object = None,
    metadata_client: object = None,
) -> tuple[SceneCollection, GeoContext]:
    """Search scenes of products that intersect an area.

    Parameters
    ----------
    aoi : dict, str, shapely geometry or GeoContext
        Area in longitude and latitude, also as JSON text or WKT, or a geocontext.
    products : str or iterable of str
        Ids of products.
    start_datetime, end_datetime : str or datetime, optional
        First time, inclusive, and last time, exclusive. Without a time zone they are in UTC.
    cloud_fraction : float, optional
        Maximum fraction of clouds, from 0 to 1. Scenes without one are left out.
    storage_state : str, optional
        "available" or "remote". By default both.
    limit : int, optional, default 100
        Maximum number of scenes; None returns all.
    sort_field : str, optional
        Key to sort by. By default `acquired`.
    sort_order : str, default "asc"
        "asc" or "desc".
    date_field : str, default "acquired"
        Time that `start_datetime` and `end_datetime` are for: "acquired", "processed" or "published".
    query : Expression or list of Expression, optional
        Further conditions, such as `properties.sat_id == "S2A"`.
    randomize : bool, optional
        Not supported.
    raster_client, metadata_client : object, optional
        No effect: there is one service.

    Returns
    -------
    scenes : SceneCollection
        Scenes in order.
    ctx : GeoContext
        `aoi` if it is a complete geocontext. Otherwise its area with the most common reference system of
        the scenes and the finest resolution of their products' bands, if a scene was found.

    Raises
    ------
    NotFoundError
        If nothing is found and a product does not exist; the message names the one that replaces it.
    ValueError
        If no area or no product is given, or a value is not valid.
    UnsupportedArgumentError
        If `aoi` is the name of a place, or `randomize` is given.

    Examples
    --------
    >>> from descarteslabs import scenes
    >>> found, ctx = scenes.search(area, "local:docs-fields", cloud_fraction=0.3)
    >>> list(found.each.properties.date.month)
    [1, 7]
    >>> ctx.crs, ctx.resolution
    ('EPSG:32612', 30.0)
    """
    del raster_client, metadata_client
    warn_deprecated("scenes.search", "Product.get(...).images().intersects(...).filter(...).collect()")
    if not products:
        raise ValueError("Give `products`, the ids of the products to search in.")
    if randomize:
        raise UnsupportedArgumentError(
            "scenes.search(): `randomize` is not possible. Search with limit=None and choose "
            "scenes by random.sample()."
        )
    area = aoi if isinstance(aoi, GeoContext) else AOI(geometry=to_geometry(aoi))
    if isinstance(area, AOI) and area.geometry is None and area.bounds is None:
        raise ValueError("Give `aoi` as a geometry, or as a geocontext with a geometry or bounds.")
    given = [query] if query is not None and not isinstance(query, (list, tuple)) else list(query or ())
    conditions = ImageQuery(
        products=products,
        date=date_field,
        geom=lonlat_area(area),
        start_datetime=start_datetime,
        end_datetime=end_datetime,
        cloud_fraction=cloud_fraction,
        storage_state=storage_state,
        q=given,
    )
    images = list(found_images(conditions, limit, sort_field, sort_order))
    bands = BandRecords()
    context = ImageCollection(images, geocontext=area).geocontext
    assert context is not None  # a geocontext was given
    return SceneCollection(Scene(image, bands) for image in images), context
