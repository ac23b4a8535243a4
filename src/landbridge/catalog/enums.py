"""The closed sets of values; each member is a str equal to its value."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "AggregateDateField",
    "BandType",
    "Colormap",
    "DataType",
    "DocumentState",
    "DownloadFileFormat",
    "ImageUploadEventSeverity",
    "ImageUploadEventType",
    "ImageUploadStatus",
    "ImageUploadType",
    "Interval",
    "OverviewResampler",
    "ResampleAlgorithm",
    "ResolutionUnit",
    "StorageState",
    "StorageType",
    "TaskState",
]


class DocumentState(StrEnum):
    """How an object stands to the service's copy of it."""

    SAVED = "saved"
    MODIFIED = "modified"
    UNSAVED = "unsaved"
    DELETED = "deleted"


class BandType(StrEnum):
    """The kind of a band, one for each band class."""

    CLASS = "class"
    SPECTRAL = "spectral"
    MASK = "mask"
    MICROWAVE = "microwave"
    GENERIC = "generic"


class DataType(StrEnum):
    """The type of a pixel, by GDAL's names."""

    BYTE = "Byte"
    UINT16 = "UInt16"
    INT16 = "Int16"
    UINT32 = "UInt32"
    INT32 = "Int32"
    FLOAT32 = "Float32"
    FLOAT64 = "Float64"
    INT8 = "Int8"
    INT64 = "Int64"
    UINT64 = "UInt64"
    FLOAT16 = "Float16"


class Colormap(StrEnum):
    """The named colormaps a band can be drawn with."""

    MAGMA = "magma"
    INFERNO = "inferno"
    PLASMA = "plasma"
    VIRIDIS = "viridis"
    COOL = "cool"
    HOT = "hot"
    COOLWARM = "coolwarm"
    BWR = "bwr"
    GIST_EARTH = "gist_earth"
    TERRAIN = "terrain"
    CDL = "cdl"


class ResolutionUnit(StrEnum):
    """The unit of a resolution."""

    METERS = "meters"
    DEGREES = "degrees"


class StorageState(StrEnum):
    """Whether the data of an object is held by the service."""

    AVAILABLE = "available"
    REMOTE = "remote"


class StorageType(StrEnum):
    """The kinds of blobs."""

    COMPUTE = "compute"
    DATA = "data"
    DYNCOMP = "dyncomp"
    LOGS = "logs"


class TaskState(StrEnum):
    """How far a background task has come."""

    NEVERRAN = "NONE"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCESS"
    FAILED = "FAILURE"


class DownloadFileFormat(StrEnum):
    """The file formats rasters are written in."""

    JPEG = "jpg"
    PNG = "png"
    TIF = "tif"


class ResampleAlgorithm(StrEnum):
    """How pixels are resampled, by GDAL's names."""

    NEAR = "near"
    BILINEAR = "bilinear"
    CUBIC = "cubic"
    CUBICSPLINE = "cubicspline"
    LANCZOS = "lanczos"
    AVERAGE = "average"
    MODE = "mode"
    MAX = "max"
    MIN = "min"
    MEDIAN = "med"
    Q1 = "q1"
    Q3 = "q3"


class OverviewResampler(StrEnum):
    """How the overviews of an uploaded array are made, by gdaladdo's names."""

    NEAREST = "nearest"
    AVERAGE = "average"
    GAUSS = "gauss"
    CUBIC = "cubic"
    CUBICSPLINE = "cubicspline"
    LANCZOS = "lanczos"
    AVERAGE_MP = "average_mp"
    AVERAGE_MAGPHASE = "average_magphase"
    MODE = "mode"


class ImageUploadType(StrEnum):
    """What an upload was made from."""

    NDARRAY = "ndarray"
    FILE = "file"


class ImageUploadStatus(StrEnum):
    """How far an upload has come."""

    TRANSFERRING = "transferring"
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"


class ImageUploadEventType(StrEnum):
    """What happened to an upload."""

    QUEUE = "queue"
    CANCEL = "cancel"
    RUN = "run"
    COMPLETE = "complete"
    ERROR = "error"
    TIMEOUT = "timeout"
    LOG = "log"
    USAGE = "usage"


class ImageUploadEventSeverity(StrEnum):
    """How grave an event of an upload is."""

    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"
    INFO = "INFO"
    DEBUG = "DEBUG"


class AggregateDateField(StrEnum):
    """The date attributes a summary can be bucketed by."""

    ACQUIRED = "acquired"
    CREATED = "created"
    MODIFIED = "modified"
    PUBLISHED = "published"


class Interval(StrEnum):
    """The widths of a summary's buckets."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
