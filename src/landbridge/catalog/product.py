"""Products: collections of images that share their bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from landbridge.catalog.band import Band, known_bands
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.client.source_clients import client_of_product
from landbridge.catalog.errors import InvalidNameError
from landbridge.catalog.exchange.product_maps import ProductMaps
from landbridge.catalog.image import Image
from landbridge.catalog.image_upload import ImageUpload
from landbridge.catalog.product_collection import ProductCollection
from landbridge.catalog.product_metadata import ProductMetadata
from landbridge.catalog.search.catalog_properties import properties
from landbridge.catalog.stac.prefixes import prefixed_id
from landbridge.catalog.stac.products import PRODUCTS
from landbridge.catalog.stac.source_parts import catalog_parts
from landbridge.catalog.task import DeletionTaskStatus, deletion_path
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.image_search import ImageSearch
    from landbridge.catalog.model.attributes import Attribute
    from landbridge.catalog.search.query import Part, Query
    from landbridge.catalog.search.search import Search
    from landbridge.catalog.stac.resource import Resource

__all__ = ["Product"]


class Product(ProductMaps, ProductMetadata):
    """Collection of images that have the same bands and are processed alike.

    `id` and `name` are required. `save` prefixes the id with your organization, as `namespace_id` does. On
    the embedded stack an id that begins with an organization, such as "esa:fields", stays as it is.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog import Product, SpectralBand
    >>> product = Product(id="docs-example", name="Example")
    >>> product.save()
    >>> product.id
    'local:docs-example'
    >>> band = SpectralBand(product=product, name="red", band_index=0, data_type="UInt16")
    >>> band.update(data_range=(0, 10000), display_range=(0, 4000), resolution="30m")
    >>> band.save()
    >>> [band.name for band in product.bands()]
    ['red']
    >>> band.delete()
    >>> product.delete()
    """

    _resource: ClassVar[Resource] = PRODUCTS
    _doc_type = "product"

    def _set_and_report(self, attribute: Attribute, value: Any) -> None:
        if attribute.name == "id" and value is not None:
            fault = ids.product_id_problem(value)
            if fault is not None:
                raise InvalidNameError(f"'id' cannot be {value!r}: it {fault}.")
        super()._set_and_report(attribute, value)

    @classmethod
    def _client_of(cls, id: str) -> CatalogClient:
        return client_of_product(id)

    @classmethod
    def _search_parts(cls, client: CatalogClient | None, query: Query) -> list[Part]:
        return catalog_parts(PRODUCTS, client, query)

    def _known_bands(self) -> list[Band]:
        return known_bands(self)

    @classmethod
    def namespace_id(cls, id_: str, client: CatalogClient | None = None) -> str:
        """Return the id that a product gets on save.

        Parameters
        ----------
        id_ : str
            Id with or without the prefix of an organization.
        client : CatalogClient, optional
            Client to use. By default the default client.

        Returns
        -------
        str
            Id prefixed with the organization, or with the user if there is no organization. An id that
            begins with one of the caller's organizations stays as it is. The user of the embedded stack is
            its operator: there an id may begin with any organization.

        Examples
        --------
        >>> Product.namespace_id("fields")
        'local:fields'
        >>> Product.namespace_id("local:fields"), Product.namespace_id("esa:fields")
        ('local:fields', 'esa:fields')
        """
        return prefixed_id(id_, client or CatalogClient.get_default_client())

    def named_id(self, name: str) -> str:
        """Return the id of the band or image with a name in this product.

        Parameters
        ----------
        name : str
            Name of a band or image.

        Returns
        -------
        str
            Id of the form `product_id:name`.

        Examples
        --------
        >>> product.named_id("red")
        'local:docs-fields:red'
        """
        return ids.image_id(self.id, name)

    def get_band(
        self,
        name: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Band | None:
        """Return a band of this product by its name.

        Parameters
        ----------
        name : str
            Name of the band, without the product's id.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        Band or None
            Band of its own class, such as SpectralBand; None if it does not exist.

        Raises
        ------
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> product.get_band("red").data_type
        'UInt16'
        >>> product.get_band("thermal") is None
        True
        """
        self._check_not_deleted()
        return Band.get(self.named_id(name), client or self._client, request_params, headers)

    def get_image(
        self,
        name: str,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Image | None:
        """Return an image of this product by its name.

        Parameters
        ----------
        name : str
            Name of the image, without the product's id.
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        Image or None
            None if it does not exist.

        Raises
        ------
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> product.get_image("2024-01").cloud_fraction
        0.1
        """
        self._check_not_deleted()
        return Image.get(self.named_id(name), client or self._client, request_params, headers)

    def bands(
        self, request_params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Search[Band]:
        """Return a search for the bands of this product, sorted by `sort_order`.

        Parameters
        ----------
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        Search
            Search for bands of all classes.

        Raises
        ------
        UnsavedObjectError
            If the product has not been saved.
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> [band.name for band in product.bands()]
        ['red', 'green', 'blue', 'nir']
        """
        self._check_exists()
        search = Band.search(self._client, request_params, headers)
        return search.filter(properties.product_id == self.id).sort("sort_order")

    def images(
        self, request_params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> ImageSearch[Image]:
        """Return a search for the images of this product.

        Parameters
        ----------
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        ImageSearch
            Search to filter, sort, limit, iterate or collect.

        Raises
        ------
        UnsavedObjectError
            If the product has not been saved.
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> clear = product.images().filter(p.cloud_fraction < 0.3).sort("acquired")
        >>> [image.name for image in clear]
        ['2024-01', '2024-07']
        """
        self._check_exists()
        return Image.search(self._client, request_params, headers).filter(properties.product_id == self.id)

    def image_uploads(self) -> Search[ImageUpload]:
        """Return a search for the uploads to this product.

        Returns
        -------
        Search
            Search for `ImageUpload` objects.

        Raises
        ------
        UnsavedObjectError
            If the product has not been saved.
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> product.image_uploads().filter(p.status == "failure").count()
        0
        """
        self._check_exists()
        return ImageUpload.search(self._client).filter(properties.product_id == self.id)

    def delete_related_objects(self) -> DeletionTaskStatus | None:
        """Delete all bands and images of this product in the background.

        This cannot be undone. A product can be deleted after its bands and images.

        Returns
        -------
        DeletionTaskStatus or None
            Status of the deletion, to wait for; None if the product has no bands and no images.

        Raises
        ------
        ConflictError
            If a deletion is running already.
        UnsavedObjectError
            If the product has not been saved.
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> empty = Product(id="docs-empty", name="Empty")
        >>> empty.save()
        >>> empty.delete_related_objects() is None
        True
        >>> empty.delete()
        """
        self._check_exists()
        with self._deleted_if_not_found():
            answer = self._client.post(deletion_path(self.id))
        self._client.forget_bands(self.id)
        return None if answer is None else DeletionTaskStatus(**answer, _client=self._client)

    def get_delete_status(self) -> DeletionTaskStatus:
        """Return the status of the last deletion of this product's bands and images.

        Returns
        -------
        DeletionTaskStatus
            Its status is `TaskState.NEVERRAN` if there was no deletion.

        Raises
        ------
        UnsavedObjectError
            If the product has not been saved.
        DeletedObjectError
            If the product has been deleted.

        Examples
        --------
        >>> product.get_delete_status().status
        <TaskState.NEVERRAN: 'NONE'>
        """
        self._check_exists()
        with self._deleted_if_not_found():
            answer = self._client.get(deletion_path(self.id))
        return DeletionTaskStatus(**answer, _client=self._client)


ProductCollection._item_type = Product
Product._collection_type = ProductCollection
