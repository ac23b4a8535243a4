"""Methods of the old Catalog client for products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import Product, TaskState
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.catalog_client.documents import document, existing_product, replace, update
from landbridge.porting.old_keys.products import PRODUCT_KEYS, product_record
from landbridge.porting.old_keys.table import to_attributes
from landbridge.utils import DotDict, DotList

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ProductMethods", "own_products"]

_GONE: Final = {
    "set_global_permissions": "Set `read` and `writers` of the product; its bands and images follow them.",
}


class ProductMethods:
    """Methods of `Catalog` for products."""

    @old_method("Product.search() and Product.user_is_owner()")
    def own_products(self) -> DotList:
        """Return the products that you own."""
        return DotList(product_record(product) for product in own_products())

    @old_method("Product.get()")
    def get_product(self, product_id: str, add_namespace: bool = False) -> DotDict:
        """Return a product.

        Raises
        ------
        NotFoundError
            If the product does not exist.
        """
        del add_namespace
        return _document(existing_product(product_id))

    @old_method("Product(id=..., name=...).save()", gone=_GONE)
    def add_product(
        self, product_id: str, title: str, description: str, add_namespace: bool = False, **keywords: Any
    ) -> DotDict:
        """Create a product.

        Parameters
        ----------
        product_id : str
            Id, which the Catalog prefixes with the organization.
        title, description : str
            Name and description.
        add_namespace : bool, default False
            No effect: the prefix is always added.
        **keywords
            `start_datetime`, `end_datetime`, `read`, `writers`, `tags`, `native_bands`, `notes`, `orbit`,
            `resolution`, `revisit`, `sensor`, `swath` and other keys of products.

        Raises
        ------
        ConflictError
            If the product exists.
        UnknownArgumentError
            If a keyword is no key of a product.
        """
        del add_namespace
        values = {"title": title, "description": description, **keywords}
        product = Product(id=product_id, **to_attributes("Catalog.add_product", values, PRODUCT_KEYS))
        product.save()
        return _document(product)

    @old_method("Product.update() and save()", gone=_GONE)
    def change_product(self, product_id: str, add_namespace: bool = False, **keywords: Any) -> DotDict:
        """Change some attributes of a product; the keywords are those of `add_product`.

        Raises
        ------
        NotFoundError
            If the product does not exist.
        UnknownArgumentError
            If a keyword is no key of a product.
        """
        del add_namespace
        attributes = to_attributes("Catalog.change_product", keywords, PRODUCT_KEYS)
        product = existing_product(product_id)
        update(product, attributes)
        return _document(product)

    @old_method("Product.update() and save()", gone=_GONE)
    def replace_product(
        self, product_id: str, title: str, description: str, add_namespace: bool = False, **keywords: Any
    ) -> DotDict:
        """Change a product, and unset its other attributes; the keywords are those of `add_product`.

        Raises
        ------
        NotFoundError
            If the product does not exist.
        UnknownArgumentError
            If a keyword is no key of a product.
        """
        del add_namespace
        values = {"title": title, "description": description, **keywords}
        attributes = to_attributes("Catalog.replace_product", values, PRODUCT_KEYS)
        product = existing_product(product_id)
        replace(product, attributes)
        return _document(product)

    @old_method("Product.delete() and Product.delete_related_objects()")
    def remove_product(
        self, product_id: str, add_namespace: bool = False, cascade: bool = False
    ) -> DotDict | None:
        """Delete a product.

        Parameters
        ----------
        product_id : str
            Id of the product.
        add_namespace : bool, default False
            No effect.
        cascade : bool, default False
            Delete its bands and images too, and wait for that.

        Returns
        -------
        DotDict or None
            With `cascade`, the document of the finished deletion, for `product_deletion_status`.

        Raises
        ------
        ConflictError
            If the product has bands or images and `cascade` is False.
        NotFoundError
            If the product does not exist.
        """
        del add_namespace
        product = existing_product(product_id)
        if not cascade:
            product.delete()
            return None
        deletion = product.delete_related_objects()
        if deletion is not None:
            deletion.wait_for_completion()
            if deletion.status == TaskState.FAILED:
                return _deletion(product.id, deletion.status, deletion.errors)
        product.delete()
        return _deletion(product.id, TaskState.SUCCEEDED)

    @old_method("Product.get_delete_status()")
    def product_deletion_status(self, deletion_task_id: str) -> DotDict:
        """Return the status of a deletion that `remove_product` returned."""
        try:
            product = existing_product(deletion_task_id)
        except NotFoundError:
            return _deletion(deletion_task_id, TaskState.SUCCEEDED)
        status = product.get_delete_status()
        return _deletion(product.id, status.status, status.errors)


def own_products() -> Iterator[Product]:
    """Yield the products of which the caller is an owner."""
    return (product for product in Product.search() if product.owners and product.user_is_owner())


def _document(product: Product) -> DotDict:
    return document("product", product_record(product))


def _deletion(product_id: str, status: Any, errors: Any = None) -> DotDict:
    record = {"id": product_id, "status": str(TaskState(status).value), "errors": list(errors or ())}
    return document("product_deletion_task", record)
