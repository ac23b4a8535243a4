"""Open files of a plan: each header is read once, and remote headers are prefetched."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox

from landbridge.geo.grids.geobox import grid_key
from landbridge.raster.errors import CredentialsError, RasterError, RenderCancelledError, StaleHeaderError
from landbridge.raster.grids.coordinate_grid import CoordinateGrids
from landbridge.raster.io import header_index, headers
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.expiring_url import ExpiringUrl, signed
from landbridge.raster.io.file_windows import OpenFile, ReadLevel
from landbridge.raster.io.headers import Header, tile_reader_for
from landbridge.raster.io.overview_choice import can_use_overviews, choose_read_level, probe_overviews
from landbridge.raster.io.read_ahead import Budget
from landbridge.raster.io.read_errors import annotate_read_errors, read_error
from landbridge.raster.io.remote_file import RemoteFile
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.arguments import BLENDING
from landbridge.raster.plan.plan import Plan
from landbridge.raster.plan.reads import FileRead, SourceRead
from landbridge.raster.runtime.thread_pools import acquire, release

if TYPE_CHECKING:
    from landbridge.geo.grids.geobox import GridKey

# Largest number of files that are open at the same time.
_MAX_OPEN = 1024
# Number of images whose headers are prefetched while one is read, and number of threads for that.
_PREFETCHED_IMAGES = 8
# Largest number of bytes of tiles that a call reads ahead and has not used yet, and of those that it may not
# need (beside the gaps between tiles that share a request).
_MAX_AHEAD_BYTES, _MAX_GUESSED_BYTES = 64 * 2**20, 8 * 2**20
_PREFETCH_THREADS = 24


_Key = tuple[str, tuple[int, ...], tuple[bool, ...], tuple[float | None, ...], int, bool, tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class SharedFiles:
    """Open files and derived data that plans of one output grid share.

    `files` are open files, the earliest first; `read_levels` are the levels by grid of the file, and
    `coordinate_grids` the coordinate grids of the blocks. `replaced` are the hrefs of files whose kept header
    was an old one.
    """

    files: "OrderedDict[_Key, Future[OpenFile]]" = field(default_factory=OrderedDict)
    read_levels: "dict[tuple[GridKey, tuple[int, ...], str], ReadLevel]" = field(default_factory=dict)
    coordinate_grids: CoordinateGrids = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)


class PlanFiles:
    """Open files of a plan, for the duration of a call."""

    def __init__(self, plan: Plan, cache: TileCache, shared: SharedFiles | None = None) -> None:
        """Create the files of a plan with a cache of tiles, and with files shared by plans of its grid."""
        self._plan = plan
        self._cache = cache
        self.shared: SharedFiles = SharedFiles() if shared is None else shared
        self._newest_first = plan.sources[::-1]
        self._positions = {id(source): parse_lock for parse_lock, source in enumerate(self._newest_first)}
        self._remote = any(is_remote(href) for href in plan.hrefs)
        self._prefetch_pool: ThreadPoolExecutor | None = None
        self._prefetches: list[Future[None]] = []
        # Prefetched headers are parsed one at a time, so that they do not delay the one needed now.
        self._parse_lock = Lock()
        self._failure: RasterError | RenderCancelledError | None = None
        self._read_ahead: list[RemoteFile] = []
        self.budget: Budget = Budget(_MAX_AHEAD_BYTES)
        self.guess_budget: Budget = Budget(_MAX_GUESSED_BYTES)

    def get(self, source: SourceRead, file: FileRead) -> OpenFile:
        """Return an open file.

        Raises:
            RasterError: if it is missing, broken or without a coordinate reference system, or if another read
                of the plan has failed before.
        """
        if self._failure is not None:
            raise self._failure
        opened, is_owner = self._claim(file)
        if self._remote:
            self._prefetch(source)
        if is_owner:
            self._open(opened, source, file)
        return opened.result()

    def get_for(self, source: SourceRead, file: FileRead, grid: GeoBox) -> OpenFile:
        """Return a file opened for nearest-neighbor reads on another grid than the plan's.

        Raises:
            RasterError: as `get`.
        """
        header = self.get(source, file).header
        with annotate_read_errors(source, file, header.address):
            read_level = choose_read_level(
                header, grid, use_overviews=can_use_overviews(header, file, "near")
            )
            return OpenFile(header, read_level, tile_reader_for(header, read_level.level, self._cache))

    @property
    def has_remote(self) -> bool:
        """True if a file of the plan is remote."""
        return self._remote

    @property
    def has_pixel_cache(self) -> bool:
        """True if calls share decoded tiles."""
        return self._cache.keeps_all

    def get_open(self, source: SourceRead, file: FileRead) -> OpenFile | None:
        """Return a file if that takes no request: it is open, or its header is kept; else None."""
        with self.shared.lock:
            opened = self.shared.files.get(_key(file))
        try:
            if opened is None:
                if header_index.get(signed_url(source, file)) is None:
                    return None
                opened, is_owner = self._claim(file)
                if is_owner:
                    self._open(opened, source, file)
            return opened.result() if opened.done() and not _has_expired(opened) else None
        except (RasterError, CredentialsError, StaleHeaderError, CancelledError):
            # The read itself raises it.
            return None

    def get_if_readable(self, source: SourceRead, file: FileRead) -> OpenFile | None:
        """Return an open file, after its header has been read; None if it cannot be opened."""
        try:
            return self.get(source, file)
        except (RasterError, CredentialsError, StaleHeaderError, CancelledError):
            # The read itself raises it.
            return None

    def note_read_ahead(self, file: RemoteFile) -> None:
        """Cancel what is read ahead of a file when the call ends."""
        self._read_ahead.append(file)

    def with_current_header(self, file: FileRead, read: Callable[[], None]) -> None:
        """Call a function that gets and reads a file; again if the file was opened by an old header."""
        try:
            read()
        except StaleHeaderError:
            self._forget_replaced(file)
            read()

    def _forget_replaced(self, file: FileRead) -> None:
        """Make later reads of a file open it by its current header."""
        with self.shared.lock:
            self.shared.replaced.add(file.href)
            stale = [
                key
                for key, opened in self.shared.files.items()
                if key[0] == file.href and opened.done() and _was_kept(opened)
            ]
            addresses = [self.shared.files.pop(key).result().header.address for key in stale]
        for address in addresses:
            header_index.forget(address)

    def stop(self, failure: RasterError | RenderCancelledError | None = None) -> None:
        """Stop prefetching; after a failure, later reads of the plan fail too."""
        self._failure = self._failure or failure
        for file in self._read_ahead:
            file.ahead.cancel()
        self._read_ahead = []
        with self.shared.lock:
            prefetch_pool, self._prefetch_pool = self._prefetch_pool, None
            prefetches, self._prefetches = self._prefetches, []
        if prefetch_pool is None:
            return
        if all(task.done() for task in prefetches):
            release(_PREFETCH_THREADS, prefetch_pool)
        else:
            prefetch_pool.shutdown(wait=False, cancel_futures=True)

    def _claim(self, file: FileRead) -> tuple[Future[OpenFile], bool]:
        """Return the future of an open file, and whether the caller has to complete it."""
        with self.shared.lock:
            opened = self.shared.files.get(_key(file))
            if opened is not None and not _has_expired(opened):
                return opened, False
            opened = self.shared.files[_key(file)] = Future()
            if len(self.shared.files) > _MAX_OPEN:
                self.shared.files.popitem(last=False)
            return opened, True

    def _open(
        self, opened: Future[OpenFile], source: SourceRead, file: FileRead, *, prefetch_pool: bool = False
    ) -> None:
        try:
            opened.set_result(self._read(source, file, self._parse_lock if prefetch_pool else nullcontext()))
        except BaseException as error:  # noqa: BLE001 - threads that wait for the file raise it
            self._forget(opened, file)
            opened.set_exception(error)

    def _read(self, source: SourceRead, file: FileRead, parse_lock: AbstractContextManager[Any]) -> OpenFile:
        address = signed_url(source, file)
        with annotate_read_errors(source, file, address):
            try:
                return self._opened(file, self._header(file, address, parse_lock))
            except StaleHeaderError:
                with self.shared.lock:
                    self.shared.replaced.add(file.href)
                return self._opened(file, self._header(file, address, parse_lock))

    def _header(self, file: FileRead, address: str, parse_lock: AbstractContextManager[Any]) -> Header:
        if file.href not in self.shared.replaced:
            return header_index.read_header(address, parse_lock)
        header = headers.read_header(address, parse_lock)
        header_index.put(address, header)
        return header

    def _opened(self, file: FileRead, header: Header) -> OpenFile:
        """Return a file opened for the plan's grid."""
        resampler, grid = self._plan.resampler_of(file), self._plan.geobox
        use_overviews = can_use_overviews(header, file, resampler)
        if not use_overviews and resampler in BLENDING and choose_read_level(header, grid, resampler).level:
            header = probe_overviews(header, file, self._cache)
            use_overviews = can_use_overviews(header, file, resampler)
        grids = (grid_key(header.grid), header.overviews if use_overviews else (), resampler)
        read_level = self.shared.read_levels.get(grids)
        if read_level is None:
            # Two threads may compute the level at once; they store the same value.
            read_level = self.shared.read_levels[grids] = choose_read_level(
                header, self._plan.geobox, resampler, use_overviews=use_overviews
            )
        return OpenFile(header, read_level, tile_reader_for(header, read_level.level, self._cache))

    def _prefetch(self, source: SourceRead) -> None:
        """Start to open the files of the next images, without waiting."""
        parse_lock = self._positions[id(source)]
        upcoming = self._newest_first[parse_lock : parse_lock + _PREFETCHED_IMAGES]
        todo = [
            (each, file) for each in upcoming for file in each.files if _key(file) not in self.shared.files
        ]
        for each, file in todo:
            opened, is_owner = self._claim(file)
            if not is_owner:
                continue
            with self.shared.lock:
                if self._prefetch_pool is None:
                    self._prefetch_pool = acquire(_PREFETCH_THREADS)
                task = self._prefetch_pool.submit(self._open, opened, each, file, prefetch_pool=True)
                self._prefetches.append(task)
            task.add_done_callback(partial(self._cancel, opened, file))

    def _forget(self, opened: Future[OpenFile], file: FileRead) -> None:
        """Remove a failed file, so that later reads try again."""
        with self.shared.lock:
            if self.shared.files.get(_key(file)) is opened:
                del self.shared.files[_key(file)]

    def _cancel(self, opened: Future[OpenFile], file: FileRead, task: Future[None]) -> None:
        """Release threads that wait for a header whose request was cancelled."""
        if task.cancelled():
            self._forget(opened, file)
            opened.set_exception(self._failure or RasterError("the call has ended"))


def _key(file: FileRead) -> "_Key":
    """Return a key of a file and of the properties of the read that select its overviews."""
    return (
        file.href,
        file.indexes,
        file.categorical,
        file.nodata,
        file.alpha,
        file.picked,
        file.certain,
    )


def _was_kept(opened: Future[OpenFile]) -> bool:
    """Return whether a file was opened by a header that was kept."""
    if opened.cancelled() or opened.exception() is not None:
        return False
    tiff = opened.result().header.tiff
    return tiff is not None and getattr(tiff.file, "confirmation", None) is not None


def _has_expired(opened: Future[OpenFile]) -> bool:
    """Return whether a file was opened by a URL that has expired."""
    if not opened.done() or opened.cancelled() or opened.exception() is not None:
        return False
    address = opened.result().header.address
    return isinstance(address, ExpiringUrl) and address.has_expired


def signed_url(source: SourceRead, file: FileRead) -> str:
    """Return the address of a file: its href, signed if the image has a signer.

    The signer is asked again if the server refuses the address.

    Raises:
        RasterError: if the signer failed.
    """
    sign = source.source.sign
    if sign is None or not is_remote(file.href):
        return file.href

    try:
        return signed(sign, file.href)
    except CredentialsError as error:
        raise read_error(source, file, str(error)) from error.__cause__
