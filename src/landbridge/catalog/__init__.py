"""The Catalog object API: products, their bands and images, searches, uploads and rasters."""

from typing import TYPE_CHECKING

from landbridge.catalog.access_lists import AuthCatalogObject
from landbridge.catalog.band import (
    Band,
    BandCollection,
    ClassBand,
    GenericBand,
    MaskBand,
    MicrowaveBand,
    SpectralBand,
)
from landbridge.catalog.blob import Blob, BlobCollection
from landbridge.catalog.catalog_object import CatalogObject
from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import (
    AggregateDateField,
    BandType,
    Colormap,
    DataType,
    DocumentState,
    DownloadFileFormat,
    ImageUploadEventSeverity,
    ImageUploadEventType,
    ImageUploadStatus,
    ImageUploadType,
    Interval,
    OverviewResampler,
    ResampleAlgorithm,
    ResolutionUnit,
    StorageState,
    StorageType,
    TaskState,
)
from landbridge.catalog.errors import AttributeValidationError, DeletedObjectError, UnsavedObjectError
from landbridge.catalog.image import Image
from landbridge.catalog.image_collection import ImageCollection
from landbridge.catalog.image_search import ImageSearch
from landbridge.catalog.image_upload import ImageUpload, ImageUploadEvent, ImageUploadOptions
from landbridge.catalog.model.values import (
    DerivedParamsAttribute,
    File,
    ProcessingLevelsAttribute,
    ProcessingStepAttribute,
    Resolution,
)
from landbridge.catalog.product import Product
from landbridge.catalog.product_collection import ProductCollection
from landbridge.catalog.product_member import NamedCatalogObject
from landbridge.catalog.search.catalog_properties import properties
from landbridge.catalog.search.geo_search import GeoSearch
from landbridge.catalog.search.search import Search
from landbridge.catalog.search.summaries import BlobSummaryResult, ImageSummaryResult
from landbridge.catalog.search.summary_search import BlobSearch, SummarySearchMixin
from landbridge.catalog.search_warnings import ClientSideSearchWarning, DuplicateItemsWarning, SearchWarning
from landbridge.catalog.task import BlobDeletionTaskStatus, DeletionTaskStatus

__all__ = [
    "AggregateDateField",
    "AttributeValidationError",
    "AuthCatalogObject",
    "Band",
    "BandCollection",
    "BandType",
    "Blob",
    "BlobCollection",
    "BlobDeletionTaskStatus",
    "BlobSearch",
    "BlobSummaryResult",
    "CatalogClient",
    "CatalogObject",
    "ClassBand",
    "ClientSideSearchWarning",
    "Colormap",
    "DataType",
    "DeletedObjectError",
    "DeletionTaskStatus",
    "DerivedParamsAttribute",
    "DocumentState",
    "DownloadFileFormat",
    "DuplicateItemsWarning",
    "File",
    "GenericBand",
    "GeoSearch",
    "Image",
    "ImageCollection",
    "ImageSearch",
    "ImageSummaryResult",
    "ImageUpload",
    "ImageUploadEvent",
    "ImageUploadEventSeverity",
    "ImageUploadEventType",
    "ImageUploadOptions",
    "ImageUploadStatus",
    "ImageUploadType",
    "Interval",
    "MaskBand",
    "MicrowaveBand",
    "NamedCatalogObject",
    "OverviewResampler",
    "ProcessingLevelsAttribute",
    "ProcessingStepAttribute",
    "Product",
    "ProductCollection",
    "ResampleAlgorithm",
    "Resolution",
    "ResolutionUnit",
    "Search",
    "SearchWarning",
    "SpectralBand",
    "StorageState",
    "StorageType",
    "SummarySearchMixin",
    "TaskState",
    "UnsavedObjectError",
    "properties",
]


if not TYPE_CHECKING:  # type checkers would take any name for one of this module

    def __getattr__(name: str) -> str:
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("landbridge")
else:
    __version__: str
