"""STAC Items of images: those of saved images from their API, those of new ones from their attributes."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.client.source_clients import client_of_product
from landbridge.catalog.exchange.private_hrefs import plain_hrefs
from landbridge.catalog.stac.images import IMAGES
from landbridge.catalog.stac.requests import convert
from landbridge.exceptions import NotFoundError
from landbridge.mappings import extensions
from landbridge.mappings import image as image_mapping
from landbridge.sources import registry
from landbridge.sources.absolute_hrefs import absolute_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from landbridge.catalog.image_metadata import ImageMetadata

__all__ = ["document_of", "documents_of", "image_of"]

# Number of images whose Items are read from their API at a time.
_BATCH = 1000
# Links of an Item that lead to the API that has it.
_LINKS_OF_API = ("root", "self", "collection", "parent")


def document_of(image: ImageMetadata) -> dict[str, Any]:
    """Return the Item of an image, as its API has it, with the changes that are not saved yet.

    Raises as `documents_of`.
    """
    return next(documents_of([image]))


def documents_of(images: Sequence[ImageMetadata]) -> Iterator[dict[str, Any]]:
    """Yield the Items of images in their order; those of saved images are read from their API in batches.

    Raises
    ------
    NotFoundError
        If an image does not exist any more.
    BadRequestError
        If a new image has no name, product or time, or has a value that no Item can hold.
    DeletedObjectError
        If an image has been deleted.
    """
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        found = _stored(batch)
        for image in batch:
            yield _current(image, found.get((id(image._client), image.id)))


def _stored(images: Sequence[ImageMetadata]) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the Items that the API has of saved images, by the client and the id."""
    wanted: dict[int, list[ImageMetadata]] = defaultdict(list)
    for image in images:
        image._check_not_deleted()
        if image._saved:
            wanted[id(image._client)].append(image)
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for client, each in wanted.items():
        records = IMAGES.get_many(each[0]._client, list(dict.fromkeys(image.id for image in each)))
        found.update({(client, name): record for name, record in records.items()})
    return found


def _current(image: ImageMetadata, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the Item of an image, given the one that its API has."""
    if image._saved:
        if record is None:
            raise NotFoundError(f"Image {image.id} does not exist.")
        if not image._modified:
            return copy.deepcopy(dict(record))
        attributes = image_mapping.from_stac(record) | image._to_service(image._modified)
    else:
        record = image._item
        if record is not None and not image._modified:
            return copy.deepcopy(dict(record))
        attributes = image._to_service(image._set_names())
    item = convert(
        lambda values: image_mapping.to_stac(values, record),
        {name: value for name, value in attributes.items() if value is not None},
    )
    item["stac_extensions"] = _extensions(item, record)
    return copy.deepcopy(item)


def _extensions(item: Mapping[str, Any], base: Mapping[str, Any] | None) -> list[str]:
    """Return the extensions of an Item: those of its base as they are, and those of members that are new."""
    if base is None:
        return extensions.listed(item, None)
    present = list(base.get("stac_extensions") or ())
    before = {*present, *extensions.listed(base, None)}
    return present + [url for url in extensions.listed(item, None) if url not in before]


def image_of(
    kind: type[ImageMetadata], item: Any, product: Any = None, client: CatalogClient | None = None
) -> Any:
    """Return the unsaved image of a class that an Item describes; see `Image.from_item`."""
    document = _document(item)
    if product is not None:
        # Not the API that the Item comes from: the product is the caller's choice.
        client = client or getattr(product, "_client", None) or client_of_product(str(product))
        document["collection"] = product if isinstance(product, str) else product.id
    if not isinstance(document.get("collection"), str):
        raise ValueError(  # noqa: TRY004 - a member is missing
            f"Item {document.get('id')!r} belongs to no collection: say which product it belongs to by "
            "`product`."
        )
    image: Any = object.__new__(kind)
    image._client = client or _client_of(document)
    image._initialise()
    plain_hrefs(image._client, document)
    image._service = IMAGES.attributes(document)
    image._item = document
    return image


def _document(item: Any) -> dict[str, Any]:
    """Return an Item as a document of its own, with absolute hrefs if it knows its own address."""
    if hasattr(item, "to_dict") and hasattr(item, "assets"):
        document = item.to_dict(include_self_link=True, transform_hrefs=False)
    else:
        document = item
    if not isinstance(document, dict) or document.get("type") != "Feature" or "id" not in document:
        raise TypeError(f"An image is made of a pystac.Item or of an Item as a dict; got {item!r:.200}.")
    document = copy.deepcopy(document)
    own = next((link["href"] for link in _links(document) if link.get("rel") == "self"), None)
    return document if own is None else absolute_document(own, document)


def _links(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    links = document.get("links")
    found = links if isinstance(links, list) else ()
    return [link for link in found if isinstance(link, dict) and isinstance(link.get("href"), str)]


def _client_of(document: Mapping[str, Any]) -> CatalogClient:
    """Return the client of the product of an Item: by its id, or of the known source that its links lead to.

    No other address is asked: whoever wrote the Item chose it.
    """
    hrefs = {link.get("rel"): link["href"] for link in _links(document)}
    default = CatalogClient.get_default_client()
    own = default.configured_url
    for href in (hrefs[name] for name in _LINKS_OF_API if name in hrefs):
        if own is not None and (href == own or href.startswith(own.rstrip("/") + "/")):
            return default
        table = registry.find_by_url(href.partition("/collections/")[0].rstrip("/"))
        if table is not None:
            return _clients.setdefault(table.id, CatalogClient(table.url))
    return client_of_product(document["collection"])


# Clients of sources whose products have the ids of the API's collections, by the id of the source.
_clients: dict[str, CatalogClient] = {}
