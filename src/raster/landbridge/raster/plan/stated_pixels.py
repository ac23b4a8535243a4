"""Scale, offset, nodata and data type that single images state and their product states otherwise."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from landbridge.raster.model import Band, StoredPixels
from landbridge.raster.plan.physical_values import IDENTITY, Scaling, agrees, declared_scaling
from landbridge.raster.plan.processing_levels import ignores_scaling_modes, processing_level_of


class Statement(NamedTuple):
    """Statement of an image about the pixels of one band; None: not stated."""

    scaling: Scaling | None = None
    nodata: float | None = None
    data_type: str | None = None


Differences = tuple[dict[str, tuple[float, float]], dict[str, StoredPixels]]
"""Scale and offset, and nodata and data type, by the name of the band."""


def differences(
    bands: Mapping[str, Band],
    defined: Container[str],
    keys: Sequence[str | None],
    places: Mapping[str, tuple[int, int] | None],
    stated_for: Callable[[str, int], Statement | None],
) -> Differences:
    """Return what an image states about its pixels and its product states otherwise.

    Parameters
    ----------
    bands : mapping of str to Band
        Bands of the product.
    defined : container of str
        Bands whose data type and nodata value are the product's, if it has them: its table corrects those
        that providers misstate.
    keys : sequence of str or None
        Names of the image's files; None for a file that states nothing.
    places : mapping
        Bands that the image stores elsewhere than its product declares: file and index there.
    stated_for : callable
        Returns the statement about the band of an index in the file of a name.
    """
    radiometry: dict[str, tuple[float, float]] = {}
    stored: dict[str, StoredPixels] = {}
    for name, band in bands.items():
        place = places.get(name, (band.file_index, band.band_index))
        key = keys[place[0]] if place is not None and place[0] < len(keys) else None
        stated = None if key is None or place is None else stated_for(key, place[1])
        if stated is None:
            continue
        level = processing_level_of(band, None)
        scaling = None if ignores_scaling_modes(band) else stated.scaling
        if scaling is not None and not agrees(scaling, declared_scaling(band) or IDENTITY):
            radiometry[name] = scaling
        known_nodata = level.stored_nodata if level.marks else band.nodata
        nodata, data_type = stated.nodata, stated.data_type
        # The table of a source contradicts the documents of its Items only if it knows better, and then their
        # files, which the documents describe, are wrong too.
        is_certain = name in defined and None not in (nodata, known_nodata) and nodata != known_nodata
        if is_certain:
            nodata = known_nodata
        elif nodata == known_nodata:
            nodata = None
        # The data type of a computed mask is not that of its file.
        if level.marks or data_type == band.data_type or (name in defined and band.data_type is not None):
            data_type = None
        if nodata is not None or data_type is not None:
            stored[name] = StoredPixels(data_type, nodata, is_certain)
    return radiometry, stored
