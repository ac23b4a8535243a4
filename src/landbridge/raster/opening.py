"""The files of a plan as they are opened: each header once, those behind a network ahead of their turn."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from landbridge.raster.fetch import is_remote
from landbridge.raster.files import errors_about, find_tiles, read_header
from landbridge.raster.plan import FileRead, Plan, SourceRead
from landbridge.raster.read import OpenFile, View, view_of
from landbridge.raster.tiles import TileCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odc.geo.geobox import GeoBox

# Files that are kept open at the same time, whatever the number of images.
_MOST = 1024
# Of how many images the headers are asked for while one is read, and by how many threads.
_AHEAD = 8
_THREADS = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """Files that are open, the longest asked for first, and how the grid looks at those of one grid."""

    files: "OrderedDict[str, Future[OpenFile]]" = field(default_factory=OrderedDict)
    views: "dict[tuple[GeoBox, tuple[int, ...]], View]" = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


class Files:
    """The opened files of a plan, for the time of a call."""

    def __init__(self, plan: Plan, cache: TileCache, shared: Opened | None = None) -> None:
        """Take the plan, where the tiles are kept that several blocks need, and what is opened already for
        plans of the same grid.
        """
        self._plan = plan
        self._cache = cache
        self.shared = Opened() if shared is None else shared
        newest_first = plan.sources[::-1]
        self._order = {id(source): turn for turn, source in enumerate(newest_first)}
        self._remote = len(newest_first) > 1 and any(is_remote(href) for href in plan.hrefs)
        self._ahead: ThreadPoolExecutor | None = None

    def get(self, source: SourceRead, file: FileRead) -> OpenFile:
        """A file, opened.

        Raises:
            RasterError: it is missing, broken or without a coordinate reference system.
        """
        if self._remote:
            self._ask_ahead(source)
        return self._open(source, file)

    def _open(self, source: SourceRead, file: FileRead) -> OpenFile:
        with self.shared.lock:
            opened = self.shared.files.get(file.href)
            if opened is None:
                mine = self.shared.files[file.href] = Future[OpenFile]()
                if len(self.shared.files) > _MOST:
                    self.shared.files.popitem(last=False)
        if opened is not None:
            return opened.result()
        try:
            mine.set_result(self._read(source, file))
        except BaseException as error:
            mine.set_exception(error)
            # Whoever comes later asks anew: it may be there again.
            with self.shared.lock:
                self.shared.files.pop(file.href, None)
            raise
        return mine.result()

    def _read(self, source: SourceRead, file: FileRead) -> OpenFile:
        address = self.address(file)
        with errors_about(source, file, address):
            header = read_header(address)
            grids = (header.grid, header.overviews)
            view = self.shared.views.get(grids)
            if view is None:
                # Two threads may both get here: they store the same.
                view = self.shared.views[grids] = view_of(header, self._plan.geobox, self._plan.resampler)
            return OpenFile(header, view, find_tiles(header, view.level, self._cache))

    def address(self, file: FileRead) -> str:
        """Where a file is read from: its href, signed where the plan says how."""
        return file.href if self._plan.sign is None else self._plan.sign(file.href)

    def _ask_ahead(self, source: SourceRead) -> None:
        """Open the files of the images whose turn is next, without waiting."""
        turn = self._order[id(source)]
        soon: Sequence[SourceRead] = self._plan.sources[::-1][turn : turn + _AHEAD]
        todo = [(s, file) for s in soon for file in s.files if file.href not in self.shared.files]
        if not todo:
            return
        with self.shared.lock:
            if self._ahead is None:
                self._ahead = ThreadPoolExecutor(_THREADS, thread_name_prefix="landbridge-ahead")
        for each, file in todo:
            self._ahead.submit(partial(self._open, each, file))
