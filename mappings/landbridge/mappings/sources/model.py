"""Values of a source's table: a STAC API, a static catalog or a parquet file that others publish.

`landbridge.mappings.sources.parse` makes them from TOML and documents the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from landbridge.mappings.sources.asset_hrefs import lies_below

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AccessRule", "ApiRules", "BandRow", "MaskRule", "ProductRow", "SourceTable"]


@dataclass(frozen=True, slots=True)
class ApiRules:
    """Facts about an API beyond, or against, what it declares. None: as the API declares.

    Attributes
    ----------
    page_size : int, optional
        Largest number of items of a page that the API answers reliably.
    filter : str, optional
        Language of filters: ``"cql2-json"``, ``"cql2-text"``, ``"query"`` or ``"none"``.
    filter_properties : tuple of str, optional
        The only properties that the API can filter by, if it cannot filter by all.
    sort, fields, count, text, collection_search : bool, optional
        False if the API declares the capability and does not have it, or has it wrong; True the other way.
    method : str, optional
        ``"GET"`` if searches by POST are refused.
    requires_collections : bool
        True if a search must name its collections.
    """

    page_size: int | None = None
    filter: str | None = None
    filter_properties: tuple[str, ...] | None = None
    sort: bool | None = None
    fields: bool | None = None
    count: bool | None = None
    text: bool | None = None
    collection_search: bool | None = None
    method: str | None = None
    requires_collections: bool = False


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Rule by which files below some addresses are read.

    Attributes
    ----------
    prefixes : tuple of str
        Beginnings of the addresses, such as ``"s3://usgs-landsat/"``; ``*`` in a host stands for one name. An
        empty text is all addresses.
    kind : str
        ``"public"``, ``"bearer"``, ``"planetary-computer"``, ``"earthdata"`` or ``"s3"``.
    region, endpoint : str, optional
        Region and address of an S3 service; for ``"planetary-computer"`` the address of a service that has
        the account as first part of its paths, as an emulator has.
    requester_pays : bool
        True if the reader pays for requests.
    alternate : str, optional
        Key of the asset's ``alternate`` that is read instead of its href.
    """

    prefixes: tuple[str, ...] = ("",)
    kind: str = "public"
    region: str | None = None
    endpoint: str | None = None
    requester_pays: bool = False
    alternate: str | None = None

    def covers(self, href: str) -> bool:
        """Return whether the rule is for a file."""
        return any(lies_below(href, prefix) for prefix in self.prefixes)


@dataclass(frozen=True, slots=True)
class MaskRule:
    """Pixels of a band that a mask marks: those with one of the values, or with one of the bits set."""

    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BandRow:
    """Band of a product in a table.

    Attributes
    ----------
    name : str
        Name of the band in the Catalog.
    asset : str
        Key of the asset with its pixels.
    index : int
        Position in the asset, from 0.
    attributes : mapping
        Further attributes by their Catalog names, as JSON values: type, data_type, nodata, display_range,
        resolution, wavelength_nm_min, class_labels and others.
    scale, offset : float, optional
        A stored value times scale plus offset is the physical value. The rule of the product and the Item's
        own numbers take precedence.
    unit : str, optional
        Unit of the physical values; ``"reflectance"`` adds the processing level ``surface_reflectance``, and
        ``"toa_reflectance"`` the level ``toa_reflectance``.
    mask : MaskRule, optional
        Rule that makes the values 0 and 1 from the stored values.
    """

    name: str
    asset: str
    index: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    scale: float | None = None
    offset: float | None = None
    unit: str | None = None
    mask: MaskRule | None = None


@dataclass(frozen=True, slots=True)
class ProductRow:
    """Product of a table: a collection of the source, or the part of it that has some values.

    Attributes
    ----------
    collection : str
        Id of the STAC Collection.
    ids : tuple of str
        Catalog ids of the product; without one it has the id ``source:collection``.
    rank : int, optional
        Position among the products that have the same id; the source's if it is missing.
    name, description : str, optional
        Title and description, if the Collection's do not serve.
    where : mapping
        Values that an Item's properties must have, by name: a list of alternatives each.
    bands : tuple of BandRow
        Bands; empty if the documents describe them well enough.
    exclude : tuple of str
        Patterns of asset keys that are no bands, for products without `bands`.
    radiometry : str, optional
        Rule for the scale and offset of each Item: see `landbridge.mappings.sources.radiometry`.
    display_bands : tuple of str
        Bands to display.
    note : str, optional
        What a user must know: gaps, joins, differences from the old product.
    """

    collection: str
    ids: tuple[str, ...] = ()
    rank: int | None = None
    name: str | None = None
    description: str | None = None
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    bands: tuple[BandRow, ...] = ()
    exclude: tuple[str, ...] = ()
    radiometry: str | None = None
    display_bands: tuple[str, ...] = ()
    note: str | None = None

    def excludes(self, key: str) -> bool:
        """Return whether an asset is no band."""
        return any(fnmatchcase(key, pattern) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source: its address, what is known of its API and files, and its products.

    Attributes
    ----------
    id : str
        Name of the source, the first part of its products' ids.
    url : str
        Address of the API's landing page, of a ``catalog.json``, or of a parquet file or folder.
    kind : str
        ``"api"``, ``"catalog"`` or ``"parquet"``.
    rank : int
        Position among the sources that have the same product: the lowest is asked. A source that needs no
        login comes before one that does.
    title, documentation : str, optional
        Name for people, and the address of the provider's documentation.
    api : ApiRules
        What is known of the API.
    access : tuple of AccessRule
        How files are read; the first rule that covers a file counts, and files without a rule are public.
    products : tuple of ProductRow
        Products with a row of their own. The other collections are read as their documents describe them.
    """

    id: str
    url: str
    kind: str = "api"
    rank: int = 100
    title: str | None = None
    documentation: str | None = None
    api: ApiRules = field(default_factory=ApiRules)
    access: tuple[AccessRule, ...] = ()
    products: tuple[ProductRow, ...] = ()

    def product_id(self, row: ProductRow) -> str:
        """Return the id under which a product is listed."""
        return row.ids[0] if row.ids else f"{self.id}:{row.collection}"

    def rank_of(self, product_id: str) -> int | None:
        """Return the lowest rank of the products with an id; None if no product has it."""
        ranks = [
            self.rank if row.rank is None else row.rank for row in self.products if product_id in row.ids
        ]
        return min(ranks, default=None)

    def access_rule(self, href: str) -> AccessRule | None:
        """Return the first rule that covers a file; None if it is public."""
        return next((rule for rule in self.access if rule.covers(href)), None)
