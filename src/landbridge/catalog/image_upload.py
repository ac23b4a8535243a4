"""The record of an image's upload: how far it has come and what happened."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from landbridge.catalog.catalog_object import CatalogObjectBase
from landbridge.catalog.enums import (
    DocumentState,
    ImageUploadEventSeverity,
    ImageUploadEventType,
    ImageUploadStatus,
    ImageUploadType,
    OverviewResampler,
)
from landbridge.catalog.model.attributes import Attribute, EnumAttribute, TypedAttribute
from landbridge.catalog.model.class_or_instance import ClassOrInstanceMethod
from landbridge.catalog.model.containers import ListAttribute, MappingAttribute, ValueAttribute
from landbridge.catalog.model.converters import Timestamp
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.uploads import UPLOADS
from landbridge.exceptions import NotFoundError, ServerError

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.catalog.stac.resource import Resource

__all__ = ["ImageUpload", "ImageUploadEvent", "ImageUploadOptions"]


class ImageUploadOptions(MappingAttribute):
    """How an upload is processed."""

    upload_type = EnumAttribute(ImageUploadType, doc="Whether files or an array are uploaded.")
    image_files = ListAttribute(Attribute(), doc="The names of the files, in the order of file_index.")
    overviews = ListAttribute(Attribute(), doc="Up to 16 factors to make overviews for; only for arrays.")
    overview_resampler = EnumAttribute(OverviewResampler, doc="How overviews are made; only for arrays.")
    upload_size = Attribute(doc="The size of all files in bytes.")
    worker_tag = Attribute(doc="Which workers are to process it.")


class ImageUploadEvent(MappingAttribute):
    """One thing that happened to an upload."""

    id = Attribute(readonly=True, doc="The event's id.")
    event_datetime = Timestamp(readonly=True, doc="When it happened.")
    component = Attribute(readonly=True, doc="The part of the service that reports it.")
    component_id = Attribute(readonly=True, doc="Which instance of that part.")
    event_type = EnumAttribute(ImageUploadEventType, readonly=True, doc="What happened.")
    severity = EnumAttribute(ImageUploadEventSeverity, readonly=True, doc="How grave it is.")
    message = Attribute(readonly=True, doc="What there is to say about it.")

    def __repr__(self) -> str:
        return "\n".join(f"  {name}: {value}" for name, value in sorted(self._values.items()))


def _no_delete(_cls: Any, id: str, client: CatalogClient | None = None) -> None:
    """Uploads cannot be deleted: NotImplementedError."""
    del id, client
    raise NotImplementedError("Uploads cannot be deleted.")


def _no_delete_self(_self: Any) -> None:
    """Uploads cannot be deleted: NotImplementedError."""
    raise NotImplementedError("Uploads cannot be deleted.")


class ImageUpload(CatalogObjectBase):
    """An upload made by `Image.upload` or `Image.upload_ndarray`."""

    _resource: ClassVar[Resource] = UPLOADS
    _doc_type = "image_upload"
    _reference = "image"
    _POLLING_INTERVALS: ClassVar[tuple[float, ...]] = (1, 1, 1, 1, 1, 5, 10, 10, 30, 60)
    _LONGEST_ANSWER: ClassVar[float] = 30
    _TERMINAL_STATES: ClassVar[frozenset[str]] = frozenset(
        {ImageUploadStatus.SUCCESS, ImageUploadStatus.FAILURE, ImageUploadStatus.CANCELED}
    )
    INCLUDE_EVENTS = "events"

    id = TypedAttribute(str, mutable=False, serializable=False, doc="The upload's id.")
    product_id = TypedAttribute(str, mutable=False, doc="The product of the image. *Filterable, sortable.*")
    image_id = TypedAttribute(str, mutable=False, doc="The image's id. *Filterable.*")
    image = CatalogObjectReference(
        "image", require_unsaved=True, mutable=False, sticky=True, doc="The image that is uploaded."
    )
    image_upload_options = ValueAttribute(
        ImageUploadOptions, mutable=False, sticky=True, doc="How the upload is processed."
    )
    user = Attribute(readonly=True, doc="Who made it. *Filterable, sortable.*")
    resumable_urls = ListAttribute(Attribute(), readonly=True, doc="Where the files are sent.")
    status = EnumAttribute(ImageUploadStatus, doc="How far it has come. *Filterable, sortable.*")
    events = ListAttribute(ValueAttribute(ImageUploadEvent), readonly=True, doc="What happened, in order.")

    delete = ClassOrInstanceMethod(_no_delete, _no_delete_self)

    @classmethod
    def search(  # type: ignore[override] # uploads are searched with other parameters
        cls, client: CatalogClient | None = None, includes: bool = True
    ) -> Search[ImageUpload]:
        """A search for uploads, to be filtered by product_id; without `includes` they have no events."""
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
        """Read the record again; once the upload has succeeded, its image too."""
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
        """Wait until the upload has succeeded, failed or been canceled; `status` says which.

        Parameters
        ----------
        timeout
            Seconds to wait at most; `concurrent.futures.TimeoutError` afterwards.
        warn_transient_errors
            Whether failures of the service while waiting, which end nothing, are shown as warnings.
        """
        from concurrent.futures import TimeoutError as FuturesTimeoutError

        end = None if timeout is None else time.monotonic() + timeout
        attempt = 0
        while self.status not in self._TERMINAL_STATES:
            asked = time.monotonic()
            wait = self._LONGEST_ANSWER if end is None else max(0.0, min(self._LONGEST_ANSWER, end - asked))
            try:
                # The service answers as soon as the upload has ended, at the latest after that time.
                self._reload({"wait": wait})
            except ServerError as error:
                if warn_transient_errors:
                    warnings.warn(f"Waiting for upload {self.id}: {error}", stacklevel=2)
            if self.status in self._TERMINAL_STATES:
                return
            now = time.monotonic()
            if end is not None and now >= end:
                raise FuturesTimeoutError(f"Upload {self.id} is {self.status} after {timeout} s.")
            if now - asked < wait / 2:
                # It failed, or does not wait: leave it some time.
                pause = self._POLLING_INTERVALS[min(attempt, len(self._POLLING_INTERVALS) - 1)]
                time.sleep(pause if end is None else min(pause, end - now))
                attempt += 1

    def cancel(self) -> None:
        """Cancel the upload; ConflictError where it is too late for that."""
        self._check_exists()
        self.status = ImageUploadStatus.CANCELED
        self.save()
