"""Headers of images' files, read ahead of their use."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from landbridge.raster.errors import CredentialsError, RasterError
from landbridge.raster.io import header_index
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.gdal_settings import deferred_gdal_env, gdal_errors
from landbridge.raster.io.open_files import signed_url
from landbridge.raster.io.read_errors import annotate_read_errors
from landbridge.raster.model import Source
from landbridge.raster.plan.reads import FileRead, SourceRead, file_reads
from landbridge.raster.runtime.progress import progress_bar

__all__ = ["IndexedFiles", "index_files"]

_THREADS = 32


@dataclass(frozen=True, slots=True)
class IndexedFiles:
    """Result of reading headers ahead.

    Attributes
    ----------
    kept : int
        Number of files that later calls and processes open without a request for their header.
    read : int
        Number of those whose header was requested now.
    unkept : int
        Number of files whose header is not kept: their server has no ETags, only GDAL can read them, or they
        are local.
    failed : tuple of str
        For each file whose header could not be read, the image, the file and the cause.
    """

    kept: int
    read: int
    unkept: int
    failed: tuple[str, ...] = ()


def index_files(
    sources: Sequence[Source], bands: Sequence[str] | None = None, *, progress: bool | None = None
) -> IndexedFiles:
    """Read and keep the headers of images' remote files.

    Parameters
    ----------
    sources : sequence of Source
        Images.
    bands : sequence of str, optional
        Bands whose files are meant; by default all.
    progress : bool, optional
        Show a progress bar: True always, False never, None on a terminal.

    Returns
    -------
    IndexedFiles
        Numbers of files, and the failures.

    Raises
    ------
    ValueError
        If no image has one of the bands.

    See Also
    --------
    mosaic : reads pixels; it keeps the headers that it reads as well.
    """
    known = {name for source in sources for name in source.bands}
    missing = [name for name in bands or () if name not in known]
    if missing:
        raise ValueError(f"no image has the band {missing[0]!r}; there are {', '.join(sorted(known))}")
    reads: dict[str, tuple[SourceRead, FileRead]] = {}
    for source in sources:
        names = [name for name in source.bands if bands is None or name in bands]
        for _, file in file_reads(source, names, None):
            reads.setdefault(file.href, (SourceRead(source, (file,)), file))
    with progress_bar(progress, len(reads), "headers", "file") as bar, ThreadPoolExecutor(_THREADS) as pool:
        states = []
        for state in pool.map(lambda pair: _index(*pair), reads.values()):
            states.append(state)
            bar.update(1)
    return IndexedFiles(
        kept=states.count("kept") + states.count("read"),
        read=states.count("read"),
        unkept=states.count("unkept"),
        failed=tuple(state for state in states if state not in ("kept", "read", "unkept")),
    )


def _index(source: SourceRead, file: FileRead) -> str:
    """Keep the header of a file; return "kept", "read", "unkept", or why it could not be read."""
    if not is_remote(file.href):
        return "unkept"
    try:
        address = signed_url(source, file)
        with deferred_gdal_env(), annotate_read_errors(source, file, address):
            if header_index.get(address) is not None:
                return "kept"
            header_index.read_header(address)
            return "unkept" if header_index.get(address) is None else "read"
    except gdal_errors(RasterError, CredentialsError) as error:
        return str(error)
