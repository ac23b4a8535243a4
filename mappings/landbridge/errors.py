"""The base class of every error that Landbridge raises.

The tree, with the module below `landbridge` that defines each class (from `scripts/generate_reference.py`)::

    LandbridgeError
    ├── AttributeValidationError                   catalog.errors (also ValueError)
    │   └── InvalidNameError                       catalog.errors (also BadRequestError)
    ├── DeletedObjectError                         catalog.errors
    ├── InvalidGeometryError                       catalog.errors (also ValueError, TypeError)
    ├── UnsavedObjectError                         catalog.errors
    ├── CopyError                                  catalog.image_copy_values (also RuntimeError)
    │   └── PyramidError                           catalog.tile_pyramid.run
    ├── OtherExportError                           catalog.tile_export.tile_folder
    ├── WhereError                                 cli.filters.where (also ValueError)
    ├── ClientError                                exceptions
    │   ├── AuthError                              exceptions
    │   │   └── OauthError                         exceptions
    │   ├── BadRequestError                        exceptions
    │   │   ├── RasterArgumentError                catalog.errors (also ValueError)
    │   │   └── ValidationError                    exceptions
    │   ├── ConflictError                          exceptions
    │   │   └── ImageExistsError                   catalog.errors (also ValueError)
    │   ├── ForbiddenError                         exceptions
    │   ├── GoneError                              exceptions
    │   ├── MethodNotAllowedError                  exceptions
    │   ├── NotFoundError                          exceptions
    │   ├── ProxyAuthenticationRequiredError       exceptions
    │   ├── RateLimitError                         exceptions
    │   ├── RequestCancellationError               exceptions
    │   ├── RetryWithError                         exceptions
    │   └── UnauthorizedError                      exceptions
    ├── ConfigError                                exceptions
    │   └── SourceNotFoundError                    sources.registry (also LookupError)
    ├── ServerError                                exceptions
    │   ├── NotSortedError                         catalog.stac.item_checks
    │   └── GatewayTimeoutError                    exceptions
    ├── InvalidLatLonError                         geo.errors (also ValueError)
    ├── InvalidRowColError                         geo.errors (also ValueError)
    ├── InvalidShapeError                          geo.errors (also ValueError)
    ├── InvalidTileError                           geo.errors (also ValueError)
    ├── InvalidDocument                            mappings.errors (also ValueError)
    ├── SourceError                                mappings.sources.checks (also ValueError)
    ├── TableError                                 mappings.tables (also ValueError)
    ├── UnknownArgumentError                       porting.arguments.errors (also TypeError)
    ├── UnsupportedArgumentError                   porting.arguments.errors (also NotImplementedError)
    ├── Refusal                                    porting.port.contexts
    ├── NotebookError                              porting.port.notebooks (also ValueError)
    ├── ReadError                                  porting.port.read (also ValueError)
    ├── HostedServiceError                         porting.stubs
    ├── CredentialsError                           raster.errors (also PermissionError)
    ├── GdalOnlyError                              raster.errors
    ├── RasterError                                raster.errors
    ├── RenderCancelledError                       raster.errors
    │   └── RenderDeadlineError                    raster.errors (also TimeoutError)
    ├── StaleHeaderError                           raster.errors
    ├── TooManyImagesError                         raster.errors (also ValueError)
    ├── WiderTypeError                             raster.errors
    ├── FileChangedError                           raster.io.file_protocol (also OSError)
    ├── UnsupportedTiffError                       raster.io.tiff_tags
    ├── CommandError                               stac_api.admin.command_errors (also ClickException)
    ├── QuotaError                                 stac_api.assets.quota (also HTTPException)
    ├── BackupError                                stac_api.errors (also RuntimeError)
    ├── BadRequestError                            stac_api.errors
    ├── ConflictError                              stac_api.errors
    ├── InvalidCredentialError                     stac_api.errors
    ├── NoSpaceError                               stac_api.errors
    ├── SchemaError                                stac_api.errors (also RuntimeError)
    ├── StackError                                 stac_api.errors (also RuntimeError)
    │   ├── ClusterError                           stac_api.errors
    │   ├── PostgresNotFound                       stac_api.errors
    │   └── StartError                             stac_api.errors
    ├── UnavailableError                           stac_api.errors
    │   ├── PoolBusyError                          stac_api.tiles.answers
    │   ├── RenderTimeoutError                     stac_api.tiles.answers
    │   └── WorkerDiedError                        stac_api.tiles.answers
    ├── RetryableError                             stac_api.jobs.failures
    │   ├── WorkerDiskFullError                    stac_api.uploads.worker_pool
    │   └── WorkerProcessDiedError                 stac_api.uploads.worker_pool
    ├── RefusedAddressError                        stac_api.notifications.url_policy
    ├── NoPartitionError                           stac_api.pgstac.item_rows
    ├── NotAColumnError                            stac_api.pgstac.sql_builder
    ├── UnreadableItemError                        stac_api.tiles.answers
    ├── TooManyImagesError                         stac_api.tiles.api.tile_search
    ├── WorkerEndedError                           stac_api.tiles.render_worker
    ├── WorkerTooLargeError                        stac_api.tiles.render_worker
    ├── DiskFullError                              stac_api.uploads.messages (also OSError)
    └── IngestError                                stac_api.uploads.messages
"""

from __future__ import annotations

__all__ = ["LandbridgeError"]


class LandbridgeError(Exception):
    """Base class of all errors that Landbridge raises."""
