"""Products: collections of images that share their bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from landbridge.catalog.access_lists import AuthCatalogObject
from landbridge.catalog.band import Band
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.errors import InvalidNameError
from landbridge.catalog.image import Image
from landbridge.catalog.image_upload import ImageUpload
from landbridge.catalog.model.attributes import Attribute, BooleanAttribute, TypedAttribute
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.containers import ListAttribute, ValueAttribute
from landbridge.catalog.model.converters import ReadableText, Timestamp
from landbridge.catalog.model.values import Resolution
from landbridge.catalog.stac.products import PRODUCTS, prefixed_id
from landbridge.catalog.task import DeletionTaskStatus, deletion_path
from landbridge.mappings import ids
from landbridge.utils.properties import properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.image_search import ImageSearch
    from landbridge.catalog.search.search import Search
    from landbridge.catalog.stac.resource import Resource

__all__ = ["Product", "ProductCollection"]


class Product(AuthCatalogObject):
    """A set of images with the same bands, processed alike.

    An id and a name are required. On save the id is prefixed with the organization, as `namespace_id` does.
    """

    _resource: ClassVar[Resource] = PRODUCTS
    _doc_type = "product"

    name = ReadableText(doc="Display name. *Sortable, searchable.*")
    description = TypedAttribute(str, doc="What it is. *Searchable.*")
    is_core = BooleanAttribute(doc="Whether it is one of the service's own products. *Filterable, sortable.*")
    revisit_period_minutes_min = TypedAttribute(
        float, coerce=True, doc="The shortest time between images of a place. *Filterable, sortable.*"
    )
    revisit_period_minutes_max = TypedAttribute(
        float, coerce=True, doc="The longest time between images of a place. *Filterable, sortable.*"
    )
    start_datetime = Timestamp(doc="When its data begins. *Filterable, sortable.*")
    end_datetime = Timestamp(doc="When its data ends. *Filterable, sortable.*")
    resolution_min = ValueAttribute(
        Resolution, readonly=True, doc="The finest resolution of its bands. *Filterable, sortable.*"
    )
    resolution_max = ValueAttribute(
        Resolution, readonly=True, doc="The coarsest resolution of its bands. *Filterable, sortable.*"
    )
    default_display_bands = ListAttribute(
        TypedAttribute(str), doc="The bands to show: one, or three for red, green and blue."
    )
    image_index_name = TypedAttribute(str, doc="The index its images are in. *Filterable, sortable.*")
    product_tier = TypedAttribute(str, doc="Who can use it. *Filterable, sortable.*")

    def _set_and_report(self, attribute: Attribute, value: Any) -> None:
        if attribute.name == "id" and value is not None:
            fault = ids.product_id_problem(value)
            if fault is not None:
                raise InvalidNameError(f"'id' cannot be {value!r}: it {fault}.")
        super()._set_and_report(attribute, value)

    @classmethod
    def namespace_id(cls, id_: str, client: CatalogClient | None = None) -> str:
        """The id that a product gets on save: prefixed with the organization, unless it is already."""
        return prefixed_id(id_, client or CatalogClient.get_default_client())

    def named_id(self, name: str) -> str:
        """The id of the band or image of this product with that name."""
        return ids.image_id(self.id, name)

    def get_band(
        self,
        name: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Band | None:
        """The band of that name; None where there is none."""
        self._check_not_deleted()
        return Band.get(self.named_id(name), client or self._client, request_params, headers)

    def get_image(
        self,
        name: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Image | None:
        """The image of that name; None where there is none."""
        self._check_not_deleted()
        return Image.get(self.named_id(name), client or self._client, request_params, headers)

    def bands(
        self, request_params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Search[Band]:
        """A search for the bands of this product, sorted by sort_order."""
        self._check_exists()
        search = Band.search(self._client, request_params, headers)
        return search.filter(properties.product_id == self.id).sort("sort_order")

    def images(
        self, request_params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> ImageSearch[Image]:
        """A search for the images of this product."""
        self._check_exists()
        return Image.search(self._client, request_params, headers).filter(properties.product_id == self.id)

    def image_uploads(self) -> Search[ImageUpload]:
        """A search for the uploads to this product."""
        self._check_exists()
        return ImageUpload.search(self._client).filter(properties.product_id == self.id)

    def delete_related_objects(self) -> DeletionTaskStatus | None:
        """Delete all bands and images of this product, in the background; this cannot be undone.

        Returns
        -------
        DeletionTaskStatus or None
            What to wait for; None where there is nothing to delete.

        Raises
        ------
        ConflictError
            They are being deleted already.
        """
        self._check_exists()
        with self._deleted_if_not_found():
            answer = self._client.post(deletion_path(self.id))
        self._client.forget_bands(self.id)
        return None if answer is None else DeletionTaskStatus(**answer, _client=self._client)

    def get_delete_status(self) -> DeletionTaskStatus:
        """How the last deletion of this product's bands and images stands; NEVERRAN if there was none."""
        self._check_exists()
        with self._deleted_if_not_found():
            answer = self._client.get(deletion_path(self.id))
        return DeletionTaskStatus(**answer, _client=self._client)


class ProductCollection(Collection[Product]):
    """Products, in a list-like collection."""

    _item_type = Product


Product._collection_type = ProductCollection
