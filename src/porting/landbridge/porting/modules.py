"""The module tree of the old clients, below `descarteslabs` and `earthdaily.earthone`: a row for each path.

A row lists where the names of the module come from. If two entries have a name, the first one gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from landbridge.porting import services

if TYPE_CHECKING:
    from landbridge.porting.stubs import HostedService

__all__ = ["MODULES", "Entry", "Hosted", "Instance", "Names", "find_entries"]


@dataclass(frozen=True, slots=True)
class Names:
    """Names of an implementation module: the given ones, or all of its `__all__`."""

    module: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """Object whose attributes are the names of the module, such as the default client of a service.

    `function` of the implementation module returns the object.
    """

    module: str
    function: str = "default_client"


@dataclass(frozen=True, slots=True)
class Hosted:
    """Names of a hosted service that is gone. Without names: any name, and any module below this one."""

    service: HostedService
    names: tuple[str, ...] = ()


Entry = Names | Instance | Hosted

_CATALOG = "landbridge.catalog"
_AUTH = Names("landbridge.porting.auth")
_METADATA = Names("landbridge.porting.metadata", ("Metadata",))
_RASTER = Names("landbridge.porting.raster", ("Raster",))
_STORAGE = Names("landbridge.porting.storage", ("Storage",))
_CATALOG_CLIENT = Names("landbridge.porting.catalog_client", ("Catalog",))
_GEO = Names("landbridge.geo", ("AOI", "DLTile", "GeoContext", "XYZTile"))
_DLTILE_ERRORS = Names("landbridge.geo.errors", (
    "InvalidLatLonError", "InvalidRowColError", "InvalidShapeError", "InvalidTileError",
))  # fmt: skip
_TILES = Names("landbridge.porting.dltile")
_DOTDICT = Names("landbridge.utils", ("DotDict", "DotList"))
_DISPLAY = Names("landbridge.utils", ("display", "save_image"))
_FILTERING = (
    Names("landbridge.utils.properties", ("Properties", "Property")),
    Names("landbridge.utils.expressions"),
)
_COLLECTION = Names("landbridge.catalog.model.collection")

# The part of the events that the service has: notifications of new images. The first entry gives a name.
_NEW_IMAGES = Names("landbridge.catalog.events")
_SUBSCRIPTIONS = Hosted(services.EVENTS, (
    "ComputeFunctionCompletedEventSubscription", "EventSubscription", "EventSubscriptionCollection",
    "EventSubscriptionComputeTarget", "EventSubscriptionSearch", "EventSubscriptionSqsTarget",
    "EventSubscriptionTarget", "EventType", "NewImageEventSubscription", "NewStorageEventSubscription",
    "NewVectorEventSubscription", "Placeholder", "ScheduledEventSubscription",
))  # fmt: skip
_DESTINATIONS = Hosted(services.EVENTS, (
    "EventApiDestination", "EventApiDestinationCollection", "EventApiDestinationSearch",
    "EventConnectionParameter",
))  # fmt: skip
_RULES = Hosted(services.EVENTS, ("EventRule", "EventRuleCollection", "EventRuleSearch", "EventRuleTarget"))
_SCHEDULES = Hosted(services.EVENTS, ("EventSchedule", "EventScheduleCollection", "EventScheduleSearch"))

# The modules of the Catalog client, below both `catalog` and `core.catalog`.
_CATALOG_MODULES: Final[dict[str, tuple[Entry, ...]]] = {
    "": (Names(_CATALOG), _NEW_IMAGES, _SUBSCRIPTIONS, _DESTINATIONS, _RULES, _SCHEDULES),
    "attributes": (Names(_CATALOG, (
        "AttributeValidationError", "DocumentState", "File", "Resolution", "ResolutionUnit", "StorageState",
    )),),
    "band": (Names(_CATALOG, (
        "Band", "BandCollection", "BandType", "ClassBand", "Colormap", "DataType", "DerivedParamsAttribute",
        "GenericBand", "MaskBand", "MicrowaveBand", "ProcessingLevelsAttribute", "ProcessingStepAttribute",
        "SpectralBand",
    )),),
    "blob": (Names(_CATALOG, (
        "Blob", "BlobCollection", "BlobDeletionTaskStatus", "BlobSearch", "BlobSummaryResult", "StorageType",
    )),),
    "catalog_base": (Names(_CATALOG, (
        "AuthCatalogObject", "CatalogObject", "DeletedObjectError", "DocumentState", "UnsavedObjectError",
    )),),
    "catalog_client": (Names(_CATALOG, ("CatalogClient",)),),
    "event_api_destination": (Names("landbridge.catalog.events.destination"), _DESTINATIONS),
    "event_rule": (_RULES,),
    "event_schedule": (_SCHEDULES,),
    "event_subscription": (Names("landbridge.catalog.events.subscription"), _SUBSCRIPTIONS),
    "image": (Names(_CATALOG, ("Image", "ImageSearch", "ImageSummaryResult")),),
    "image_collection": (Names(_CATALOG, ("ImageCollection",)),),
    "image_types": (Names(_CATALOG, ("DownloadFileFormat", "ResampleAlgorithm")),),
    "image_upload": (Names(_CATALOG, (
        "ImageUpload", "ImageUploadEvent", "ImageUploadEventSeverity", "ImageUploadEventType",
        "ImageUploadOptions", "ImageUploadStatus", "ImageUploadType", "OverviewResampler",
    )),),
    "named_catalog_base": (Names(_CATALOG, ("NamedCatalogObject",)),),
    "product": (Names(_CATALOG, ("DeletionTaskStatus", "Product", "ProductCollection")),),
    "search": (Names(_CATALOG, (
        "AggregateDateField", "GeoSearch", "Interval", "Search", "SummarySearchMixin",
    )),),
    "task": (Names(_CATALOG, ("TaskState",)), Names("landbridge.catalog.task", ("TaskStatus",))),
}  # fmt: skip

# The modules that several parts of the client use, below both `common` and `core.common`.
_COMMON_MODULES: Final[dict[str, tuple[Entry, ...]]] = {
    "": (),
    "collection": (_COLLECTION,),
    "collection.collection": (_COLLECTION,),
    "display": (_DISPLAY,),
    "dltile": (_TILES, _DLTILE_ERRORS),
    "dltile.exceptions": (_DLTILE_ERRORS,),
    "dltile.tile": (_TILES,),
    "dotdict": (_DOTDICT,),
    "dotdict.dotdict": (_DOTDICT,),
    "geo": (_GEO,),
    "geo.geocontext": (_GEO,),
    "property_filtering": _FILTERING,
    "property_filtering.filtering": _FILTERING,
    "shapely_support": (Names("landbridge.porting.shapely_support"),),
    "tasks": (Hosted(services.TASKS),),
}  # fmt: skip

_SERVICES: Final[dict[str, tuple[Entry, ...]]] = {
    "": (
        _METADATA, _RASTER, _STORAGE, _CATALOG_CLIENT,
        Hosted(services.DISCOVER, ("Discover",)),
        Hosted(services.PLACES, ("Places",)),
        Hosted(services.TASKS, ("AsyncTasks", "Tasks")),
        Hosted(services.VECTOR, ("Vector",)),
    ),
    "catalog": (_CATALOG_CLIENT,),
    "discover": (Hosted(services.DISCOVER),),
    "metadata": (_METADATA,),
    "places": (Hosted(services.PLACES),),
    "raster": (_RASTER,),
    "storage": (_STORAGE,),
    "tasks": (Hosted(services.TASKS),),
    "vector": (Hosted(services.VECTOR),),
    "workflows": (Hosted(services.WORKFLOWS),),
}  # fmt: skip


def _below(*parents: str, modules: dict[str, tuple[Entry, ...]]) -> dict[str, tuple[Entry, ...]]:
    """Return the rows of `modules` below each of the parents; the row of "" is that of the parent itself."""
    return {
        f"{parent}.{path}" if path else parent: entries
        for parent in parents
        for path, entries in modules.items()
    }


MODULES: Final[dict[str, tuple[Entry, ...]]] = {
    "": (
        _AUTH,
        Names("landbridge.porting.config", ("AWS_ENVIRONMENT", "get_settings", "select_env")),
        _METADATA, _RASTER, _STORAGE, _CATALOG_CLIENT,
        Hosted(services.DISCOVER, ("Discover",)),
        Hosted(services.PLACES, ("Places",)),
        Hosted(services.TASKS, ("AsyncTasks", "Tasks")),
        Hosted(services.VECTOR, ("Vector",)),
    ),
    "auth": (_AUTH,),
    "client": (),
    "client.auth": (_AUTH,),
    "client.auth.auth": (_AUTH,),
    "client.exceptions": (Names("landbridge.exceptions"),),
    "client.services.exceptions": (Names("landbridge.exceptions"),),
    "config": (Names("landbridge.porting.config"),),
    "core": (),
    "core.client": (),
    "core.client.exceptions": (Names("landbridge.exceptions"),),
    "core.client.auth": (_AUTH,),
    "core.utils": (Names("landbridge.utils"),),
    "exceptions": (Names("landbridge.exceptions"),),
    "geo": (Names("landbridge.geo"),),
    "metadata": (_METADATA, Instance("landbridge.porting.metadata")),
    "raster": (_RASTER, Instance("landbridge.porting.raster")),
    "scenes": (Names("landbridge.porting.scenes"),),
    "scenes.scene": (Names("landbridge.porting.scenes", ("Scene",)),),
    "scenes.scenecollection": (Names("landbridge.porting.scenes", ("SceneCollection",)),),
    "scenes.geocontext": (_GEO,),
    "storage": (_STORAGE, Instance("landbridge.porting.storage")),
    "utils": (Names("landbridge.utils"),),
    **_below("catalog", "core.catalog", modules=_CATALOG_MODULES),
    **_below("common", "core.common", modules=_COMMON_MODULES),
    **_below("client.services", modules=_SERVICES),
    "compute": (Hosted(services.COMPUTE),),
    "core.compute": (Hosted(services.COMPUTE),),
    "core.vector": (Hosted(services.VECTOR),),
    "discover": (Hosted(services.DISCOVER),),
    "dynamic_compute": (Hosted(services.DYNAMIC_COMPUTE),),
    "places": (Hosted(services.PLACES),),
    "tables": (Hosted(services.TABLES),),
    "tasks": (Hosted(services.TASKS),),
    "vector": (Hosted(services.VECTOR),),
    "vectors": (Hosted(services.VECTOR),),
    "workflows": (Hosted(services.WORKFLOWS),),
}  # fmt: skip


def find_entries(path: str) -> tuple[Entry, ...] | None:
    """Return the entries of a module, given its path below the root; None if it does not exist.

    Examples
    --------
    >>> from landbridge.porting.modules import find_entries
    >>> find_entries("utils")
    (Names(module='landbridge.utils', names=()),)
    >>> find_entries("workflows.models")[0].service.name
    'Workflows'
    >>> find_entries("no_such_module") is None
    True
    """
    found = MODULES.get(path)
    while found is None and "." in path:
        path = path.rpartition(".")[0]
        above = MODULES.get(path)
        if above and isinstance(above[0], Hosted) and not above[0].names:
            found = above
    return found
