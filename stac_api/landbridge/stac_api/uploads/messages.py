"""Messages between the job and its worker process, as JSON through a pipe.

Only the worker process imports the raster libraries, which cost a third of the server's start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MEMORY_VARIABLE = "LANDBRIDGE_WORKER_PROCESS_MEMORY"
"""Environment variable of a worker process: its limit on private memory, in bytes."""


class IngestError(LandbridgeError):
    """The files can't be converted; the text for the user names the file, the problem and its remedy."""


class DiskFullError(LandbridgeError, OSError):
    """The disk has no space left for the converted files; a later attempt may succeed."""


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """Files to convert, the folder for the results, and known metadata of the image."""

    files: Sequence[Path]
    names: Sequence[str]
    folder: Path
    bands: Sequence[Mapping[str, Any]]
    attributes: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON, for `from_json`."""
        return {
            "files": [str(file) for file in self.files],
            "names": list(self.names),
            "folder": str(self.folder),
            "bands": [dict(band) for band in self.bands],
            "attributes": dict(self.attributes),
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ConversionRequest:
        """Return the request that `to_json` wrote."""
        files = [Path(file) for file in document["files"]]
        return cls(**{**document, "files": files, "folder": Path(document["folder"])})


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """The converted files, and the metadata read from them.

    Attributes
    ----------
    files : sequence of Path
        COGs, in the order of the bands' `file_index`.
    thumbnail : Path or None
        PNG; None if the image has a preview already.
    attributes : mapping
        Attributes of the image.
    statistics : sequence
        For each file, the statistics of each band; None for a band without valid pixels.
    corrected : sequence of str
        Names of derived attributes that replace those set by the user.
    scales : mapping
        Scale and offset stated by the files, by band name.
    notes : sequence of str
        Warnings for the user.
    """

    files: Sequence[Path]
    thumbnail: Path | None
    attributes: Mapping[str, Any]
    statistics: Sequence[Sequence[Mapping[str, Any] | None]]
    corrected: Sequence[str] = ()
    scales: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON, for `from_json`."""
        return {
            "files": [str(file) for file in self.files],
            "thumbnail": self.thumbnail and str(self.thumbnail),
            "attributes": dict(self.attributes),
            "statistics": [list(bands) for bands in self.statistics],
            "corrected": list(self.corrected),
            "scales": {name: list(scale) for name, scale in self.scales.items()},
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ConversionResult:
        """Return the result that `to_json` wrote."""
        thumbnail = document["thumbnail"]
        return cls(
            [Path(file) for file in document["files"]],
            Path(thumbnail) if thumbnail else None,
            document["attributes"],
            document["statistics"],
            document["corrected"],
            document["scales"],
            document["notes"],
        )
