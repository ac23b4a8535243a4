"""Metadata of products: their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, Unpack

from landbridge.catalog.access_lists import AuthCatalogObject
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import ValueAttribute
from landbridge.catalog.model.attributes import BooleanAttribute, TypedAttribute
from landbridge.catalog.model.converters import ReadableText, Timestamp
from landbridge.catalog.model.values import Resolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.type_hints.attributes import (
        Flag,
        Number,
        ReadOnlySizeOfPixel,
        RequiredText,
        Text,
        Texts,
        Time,
    )
    from landbridge.catalog.type_hints.keywords import ProductKeywords

__all__ = ["ProductMetadata"]


class ProductMetadata(AuthCatalogObject):
    """The attributes of a product; `Product` adds its bands, images and uploads."""

    name: RequiredText = ReadableText(doc="Display name. *Sortable, searchable.*")
    description: Text = TypedAttribute(
        str, doc="Description of the product, up to 80,000 characters. *Searchable.*"
    )
    is_core: Flag = BooleanAttribute(doc="True for products of the service itself. *Filterable, sortable.*")
    revisit_period_minutes_min: Number = TypedAttribute(
        float,
        coerce=True,
        doc="Shortest time between two images of a place, in minutes. *Filterable, sortable.*",
    )
    revisit_period_minutes_max: Number = TypedAttribute(
        float,
        coerce=True,
        doc="Longest time between two images of a place, in minutes. *Filterable, sortable.*",
    )
    start_datetime: Time = Timestamp(doc="Start of the period that the images cover. *Filterable, sortable.*")
    end_datetime: Time = Timestamp(doc="End of the period that the images cover. *Filterable, sortable.*")
    resolution_min: ReadOnlySizeOfPixel = ValueAttribute(
        Resolution,
        readonly=True,
        doc="Finest resolution of the bands; the service sets it. *Filterable, sortable.*",
    )
    resolution_max: ReadOnlySizeOfPixel = ValueAttribute(
        Resolution,
        readonly=True,
        doc="Coarsest resolution of the bands; the service sets it. *Filterable, sortable.*",
    )
    default_display_bands: Texts = ListAttribute(
        TypedAttribute(str), doc="Names of the bands to display: one, or three for red, green and blue."
    )
    image_index_name: Text = TypedAttribute(
        str, doc="Name of the index that holds the images. *Filterable, sortable.*"
    )
    product_tier: Text = TypedAttribute(
        str, doc="Tier of users that the product is offered to. *Filterable, sortable.*"
    )

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[ProductKeywords]
        ) -> None: ...

        def update(  # type: ignore[override] # these names only
            self, ignore_errors: bool = False, **kwargs: Unpack[ProductKeywords]
        ) -> None: ...

        @classmethod
        def get_or_create(  # type: ignore[override] # these names only
            cls,
            id: str,
            client: CatalogClient | None = None,
            request_params: Mapping[str, Any] | None = None,
            headers: Mapping[str, str] | None = None,
            **kwargs: Unpack[ProductKeywords],
        ) -> Self: ...
