"""Methods of the Metadata service that find images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import Image
from landbridge.porting.arguments.areas import NO_PLACES
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.arguments.products import band_names
from landbridge.porting.metadata.parameters import PARAMETERS
from landbridge.porting.metadata.searches import ImageQuery, found_images
from landbridge.porting.metadata.summaries import summary_of
from landbridge.porting.old_keys.images import image_feature, image_record
from landbridge.porting.old_keys.lookups import existing_image
from landbridge.utils import DotDict, DotList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ImageMethods"]

_IMAGES = "Image.search()"
_SUMMARY = "Image.search().summary() or summary_interval()"
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


class ImageMethods:
    """Methods of `Metadata` that find images."""

    @old_method(_IMAGES, renamed=_RENAMED, gone=_GONE, about=PARAMETERS)
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
            products=products, const_id=const_id, sat_ids=sat_ids, date=date, geom=geom, dltile=dltile,
            bbox=bbox, start_datetime=start_datetime, end_datetime=end_datetime,
            cloud_fraction=cloud_fraction, cloud_fraction_0=cloud_fraction_0, fill_fraction=fill_fraction,
            storage_state=storage_state, q=q,
        )  # fmt: skip
        found = _features(query, limit, fields, sort_field, sort_order)
        return DotDict({"type": "FeatureCollection", "features": list(found)})

    @old_method(_IMAGES, renamed=_RENAMED, gone=_GONE, about=PARAMETERS)
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

        Returns
        -------
        iterator of DotDict
            Features in the order of the search, read page after page.

        Raises
        ------
        NotFoundError
            When iterated, if nothing is found and a product does not exist.
        ValueError
            If a value is not valid; when iterated, if no product is given.
        """
        del batch_size
        query = ImageQuery(
            products=products, const_id=const_id, sat_ids=sat_ids, date=date, geom=geom, dltile=dltile,
            bbox=bbox, start_datetime=start_datetime, end_datetime=end_datetime,
            cloud_fraction=cloud_fraction, cloud_fraction_0=cloud_fraction_0, fill_fraction=fill_fraction,
            storage_state=storage_state, q=q,
        )  # fmt: skip
        return _features(query, limit, fields, sort_field, sort_order)

    @old_method(_IMAGES, renamed=_RENAMED, gone=_GONE, about=PARAMETERS)
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
        """Return the ids of the images that match.

        Returns
        -------
        list of str
            Ids in the order of the search.

        Raises
        ------
        NotFoundError
            If nothing is found and a product does not exist.
        ValueError
            If no product is given, or a value is not valid.
        """
        query = ImageQuery(
            products=products, const_id=const_id, sat_ids=sat_ids, date=date, geom=geom, dltile=dltile,
            bbox=bbox, start_datetime=start_datetime, end_datetime=end_datetime,
            cloud_fraction=cloud_fraction, cloud_fraction_0=cloud_fraction_0, fill_fraction=fill_fraction,
            storage_state=storage_state, q=q,
        )  # fmt: skip
        return [image.id for image in found_images(query, limit, sort_field, sort_order)]

    @old_method(_SUMMARY, renamed=_SUMMARY_RENAMED, gone=_GONE, about=PARAMETERS)
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

        Returns
        -------
        DotDict
            `count`, `bytes` and `products`. With `interval` also `items`, a list with `count`, `bytes`,
            `date` and `timestamp` of each interval that has images.

        Raises
        ------
        NotFoundError
            If nothing is found and a product does not exist.
        UnsupportedArgumentError
            If `pixels` is True.
        """
        if pixels:
            raise UnsupportedArgumentError(
                "Metadata.summary(): `pixels` is not possible. Sum the `raster_size` of features()."
            )
        query = ImageQuery(
            products=products, const_id=const_id, sat_ids=sat_ids, date=date, geom=geom, dltile=dltile,
            bbox=bbox, start_datetime=start_datetime, end_datetime=end_datetime,
            cloud_fraction=cloud_fraction, cloud_fraction_0=cloud_fraction_0, fill_fraction=fill_fraction,
            storage_state=storage_state, q=q,
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
        image = existing_image(image_id)
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


def _features(
    query: ImageQuery,
    limit: int | None,
    fields: Iterable[str] | None,
    sort_field: str | None,
    sort_order: str | None,
) -> Iterator[DotDict]:
    names: dict[str, list[str]] = {}
    wanted = None if fields is None else list(fields)
    reads_bands = wanted is None or "bands" in wanted
    return (
        image_feature(image, band_names(names, image.product_id) if reads_bands else None, wanted)
        for image in found_images(query, limit, sort_field, sort_order)
    )
