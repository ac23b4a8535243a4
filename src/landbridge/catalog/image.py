"""Images: pixels of one place and time, with what is known about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.exchange.image_items import ImageItems
from landbridge.catalog.image_collection import ImageCollection
from landbridge.catalog.image_search import ImageSearch
from landbridge.catalog.image_upload import ImageUpload
from landbridge.catalog.search.catalog_properties import properties
from landbridge.catalog.transfer.request_options import RequestOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import BinaryIO, Self

    import numpy as np

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.enums import OverviewResampler, ResampleAlgorithm
    from landbridge.catalog.image_upload import ImageUploadOptions
    from landbridge.catalog.search.search import Search
    from landbridge.catalog.type_hints.classes import Product
    from landbridge.geo import GeoContext

__all__ = ["Image"]


class Image(ImageItems):
    """Image of a product: pixels of one place and time, and their metadata.

    `upload` and `upload_ndarray` store files or arrays as the image's pixels. `save` alone makes a remote
    image (`storage_state="remote"`), which can be found but has no pixels here. `ndarray`, `to_xarray` and
    `download` read pixels.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes. `product` (or `product_id`), `name` and `acquired` are required on upload and
        save, and `geometry` on a save.

    Examples
    --------
    >>> from landbridge.catalog import Image, properties as p
    >>> image = Image.get("local:docs-fields:2024-01")
    >>> image.acquired.isoformat(), image.cs_code
    ('2024-01-15T10:00:00+00:00', 'EPSG:32612')
    >>> image.ndarray("red green blue").shape
    (3, 40, 50)
    >>> cloudless = Image.search().filter(p.product_id == "local:docs-fields").filter(p.cloud_fraction < 0.3)
    >>> sorted(image.name for image in cloudless)
    ['2024-01', '2024-07']
    """

    _doc_type = "image"

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ImageSearch[Self]:
        """Return a search for images.

        The search must be filtered by `product_id`; `Product.images` returns one that is.

        Parameters
        ----------
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        ImageSearch
            Search to filter, sort, limit, iterate or collect.

        Examples
        --------
        >>> search = Image.search().filter(p.product_id == "local:docs-fields")
        >>> search.count()
        3

        See Also
        --------
        Product.images : Search for the images of one product.
        """
        return ImageSearch(cls, client, request_params=request_params, headers=headers)

    def save(
        self,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the image in the catalog, or update what changed.

        A new image whose `files` lie elsewhere gets `geometry`, `cs_code` (or `projection`), `geotrans`,
        `x_pixels` and `y_pixels` from the headers of the files, if it has no `geometry`. Your machine reads
        the headers; the service stores the addresses only, without signatures.

        Parameters
        ----------
        request_params : dict, optional
            Further attributes to send. With them a request is sent in any state.
        headers : dict, optional
            Further HTTP headers of the request.
        **kwargs
            `extra_attributes`, the former name of `request_params`.

        Raises
        ------
        ConflictError
            If an image with this id exists, or if another program changed the same image meanwhile.
        BadRequestError
            If a value is missing or invalid, if the header of a file cannot be read, or if the service does
            not allow an address in `files`, such as a path of your machine.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> elsewhere = Image(product=product, name="elsewhere", acquired="2024-12-15")
        >>> elsewhere.geometry = image.geometry
        >>> elsewhere.files = [{"href": "https://example.com/scene.tif"}]
        >>> elsewhere.save()
        >>> elsewhere.storage_state
        'remote'
        >>> elsewhere.delete()

        See Also
        --------
        Image.upload : Store the pixels too.
        """
        if not self._saved and "files" in self._modified:
            from landbridge.catalog.transfer.remote_files import fill_from_files

            self._check_not_deleted()
            fill_from_files(self)
        super().save(request_params, headers, **kwargs)

    def image_uploads(self) -> Search[ImageUpload]:
        """Return a search for the uploads of this image.

        Returns
        -------
        Search
            Search for `ImageUpload` objects with this image's id.

        Raises
        ------
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> [upload.status for upload in image.image_uploads()]
        ['success']
        """
        self._check_not_deleted()
        search = ImageUpload.search(self._client).filter(properties.product_id == self.product_id)
        return search.filter(properties.image_id == self.id)

    def upload(
        self,
        files: str | BinaryIO | Iterable[str | BinaryIO],
        upload_options: ImageUploadOptions | None = None,
        overwrite: bool = False,
        *,
        progress: bool | None = False,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ImageUpload:
        """Upload files as the image's pixels.

        The image exists in the catalog after the upload has succeeded; `ImageUpload.wait_for_completion`
        waits for that. Attributes that are set before the upload win over those that are read from the files.

        Parameters
        ----------
        files : str, binary file or iterable of these
            Paths or files opened for reading bytes, in the order of the bands' `file_index`.
        upload_options : ImageUploadOptions, optional
            Options of the processing.
        overwrite : bool, default False
            Replace an image with the same id.
        progress : bool, optional, default False
            Show a progress bar; None shows it only on a terminal.
        request_params : dict, optional
            Further attributes to send, as for `save`.
        headers : dict, optional
            Further HTTP headers of the request that creates the upload.

        Returns
        -------
        ImageUpload
            Record of the upload, with its status and events.

        Raises
        ------
        ValueError
            If `product`, `name` or `acquired` is missing, if the image was saved already, or if `files` holds
            anything else than strings and binary files.
        BadRequestError
            If an attribute of `request_params` is unknown or invalid.
        ConflictError
            If the image exists and `overwrite` is False. The error is a ValueError too.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> new = Image(product=product, name="2024-10", acquired="2024-10-15")
        >>> upload = new.upload("scene.tif")
        >>> upload.wait_for_completion()
        >>> upload.status, new.state
        ('success', <DocumentState.SAVED: 'saved'>)
        >>> new.delete()

        See Also
        --------
        Image.upload_ndarray : Upload arrays.
        """
        from landbridge.catalog.transfer.upload import upload

        request = RequestOptions(request_params, headers)
        return upload(self, files, upload_options, overwrite, progress, request)

    def upload_ndarray(
        self,
        ndarray: np.ndarray[Any, Any] | Iterable[np.ndarray[Any, Any]],
        upload_options: ImageUploadOptions | None = None,
        raster_meta: Mapping[str, Any] | None = None,
        overviews: list[int] | None = None,
        overview_resampler: OverviewResampler | str | None = None,
        overwrite: bool = False,
        *,
        progress: bool | None = False,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ImageUpload:
        """Upload arrays as the image's pixels.

        The image exists in the catalog after the upload has succeeded; `ImageUpload.wait_for_completion`
        waits for that.

        Parameters
        ----------
        ndarray : numpy.ndarray or iterable of numpy.ndarray
            Pixels of shape (band, row, column), or (row, column) for one band, of a type in
            `Image.SUPPORTED_DATATYPES`. Each of several arrays becomes a file.
        upload_options : ImageUploadOptions, optional
            Options of the processing.
        raster_meta : dict, optional
            Georeferencing as `raster_info=True` returns it. It is used if the image has no `geotrans`, or
            neither `cs_code` nor `projection`.
        overviews : list of int, optional
            Up to 16 factors by which overviews are smaller than the image.
        overview_resampler : OverviewResampler or str, optional
            Resampling algorithm of the overviews.
        overwrite : bool, default False
            Replace an image with the same id.
        progress : bool, optional, default False
            Show a progress bar; None shows it only on a terminal.
        request_params : dict, optional
            Further attributes to send, as for `save`.
        headers : dict, optional
            Further HTTP headers of the request that creates the upload.

        Returns
        -------
        ImageUpload
            Record of the upload, with its status and events.

        Raises
        ------
        ValueError
            If `product`, `name` or `acquired` is missing, if the image was saved already, if an array has
            another type or number of dimensions, or if the georeferencing is missing.
        BadRequestError
            If an attribute of `request_params` is unknown or invalid.
        ConflictError
            If the image exists and `overwrite` is False. The error is a ValueError too.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> pixels, meta = image.ndarray("red green blue nir", raster_info=True)
        >>> copy = Image(product=product, name="2024-11", acquired="2024-11-15")
        >>> upload = copy.upload_ndarray(pixels.filled(0), raster_meta=meta, overviews=[2, 4])
        >>> upload.wait_for_completion()
        >>> upload.status
        'success'
        >>> copy.delete()

        See Also
        --------
        Image.upload : Upload files.
        """
        from landbridge.catalog.transfer.upload import upload_ndarray

        return upload_ndarray(
            self,
            ndarray,
            upload_options,
            raster_meta,
            overviews,
            overview_resampler,
            overwrite,
            progress,
            RequestOptions(request_params, headers),
        )

    def copy_to(
        self,
        product: Product | str,
        bands: str | list[str] | tuple[str, ...] | None = None,
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        resampler: ResampleAlgorithm | str = "near",
        *,
        overwrite: bool = False,
    ) -> Self:
        """Copy pixels and attributes into an image of the same name in a product of your own.

        The stored values are kept, with their data type and nodata value. If this image has another offset
        than the bands of `product`, such as Sentinel-2 images of different processing baselines, its values
        are shifted so that physical values stay the same.

        The call can be repeated: a copy that is complete is returned as it is.

        Parameters
        ----------
        product : Product or str
            Saved product that gets the copy, or its id. If it has no bands, it gets copies of the bands.
        bands : str, list of str or tuple of str, optional
            Names of the bands. By default all bands of `product`, or all of this image if it has none.
        geocontext : GeoContext, optional
            Area and grid of the copy. By default the image's own grid, whole.
        crs : str, optional
            Coordinate reference system of the copy, in place of the geocontext's.
        resolution : float, optional
            Side of a pixel in units of the crs, in place of the geocontext's.
        resampler : ResampleAlgorithm or str, default "near"
            Resampling algorithm for pixels that do not lie on the grid of the copy.
        overwrite : bool, default False
            Replace a complete copy.

        Returns
        -------
        Image
            Saved copy.

        Raises
        ------
        ValueError
            If `product` does not exist, or if it or this image lacks a band.
        CopyError
            If the upload of the copy fails, or if the stored values cannot be kept. The error is a
            RuntimeError too.
        RasterError
            If a file is missing or broken.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> mine = Product(id="docs-copies", name="Copies")
        >>> mine.save()
        >>> copy = image.copy_to(mine, "red nir")
        >>> copy.product_id, bool((copy.ndarray("nir") == image.ndarray("nir")).all())
        ('local:docs-copies', True)
        >>> copy.delete()
        >>> status = mine.delete_related_objects()
        >>> status.wait_for_completion()
        >>> mine.delete()

        See Also
        --------
        ImageCollection.copy_to : Copy several images.
        """
        from landbridge.catalog.image_copies import Grid, copy_image

        self._check_not_deleted()
        grid = Grid(geocontext, crs, resolution, str(resampler))
        copy: Self = copy_image(self, product, bands, grid, overwrite=overwrite)[0]
        return copy


ImageCollection._item_type = Image
Image._collection_type = ImageCollection
