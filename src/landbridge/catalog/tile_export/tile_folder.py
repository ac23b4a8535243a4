"""Folder of exported tiles, `z/x/y.ext`, which an export that was stopped at any moment can go on with."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from landbridge.catalog.tile_export.tile_range import Tile

__all__ = ["OtherExportError", "TileFolder", "remove"]

# Begins with a dot, so that web servers and other programs do not take them for tiles.
_STATE: Final = ".landbridge-export.json"
_EMPTY: Final = ".landbridge-empty"
_PART: Final = ".part"


class OtherExportError(LandbridgeError):
    """The folder has tiles of another layer, which an export must not mix with its own."""


@dataclass(slots=True)
class TileFolder:
    """Tiles in a folder.

    A tile is written under another name and then renamed, so that each file is whole. Tiles without pixels
    have no file; a list in the folder names them.
    """

    path: Path
    extension: str
    _empty: set[Tile] = field(default_factory=set, init=False)
    _log: Any = field(default=None, init=False, repr=False)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, extension: str, layer: str) -> Iterator[Self]:
        """Open a folder for the tiles of a layer, and create it if it does not exist.

        Parameters
        ----------
        path : Path
            Folder.
        extension : str
            Extension of the tiles.
        layer : str
            Description of the layer, which all exports to the folder share.

        Raises
        ------
        OtherExportError
            If the folder has tiles of another layer, or files that are not an export's.
        """
        folder = cls(path, extension)
        folder._claim(layer)
        folder._read_empty()
        with (path / _EMPTY).open("a", encoding="ascii") as folder._log:
            yield folder

    def _claim(self, layer: str) -> None:
        state = self.path / _STATE
        wanted = {"layer": layer, "format": self.extension}
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            found = json.loads(state.read_text())
        except FileNotFoundError:
            if any(self.path.iterdir()):
                raise OtherExportError(
                    f"The folder {self.path} has files, and no export began there: name another folder."
                ) from None
            _write(state, json.dumps(wanted, indent=1).encode())
            return
        except ValueError as error:
            raise OtherExportError(f"{state} cannot be read: {error}") from error
        if found != wanted:
            raise OtherExportError(
                f"The folder {self.path} has tiles of {found.get('layer')} as {found.get('format')}, not of "
                f"{layer} as {self.extension}: name another folder, or give --overwrite."
            )

    def _read_empty(self) -> None:
        path = self.path / _EMPTY
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        whole, _, torn = content.rpartition(b"\n")
        if torn:  # the export was stopped while it wrote the last line
            os.truncate(path, len(content) - len(torn))
        for line in whole.splitlines():
            zoom, column, row = map(int, line.split(b"/"))
            self._empty.add((zoom, column, row))

    def file(self, tile: Tile) -> Path:
        """Return the path of a tile."""
        zoom, column, row = tile
        return self.path / str(zoom) / str(column) / f"{row}.{self.extension}"

    def size(self, tile: Tile) -> int | None:
        """Return the size of a tile in bytes, 0 if it has no pixels; None if it was not exported."""
        if tile in self._empty:
            return 0
        try:
            return self.file(tile).stat().st_size or None  # none is empty unless a machine lost power
        except FileNotFoundError:
            return None

    def add(self, tile: Tile, content: bytes) -> None:
        """Store a tile; no bytes are one without pixels."""
        if content:
            path = self.file(tile)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
            return
        self._empty.add(tile)
        self._log.write("/".join(map(str, tile)) + "\n")
        self._log.flush()

    def describe(self, tilejson: dict[str, Any]) -> None:
        """Write the TileJSON of the tiles, with their addresses relative to it."""
        document = {**tilejson, "tiles": [f"{{z}}/{{x}}/{{y}}.{self.extension}"]}
        _write(self.path / "tilejson.json", json.dumps(document, indent=1).encode())


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + _PART)
    part.write_bytes(content)
    part.replace(path)


def remove(path: Path) -> None:
    """Remove the folder of an export, if it exists.

    Raises
    ------
    OtherExportError
        If the folder is not an export's.
    """
    if not path.exists():
        return
    if not (path / _STATE).is_file():
        raise OtherExportError(f"The folder {path} is not that of an export, so it is not removed.")
    shutil.rmtree(path)
