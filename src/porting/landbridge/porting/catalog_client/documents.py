"""Objects of the Catalog as documents of JSON:API, and how the old client finds and changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import Band, Image, Product
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.products import missing_product
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog import CatalogObject

__all__ = ["document", "existing_band", "existing_image", "existing_product", "replace", "resource", "update"]

# Attributes that an object has always, or that the service sets.
_KEPT: Final = frozenset(
    {
        *(
            "acquired",
            "band_index",
            "created",
            "cs_code",
            "data_range",
            "data_type",
            "display_range",
            "file_index",
        ),
        *(
            "files",
            "geometry",
            "geotrans",
            "id",
            "is_alpha",
            "is_core",
            "modified",
            "name",
            "owners",
            "product",
        ),
        *(
            "product_id",
            "projection",
            "resolution_max",
            "resolution_min",
            "sort_order",
            "storage_state",
            "type",
        ),
        *("x_pixels", "y_pixels"),
    }
)


def resource(kind: str, record: Mapping[str, Any], identifier: str | None = None) -> dict[str, Any]:
    """Return a dict of old keys as a resource of JSON:API: `{"type", "id", "attributes"}`."""
    attributes = {name: value for name, value in record.items() if name != "id"}
    return {"type": kind, "id": identifier or record["id"], "attributes": attributes}


def document(kind: str, record: Mapping[str, Any], identifier: str | None = None) -> DotDict:
    """Return a dict of old keys as a document of JSON:API."""
    return DotDict({"data": resource(kind, record, identifier)})


def existing_product(product_id: str) -> Product:
    """Return a product by its id, with or without the prefix of the organization.

    Raises
    ------
    NotFoundError
        If there is no such product.
    """
    for identifier in dict.fromkeys((product_id, Product.namespace_id(product_id))):
        found = Product.get(identifier)
        if found is not None:
            return found
    error: NotFoundError = missing_product(product_id)
    raise error


def existing_band(product_id: str, name: str) -> Band:
    """Return a band of a product; `name` may be its id. Raise NotFoundError if it does not exist."""
    product = existing_product(product_id)
    found = product.get_band(name.removeprefix(f"{product.id}:"))
    if found is None:
        raise NotFoundError(f"Product {product.id!r} has no band {name!r}.")
    return found


def existing_image(product_id: str, image_id: str) -> Image:
    """Return an image of a product by its name or its id. Raise NotFoundError if it does not exist."""
    product = existing_product(product_id)
    found = product.get_image(image_id.removeprefix(f"{product.id}:"))
    if found is None:
        raise NotFoundError(f"Product {product.id!r} has no image {image_id!r}.")
    return found


def update(each: CatalogObject, attributes: Mapping[str, Any]) -> None:
    """Set attributes of an object and save it; extra properties are added to those that it has."""
    extras = attributes.get("extra_properties")
    if extras is not None:
        attributes = {**attributes, "extra_properties": {**dict(each.extra_properties or {}), **extras}}
    each.update(**attributes)
    each.save()


def replace(each: CatalogObject, attributes: Mapping[str, Any]) -> None:
    """Set attributes of an object, unset all others that it can be without, and save it."""
    unset: dict[str, Any] = {
        name: None
        for name in each.ATTRIBUTES
        if name not in attributes and name not in _KEPT and getattr(each, name) not in (None, [], {})
    }
    each.update(**attributes, **unset)
    each.save()
