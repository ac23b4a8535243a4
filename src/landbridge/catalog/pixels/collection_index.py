"""Reading the headers of images' files ahead of their use."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.collection_downloads import CollectionDownloads

if TYPE_CHECKING:
    from landbridge.raster.output.file_index import IndexedFiles

__all__ = ["CollectionIndex"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionIndex(CollectionDownloads[T]):
    """Methods of `ImageCollection` that make later reads faster."""

    def index_files(
        self, bands: str | list[str] | tuple[str, ...] | None = None, *, progress: bool | None = None
    ) -> IndexedFiles:
        """Read the headers of the images' remote files ahead, and keep them in the user's cache folder.

        Later reads of these files, also by other processes, then send no request for a header. Every read
        checks that the file is still the one whose header was kept; headers that are read by other methods
        are kept as well. `LANDBRIDGE_CACHE` names another folder, or is "off".

        Parameters
        ----------
        bands : str, list of str or tuple of str, optional
            Names of the bands whose files are meant. In a string, single spaces separate them. By default
            all bands.
        progress : bool, optional
            Show a progress bar. By default only on a terminal.

        Returns
        -------
        IndexedFiles
            The numbers of files whose header is `kept`, was `read` now, or stays `unkept` (local files, files
            of servers without ETags, and those that only GDAL reads), and as `failed` what went wrong with
            each file that could not be read.

        Raises
        ------
        ValueError
            If the collection is empty, or if no image has one of the bands.

        Examples
        --------
        >>> images.index_files("red nir")
        IndexedFiles(kept=0, read=0, unkept=3, failed=())

        See Also
        --------
        ImageCollection.mosaic : Read the pixels.
        """
        from landbridge.catalog.pixels.engine_inputs import sources
        from landbridge.catalog.pixels.raster_requests import parse_bands
        from landbridge.raster.output.file_index import index_files

        self._check_not_empty()
        names = None if bands is None else parse_bands(bands)
        return index_files(sources(self._list), names, progress=progress)
