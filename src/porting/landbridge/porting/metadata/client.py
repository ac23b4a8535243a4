"""Client of the Metadata service over the Catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import Band, Image, Product, properties
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.areas import NO_PLACES
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.arguments.products import constellation_products, missing_product, product_list
from landbridge.porting.metadata.searches import ImageQuery, band_names, found_images
from landbridge.porting.metadata.selections import has_all_bands, is_selected, limited
from landbridge.porting.metadata.summaries import summary_of
from landbridge.porting.old_keys.bands import band_record
from landbridge.porting.old_keys.images import image_feature, image_record
from landbridge.porting.old_keys.products import product_record
from landbridge.utils import DotDict, DotList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Metadata"]

_IMAGES = "Image.search()"
# Names of the arguments in the first versions.
_RENAMED: Final = {
    "product": "products",
    "start_time": "start_datetime",
    "end_time": "end_datetime",
    "sat_id": "sat_ids",
}
_SUMMARY_RENAMED: Final = {**_RENAMED, "part": "interval"}
_GONE: Final = {
    "place": NO_PLACES,
    "params": "Give the conditions as arguments or as `q`.",
    "randomize": "Shuffle the result with random.shuffle().",
    "offset": "Slice the result, or iterate over features().",
    "continuation_token": "Iterate over features(), which reads page after page.",
}


class Metadata:
    """Client of the Metadata service: searches for images, bands and products as dicts.

    Parameters
    ----------
    url, auth, retries : optional
        Settings of the service, which no longer exists. They are accepted so that old scripts run; the Catalog is
        configured by `LANDBRIDGE_URL` and `landbridge auth`.

    Examples
    --------
    >>> from landbridge.porting.metadata import Metadata
    >>> metadata = Metadata()
    >>> found = metadata.search(products="local:docs-fields", cloud_fraction=0.3)
    >>> [feature["properties"]["acquired"][:10] for feature in found["features"]]
    ['2024-01-15', '2024-07-15']
    """

    properties = properties

    def __init__(self, url: Any = None, auth: Any = None, retries: Any = None) -> None:
        del url, auth, retries

    @old_method(_IMAGES, renamed=_RENAMED, gone=_GONE)
    def search(
        self,
        products: Any = None,
        sat_ids: Any = None,
        date: str = "acquired",
        geom: Any = None,
        start_datetime: Any = None,
        end_datetime: Any = None,
        cloud_fraction: float | None = None,
        cloud_fraction_0: float | None = None,
        fill_fraction: float | None = None,
        storage_state: str | None = None,
        q: Any = None,
        limit: int | None = 100,
        fields: Iterable[str] | None = None,
        dltile: Any = None,
        sort_field: str | None = None,
        sort_order: str | None = "asc",
        const_id: Any = None,
        bbox: bool = False,
    ) -> DotDict:
        """Return the images that match, as a GeoJSON FeatureCollection.

        Parameters
        ----------
        products : str or list of str
            Ids of products.
        sat_ids : str or list of str, optional
            Ids of satellites.
        date : str, default "acquired"
            Time that `start_datetime` and `end_datetime` are for: "acquired", "created", "modified", "processed",
            "published" or "updated".
        geom : dict, str or shapely geometry, optional
            GeoJSON, its text, or WKT in longitude and latitude.
        start_datetime, end_datetime : str or datetime, optional
            First and last time, inclusive.
        cloud_fraction, cloud_fraction_0 : float, optional
            Maximum fraction of clouds, from 0 to 1.
        fill_fraction : float, optional
            Minimum fraction of pixels with data.
        storage_state : str, optional
            "available" or "remote".
        q : Expression or list of Expression, optional
            Further conditions.
        limit : int, optional, default 100
            Maximum number of images; None returns all.
        fields : list of str, optional
            The only properties to return.
        dltile : str, dict or DLTile, optional
            Tile to search in, in place of `geom`.
        sort_field : str, optional
            Key to sort by.
        sort_order : str, default "asc"
            "asc" or "desc".
        const_id : str or list of str, optional
            Constellations, the former name of products.
        bbox : bool, default False
            Search in the bounding box of `geom`.

        Returns
        -------
        DotDict
            FeatureCollection.

        Raises
        ------
        NotFoundError
            If nothing is found and a product does not exist.
        ValueError
            If no product is given, or a value is not valid.
        """
        query = ImageQuery(
            products, const_id, sat_ids, date, geom, dltile, bbox, start_datetime, end_datetime,
            cloud_fraction, cloud_fraction_0, fill_fraction, storage_state, q,
        )  # fmt: skip
        found = _features(query, limit, fields, sort_field, sort_order)
        return DotDict({"type": "FeatureCollection", "features": list(found)})

    @old_method(_IMAGES, renamed=_RENAMED, gone=_GONE)
    def features(
        self,
        products: Any = None,
        sat_ids: Any = None,
        date: str = "acquired",
        geom: Any = None,
        start_datetime: Any = None,
        end_datetime: Any = None,
        cloud_fraction: float | None = None,
        cloud_fraction_0: float | None = None,
        fill_fraction: float | None = None,
        storage_state: str | None = None,
        q: Any = None,
        fields: Iterable[str] | None = None,
        dltile: Any = None,
        sort_field: str | None = None,
        sort_order: str | None = "asc",
        batch_size: int = 1000,
        const_id: Any = None,
        limit: int | None = None,
        bbox: bool = False,
    ) -> Iterator[DotDict]:
        """Return an iterator over the images that match, as GeoJSON Features.

        The arguments are those of `search`; `batch_size` has no effect, since the Catalog chooses the size of
        pages.
        """
        del batch_size
        query = ImageQuery(
            products, const_id, sat_ids, date, geom, dltile, bbox, start_datetime, end_datetime,
            cloud_fraction, cloud_fraction_0, fill_fraction, storage_state, q,
        )  # fmt: skip
        return _features(query, limit, fields, sort_field, sort_order)

    @old_method(_IMAGES, renamed=_RENAMED, gone=_GONE)
    def ids(
        self,
        products: Any = None,
        sat_ids: Any = None,
        date: str = "acquired",
        geom: Any = None,
        start_datetime: Any = None,
        end_datetime: Any = None,
        cloud_fraction: float | None = None,
        cloud_fraction_0: float | None = None,
        fill_fraction: float | None = None,
        storage_state: str | None = None,
        q: Any = None,
        limit: int | None = 100,
        dltile: Any = None,
        sort_field: str | None = None,
        sort_order: str | None = "asc",
        const_id: Any = None,
        bbox: bool = False,
    ) -> list[str]:
        """Return the ids of the images that match. The arguments are those of `search`."""
        query = ImageQuery(
            products, const_id, sat_ids, date, geom, dltile, bbox, start_datetime, end_datetime,
            cloud_fraction, cloud_fraction_0, fill_fraction, storage_state, q,
        )  # fmt: skip
        return [image.id for image in found_images(query, limit, sort_field, sort_order)]

    @old_method("Image.search().summary() or summary_interval()", renamed=_SUMMARY_RENAMED, gone=_GONE)
    def summary(
        self,
        products: Any = None,
        sat_ids: Any = None,
        date: str = "acquired",
        interval: str | None = None,
        geom: Any = None,
        start_datetime: Any = None,
        end_datetime: Any = None,
        cloud_fraction: float | None = None,
        cloud_fraction_0: float | None = None,
        fill_fraction: float | None = None,
        storage_state: str | None = None,
        q: Any = None,
        pixels: bool | None = None,
        dltile: Any = None,
        const_id: Any = None,
        bbox: bool = False,
    ) -> DotDict:
        """Return the number and size of the images that match, in total and by intervals of time.

        The arguments are those of `search`, and

        Parameters
        ----------
        interval : str, optional
            "year", "quarter", "month", "week", "day", "hour" or "minute".

        Returns
        -------
        DotDict
            `count`, `bytes` and `products`. With `interval` also `items`, a list with `count`, `bytes`, `date` and
            `timestamp` of each interval that has images.
        """
        if pixels:
            raise UnsupportedArgumentError(
                "Metadata.summary(): `pixels` is not possible. Sum the `raster_size` of features()."
            )
        query = ImageQuery(
            products, const_id, sat_ids, date, geom, dltile, bbox, start_datetime, end_datetime,
            cloud_fraction, cloud_fraction_0, fill_fraction, storage_state, q,
        )  # fmt: skip
        return summary_of(query, interval)

    @old_method("Image.get()")
    def get(self, image_id: str) -> DotDict:
        """Return the metadata of an image as one flat dict.

        Raises
        ------
        NotFoundError
            If the image does not exist.
        """
        image = Image.get(image_id)
        if image is None:
            raise NotFoundError(f"Image {image_id!r} does not exist.")
        return image_record(image, band_names({}, image.product_id))

    @old_method("Image.get_many()")
    def get_by_ids(
        self, ids: Iterable[str], fields: Iterable[str] | None = None, ignore_not_found: bool = True
    ) -> DotList:
        """Return the metadata of several images, each as one flat dict, in the order of the ids.

        Raises
        ------
        NotFoundError
            If an image does not exist and `ignore_not_found` is False.
        """
        names: dict[str, list[str]] = {}
        wanted = None if fields is None else list(fields)
        return DotList(
            image_record(image, band_names(names, image.product_id), wanted)
            for image in Image.get_many(list(ids), ignore_missing=ignore_not_found)
        )

    @old_method("Product.search()")
    def available_products(self) -> DotList:
        """Return the ids of all products."""
        return DotList(product.id for product in Product.search())

    @old_method("Product.search()")
    def products(
        self,
        bands: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        owner: str | None = None,
        text: str | None = None,
    ) -> DotList:
        """Return products that have all of some bands, belong to an owner or have a text in name or description."""
        search = Product.search()
        if owner is not None:
            search = search.filter(properties.owners == owner)
        if text is not None:
            search = search.find_text(text)
        wanted = product_list(bands)
        found = (each for each in search if not wanted or has_all_bands(each, wanted))
        return DotList(product_record(each) for each in limited(found, limit, offset))

    @old_method("Product.get()")
    def get_product(self, product_id: str) -> DotDict:
        """Return a product.

        Raises
        ------
        NotFoundError
            If the product does not exist; the message names the one that replaces it.
        """
        product = Product.get(product_id)
        if product is None:
            raise missing_product(product_id)
        return product_record(product)

    @old_method("Product.bands()")
    def bands(
        self,
        products: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        wavelength: float | None = None,
        resolution: float | None = None,
        tags: Any = None,
        bands: Any = None,
    ) -> DotList:
        """Return the bands of products.

        Parameters
        ----------
        products : str or list of str
            Ids of products.
        limit, offset : int, optional
            Maximum number of bands, and number of bands to skip.
        wavelength : float, optional
            Wavelength in nm that the bands include.
        resolution : float, optional
            Resolution of the bands.
        tags, bands : str or list of str, optional
            Tags of the bands, all of them; names or ids of the bands, any of them.

        Raises
        ------
        ValueError
            If no product is given.
        NotFoundError
            If a product does not exist.
        """
        found = (
            band_record(band)
            for product_id in _given_products(products)
            for band in _bands(product_id)
            if is_selected(band, wavelength, resolution, product_list(tags), product_list(bands))
        )
        return DotList(limited(found, limit, offset))

    @old_method("Band.get()")
    def get_band(self, band_id: str) -> DotDict:
        """Return a band.

        Raises
        ------
        NotFoundError
            If the band does not exist.
        """
        band = Band.get(band_id)
        if band is None:
            raise NotFoundError(f"Band {band_id!r} does not exist.")
        return band_record(band)

    @old_method("Product.bands()")
    def get_bands_by_id(self, image_id: str) -> DotDict:
        """Return the bands of an image's product, by name.

        Raises
        ------
        NotFoundError
            If the image does not exist.
        """
        return bands_of_image(image_id)

    @old_method("Product.bands()")
    def get_bands_by_product(self, product_id: str) -> DotDict:
        """Return the bands of a product, by name.

        Raises
        ------
        NotFoundError
            If the product does not exist.
        """
        return DotDict({band.name: band_record(band) for band in _bands(product_id)})

    @old_method("Product.bands()")
    def get_bands_by_constellation(self, const: str) -> DotDict:
        """Return the bands of a constellation, by name.

        Raises
        ------
        NotFoundError
            If no product has the pixels of the constellation.
        """
        (product_id,) = constellation_products(const)
        return DotDict({band.name: band_record(band) for band in _bands(product_id)})

    @old_method("Product.search()")
    def sources(self) -> DotList:
        """Return a dict with `product` and `sat_id` for each product.

        `sat_id` is None: the Catalog does not list the satellites of a product.
        """
        return DotList({"product": product.id, "sat_id": None} for product in Product.search())

    @old_method("Image.ndarray() and NumPy")
    def derived_bands(self, *_arguments: Any, **_options: Any) -> DotList:
        """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
        raise UnsupportedArgumentError(_NO_DERIVED)

    @old_method("Image.ndarray() and NumPy")
    def get_derived_band(self, derived_band_id: str) -> DotDict:
        """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
        raise UnsupportedArgumentError(f"{derived_band_id!r}: {_NO_DERIVED}")


_NO_DERIVED: Final = (
    "Derived bands such as NDVI no longer exist. Read the bands that they were computed from, and compute them with "
    "NumPy: (nir - red) / (nir + red)."
)


def bands_of_image(image_id: str) -> DotDict:
    """Return the bands of an image's product as dicts of old keys, by name; NotFoundError if there is no image."""
    image = Image.get(image_id)
    if image is None:
        raise NotFoundError(f"Image {image_id!r} does not exist.")
    return DotDict({band.name: band_record(band) for band in _bands(image.product_id)})


def _features(
    query: ImageQuery,
    limit: int | None,
    fields: Iterable[str] | None,
    sort_field: str | None,
    sort_order: str | None,
) -> Iterator[DotDict]:
    names: dict[str, list[str]] = {}
    wanted = None if fields is None else list(fields)
    for image in found_images(query, limit, sort_field, sort_order):
        bands = band_names(names, image.product_id) if wanted is None or "bands" in wanted else None
        yield image_feature(image, bands, wanted)


def _given_products(products: Any) -> list[str]:
    given = product_list(products)
    if not given:
        raise ValueError("Give `products`, the ids of the products whose bands to return.")
    return given


def _bands(product_id: str) -> Iterator[Band]:
    product = Product.get(product_id)
    if product is None:
        raise missing_product(product_id)
    yield from product.bands()
