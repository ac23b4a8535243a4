"""Image searches of the Catalog for arguments of the Metadata service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from landbridge.catalog import Image, properties
from landbridge.porting.arguments.areas import to_dltile, to_geometry
from landbridge.porting.arguments.keywords import did_you_mean
from landbridge.porting.arguments.products import constellation_products, product_list, require_products
from landbridge.porting.old_keys.images import ATTRIBUTES_OF_FILTERS
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from landbridge.catalog import ImageSearch

__all__ = ["ImageQuery", "attribute_of_date", "catalog_search", "found_images"]

# The attribute that a value of `date` names.
_DATES: Final = {
    "acquired": "acquired",
    "created": "created",
    "modified": "modified",
    "processed": "created",
    "published": "published",
    "updated": "modified",
}
_ORDERS: Final = {"asc": True, "desc": False, None: True}


class ImageQuery(NamedTuple):
    """Conditions of a search of the Metadata service, by their old names."""

    products: Any = None
    const_id: Any = None
    sat_ids: Any = None
    date: str = "acquired"
    geom: Any = None
    dltile: Any = None
    bbox: bool = False
    start_datetime: Any = None
    end_datetime: Any = None
    cloud_fraction: float | None = None
    cloud_fraction_0: float | None = None
    fill_fraction: float | None = None
    storage_state: str | None = None
    q: Any = None

    @property
    def product_ids(self) -> list[str]:
        """Ids of the products to search in, of `products` and `const_id`."""
        return product_list([*product_list(self.products), *constellation_products(self.const_id)])


def catalog_search(query: ImageQuery) -> ImageSearch[Image]:
    """Return the Catalog's search for a query.

    Raises
    ------
    ValueError
        If `geom` and `dltile` are both given, or a value is not valid.
    """
    search = Image.search()
    if query.product_ids:
        search = search.filter(properties.product_id.any_of(query.product_ids))
    area = _area(query)
    if area is not None:
        search = search.intersects(area)
    for condition in _conditions(query):
        search = search.filter(condition)
    return search


def _area(query: ImageQuery) -> Any:
    geometry = to_geometry(query.geom)
    if query.dltile is not None:
        if geometry is not None:
            raise ValueError("Give either `geom` or `dltile`, not both.")
        return to_dltile(query.dltile).geometry
    return geometry.envelope if geometry is not None and query.bbox else geometry


def _conditions(query: ImageQuery) -> Iterator[Any]:
    field = attribute_of_date(query.date)
    if query.start_datetime is not None:
        yield getattr(properties, field) >= _moment(query.start_datetime)
    if query.end_datetime is not None:
        yield getattr(properties, field) <= _moment(query.end_datetime)
    if query.sat_ids:
        yield properties.satellite_id.any_of(product_list(query.sat_ids))
    if query.cloud_fraction is not None:
        yield properties.cloud_fraction <= query.cloud_fraction
    if query.cloud_fraction_0 is not None:
        most = query.cloud_fraction_0
        provider = properties.alt_cloud_fraction.isnull & (properties.cloud_fraction <= most)
        yield (properties.alt_cloud_fraction <= most) | provider
    if query.fill_fraction is not None:
        yield properties.fill_fraction >= query.fill_fraction
    if query.storage_state is not None:
        yield properties.storage_state == query.storage_state
    yield from _expressions(query.q)


def attribute_of_date(name: str) -> str:
    """Return the attribute that a value of `date` names; ValueError if there is none."""
    if name not in _DATES:
        raise ValueError(f"`date` is one of {', '.join(_DATES)}; got {name!r}.")
    return _DATES[name]


def _moment(value: Any) -> Any:
    """Return a time as the Catalog's filters take it: a datetime or a text."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value


def _expressions(given: Any) -> list[Expression]:
    """Return the expressions of `q`, one or several, with the attributes that the old names stand for."""
    if given is None:
        return []
    expressions = [given] if isinstance(given, Expression) else list(given)
    for one in expressions:
        if not isinstance(one, Expression):
            raise TypeError(
                f"`q` is an expression such as `properties.cloud_fraction < 0.2`, or a list; got {one!r}."
            )
    return [Expression.parse(_with_new_names(one.serialize())) for one in expressions]


def _with_new_names(node: Mapping[str, Any]) -> dict[str, Any]:
    ((operator, operand),) = node.items()
    if isinstance(operand, list):
        return {operator: [_with_new_names(part) for part in operand]}
    if isinstance(operand, Mapping):
        return {operator: {ATTRIBUTES_OF_FILTERS.get(name, name): value for name, value in operand.items()}}
    return {operator: ATTRIBUTES_OF_FILTERS.get(operand, operand)}


def found_images(
    query: ImageQuery, limit: int | None, sort_field: str | None = None, sort_order: str | None = "asc"
) -> Iterator[Image]:
    """Yield the images of a query in order, at most `limit` of them.

    Raises
    ------
    NotFoundError
        If nothing is found and a product does not exist.
    ValueError
        If the order is not valid.
    """
    if sort_order not in _ORDERS:
        raise ValueError(f"`sort_order` is 'asc' or 'desc'; got {sort_order!r}.")
    name = ATTRIBUTES_OF_FILTERS.get(sort_field or "acquired", sort_field or "acquired")
    if name not in Image.ATTRIBUTES:
        raise ValueError(
            f"`sort_field` {sort_field!r} is no key of an image.{did_you_mean(name, Image.ATTRIBUTES)}"
        )
    search = catalog_search(query).sort(name, _ORDERS[sort_order])
    if limit is not None:
        search = search.limit(limit)
    found = None
    for found in search:
        yield found
    if found is None and limit != 0:
        require_products(query.product_ids)
