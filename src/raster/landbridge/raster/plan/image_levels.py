"""Processing levels of bands whose stored values differ between images: numbers, types and nodata of each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from landbridge.raster.dtypes import common_type
from landbridge.raster.model import Band, Source
from landbridge.raster.plan.physical_values import declared_scaling
from landbridge.raster.plan.processing_levels import DEFAULT_DATA_RANGE, ProcessingLevel, physical_level
from landbridge.raster.plan.scaling import Basis, scaling_bases


def with_stored_types(bands: Sequence[Band], sources: Sequence[Source]) -> list[Band]:
    """Return bands whose data types also hold the types that images state for their own pixels."""
    if not any(source.stored for source in sources):
        return list(bands)
    return [_with_stored_type(band, sources) for band in bands]


def _with_stored_type(band: Band, sources: Sequence[Source]) -> Band:
    stated = [
        stored.data_type
        for source in sources
        if (stored := source.stored.get(band.name)) is not None and stored.data_type is not None
    ]
    if not stated:
        return band
    declared = () if band.data_type is None else (band.data_type,)
    return replace(band, data_type=common_type(dict.fromkeys((*declared, *stated))))


def image_bases(
    bands: Sequence[Band], processing_level: str | None, scaling: Any, sources: Sequence[Source]
) -> dict[str, Basis]:
    """Return the values that scalings start from, by name, of bands for which images have own numbers.

    Bands whose scaling starts from the stored values are left out.
    """
    if not any(source.radiometry for source in sources):
        return {}
    stated = {name for source in sources for name in source.radiometry}
    bases = zip(bands, scaling_bases(bands, processing_level, scaling), strict=True)
    return {band.name: basis for band, basis in bases if band.name in stated and basis is not Basis.STORED}


def with_image_numbers(
    levels: Mapping[str, ProcessingLevel],
    bases: Mapping[str, Basis],
    bands: Mapping[str, Band],
    sources: Sequence[Source],
) -> dict[str, ProcessingLevel]:
    """Return a product's levels so that each image is converted by its own numbers before compositing.

    Values at the scale and offset of the product are those that it declares, else those of its first image
    that states any.
    """
    found = dict(levels)
    for name, basis in bases.items():
        if basis is Basis.PHYSICAL:
            found[name] = physical_level(levels[name])
            continue
        stated = (source.radiometry.get(name) for source in sources if source.bands is bands)
        reference = declared_scaling(bands[name]) or next(filter(None, stated), None)
        found[name] = replace(levels[name], reference=reference)
    return found


def own_ranges(band: Band, source: Source) -> Band:
    """Return a band whose display and physical range are those of an image's own stored values."""
    own, declared = source.radiometry.get(band.name), declared_scaling(band)
    if own is None or not own[0]:
        return band
    (scale, offset), (low, high) = own, band.data_range or DEFAULT_DATA_RANGE
    display_range = band.display_range
    if display_range is not None and declared is not None:
        shown = [(value * declared[0] + declared[1] - offset) / scale for value in display_range]
        # Display ranges of integers are cut to integers: rounding errors must not make them one less.
        display_range = (round(shown[0], 6), round(shown[1], 6))
    physical_range = (low * scale + offset, high * scale + offset)
    return replace(band, data_range=(low, high), display_range=display_range, physical_range=physical_range)


def stored_nodata(source: Source, band: Band, level: ProcessingLevel | None) -> float | None:
    """Return the nodata value of an image's stored pixels of a band."""
    own = source.stored.get(band.name)
    if own is not None and own.nodata is not None:
        return own.nodata
    return level.stored_nodata if level is not None and level.marks else band.nodata


def certain_nodata(source: Source, names: Sequence[str]) -> tuple[bool, ...]:
    """Return flags of the bands whose nodata value takes precedence over the file's; empty if none has."""
    flags = tuple((own := source.stored.get(name)) is not None and own.is_certain for name in names)
    return flags if any(flags) else ()
