"""What the API hands to a child process that turns files into an image, and what comes back.

Both are JSON on their way through the pipe. The raster libraries are imported in the child only: they cost
a third of the server's start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MEMORY = "LANDBRIDGE_CHILD_MEMORY"
"""The environment variable that tells a child how many bytes of private memory it may have."""


class IngestError(LandbridgeError):
    """The files can't become an image; the text says which file, what is wrong and what would be right."""


class NoSpaceError(LandbridgeError, OSError):
    """There is no room for what is being made; the same files may pass later."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to make of which files, in which folder."""

    files: Sequence[Path]
    names: Sequence[str]
    folder: Path
    bands: Sequence[Mapping[str, Any]]
    attributes: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Itself as JSON, for `from_json` on the other side."""
        return {
            "files": [str(file) for file in self.files],
            "names": list(self.names),
            "folder": str(self.folder),
            "bands": [dict(band) for band in self.bands],
            "attributes": dict(self.attributes),
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Job:
        files = [Path(file) for file in document["files"]]
        return cls(**{**document, "files": files, "folder": Path(document["folder"])})


@dataclass(frozen=True, slots=True)
class Result:
    """The files made, and what was read off them.

    `files` are the images, in the order of the bands' file_index; `thumbnail` is a PNG, None where the
    image has a preview of its own. `statistics` has, for each file, those of its bands in their order;
    `notes` are what the user should know of what was done.
    """

    files: Sequence[Path]
    thumbnail: Path | None
    attributes: Mapping[str, Any]
    statistics: Sequence[Sequence[Mapping[str, Any] | None]]
    # Of the image's attributes, those that are as derived even if the user has set them.
    corrected: Sequence[str] = ()
    # By band names: the scale and offset that its file states.
    scales: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
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
    def from_json(cls, document: Mapping[str, Any]) -> Result:
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
