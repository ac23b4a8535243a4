"""What the API hands to a child process that turns files into an image, and what comes back.

The raster libraries are imported in the child only: they cost a third of the server's start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class IngestError(Exception):
    """The files can't become an image; the text says which file, what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to make of which files."""

    files: Sequence[Path]
    names: Sequence[str]
    folder: Path
    bands: Sequence[Mapping[str, Any]]
    attributes: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The files made, and the Catalog attributes read off them."""

    files: Sequence[Path]
    attributes: Mapping[str, Any]


def run(job: Job) -> Result:
    """Carry out a job; called in the child process.

    Raises:
        IngestError: with a text for the user.
    """
    from landbridge.stac_api.uploads import ingest

    return ingest.run(job)
