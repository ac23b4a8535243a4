"""The public names of each public module, written out: a name that is missing or new makes a test fail.

Add a name here if it is meant to be public from now on. A name that is removed breaks the code of users.
"""

import importlib

import pytest

PUBLIC = {
    "landbridge.catalog": (
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
    ),
    "landbridge.catalog.events": (
        "EventApiDestination",
        "EventApiDestinationCollection",
        "EventApiDestinationSearch",
        "EventConnectionParameter",
        "EventSubscription",
        "EventSubscriptionCollection",
        "EventSubscriptionSearch",
        "EventSubscriptionTarget",
        "EventType",
        "NewImageEventSubscription",
    ),
    "landbridge.geo": (
        "AOI",
        "DLTile",
        "GeoContext",
        "XYZTile",
    ),
    "landbridge.utils": (
        "DotDict",
        "DotList",
        "Properties",
        "display",
        "save_image",
    ),
    "landbridge.exceptions": (
        "AuthError",
        "BadRequestError",
        "ClientError",
        "ConfigError",
        "ConflictError",
        "ForbiddenError",
        "GatewayTimeoutError",
        "GoneError",
        "LandbridgeError",
        "MethodNotAllowedError",
        "NotFoundError",
        "OauthError",
        "ProxyAuthenticationRequiredError",
        "RateLimitError",
        "RequestCancellationError",
        "RetryWithError",
        "ServerError",
        "UnauthorizedError",
        "ValidationError",
        "from_response",
    ),
    "landbridge.errors": ("LandbridgeError",),
    "landbridge.raster": (
        "Band",
        "Raster",
        "RasterError",
        "Request",
        "ScalingMode",
        "Source",
        "collection_scaling_parameters",
        "download",
        "download_mosaic",
        "filled_stack",
        "lazy_stack",
        "mosaic",
        "odc_driver",
        "read_image",
        "scaling_parameters",
        "stack",
        "stacked",
        "write",
    ),
    "landbridge.auth": ("Auth",),
    "landbridge.config": (
        "EmbeddedState",
        "Settings",
        "get_settings",
        "join_embedded",
        "read_state",
    ),
    "landbridge.profiles": (
        "OidcClient",
        "Profile",
        "check_url",
        "config_path",
        "find_profile",
        "read_config",
    ),
    "landbridge.sources": (
        "SourceNotFoundError",
        "add",
        "describe",
        "get",
        "list",
        "remove",
    ),
    "landbridge.mappings": (
        "InvalidDocument",
        "band",
        "binding",
        "blob",
        "cql2",
        "ids",
        "image",
        "markdown",
        "product",
        "queryables",
        "schema",
        "tables",
    ),
}


@pytest.mark.parametrize("module", PUBLIC)
def test_a_module_has_exactly_its_public_names(module):
    assert tuple(sorted(importlib.import_module(module).__all__)) == PUBLIC[module]


@pytest.mark.parametrize("module", PUBLIC)
def test_each_public_name_can_be_imported_and_is_listed(module):
    imported = importlib.import_module(module)
    assert [name for name in PUBLIC[module] if not hasattr(imported, name)] == []
    assert set(PUBLIC[module]) <= set(dir(imported))


@pytest.mark.parametrize("module", PUBLIC)
def test_an_unknown_name_is_not_an_attribute(module):
    assert not hasattr(importlib.import_module(module), "no_such_name")
