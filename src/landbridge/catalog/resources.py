"""How the classes of objects are stored in a STAC API: what each operation asks of the service.

A resource deals in *records*: what the service holds of one object. Products are Collections, images are
Items, bands are entries of a Collection. Resources have no state of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from landbridge.catalog.http import JSON_PATCH, MERGE_PATCH, escape
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError
from landbridge.mappings import InvalidDocument, binding, ids
from landbridge.mappings import band as band_mapping
from landbridge.mappings import image as image_mapping
from landbridge.mappings import product as product_mapping
from landbridge.mappings.diffs import same
from landbridge.mappings.schema import is_ours

if TYPE_CHECKING:
    from landbridge.catalog.client import CatalogClient

__all__ = ["ASSETS", "BANDS", "IMAGES", "PRODUCTS", "BandRecord", "Resource"]

Params = Mapping[str, Any] | None
Headers = Mapping[str, str] | None

# The assets of an image, beside its attributes.
ASSETS = "_assets"

# Attributes of images that a patch replaces only in view of what the Item holds.
_BASELESS = frozenset({"files", "extra_properties"})

# Ids of one request: its URL or body stays well below what servers and proxies accept.
_IDS_PER_REQUEST = 100
# So many Items are asked for their bands, if their Collection describes none.
_FIRST_ITEMS = 10
# How often a change of a Collection's bands is worked out anew, where others changed it meanwhile.
_ATTEMPTS = 20


class Resource(Protocol):
    """The operations on one class of objects."""

    @property
    def kind(self) -> str:
        """Which mapping and which search backend it goes with."""

    def attributes(self, record: Any) -> dict[str, Any]:
        """The attributes of a record, as JSON values."""

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        """The record of an id; None where there is none."""

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        """The records of those of the ids that exist."""

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        """Create an object and give its record."""

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        """Change attributes of an object and give its new record; NotFoundError where it is gone."""

    def delete(self, client: CatalogClient, id: str) -> Any:
        """Delete an object; False where there is none."""


def valid(convert: Callable[..., Any], *args: Any) -> Any:
    """What a converter gives; what it finds invalid is a bad request, as it would be to the service."""
    try:
        return convert(*args)
    except InvalidDocument as error:
        raise BadRequestError(str(error)) from error


def get_or_none(client: CatalogClient, path: str, params: Params = None, headers: Headers = None) -> Any:
    """The answer of a GET; None where there is nothing."""
    try:
        return client.get(path, params, headers=headers)
    except NotFoundError:
        return None


def _delete(client: CatalogClient, path: str) -> bool:
    try:
        client.request("DELETE", path)
    except NotFoundError:
        return False
    return True


def chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _IDS_PER_REQUEST):
        yield names[start : start + _IDS_PER_REQUEST]


def _required(attributes: Mapping[str, Any], what: str, *names: str) -> None:
    missing = [name for name in names if attributes.get(name) is None]
    if missing:
        raise BadRequestError(f"{what} needs {', '.join(missing)} to be set before it is saved.")


def collection_path(product_id: str) -> str:
    """The path of a product's Collection."""
    return f"/collections/{escape(product_id)}"


def item_path(product_id: str, name: str) -> str:
    """The path of an image's Item."""
    return f"{collection_path(product_id)}/items/{escape(name)}"


@dataclass(frozen=True, slots=True)
class Products:
    """Products, which are Collections."""

    kind: str = "product"

    def attributes(self, record: Any) -> dict[str, Any]:
        return product_mapping.from_stac(record)

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        if not id or ids.is_blob_collection(id):
            return None
        return get_or_none(client, collection_path(id), params, headers)

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        import orjson

        found = {}
        for chunk in chunks([name for name in names if not ids.is_blob_collection(name)]):
            wanted = {"op": "in", "args": [{"property": "id"}, chunk]}
            query = {"filter": orjson.dumps(wanted).decode(), "filter-lang": "cql2-json", "limit": len(chunk)}
            answer = client.get("/collections", {**query, **(params or {})}, headers=headers)
            found.update({record["id"]: record for record in answer["collections"]})
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        _required(attributes, "A product", "id")
        identifier = namespaced(attributes["id"], client)
        document = valid(product_mapping.to_stac, {**attributes, "id": identifier})
        return client.post("/collections", document, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        base = record if _shows(changes, self.attributes(record)) else None
        return _patched(client, id, base, lambda base: valid(product_mapping.patch, changes, base), headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        return _delete(client, collection_path(id))


def namespaced(identifier: str, client: CatalogClient) -> str:
    """A product id with the caller's prefix, unless it has that already."""
    prefix = f"{client.auth.id_prefix}:"
    return identifier if identifier.startswith(prefix) else prefix + identifier


def _shows(changes: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Whether a patch worked out from what was last read has all changes in it.

    An attribute that was changed and changed back is to be saved too, though it equals what was read: others
    may have given it another value since.
    """
    return not any(same(value, seen.get(name)) for name, value in changes.items())


def _patched(
    client: CatalogClient,
    product_id: str,
    base: Any,
    operations: Callable[[Any], list[dict[str, Any]]],
    headers: Headers = None,
) -> Any:
    """The Collection after a JSON patch worked out from it.

    The patch tests what it relies on, so that the service refuses it where somebody else was faster; it is
    then worked out anew from the Collection as it is now.
    """
    path = collection_path(product_id)
    for attempt in range(_ATTEMPTS):
        if attempt or base is None:
            base = client.get(path, headers=headers)
        try:
            return client.request(
                "PATCH", path, document=operations(base), content_type=JSON_PATCH, headers=headers
            )
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def items_by_id(
    client: CatalogClient, collection: str, names: list[str], params: Params, headers: Headers
) -> Iterator[dict[str, Any]]:
    """Those Items of a Collection that have one of these ids."""
    for chunk in chunks(names):
        query = {"collections": [collection], "ids": chunk, "limit": len(chunk), **(params or {})}
        yield from client.post("/search", query, headers=headers, idempotent=True)["features"]


def patch_item(client: CatalogClient, path: str, patch: dict[str, Any], headers: Headers) -> Any:
    """The Item after a merge patch, which sets values, so that a repetition changes nothing more."""
    return client.request(
        "PATCH", path, document=patch, content_type=MERGE_PATCH, headers=headers, idempotent=True
    )


@dataclass(frozen=True, slots=True)
class Images:
    """Images, which are Items."""

    kind: str = "image"

    def attributes(self, record: Any) -> dict[str, Any]:
        found = image_mapping.from_stac(record)
        # Not an attribute: what the bands' pixels are found by, in place of a record that is not kept.
        found[ASSETS] = binding.reduced(record.get("assets"))
        return found

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        product_id, name = _split(id)
        return (
            get_or_none(client, item_path(product_id, name), params, headers) if product_id and name else None
        )

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        by_product: dict[str, list[str]] = defaultdict(list)
        for one in names:
            product_id, name = _split(one)
            if product_id and name:
                by_product[product_id].append(name)
        found = {}
        for product_id, members in by_product.items():
            for item in items_by_id(client, product_id, members, params, headers):
                found[ids.image_id(product_id, item["id"])] = item
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        _required(attributes, "An image", "name", "product_id")
        item = valid(image_mapping.to_stac, attributes)
        return client.post(f"{collection_path(attributes['product_id'])}/items", item, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        if record is None and not _BASELESS.isdisjoint(changes):
            record = client.get(item_path(*_split(id)), headers=headers)
        patch = valid(image_mapping.patch, changes, record)
        return patch_item(client, item_path(*_split(id)), patch, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        product_id, name = _split(id)
        return bool(product_id and name) and _delete(client, item_path(product_id, name))


def _split(identifier: str) -> tuple[str, str]:
    """Product id and name of an id; empty texts where it has not both."""
    try:
        return ids.split(identifier)
    except ValueError:
        return "", ""


@dataclass(frozen=True, slots=True)
class BandRecord:
    """A band's attributes, the Collection that has it, and the entry that they are read from."""

    attributes: dict[str, Any]
    collection: dict[str, Any]
    entry: dict[str, Any] = field(default_factory=dict)


def band_records(
    collection: dict[str, Any], items: Callable[[], Iterable[dict[str, Any]]] | None = None
) -> list[BandRecord]:
    """Return the bands of a Collection; of its Items, if it describes none itself."""
    entries = {entry["name"]: entry for entry in band_mapping.entries(collection)}
    if not entries and items is not None:
        for item in items():
            for entry in band_mapping.entries(collection, item):
                entries.setdefault(entry["name"], entry)
    return [
        BandRecord(band_mapping.from_stac(entry, collection["id"]), collection, entry)
        for entry in entries.values()
    ]


def described_bands(client: CatalogClient, collection: dict[str, Any]) -> list[BandRecord]:
    """Return the bands of a Collection as it describes them; as its first Items do, if others wrote it."""
    if is_ours(collection):
        return band_records(collection)
    return band_records(collection, lambda: first_items(client, collection["id"]))


def first_items(client: CatalogClient, product_id: str) -> list[dict[str, Any]]:
    """Return some Items of a Collection, to see the bands that it does not describe."""
    found = get_or_none(client, f"{collection_path(product_id)}/items", {"limit": _FIRST_ITEMS})
    return list(found.get("features") or ()) if isinstance(found, dict) else []


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands, which are entries of their product's Collection."""

    kind: str = "band"

    def attributes(self, record: BandRecord) -> dict[str, Any]:
        return record.attributes

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        return self.get_many(client, [id], params, headers).get(id)

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        products = dict.fromkeys(product_id for product_id, _ in map(_split, names) if product_id)
        wanted = set(names)
        found = {}
        for product_id in products:
            collection = self._holding(client, product_id, params, headers)
            for record in described_bands(client, collection) if collection else ():
                if record.attributes["id"] in wanted:
                    found[record.attributes["id"]] = record
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        _required(attributes, "A band", "name", "product_id")
        product_id, name = attributes["product_id"], attributes["name"]
        collection = PRODUCTS.get(client, product_id, None, headers)
        if collection is None:
            raise BadRequestError(f"Band {name!r} cannot be created: there is no product {product_id!r}.")

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is not None:
                raise ConflictError(f"Product {product_id!r} has a band {name!r} already.")
            return valid(band_mapping.add_patch, attributes)  # type: ignore[no-any-return] # see valid

        try:
            return self._change(client, product_id, name, collection, operations, headers)
        except BadRequestError as error:
            # The service says only that the Collection would be invalid: was it for a band of this name?
            if self._find(client.get(collection_path(product_id)), name) is None:
                raise
            raise ConflictError(f"Product {product_id!r} has a band {name!r} already.") from error

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        product_id, name = _split(id)

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is None:
                raise NotFoundError(f"Band {id} does not exist.")
            return valid(band_mapping.patch, changes, base, name)  # type: ignore[no-any-return] # see valid

        base = record.collection if _shows(changes, record.attributes) else None
        return self._change(client, product_id, name, base, operations, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        product_id, name = _split(id)
        collection = self._holding(client, product_id) if product_id and name else None
        if collection is None:
            return False
        product_id, name = collection["id"], id[len(collection["id"]) + 1 :]

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is None:
                raise NotFoundError(f"Band {id} does not exist.")
            return band_mapping.remove_patch(base, name)

        try:
            _patched(client, product_id, collection, operations)
        except NotFoundError:
            return False
        client.forget_bands(product_id)
        return True

    @staticmethod
    def _holding(
        client: CatalogClient, product_id: str, params: Params = None, headers: Headers = None
    ) -> dict[str, Any] | None:
        """Return the Collection of bands whose ids begin with a text, which may have part of their names.

        Bands of others may have colons in their names.
        """
        while product_id:
            collection: dict[str, Any] | None = PRODUCTS.get(client, product_id, params, headers)
            if collection is not None:
                return collection
            product_id = product_id.rpartition(":")[0]
        return None

    @staticmethod
    def _find(collection: dict[str, Any], name: str) -> BandRecord | None:
        return next((one for one in band_records(collection) if one.attributes["name"] == name), None)

    def _change(
        self,
        client: CatalogClient,
        product_id: str,
        name: str,
        base: Any,
        operations: Callable[[Any], list[dict[str, Any]]],
        headers: Headers,
    ) -> BandRecord:
        """Patch the Collection and give the band's new record."""
        changed = _patched(client, product_id, base, operations, headers)
        client.forget_bands(product_id)
        record = self._find(changed, name)
        if record is None:
            raise NotFoundError(f"Band {ids.image_id(product_id, name)} was deleted while it was saved.")
        return record


PRODUCTS, IMAGES, BANDS = Products(), Images(), Bands()
