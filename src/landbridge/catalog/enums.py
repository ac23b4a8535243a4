"""Enumerations of the values of attributes; each member is a string equal to its value."""

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
    """State of an object compared with the service's copy."""

    SAVED = "saved"
    MODIFIED = "modified"
    UNSAVED = "unsaved"
    DELETED = "deleted"


class BandType(StrEnum):
    """Kind of a band; each has a class of its own."""

    CLASS = "class"
    SPECTRAL = "spectral"
    MASK = "mask"
    MICROWAVE = "microwave"
    GENERIC = "generic"


class DataType(StrEnum):
    """Type of a pixel, by GDAL's names."""

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
    """Name of a colormap that a band can be displayed with."""

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
    """Unit of a resolution."""

    METERS = "meters"
    DEGREES = "degrees"


class StorageState(StrEnum):
    """Place of an object's data: in the service, or elsewhere."""

    AVAILABLE = "available"
    REMOTE = "remote"


class StorageType(StrEnum):
    """Storage type of a blob."""

    COMPUTE = "compute"
    DATA = "data"
    DYNCOMP = "dyncomp"
    LOGS = "logs"


class TaskState(StrEnum):
    """Status of a background task."""

    NEVERRAN = "NONE"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCESS"
    FAILED = "FAILURE"


class DownloadFileFormat(StrEnum):
    """File format that rasters are written in."""

    JPEG = "jpg"
    PNG = "png"
    TIF = "tif"


class ResampleAlgorithm(StrEnum):
    """Resampling algorithm for pixels, by GDAL's names."""

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
    """Resampling algorithm for the overviews of an uploaded array, by gdaladdo's names."""

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
    """Kind of the data of an upload."""

    NDARRAY = "ndarray"
    FILE = "file"


class ImageUploadStatus(StrEnum):
    """Status of an upload."""

    TRANSFERRING = "transferring"
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"


class ImageUploadEventType(StrEnum):
    """Kind of an event of an upload."""

    QUEUE = "queue"
    CANCEL = "cancel"
    RUN = "run"
    COMPLETE = "complete"
    ERROR = "error"
    TIMEOUT = "timeout"
    LOG = "log"
    USAGE = "usage"


class ImageUploadEventSeverity(StrEnum):
    """Severity of an event of an upload."""

    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"
    INFO = "INFO"
    DEBUG = "DEBUG"


class AggregateDateField(StrEnum):
    """Date attribute that the intervals of a summary go by."""

    ACQUIRED = "acquired"
    CREATED = "created"
    MODIFIED = "modified"
    PUBLISHED = "published"


class Interval(StrEnum):
    """Length of the intervals of a summary."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
