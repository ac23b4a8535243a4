"""The files of a plan as they are opened: each header once, those behind a network ahead of their turn."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox

from landbridge.raster.errors import RasterError
from landbridge.raster.grids.geobox import key_of
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.expiring_url import Address
from landbridge.raster.io.file_windows import OpenFile, View
from landbridge.raster.io.gdal import about, errors_about, find_tiles, read_header
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.arguments import BLENDING
from landbridge.raster.plan.overview_choice import fits, probed, view_of
from landbridge.raster.plan.plan import FileRead, Plan, SourceRead
from landbridge.raster.resample.block import Nets
from landbridge.raster.runtime.thread_pools import borrow, give_back

if TYPE_CHECKING:
    from landbridge.raster.grids.geobox import GridKey

# Files that are kept open at the same time, whatever the number of images.
_MOST = 1024
# Of how many images the headers are asked for while one is read, and by how many threads.
_AHEAD = 8
_THREADS = 24


_Key = tuple[str, tuple[int, ...], tuple[bool, ...], tuple[float | None, ...], int]


@dataclass(frozen=True, slots=True)
class Opened:
    """Files that are open, the longest asked for first, and how the grid looks at those of one grid; by
    `nets` its blocks look at those of one system and resolution.
    """

    files: "OrderedDict[_Key, Future[OpenFile]]" = field(default_factory=OrderedDict)
    views: "dict[tuple[GridKey, tuple[int, ...]], View]" = field(default_factory=dict)
    nets: Nets = field(default_factory=dict)
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
        self._newest_first = plan.sources[::-1]
        self._turns = {id(source): turn for turn, source in enumerate(self._newest_first)}
        self._remote = any(is_remote(href) for href in plan.hrefs)
        self._ahead: ThreadPoolExecutor | None = None
        self._asked: list[Future[None]] = []
        # Those that are opened ahead are parsed one by one, not all before the one that is needed.
        self._turn = Lock()
        self._failure: RasterError | None = None

    def get(self, source: SourceRead, file: FileRead) -> OpenFile:
        """A file, opened.

        Raises:
            RasterError: it is missing, broken or without a coordinate reference system; or another read of
                the plan has failed before.
        """
        if self._failure is not None:
            raise self._failure
        opened, mine = self._claim(file)
        if self._remote:
            self._ask_ahead(source)
        if mine:
            self._open(opened, source, file)
        return opened.result()

    def get_for(self, source: SourceRead, file: FileRead, grid: GeoBox) -> OpenFile:
        """Return a file, opened to be read by the nearest pixel for another grid than the plan's.

        Raises:
            RasterError: as `get`.
        """
        header = self.get(source, file).header
        with errors_about(source, file, header.address):
            view = view_of(header, grid, use_overviews=fits(header, file, "near"))
            return OpenFile(header, view, find_tiles(header, view.level, self._cache))

    def stop(self, failure: RasterError | None = None) -> None:
        """Ask for no more headers; after a failure also no other block of the plan goes on."""
        self._failure = self._failure or failure
        with self.shared.lock:
            ahead, self._ahead = self._ahead, None
            asked, self._asked = self._asked, []
        if ahead is None:
            return
        if all(task.done() for task in asked):
            give_back(_THREADS, ahead)
        else:
            ahead.shutdown(wait=False, cancel_futures=True)

    def _claim(self, file: FileRead) -> tuple[Future[OpenFile], bool]:
        """The promise of an opened file, and whether it is for the caller to keep."""
        with self.shared.lock:
            opened = self.shared.files.get(_key(file))
            if opened is not None and not _has_ended(opened):
                return opened, False
            opened = self.shared.files[_key(file)] = Future()
            if len(self.shared.files) > _MOST:
                self.shared.files.popitem(last=False)
            return opened, True

    def _open(
        self, opened: Future[OpenFile], source: SourceRead, file: FileRead, *, ahead: bool = False
    ) -> None:
        try:
            opened.set_result(self._read(source, file, self._turn if ahead else nullcontext()))
        except BaseException as error:  # noqa: BLE001 - whoever needs the file gets it
            self._forget(opened, file)
            opened.set_exception(error)

    def _read(self, source: SourceRead, file: FileRead, turn: AbstractContextManager[Any]) -> OpenFile:
        address = address_of(source, file)
        with errors_about(source, file, address):
            header = read_header(address, turn)
            resampler, grid = self._plan.resampler, self._plan.geobox
            use_overviews = fits(header, file, resampler)
            if not use_overviews and resampler in BLENDING and view_of(header, grid, resampler).level:
                header = probed(header, file, self._cache)
                use_overviews = fits(header, file, resampler)
            grids = (key_of(header.grid), header.overviews if use_overviews else ())
            view = self.shared.views.get(grids)
            if view is None:
                # Two threads may both get here: they store the same.
                view = self.shared.views[grids] = view_of(
                    header, self._plan.geobox, self._plan.resampler, use_overviews=use_overviews
                )
            return OpenFile(header, view, find_tiles(header, view.level, self._cache))

    def _ask_ahead(self, source: SourceRead) -> None:
        """Open the files of the images whose turn is next, without waiting."""
        turn = self._turns[id(source)]
        soon = self._newest_first[turn : turn + _AHEAD]
        todo = [(each, file) for each in soon for file in each.files if _key(file) not in self.shared.files]
        for each, file in todo:
            opened, mine = self._claim(file)
            if not mine:
                continue
            with self.shared.lock:
                if self._ahead is None:
                    self._ahead = borrow(_THREADS)
                task = self._ahead.submit(self._open, opened, each, file, ahead=True)
                self._asked.append(task)
            task.add_done_callback(partial(self._give_up, opened, file))

    def _forget(self, opened: Future[OpenFile], file: FileRead) -> None:
        """Have whoever comes later ask anew: the file may be there again."""
        with self.shared.lock:
            if self.shared.files.get(_key(file)) is opened:
                del self.shared.files[_key(file)]

    def _give_up(self, opened: Future[OpenFile], file: FileRead, task: Future[None]) -> None:
        """Keep nobody waiting for a header that is not asked for any more."""
        if task.cancelled():
            self._forget(opened, file)
            opened.set_exception(self._failure or RasterError("the call has ended"))


def _key(file: FileRead) -> "_Key":
    """Return the address of a file, and the reads that its overviews must fit."""
    return (file.href, file.indexes, file.exact, file.nodata, file.alpha)


def _has_ended(opened: Future[OpenFile]) -> bool:
    """Whether a file is open by an address whose time is over."""
    if not opened.done() or opened.cancelled() or opened.exception() is not None:
        return False
    address = opened.result().header.address
    return isinstance(address, Address) and address.ends_soon


def address_of(source: SourceRead, file: FileRead) -> str:
    """Where a file is read from: its href, signed where the image says how.

    Raises:
        RasterError: the signer failed.
    """
    sign = source.source.sign
    if sign is None or not is_remote(file.href):
        return file.href
    try:
        address: Any = sign(file.href)
    except Exception as error:
        raise about(source, file, f"the signer raised {type(error).__name__}") from error
    if not isinstance(address, str) or not address:
        raise about(source, file, f"the signer gave {type(address).__name__} and no address")
    return address
