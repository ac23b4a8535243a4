"""Pixels and physical values of a replayed item, by its document and by specifications."""

import numpy as np

from support.replay import pixels
from support.replay.grids import bounds_of


def spec(record, band):
    """Return the pixels' description of a band."""
    return record.product.assets[record.product.bands[band].asset]


def stored(record, band, resolution=None):
    """Return the stored values of a band, each repeated if a finer resolution is asked for."""
    place, own = record.product.bands[band], spec(record, band)
    layer = pixels.values(record.id, place.asset, own, record.product.finest)[place.index]
    times = 1 if resolution is None else round(own.resolution / resolution)
    return layer.repeat(times, 0).repeat(times, 1)


def masked(record, band, resolution=None):
    """Return the stored values of a band, masked without data."""
    layer, nodata = stored(record, band, resolution), spec(record, band).nodata
    return np.ma.MaskedArray(layer, np.zeros(layer.shape, bool) if nodata is None else layer == nodata)


def finest(record, bands):
    """Return the finest resolution of some bands."""
    return min(spec(record, band).resolution for band in bands)


def stacked(record, bands, resolution=None):
    """Return (band, row, column) of stored values at the bands' finest resolution."""
    resolution = resolution or finest(record, bands)
    return np.ma.stack([masked(record, band, resolution) for band in bands])


def scaling(record, band):
    """Return scale and offset of a band: from the asset's own document, except for what it tells wrongly."""
    rule = _RULES.get((record.product.provider, record.collection), _specified)
    return rule(record, band)


def physical(record, bands):
    """Return (band, row, column) of physical values."""
    layers = stacked(record, bands).astype(float)
    numbers = [scaling(record, band) for band in bands]
    return np.ma.stack(
        [layer * scale + offset for layer, (scale, offset) in zip(layers, numbers, strict=True)]
    )


def is_cloud(record):
    """Return (row, column): 1 if the class band says cloud; masked without data."""
    product = record.product
    layer = masked(record, product.classes)
    if product.cloud_bits:
        bits = sum(1 << bit for bit in product.cloud_bits)
        return np.ma.MaskedArray((layer.data & bits != 0).astype("uint8"), layer.mask)
    return np.ma.MaskedArray(np.isin(layer.data, product.cloud_values).astype("uint8"), layer.mask)


def over(upper, lower):
    """Return a mosaic of two arrays of one shape: the upper one, the lower one where that has no data."""
    out = upper.copy()
    missing = np.ma.getmaskarray(upper)
    out.data[missing] = lower.data[missing]
    out.mask = missing & np.ma.getmaskarray(lower)
    return out


def bounds(*records):
    """Return left, bottom, right and top of the area that some items cover."""
    boxes = [bounds_of(record.corner, record.product.finest) for record in records]
    lows, highs = zip(*[(box[:2], box[2:]) for box in boxes], strict=True)
    return tuple(map(min, zip(*lows, strict=True))) + tuple(map(max, zip(*highs, strict=True)))


def placed(layers, record, area, resolution):
    """Return layers of an item on the grid of an area, masked outside of the item."""
    left, _, _, top = area
    columns, rows = (round((area[i + 2] - area[i]) / resolution) for i in (0, 1))
    out = np.ma.masked_all((layers.shape[0], rows, columns), layers.dtype)
    x, y = round((record.corner[0] - left) / resolution), round((top - record.corner[1]) / resolution)
    out[:, y : y + layers.shape[1], x : x + layers.shape[2]] = layers
    return out


# --- scale and offset


def _specified(record, band):
    own = spec(record, band)
    return own.scale, own.offset


def _raster_bands(record, band):
    asset = record.published["assets"][record.product.bands[band].asset]
    (told,) = asset["raster:bands"]
    return told["scale"], told["offset"]


def _raster_members(record, band):
    asset = record.published["assets"][record.product.bands[band].asset]
    return asset["raster:scale"], asset["raster:offset"]


def _by_baseline(record, band):
    """Planetary Computer tells neither: ESA's specification of baseline 04.00 added 1000."""
    return 1e-4, -0.1 if float(record.properties["s2:processing_baseline"]) >= 4 else 0.0


_RULES = {
    ("earth-search", "sentinel-2-c1-l2a"): _raster_bands,
    ("deafrica", "s2_l2a_c1"): _raster_bands,
    ("planetary-computer", "sentinel-2-l2a"): _by_baseline,
    ("cdse", "sentinel-2-l2a"): _raster_members,
}
