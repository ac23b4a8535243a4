"""Records of uploads of images, with their status and events."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Never, Unpack

from landbridge.catalog.catalog_object import CatalogObjectBase
from landbridge.catalog.client.polling import listed_pauses, polls
from landbridge.catalog.enums import (
    DocumentState,
    ImageUploadEventSeverity,
    ImageUploadEventType,
    ImageUploadStatus,
    ImageUploadType,
    OverviewResampler,
)
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import MappingAttribute, ValueAttribute
from landbridge.catalog.model.attributes import Attribute, EnumAttribute, TypedAttribute
from landbridge.catalog.model.class_or_instance import ClassOrInstanceMethod
from landbridge.catalog.model.converters import Timestamp
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.uploads import UPLOADS
from landbridge.exceptions import NotFoundError, ServerError

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.catalog.model.class_or_instance import DeleteById, DeleteSelf
    from landbridge.catalog.stac.resource import Resource
    from landbridge.catalog.type_hints.attributes import (
        ImageReference,
        Integer,
        Integers,
        ReadOnlyText,
        ReadOnlyTexts,
        ReadOnlyTime,
        RequiredText,
        Text,
        Texts,
        UploadEvents,
        UploadOptions,
    )
    from landbridge.catalog.type_hints.keywords import ImageUploadKeywords, ImageUploadOptionsKeywords

__all__ = ["ImageUpload", "ImageUploadEvent", "ImageUploadOptions"]


class ImageUploadOptions(MappingAttribute):
    """Options of the processing of an upload.

    Parameters
    ----------
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> options = ImageUploadOptions(overviews=[2, 4], overview_resampler="average")
    >>> options.overview_resampler
    'average'
    """

    upload_type: Text = EnumAttribute(
        ImageUploadType, doc="Kind of the data, files or arrays: an `ImageUploadType`."
    )
    image_files: Texts = ListAttribute(
        Attribute(), doc="Names of the files, in the order of `Band.file_index`."
    )
    overviews: Integers = ListAttribute(
        Attribute(), doc="Up to 16 factors by which overviews are smaller than the image; only for arrays."
    )
    overview_resampler: Text = EnumAttribute(
        OverviewResampler,
        doc="Resampling algorithm of the overviews: an `OverviewResampler`; only for arrays.",
    )
    upload_size: Integer = Attribute(doc="Total size of the files in bytes.")
    worker_tag: Text = Attribute(doc="Tag of the workers that process the upload.")

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Unpack[ImageUploadOptionsKeywords]) -> None: ...


class ImageUploadEvent(MappingAttribute):
    """Event of an upload, which the service records.

    Examples
    --------
    >>> event = next(iter(image.image_uploads())).events[-1]
    >>> event.severity
    'INFO'
    """

    id: ReadOnlyText = Attribute(readonly=True, doc="Id of the event.")
    event_datetime: ReadOnlyTime = Timestamp(readonly=True, doc="Time of the event.")
    component: ReadOnlyText = Attribute(readonly=True, doc="Part of the service that reports the event.")
    component_id: ReadOnlyText = Attribute(readonly=True, doc="Id of the instance of that part.")
    event_type: ReadOnlyText = EnumAttribute(
        ImageUploadEventType, readonly=True, doc="Kind of the event: an `ImageUploadEventType`."
    )
    severity: ReadOnlyText = EnumAttribute(
        ImageUploadEventSeverity, readonly=True, doc="Severity: an `ImageUploadEventSeverity`."
    )
    message: ReadOnlyText = Attribute(readonly=True, doc="Message; for a failure, its reason.")

    def __repr__(self) -> str:
        return "\n".join(f"  {name}: {value}" for name, value in sorted(self._values.items()))


def _no_delete(_cls: Any, id: str, client: CatalogClient | None = None) -> None:
    """Raise NotImplementedError: uploads cannot be deleted.

    Parameters
    ----------
    id : str
        Id of the upload.
    client : CatalogClient, optional
        Client to use. By default the default client.

    Raises
    ------
    NotImplementedError
        Always.
    """
    del id, client
    raise NotImplementedError("Uploads cannot be deleted.")


def _no_delete_self(_self: Any) -> None:
    """Raise NotImplementedError: uploads cannot be deleted.

    Raises
    ------
    NotImplementedError
        Always.

    Examples
    --------
    >>> next(iter(image.image_uploads())).delete()
    Traceback (most recent call last):
        ...
    NotImplementedError: Uploads cannot be deleted.
    """
    raise NotImplementedError("Uploads cannot be deleted.")


class ImageUpload(CatalogObjectBase):
    """Record of an upload that was made by `Image.upload` or `Image.upload_ndarray`.

    Examples
    --------
    >>> upload = next(iter(image.image_uploads()))
    >>> upload.status
    'success'
    >>> upload.events[-1].event_type
    'complete'
    """

    _resource: ClassVar[Resource] = UPLOADS
    _doc_type = "image_upload"
    _reference = "image"
    _POLLING_INTERVALS: ClassVar[tuple[float, ...]] = (1, 1, 1, 1, 1, 5, 10, 10, 30, 60)
    _LONG_POLL: ClassVar[float] = 30
    _TERMINAL_STATES: ClassVar[frozenset[str]] = frozenset(
        {ImageUploadStatus.SUCCESS, ImageUploadStatus.FAILURE, ImageUploadStatus.CANCELED}
    )
    INCLUDE_EVENTS = "events"

    id: RequiredText = TypedAttribute(str, mutable=False, serializable=False, doc="Id of the upload.")
    product_id: RequiredText = TypedAttribute(
        str, mutable=False, doc="Id of the image's product. *Filterable, sortable.*"
    )
    image_id: RequiredText = TypedAttribute(str, mutable=False, doc="Id of the image. *Filterable.*")
    image: ImageReference = CatalogObjectReference(
        "image",
        require_unsaved=True,
        mutable=False,
        sticky=True,
        doc="Image that is uploaded; it is saved after the upload has succeeded and was reloaded.",
    )
    image_upload_options: UploadOptions = ValueAttribute(
        ImageUploadOptions,
        mutable=False,
        sticky=True,
        doc="Options of the processing: an `ImageUploadOptions`.",
    )
    user: ReadOnlyText = Attribute(
        readonly=True, doc="Id of the user who made the upload. *Filterable, sortable.*"
    )
    resumable_urls: ReadOnlyTexts = ListAttribute(
        Attribute(), readonly=True, doc="Addresses that the files are sent to."
    )
    status: RequiredText = EnumAttribute(
        ImageUploadStatus, doc="Status: an `ImageUploadStatus`. *Filterable, sortable.*"
    )
    events: UploadEvents = ListAttribute(
        ValueAttribute(ImageUploadEvent),
        readonly=True,
        doc="Events of the processing, in the order of time: a list of `ImageUploadEvent`.",
    )

    if TYPE_CHECKING:

        def __init__(
            self, *, client: CatalogClient | None = None, id: str = ..., **kwargs: Unpack[ImageUploadKeywords]
        ) -> None: ...

        def update(  # type: ignore[override] # these names only
            self, ignore_errors: bool = False, **kwargs: Unpack[ImageUploadKeywords]
        ) -> None: ...

    delete: ClassOrInstanceMethod[DeleteById[Never], DeleteSelf[Never]] = ClassOrInstanceMethod(
        _no_delete, _no_delete_self
    )

    @classmethod
    def search(  # type: ignore[override] # uploads are searched with other parameters
        cls, client: CatalogClient | None = None, includes: bool = True
    ) -> Search[ImageUpload]:
        """Return a search for uploads, which must be filtered by `product_id`.

        Parameters
        ----------
        client : CatalogClient, optional
            Client to use. By default the default client.
        includes : bool, default True
            Read the events of the uploads too.

        Returns
        -------
        Search
            Search to filter, sort, limit, iterate or collect.

        Examples
        --------
        >>> ImageUpload.search().filter(p.product_id == "local:docs-fields").count() >= 3
        True

        See Also
        --------
        Product.image_uploads : Search for the uploads to one product.
        """
        return Search(cls, client, includes=includes)

    def _set_value(self, attribute: Attribute, value: Any) -> None:
        super()._set_value(attribute, value)
        if attribute.name == "image" and value is not None:
            for part, known in (("image_id", value.id), ("product_id", value.product_id)):
                if known is not None and self._read(self._attribute_types[part]) is None:
                    self._set_and_report(self._attribute_types[part], known)

    def _read_reference(self) -> ImageMetadata | None:
        return class_of("image").get(self.image_id, client=self._client)  # type: ignore[no-any-return] # an Image

    def reload(  # type: ignore[override] # uploads are reloaded without parameters
        self,
    ) -> None:
        """Read the record from the service again, and its image too after the upload has succeeded.

        Raises
        ------
        ValueError
            If the record has changes that would be lost.
        NotFoundError
            If the image was deleted after its upload.

        Examples
        --------
        >>> upload = next(iter(image.image_uploads()))
        >>> upload.reload()
        >>> upload.status
        'success'
        """
        self._reload({})

    def _reload(self, params: dict[str, Any]) -> None:
        super().reload(request_params=params)
        if self.status == ImageUploadStatus.SUCCESS:
            image = self._values.get("image")
            if image is not None and image.state == DocumentState.UNSAVED:
                record = image._get_resource().get(self._client, self.image_id)
                if record is None:
                    raise NotFoundError(f"Image {self.image_id} was deleted after its upload.")
                image._load(record)
                # Its files may have filled physical ranges.
                self._client.forget_bands(image.product_id)

    def wait_for_completion(self, timeout: float | None = None, warn_transient_errors: bool = True) -> None:
        """Wait until the upload has succeeded, failed or been canceled.

        A failure raises no error: see `status` and `events`.

        Parameters
        ----------
        timeout : float, optional
            Maximum number of seconds to wait. By default the wait is not limited.
        warn_transient_errors : bool, default True
            Show failures of the service while waiting, which do not end the upload, as warnings.

        Raises
        ------
        concurrent.futures.TimeoutError
            If the upload has not ended after `timeout` seconds.

        Examples
        --------
        >>> upload = next(iter(image.image_uploads()))
        >>> upload.wait_for_completion(timeout=60)
        >>> upload.status
        'success'
        """
        from concurrent.futures import TimeoutError as FuturesTimeoutError

        pauses = listed_pauses(self._POLLING_INTERVALS)
        if self.status in self._TERMINAL_STATES:
            return
        for wait in polls(timeout, pauses, self._LONG_POLL):
            try:
                # The service answers when the upload has ended, at the latest after `wait` seconds.
                self._reload({"wait": wait})
            except ServerError as error:
                if warn_transient_errors:
                    warnings.warn(f"Waiting for upload {self.id}: {error}", stacklevel=2)
            if self.status in self._TERMINAL_STATES:
                return
        raise FuturesTimeoutError(f"Upload {self.id} is {self.status} after {timeout} s.")

    def cancel(self) -> None:
        """Cancel the upload.

        Raises
        ------
        ConflictError
            If the upload has ended already.
        UnsavedObjectError
            If the upload was not made by the service.

        Examples
        --------
        >>> upload = next(iter(image.image_uploads()))
        >>> upload.cancel()
        Traceback (most recent call last):
            ...
        landbridge.exceptions.ConflictError: ...
        """
        self._check_exists()
        self.status = ImageUploadStatus.CANCELED
        self.save()
