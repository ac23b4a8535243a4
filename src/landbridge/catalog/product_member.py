"""Objects that belong to a product and have a name in it: bands and images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.catalog_object import CatalogObject
from landbridge.catalog.client.source_clients import client_of_image
from landbridge.catalog.errors import AttributeValidationError, InvalidNameError
from landbridge.catalog.model.attributes import Model, TypedAttribute
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.stac.source_parts import product_parts
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Part, Query
    from landbridge.catalog.type_hints.attributes import ProductReference, RequiredText

__all__ = ["NamedCatalogObject"]


class _IdentityAttribute(TypedAttribute):
    """One of id, name and product_id: it is set once, and agrees with the other two."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(str, mutable=False, **kwargs)

    def __set__(self, instance: Model, value: Any) -> None:
        if not isinstance(instance, NamedCatalogObject):
            raise TypeError(f"'{self.name}' is an attribute of bands and images.")
        text = self.validate_value(value)
        if self.name == "id":
            try:
                product_id, name = ids.split(text)
            except ValueError:
                raise self._invalid(value, "of the form 'product_id:name'") from None
            parts = {"name": name, "product_id": product_id}
        else:
            parts = {self.name: text}
        for part, given in parts.items():
            # Objects that other programs made may have names with other characters.
            if given != getattr(instance, part) and (fault := _FAULTS[part](given)) is not None:
                raise InvalidNameError(f"'{part}' cannot be {given!r}: it {fault}.")
        instance._identify(**parts)


_FAULTS = {"name": ids.name_problem, "product_id": ids.product_id_problem}


class _ProductReference(CatalogObjectReference):
    """The product of an object. Setting it sets product_id too."""

    def __set__(self, instance: Model, value: Any) -> None:
        if not isinstance(instance, NamedCatalogObject):
            raise TypeError("'product' is an attribute of bands and images.")
        product = self.deserialize(value, validate=True)
        if product is None:
            raise self._invalid(value, "a saved Product")
        instance._identify(product_id=product.id)
        instance._set_value(self, product)


class NamedCatalogObject(CatalogObject):
    """Object that belongs to a product and has a name that is unique in it; base class of bands and images.

    Its id is `product_id:name`.
    """

    _reference = "product"

    id: RequiredText = _IdentityAttribute(serializable=False, doc="Id of the form `product_id:name`.")
    name: RequiredText = _IdentityAttribute(
        doc="Name, unique in the product, of the characters A-Z a-z 0-9 _ . and -. *Sortable.*"
    )
    product_id: RequiredText = _IdentityAttribute(doc="Id of the product. *Filterable, sortable.*")
    product: ProductReference = _ProductReference(
        "product", mutable=False, sticky=True, doc="Product, read when it is first used. *Filterable.*"
    )

    @classmethod
    def _client_of(cls, id: str) -> CatalogClient:
        return client_of_image(id)

    @classmethod
    def _clients_of(cls, ids: Iterable[str]) -> dict[str, CatalogClient]:
        # The client depends on what stands before the last colon only, and thousands of images share that.
        of_prefixes: dict[str, CatalogClient] = {}
        found = {}
        for one in ids:
            prefix = one.rpartition(":")[0]
            if prefix not in of_prefixes:
                of_prefixes[prefix] = cls._client_of(one)
            found[one] = of_prefixes[prefix]
        return found

    @classmethod
    def _search_parts(cls, client: CatalogClient | None, query: Query) -> list[Part]:
        return product_parts(cls._get_resource(), client, query)

    @classmethod
    def make_valid_name(cls, name: str) -> str:
        """Return a valid name for a band or image.

        Parameters
        ----------
        name : str
            Any text.

        Returns
        -------
        str
            Text in which each run of characters that names cannot have is replaced with one "_".

        Examples
        --------
        >>> Image.make_valid_name("scene 1 (north)")
        'scene_1_north_'
        """
        return ids.make_valid_name(name)

    @property
    def _resource_id(self) -> str:
        # Names that other programs made may have colons, at which an id is split.
        return self.id if None in (self.product_id, self.name) else ids.NamedId(self.product_id, self.name)

    def _identify(self, **parts: str) -> None:
        """Set name or product_id, and the id once both are known; a known part cannot change."""
        for part, value in parts.items():
            known = getattr(self, part)
            if known is not None and known != value:
                raise AttributeValidationError(f"'{part}' is {known!r} and cannot become {value!r}.")
        for part, value in parts.items():
            if getattr(self, part) is None:
                self._set_and_report(self._attribute_types[part], value)
        known_id, name, product_id = (
            self._read(self._attribute_types[one]) for one in ("id", "name", "product_id")
        )
        if known_id is None and name is not None and product_id is not None:
            self._set_and_report(self._attribute_types["id"], ids.image_id(product_id, name))

    def _read_reference(self) -> CatalogObject | None:
        """Return the product, which is read once for all results of a search; None if it does not exist."""
        known = {} if self._shared is None else self._shared
        if self.product_id not in known:
            known[self.product_id] = class_of("product").get(self.product_id, client=self._client)
        return known[self.product_id]  # type: ignore[no-any-return] # a Product or None
