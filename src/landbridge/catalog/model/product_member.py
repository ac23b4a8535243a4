"""Objects that belong to a product and have a name in it: bands and images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.errors import AttributeValidationError, InvalidNameError
from landbridge.catalog.model.attributes import Model, TypedAttribute
from landbridge.catalog.model.base import CatalogObject
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.mappings import ids

if TYPE_CHECKING:
    from landbridge.catalog.product import Product

__all__ = ["NamedCatalogObject"]


def _product_class() -> type[Product]:
    from landbridge.catalog.product import Product

    return Product


class _IdentityAttribute(TypedAttribute):
    """id, name or product_id: set once, and always in agreement with the others."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(str, mutable=False, **kwargs)

    def __set__(self, instance: Model, value: Any) -> None:
        if not isinstance(instance, NamedCatalogObject):
            raise TypeError(f"'{self.name}' is an attribute of bands and images")
        text = self.validate_value(value)
        if self.name == "id":
            try:
                product_id, name = ids.split(text)
            except ValueError:
                raise self._refuse(value, "of the form 'product_id:name'") from None
            parts = {"name": name, "product_id": product_id}
        else:
            parts = {self.name: text}
        for part, given in parts.items():
            # An object that another program made may have a name with other characters: it can be kept.
            if given != getattr(instance, part) and (fault := _FAULTS[part](given)) is not None:
                raise InvalidNameError(f"'{part}' cannot be {given!r}: it {fault}.")
        instance._identify(**parts)


_FAULTS = {"name": ids.name_problem, "product_id": ids.product_id_problem}


class _ProductReference(CatalogObjectReference):
    """The product; sets product_id too."""

    def __set__(self, instance: Model, value: Any) -> None:
        if not isinstance(instance, NamedCatalogObject):
            raise TypeError("'product' is an attribute of bands and images")
        product = self.deserialize(value, validate=True)
        if product is None:
            raise self._refuse(value, "a saved Product")
        instance._identify(product_id=product.id)
        instance._keep(self, product)


class NamedCatalogObject(CatalogObject):
    """An object with a name that is unique in its product; its id is `product_id:name`."""

    _reference = "product"

    id = _IdentityAttribute(serializable=False, doc="The product's id, a colon and the name.")
    name = _IdentityAttribute(doc="Unique in the product; of A-Z a-z 0-9 _ . and -. *Sortable.*")
    product_id = _IdentityAttribute(doc="The id of the product. *Filterable, sortable.*")
    product = _ProductReference(_product_class, mutable=False, sticky=True, doc="The product. *Filterable.*")

    @classmethod
    def make_valid_name(cls, name: str) -> str:
        """The name with each run of characters that names cannot have replaced by one `_`."""
        return ids.make_valid_name(name)

    @property
    def _own_id(self) -> str:
        # Names of others may have colons, by which an id is split.
        return self.id if None in (self.product_id, self.name) else ids.NamedId(self.product_id, self.name)

    def _identify(self, **parts: str) -> None:
        """Set name or product_id, and the id once both are known; what is known can only be confirmed."""
        for part, value in parts.items():
            known = getattr(self, part)
            if known is not None and known != value:
                raise AttributeValidationError(f"'{part}' is {known!r} and cannot become {value!r}.")
        for part, value in parts.items():
            if getattr(self, part) is None:
                self._store(self._attribute_types[part], value)
        name, product_id = self.name, self.product_id
        if self.id is None and name is not None and product_id is not None:
            self._store(self._attribute_types["id"], ids.image_id(product_id, name))

    def _referenced(self) -> Product | None:
        """The product by its id; asked for once, for all objects of one search together."""
        known = {} if self._shared is None else self._shared
        if self.product_id not in known:
            known[self.product_id] = _product_class().get(self.product_id, client=self._client)
        return known[self.product_id]  # type: ignore[no-any-return] # a Product or None
