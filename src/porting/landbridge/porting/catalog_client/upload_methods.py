"""Methods of the old Catalog client for uploads."""

from __future__ import annotations

import itertools
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from landbridge.catalog import Image, ImageUpload, ImageUploadStatus, properties
from landbridge.exceptions import BadRequestError, NotFoundError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.catalog_client.documents import existing_product, resource
from landbridge.porting.catalog_client.image_methods import GONE_KEYS
from landbridge.porting.old_keys.images import IMAGE_KEYS
from landbridge.porting.old_keys.table import to_attributes, to_plain
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from landbridge.catalog import Search

__all__ = ["UploadMethods"]

_FILTERS_GONE: Final = {
    "offset": "Slice the result, or iterate over iter_upload_results().",
    "continuation_token": "Iterate over iter_upload_results(), which reads page after page.",
}
# An image of fewer rows than this for each band is probably given with the bands first.
_ROWS_PER_BAND: Final = 5


class UploadMethods:
    """Methods of `Catalog` for uploads."""

    @old_method("Image(...).upload()", gone=GONE_KEYS)
    def upload_image(
        self,
        files: Any,
        product_id: str,
        metadata: Mapping[str, Any] | None = None,
        multi: bool = False,
        image_id: str | None = None,
        add_namespace: bool = False,
        **keywords: Any,
    ) -> str | list[str]:
        """Upload files as images. The images exist after their uploads have succeeded; see `upload_result`.

        Parameters
        ----------
        files : str, path, binary file or list of these
            Files. Without `multi`, each is an image.
        product_id : str
            Id of the product.
        metadata : dict, optional
            Keys of the image, such as `acquired`, `cloud_fraction` and `sat_id`.
        multi : bool, default False
            All files are one image.
        image_id : str, optional
            Name of the image, by default that of the file.
        add_namespace : bool, default False
            No effect.
        **keywords
            Further keys of the image.

        Returns
        -------
        str or list of str
            Id of the upload. A list for a list of files that are an image each.

        Raises
        ------
        ValueError
            If `multi` is True and there are not several files or no `image_id`, or if several images have one
            `image_id`.
        NotFoundError
            If the product does not exist.
        """
        del add_namespace
        several = isinstance(files, (list, tuple))
        given = [str(one) if isinstance(one, Path) else one for one in (files if several else [files])]
        values = {**(metadata or {}), **keywords}
        if multi and (len(given) < 2 or image_id is None):
            raise ValueError("`multi` needs a list of several `files`, and an `image_id`.")
        if not multi and len(given) > 1 and image_id is not None:
            raise ValueError("Several files are several images: give multi=True, or no `image_id`.")
        if not given:
            raise ValueError("`files` is empty: give at least one file.")
        groups = [given] if multi else [[one] for one in given]
        names = [image_id or _file_name(group[0]) for group in groups]
        images = [_new_image("Catalog.upload_image", product_id, name, values) for name in names]
        uploads = [image.upload(group, overwrite=True) for image, group in zip(images, groups, strict=True)]
        ids = [str(upload.id) for upload in uploads]
        return ids if several and not multi else ids[0]

    @old_method("Image(...).upload_ndarray()", gone=GONE_KEYS)
    def upload_ndarray(
        self,
        ndarray: NDArray[Any],
        product_id: str,
        image_id: str,
        proj4: str | None = None,
        wkt_srs: str | None = None,
        geotrans: Any = None,
        raster_meta: Mapping[str, Any] | None = None,
        overviews: list[int] | None = None,
        overview_resampler: str | None = None,
        add_namespace: bool = False,
        **keywords: Any,
    ) -> str:
        """Upload an array as an image. It exists after the upload has succeeded; see `upload_result`.

        Parameters
        ----------
        ndarray : numpy.ndarray
            Pixels of shape (row, column, band), or (row, column) for one band.
        product_id : str
            Id of the product.
        image_id : str
            Name of the image.
        proj4, wkt_srs : str, optional
            Reference system as a PROJ string or WKT.
        geotrans : tuple of float, optional
            Affine transformation in GDAL's order.
        raster_meta : dict, optional
            Description that `Raster.ndarray` returned, in place of these.
        overviews : list of int, optional
            Factors by which overviews are smaller than the image.
        overview_resampler : str, optional
            Resampling algorithm of the overviews.
        add_namespace : bool, default False
            No effect.
        **keywords
            Keys of the image, such as `acquired`, `cloud_fraction` and `sat_id`.

        Returns
        -------
        str
            Id of the upload.

        Raises
        ------
        ValueError
            If the array has not two or three dimensions, or the georeference is missing.
        NotFoundError
            If the product does not exist.
        """
        del add_namespace
        values = {"projection": wkt_srs or proj4, "geotrans": geotrans, **keywords}
        image = _new_image("Catalog.upload_ndarray", product_id, image_id, values)
        array = _bands_first(ndarray)
        with warnings.catch_warnings():
            # It asks for the bands in the first axis, where they are.
            warnings.filterwarnings("ignore", "The array has the shape", UserWarning)
            upload = image.upload_ndarray(
                array,
                raster_meta=raster_meta,
                overviews=overviews,
                overview_resampler=overview_resampler,
                overwrite=True,
            )
        return str(upload.id)

    @old_method("Product.image_uploads()", gone=_FILTERS_GONE)
    def upload_results(
        self,
        product_id: str,
        limit: int | None = 100,
        status: str | None = None,
        updated: Any = None,
        created: Any = None,
    ) -> DotDict:
        """Return the uploads to a product, the last one first.

        Parameters
        ----------
        product_id : str
            Id of the product.
        limit : int, optional, default 100
            Maximum number of uploads.
        status : str, optional
            "SUCCESS", "FAILURE", "PENDING", "RUNNING", "TRANSFERRING" or "CANCELED".
        updated, created : str or datetime, optional
            First time at which an upload changed, or was made.

        Returns
        -------
        DotDict
            Document with a list as `data`.

        Raises
        ------
        NotFoundError
            If the product does not exist.
        """
        found = itertools.islice(_uploads(product_id, status, updated, created), limit)
        return DotDict({"data": [_resource(each) for each in found], "meta": {}, "links": {}})

    @old_method("Product.image_uploads()", gone=_FILTERS_GONE)
    def iter_upload_results(
        self, product_id: str, status: str | None = None, updated: Any = None, created: Any = None
    ) -> Iterator[DotDict]:
        """Return an iterator over the uploads to a product; the arguments are those of `upload_results`."""
        return (DotDict(_resource(each)) for each in _uploads(product_id, status, updated, created))

    @old_method("Image.image_uploads()")
    def upload_result(self, product_id: str, upload_id: str) -> DotDict:
        """Return an upload.

        Parameters
        ----------
        product_id : str
            Id of the product.
        upload_id : str
            Result of `upload_image` or `upload_ndarray`.

        Returns
        -------
        DotDict
            Document whose `attributes` have `status`, such as "SUCCESS", `events` and `errors`.

        Raises
        ------
        NotFoundError
            If there is no such upload.
        """
        product = existing_product(product_id)
        found = _find_upload(upload_id)
        if found is None or found.product_id != product.id:
            raise NotFoundError(f"Product {product.id!r} has no upload {upload_id!r}.")
        return DotDict({"data": _resource(found)})


def _file_name(file: Any) -> str:
    """Return the name that the image of a file has."""
    name = file if isinstance(file, str) else getattr(file, "name", None)
    if not isinstance(name, str):
        raise ValueError("Give an `image_id`: the file has no name.")  # noqa: TRY004 - the argument is missing
    return Image.make_valid_name(Path(name).name)


def _new_image(method: str, product_id: str, name: str, values: Mapping[str, Any]) -> Image:
    attributes = to_attributes(
        method, {**values, "acquired": values.get("acquired") or datetime.now(UTC)}, IMAGE_KEYS
    )
    return Image(product=existing_product(product_id), name=name, **attributes)


def _bands_first(ndarray: NDArray[Any]) -> NDArray[Any]:
    """Return an array (row, column, band) or (row, column) with its bands first."""
    array = np.asanyarray(ndarray)
    if array.ndim == 2:
        return array
    if array.ndim != 3:
        raise ValueError(
            f"`ndarray` has the axes (row, column, band) or (row, column); got {array.ndim} axes."
        )
    rows, columns, bands = array.shape
    if bands * _ROWS_PER_BAND > min(rows, columns):
        warnings.warn(
            f"The array has the shape {array.shape}: is its last axis the bands, as in (row, column, band)?",
            stacklevel=4,
        )
    return np.moveaxis(array, -1, 0)


def _find_upload(upload_id: str) -> ImageUpload | None:
    try:
        return ImageUpload.get(upload_id)
    except BadRequestError:
        return None  # a text that is no id of an upload


def _uploads(product_id: str, status: str | None, updated: Any, created: Any) -> Search[ImageUpload]:
    search = existing_product(product_id).image_uploads()
    if status is not None:
        search = search.filter(properties.status == str(ImageUploadStatus(status.lower())))
    if updated is not None:
        search = search.filter(properties.modified >= updated)
    if created is not None:
        search = search.filter(properties.created >= created)
    return search.sort("created", ascending=False)


def _resource(each: ImageUpload) -> dict[str, Any]:
    """Return an upload as a resource of JSON:API."""
    events = [
        {
            "datetime": to_plain(event.event_datetime),
            "component": event.component,
            "event_type": str(event.event_type),
            "severity": str(event.severity),
            "message": event.message,
        }
        for event in each.events or ()
    ]
    record = {
        "status": str(each.status).upper(),
        "product_id": each.product_id,
        "image_id": each.image_id,
        "created": to_plain(each.created),
        "modified": to_plain(each.modified),
        "events": events,
        "errors": [event["message"] for event in events if event["severity"] in {"ERROR", "CRITICAL"}],
    }
    return resource("upload", record, str(each.id))
