"""Export of a layer's tiles from a service to a folder and to a PMTiles archive."""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from landbridge.catalog.tile_export.pmtiles_archive import check_installed, pack
from landbridge.catalog.tile_export.tile_folder import TileFolder
from landbridge.errors import LandbridgeError
from landbridge.exceptions import RateLimitError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.tile_export.tile_range import Tile, TileRange

__all__ = ["Export", "Report", "TileFailure", "run"]

_BELOW_API: Final = re.compile(r"/(?:collections|searches)/.*")
_TOKEN: Final = "tile_token"  # noqa: S105 - the parameter's name
# Headers of the service: a picture that says why there are no pixels, and a tile without any.
_NOTICE, _EMPTY = "landbridge-notice", "landbridge-empty"
_ATTEMPTS: Final = (
    6  # of a tile; within each the client repeats the request a few times, in shorter intervals
)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between those
_MOST_FAILURES: Final = 100  # after which an export gives up
_AHEAD: Final = 4  # requests that wait for each of those in flight


@dataclass(frozen=True, slots=True)
class Export:
    """Tiles to export, and their destination.

    Attributes
    ----------
    template : str
        Address of a tile with `{z}`, `{x}` and `{y}`.
    extension : str
        Format of the tiles: png, jpg or webp.
    tiles : TileRange
        Tiles.
    folder : Path
        Folder of the tiles.
    archive : Path, optional
        PMTiles archive to write when all tiles are there.
    keeps_folder : bool
        True if the folder stays when the archive is written.
    parallel : int
        Number of requests at once.
    tilejson : dict
        Description of the layer by the service.
    """

    template: str
    extension: str
    tiles: TileRange
    folder: Path
    archive: Path | None = None
    keeps_folder: bool = True
    parallel: int = 4
    tilejson: dict[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """Path and parameters of the tiles below the address of the service.

        They stay if the service moves. The address may hold a key, which no file should keep.
        """
        parts = urlsplit(self.template)
        path = _BELOW_API.search(parts.path)
        query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] != _TOKEN])
        return f"{path[0] if path else parts.path}?{query}"


@dataclass(frozen=True, slots=True)
class TileFailure:
    """Tile that could not be exported, and why."""

    tile: Tile
    reason: str


@dataclass(slots=True)
class Report:
    """Numbers of an export.

    Attributes
    ----------
    written : int
        Tiles that this run wrote.
    kept : int
        Tiles that were there already.
    empty : int
        Tiles without pixels, which have no file.
    tile_bytes : int
        Size of all tiles of the export.
    failures : list of TileFailure
        Tiles that are missing.
    remaining : int
        Tiles that were not asked for, because too many others failed.
    archive_bytes : int or None
        Size of the archive; None if none was written.
    """

    written: int = 0
    kept: int = 0
    empty: int = 0
    tile_bytes: int = 0
    failures: list[TileFailure] = field(default_factory=list)
    remaining: int = 0
    archive_bytes: int | None = None

    @property
    def is_complete(self) -> bool:
        """True if no tile is missing."""
        return not self.failures and not self.remaining

    def count(self, size: int, *, is_new: bool) -> None:
        """Count a tile of a size, 0 without pixels."""
        if not size:
            self.empty += 1
            return
        self.tile_bytes += size
        if is_new:
            self.written += 1
        else:
            self.kept += 1


def run(client: CatalogClient, export: Export, progress: Callable[[int], None] | None = None) -> Report:
    """Ask a service for the tiles that are not there yet, and write the archive when all are.

    Parameters
    ----------
    client : CatalogClient
        Client of the service.
    export : Export
        Tiles, and their destination.
    progress : callable, optional
        Called with the number of tiles that are done since the last call.

    Raises
    ------
    OtherExportError
        If the folder has tiles of another layer.
    ClientError
        If the service refuses a tile for a reason that all others have too, such as a missing right.
    ImportError
        If an archive is wanted and pmtiles is not installed.
    """
    if export.archive is not None:
        check_installed()
    report = Report()
    with TileFolder.opened(export.folder, export.extension, export.layer) as folder:
        _fetch(client, export, folder, report, progress or (lambda _count: None))
        folder.describe(_described(export))
        if export.archive is not None and report.is_complete:
            report.archive_bytes = pack(
                folder, export.tiles, export.archive, _described(export), export.tiles.bounds
            )
    if report.archive_bytes is not None and not export.keeps_folder:
        shutil.rmtree(export.folder)
    return report


def _described(export: Export) -> dict[str, Any]:
    west, south, east, north = export.tiles.bounds
    return {
        "tilejson": "3.0.0",
        **export.tilejson,
        "minzoom": export.tiles.first,
        "maxzoom": export.tiles.last,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, export.tiles.first],
    }


def _fetch(
    client: CatalogClient,
    export: Export,
    folder: TileFolder,
    report: Report,
    progress: Callable[[int], None],
) -> None:
    """Ask for the missing tiles, with a bounded number of requests at once."""
    missing = _missing(export, folder, report, progress)
    running: dict[Future[bytes], Tile] = {}
    executor = ThreadPoolExecutor(export.parallel, thread_name_prefix="tiles")
    try:
        while True:
            for tile in islice(missing, export.parallel * _AHEAD - len(running)):
                running[executor.submit(_tile, client, export.template, tile)] = tile
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                tile = running.pop(future)
                try:
                    content = future.result()
                except (RateLimitError, ServerError, _NoPixelsError) as error:
                    report.failures.append(TileFailure(tile, str(error)))
                else:
                    folder.add(tile, content)
                    report.count(len(content), is_new=True)
            progress(len(done))
            if len(report.failures) >= _MOST_FAILURES:
                report.remaining = len(running) + sum(1 for _ in missing)
                return
    finally:
        executor.shutdown(cancel_futures=True)


def _missing(
    export: Export, folder: TileFolder, report: Report, progress: Callable[[int], None]
) -> Iterator[Tile]:
    for tile in export.tiles:
        size = folder.size(tile)
        if size is None:
            yield tile
        else:
            report.count(size, is_new=False)
            progress(1)


class _NoPixelsError(LandbridgeError):
    """The service sent a picture that says why it shows no pixels."""


def _tile(client: CatalogClient, template: str, tile: Tile) -> bytes:
    """Return the content of a tile, empty if it has no pixels."""
    zoom, column, row = map(str, tile)
    url = template.replace("{z}", zoom).replace("{x}", column).replace("{y}", row)
    pause = _FIRST_PAUSE
    for _ in range(_ATTEMPTS - 1):
        with suppress(RateLimitError, ServerError):
            return _content(client, url)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return _content(client, url)


def _content(client: CatalogClient, url: str) -> bytes:
    response = client._request("GET", url)
    if notice := response.headers.get(_NOTICE):
        raise _NoPixelsError(notice)
    return b"" if response.headers.get(_EMPTY) or response.status_code == 204 else response.content
