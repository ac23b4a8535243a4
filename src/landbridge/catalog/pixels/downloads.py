"""Downloads of many images, each to its own file."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.catalog.pixels import raster_requests
from landbridge.catalog.pixels.engine_inputs import sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.raster import Request, Source

__all__ = ["download_each", "file_paths"]


def file_paths(
    images: Sequence[ImageMetadata], names: Sequence[str], dest: Any, format: str
) -> list[str | Path]:
    """Return the path of each image's file; see `ImageCollection.download`."""
    if dest is None or isinstance(dest, (str, Path)):
        folder = "." if dest is None else str(dest)
        return [f"{folder}/{raster_requests.default_name(image.id, names, format)}" for image in images]
    if not hasattr(dest, "__len__"):
        raise TypeError(f"`dest` must be a folder, or a sequence with a path for each image; got {dest!r}.")
    paths = list(dest)
    if len(paths) != len(images):
        raise ValueError(f"`dest` has {len(paths)} paths for {len(images)} images.")
    if len({os.path.abspath(path) for path in paths}) != len(paths):  # noqa: PTH100 - "..", unlike resolve()
        raise RuntimeError(f"`dest` names a path more than once: {paths}.")
    return paths


def download_each(
    images: Sequence[ImageMetadata],
    request: Request,
    paths: Sequence[str | Path],
    max_workers: int | None,
    progress: bool,
) -> list[str | Path]:
    """Download each image; RuntimeError names the files that failed, once all others are written."""
    from landbridge import raster
    from landbridge.raster.runtime.progress import progress_bar
    from landbridge.raster.runtime.thread_pools import default_worker_count

    for path in paths:
        raster_requests.check_format(path)
    found = sources(images)
    file_workers = min(max_workers or default_worker_count(), len(images))
    # An image may use several threads; together they use at most `max_workers`.
    image_workers = None if max_workers is None else max_workers // file_workers

    def download(source: Source, path: str | Path) -> Exception | None:
        # An error of one image must not stop the others; it is reported at the end.
        try:
            raster.download(source, request, path, progress=False, max_workers=image_workers)
        except Exception as error:  # noqa: BLE001 - see above
            return error
        return None

    failed = []
    with ThreadPoolExecutor(file_workers) as executor, progress_bar(progress, len(paths), "download") as bar:
        for path, error in zip(paths, executor.map(download, found, paths), strict=True):
            bar.update()
            if error is not None:
                failed.append((path, error))
    if failed:
        lines = "\n".join(f"  {path}: {error}" for path, error in failed)
        raise RuntimeError(f"{len(failed)} of {len(paths)} files could not be written:\n{lines}") from failed[
            0
        ][1]
    return list(paths)
