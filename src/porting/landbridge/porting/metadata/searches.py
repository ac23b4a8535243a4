"""Image searches of the Catalog for arguments of the Metadata service."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import Image, properties
from landbridge.porting.arguments.areas import to_dltile, to_geometry
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.arguments.products import constellation_products, product_list, require_products
from landbridge.porting.old_keys.images import ATTRIBUTES_OF_FILTERS
from landbridge.suggestions import did_you_mean
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from landbridge.catalog import ImageSearch

__all__ = ["ImageQuery", "attribute_of_date", "catalog_search", "found_images", "require_matches"]

# The attribute that a value of `date` names.
_DATES: Final = {
    "acquired": "acquired",
    "created": "created",
    "modified": "modified",
    "processed": "created",
    "published": "published",
    "updated": "modified",
}
# The fraction of clouds that the old platform computed; the provider's, if there is none.
_OLD_CLOUDS: Final = "cloud_fraction_0"
_ORDERS: Final = {"asc": True, "desc": False, None: True}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageQuery:
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
        yield getattr(properties, field) < _moment(query.end_datetime)
    if query.sat_ids:
        yield properties.satellite_id.any_of(product_list(query.sat_ids))
    if query.cloud_fraction is not None:
        yield properties.cloud_fraction <= query.cloud_fraction
    if query.cloud_fraction_0 is not None:
        yield _with_new_names(getattr(properties, _OLD_CLOUDS) <= query.cloud_fraction_0)
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
    return [_with_new_names(one) for one in expressions]


def _with_new_names(expression: Expression) -> Expression:
    return Expression.parse(_renamed(expression.serialize()))


def _renamed(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a serialized expression with the attributes that old names stand for."""
    ((operator, operand),) = node.items()
    if isinstance(operand, list):
        return {operator: [_renamed(part) for part in operand]}
    name = operand if isinstance(operand, str) else next(iter(operand))
    if name == _OLD_CLOUDS:
        return _of_clouds(operator, operand)
    return _on(operator, operand, ATTRIBUTES_OF_FILTERS.get(name, name))


def _on(operator: str, operand: Any, attribute: str) -> dict[str, Any]:
    """Return a serialized condition on another attribute."""
    if isinstance(operand, str):
        return {operator: attribute}
    (value,) = operand.values()
    return {operator: {attribute: value}}


def _of_clouds(operator: str, operand: Any) -> dict[str, Any]:
    """Return a serialized condition on the old platform's fraction of clouds, else on the provider's."""
    own, provider = (_on(operator, operand, name) for name in ("alt_cloud_fraction", "cloud_fraction"))
    if operator == "isnull":
        return {"and": [own, provider]}
    if operator == "isnotnull":
        return {"or": [own, provider]}
    return {"or": [own, {"and": [{"isnull": "alt_cloud_fraction"}, provider]}]}


def found_images(
    query: ImageQuery, limit: int | None, sort_field: str | None = None, sort_order: str | None = "asc"
) -> Iterator[Image]:
    """Return an iterator over the images of a query in order, at most `limit` of them.

    Raises
    ------
    NotFoundError
        When iterated, if nothing is found and a product does not exist.
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
    images = _in_order(
        query, limit, name, ascending=_ORDERS[sort_order], old_clouds=sort_field == _OLD_CLOUDS
    )
    return _at_least_one(images, query) if limit != 0 else iter(())


def _at_least_one(images: Iterable[Image], query: ImageQuery) -> Iterator[Image]:
    """Yield images; if there are none, raise the error of `require_matches`."""
    found = None
    for found in images:
        yield found
    if found is None:
        require_matches(query)


def _in_order(
    query: ImageQuery, limit: int | None, name: str, *, ascending: bool, old_clouds: bool
) -> Iterable[Image]:
    search = catalog_search(query)
    if not old_clouds:
        search = search.sort(name, ascending)
        return search if limit is None else search.limit(limit)
    # The value of each image is one of two attributes, so that no service can sort by it.
    known = [(clouds, image) for image in search.sort("acquired") if (clouds := _clouds(image)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=not ascending)
    unknown = (image for image in search.sort("acquired") if _clouds(image) is None)
    return itertools.islice(itertools.chain((image for _, image in known), unknown), limit)


def _clouds(image: Image) -> float | None:
    own: float | None = image.alt_cloud_fraction
    provider: float | None = image.cloud_fraction
    return provider if own is None else own


def require_matches(query: ImageQuery) -> None:
    """Raise an error for a query that has no result because of what does not exist.

    Raises
    ------
    NotFoundError
        If a product does not exist.
    UnsupportedArgumentError
        If images that meet the other conditions do not state a fraction that a condition is on.
    """
    require_products(query.product_ids)
    if query.fill_fraction is not None:
        others = catalog_search(replace(query, fill_fraction=None))
        if next(iter(others.filter(properties.fill_fraction.isnull).limit(1)), None) is not None:
            raise UnsupportedArgumentError(
                "No image matches, but there are images that do not state `fill_fraction`: leave it out."
            )
