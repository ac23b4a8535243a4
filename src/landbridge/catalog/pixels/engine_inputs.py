"""Inputs of the raster engine: the files of images, and the location of each band in them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.asset_urls import ImageUrlSigner, UrlSigner
from landbridge.catalog.client.stored_files import stored_file
from landbridge.catalog.model.attribute_mapping import to_json
from landbridge.catalog.pixels.image_numbers import Known, stored_differently
from landbridge.catalog.stac.bands import BandRecord, collection_bands
from landbridge.catalog.stac.images import ASSETS
from landbridge.catalog.stac.missing_product import missing_product
from landbridge.catalog.stac.products import PRODUCTS
from landbridge.exceptions import NotFoundError
from landbridge.mappings import binding
from landbridge.mappings.binding import Bindings
from landbridge.mappings.schema import is_catalog_document
from landbridge.private_addresses import asset_path
from landbridge.sources.access import known_signer
from landbridge.sources.access import signer as signer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.mappings.binding import Asset
    from landbridge.raster import Band, Source

__all__ = [
    "ProductBands",
    "address_in_store",
    "assets_of",
    "bands_of",
    "sources",
    "url_signers",
]


class ProductBands(list[BandRecord]):
    """The bands of a product, and their form in the raster engine, which is computed once."""

    @cached_property
    def engine(self) -> tuple[dict[str, Band], Bindings]:
        """The engine's form of the bands, and their bindings to an image's assets."""
        from landbridge.raster.plan.band_attributes import DEFAULT_TYPE, engine_band

        shared = self[0].collection.get("item_assets") if self else None
        bindings = Bindings((record.entry for record in self), shared)
        # Bands that a service of ours defines have a default type. No document of others states one for some
        # of theirs: those have the type of their file.
        own = self.defined if self and is_catalog_document(self[0].collection) else ()
        return {
            name: engine_band(
                record.attributes,
                bindings.location(name),
                bindings.bands[name].asset,
                DEFAULT_TYPE if name in own else None,
            )
            for record in self
            if (name := record.attributes["name"]) in bindings.bands
        }, bindings

    @cached_property
    def defined(self) -> frozenset[str]:
        """Names of the bands that the product defines in Landbridge's form: by itself, or by a table."""
        return frozenset(
            entry["name"]
            for entry in (self[0].collection.get("bands") or () if self else ())
            if isinstance(entry, dict) and "catalog:type" in entry and "name" in entry
        )


def bands_of(client: CatalogClient, product_id: str) -> ProductBands:
    """Return the bands of a product, read at most every ten minutes; NotFoundError if it does not exist."""

    def fetch(product_id: str) -> ProductBands:
        collection = PRODUCTS.get(client, product_id)
        if collection is None:
            raise NotFoundError(missing_product(client, product_id))
        return ProductBands(collection_bands(client, collection))

    return client.cached_bands(product_id, fetch)  # type: ignore[no-any-return] # the result of fetch


def sources(images: Sequence[ImageMetadata]) -> list[Source]:
    """Return the engine's form of images; each product's bands are read once."""
    from landbridge.raster import Source
    from landbridge.raster.plan.processing_levels import coefficient_names

    products: dict[tuple[int, str], tuple[dict[str, Band], Bindings, frozenset[str], frozenset[str]]] = {}
    engine_sources = []
    known: Known = {}
    for image, sign in zip(images, url_signers(images), strict=True):
        client = image._client
        # Products of two services may have the same id.
        if (product := (id(client), image.product_id)) not in products:
            described = bands_of(client, image.product_id)
            bands, bindings = described.engine
            products[product] = bands, bindings, coefficient_names(bands.values()), described.defined
        bands, bindings, names, defined = products[product]
        assets = assets_of(image)
        hrefs, places = bindings.resolve(assets)
        radiometry, stored = stored_differently(image, bands, defined, assets, hrefs, places, known)
        store, url = client.store, client.url
        engine_sources.append(
            Source(
                id=image.id,
                files=tuple(_address(href, url, store) for href in hrefs),
                bands=bands,
                geometry=image.geometry,
                product_id=image.product_id,
                coefficients=_coefficients(image, names),
                sign=sign,
                places=places,
                radiometry=radiometry,
                stored=stored,
            )
        )
    return engine_sources


def url_signers(images: Sequence[ImageMetadata]) -> list[Callable[[str], str]]:
    """Return a function for each image that signs its files' URLs.

    It is the client's `asset_signer`; or else the service, for the files that it stores, and the source, for
    the files that its table has rules for.
    """
    shared: dict[int, UrlSigner] = {}
    hrefs: dict[int, list[str]] = {}
    for image in images:
        client = image._client
        if client.asset_signer is None and client.signs_assets and (stored := _stored_hrefs(image)):
            hrefs.setdefault(id(client), []).extend(stored)
            shared.setdefault(id(client), UrlSigner(client, hrefs[id(client)]))
    by_source: dict[str | None, Callable[[str], str]] = {}
    found: list[Callable[[str], str]] = []
    for image in images:
        client = image._client
        if client.asset_signer is not None:
            found.append(client.asset_signer)
            continue
        name = None if client.source is None else client.source.id
        if name not in by_source:
            # A catalog of one's own may refer to the files of any source.
            by_source[name] = known_signer() if client.source is None else signer_of(client.source)
        signer = shared.get(id(client))
        if signer is None:
            found.append(by_source[name])
        else:
            found.append(ImageUrlSigner(signer, _stored_hrefs(image), by_source[name]))
    return found


def _stored_hrefs(image: ImageMetadata) -> list[str]:
    """Return the URLs of the image's files that its service stores, and that are read from there."""
    client = image._client
    url, store = client.url, client.store
    return [
        file.href
        for file in image.files or ()
        if file.href and asset_path(url, file.href) is not None and stored_file(url, store, file.href) is None
    ]


def assets_of(image: ImageMetadata) -> Mapping[str, Asset]:
    """Return an image's assets, with those files that were set and not saved yet."""
    assets = binding.unpack_assets(image._service_values().get(ASSETS) or ())
    if "files" in image._modified:
        return binding.replace_files(assets, (file.href or "" for file in image.files or ()))
    return assets


def _coefficients(image: ImageMetadata, names: frozenset[str]) -> dict[str, Any]:
    """Return the attributes of these names that the image has, as plain numbers and lists."""
    known = names.intersection(image.ATTRIBUTES)
    return {name: to_json(value) for name in known if (value := getattr(image, name)) is not None}


def address_in_store(image: ImageMetadata, href: str) -> str:
    """Return the address to read a file of an image from: a path for the embedded stack's assets."""
    client = image._client
    return _address(href, client.url, client.store)


def _address(href: str | None, url: str, store: Path | None) -> str:
    """Return the address to read a file from: a path for the embedded stack's assets, else the href."""
    return "" if not href else str(stored_file(url, store, href) or href)
