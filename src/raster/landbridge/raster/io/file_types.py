"""Data types and nodata values of bands that no document describes: those of their files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from landbridge.geo.grids.geobox import output_grid
from landbridge.raster.dtypes import data_type_of, full_range
from landbridge.raster.grids.grid_footprint import ground_footprint
from landbridge.raster.io.gdal_threads import run_jobs
from landbridge.raster.io.header_index import read_header
from landbridge.raster.io.headers import Header
from landbridge.raster.io.open_files import signed_url
from landbridge.raster.io.read_errors import annotate_read_errors
from landbridge.raster.model import Band, Request, Source
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.reads import FileRead, SourceRead, file_reads


def with_file_types(groups: Sequence[Sequence[Source]], request: Request) -> Sequence[Sequence[Source]]:
    """Return images whose requested bands have a data type.

    A data type that neither the product nor an image states is that of the first file on the output grid that
    has the band; so is the nodata value of such a band. Without such a file the type stays unknown.

    Raises:
        RasterError: if that file is missing, broken or without a coordinate reference system.
    """
    sources = [source for group in groups for source in group]
    if not _untyped(sources, request.bands):
        return groups
    touches = Footprints(sources).touching(ground_footprint(output_grid(request.geocontext)))
    near = [source for source, is_near in zip(sources, touches, strict=True) if is_near]
    typed = typed_bands(near, request.bands)
    return [
        [replace(source, bands=typed.get(id(source.bands), source.bands)) for source in group]
        for group in groups
    ]


def typed_bands(sources: Sequence[Source], names: Iterable[str]) -> dict[int, Mapping[str, Band]]:
    """Return the bands of the images' products, by their identity, with the types of their files.

    Products whose documents state the types of all these bands are left out.

    Raises RasterError as `with_file_types`.
    """
    untyped = _untyped(sources, names)
    reads = [
        (source.bands, source, file)
        for source, missing in untyped
        for _, file in file_reads(source, missing, None)
    ]
    if not reads:
        return {}
    headers = run_jobs([partial(_header, source, file) for _, source, file in reads], max(1, len(reads)))
    found: dict[int, Mapping[str, Band]] = {}
    for (bands, _, file), header in zip(reads, headers, strict=True):
        known = found.get(id(bands), bands)
        described = {
            name: _described(bands[name], header, index)
            for name, index in zip(file.names, file.indexes, strict=True)
            if index <= header.count
        }
        found[id(bands)] = {**known, **described}
    return found


def _untyped(sources: Sequence[Source], names: Iterable[str]) -> list[tuple[Source, list[str]]]:
    """Return images, and those of their bands whose type only the image's file tells; each band once."""
    names = list(names)
    wanted: dict[int, set[str]] = {}
    for source in sources:
        if id(source.bands) not in wanted:
            wanted[id(source.bands)] = {
                name for name in names if name in source.bands and source.bands[name].data_type is None
            }
    if not any(wanted.values()):
        return []
    for source in sources:
        wanted[id(source.bands)] -= {name for name, own in source.stored.items() if own.data_type is not None}
    found = []
    for source in sources:
        open_names = wanted[id(source.bands)]
        if here := [name for name in names if name in open_names and source.place(name)]:
            found.append((source, here))
            open_names.difference_update(here)
    return found


def _header(source: Source, file: FileRead) -> Header:
    read = SourceRead(source, (file,))
    address = signed_url(read, file)
    with annotate_read_errors(read, file, address):
        return read_header(address)


def _described(band: Band, header: Header, index: int) -> Band:
    """Return a band with the type and the nodata value of a file, and the data range of its type."""
    data_type = data_type_of(np.dtype(header.dtypes[index - 1]))
    nodata = header.nodata[index - 1] if band.nodata is None else band.nodata
    data_range = full_range(data_type) if band.data_range is None and data_type == "Byte" else band.data_range
    return replace(band, data_type=data_type, nodata=nodata, data_range=data_range)
