"""Products of the providers: for each collection its assets, the bands that they hold, and their places.

Written from the providers' documents and their product specifications, not from the tables that are tested.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Pixels:
    """Pixels of an asset: `kind` is "value", "class" or "bits"; `values` are those of classes and bits.

    A physical value is the stored one times `scale` plus `offset`; Sentinel-2's offset depends on the item.
    """

    dtype: str
    nodata: float | None
    resolution: float
    kind: str = "value"
    scale: float | None = None
    offset: float = 0.0
    lowest: int = 1200
    count: int = 1
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Band:
    """Band: its asset and index, type, range of wavelengths in nanometers, and physical unit."""

    asset: str
    index: int = 0
    type: str = "spectral"
    wavelength: tuple[float, float] | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Product:
    """A collection of a provider.

    `store` is the address before an item's files, `style` how its documents are written (see `fixtures`),
    `epsg` and `corner` the grid of its first item (upper left corner), `finest` its finest resolution.
    """

    provider: str
    collection: str
    style: str
    store: str
    epsg: int
    corner: tuple[float, float]
    finest: float
    assets: dict[str, Pixels]
    bands: dict[str, Band]
    ids: tuple[str, ...] = ()
    extension: str = "tif"
    properties: dict[str, object] = field(default_factory=dict)
    cloud_values: tuple[int, ...] = ()
    """Values of the class band that mean cloud."""
    cloud_bits: tuple[int, ...] = ()
    classes: str | None = None
    """The band of classes or bits."""
    variants: tuple[tuple[dict[str, object], tuple[str, ...]], ...] = (({}, ()),)
    """Kinds of items of our own documents: other properties, and the assets that they lack."""


# --- Sentinel-2: band -> (file, name of Earth Search, resolution, wavelengths)
S2 = {
    "coastal-aerosol": ("B01", "coastal", 60, (433, 453)),
    "blue": ("B02", "blue", 10, (457.5, 522.5)),
    "green": ("B03", "green", 10, (542.5, 577.5)),
    "red": ("B04", "red", 10, (650, 680)),
    "red-edge": ("B05", "rededge1", 20, (697.5, 712.5)),
    "red-edge-2": ("B06", "rededge2", 20, (732.5, 747.5)),
    "red-edge-3": ("B07", "rededge3", 20, (773, 793)),
    "nir": ("B08", "nir", 10, (784.5, 899.5)),
    "red-edge-4": ("B8A", "nir08", 20, (855, 875)),
    "water-vapor": ("B09", "nir09", 60, (935, 955)),
    "swir1": ("B11", "swir16", 20, (1565, 1655)),
    "swir2": ("B12", "swir22", 20, (2100, 2280)),
}
_SCL = Pixels("uint8", 0, 20, "class", values=tuple(range(12)))
_RGB = Pixels("uint8", 0, 10, count=3, lowest=16)


def _by_color(file, name, meters):
    return name


def _by_file(file, name, meters):
    return file


def _by_resolution(file, name, meters):
    return f"{file}_{meters}m"


def _sentinel_2(name, scl, extra, scale=1e-4, offset=-0.1):
    """Return assets and bands of Sentinel-2 L2A; `name` makes an asset's key of (file, name, resolution)."""
    assets = {name(*row[:3]): Pixels("uint16", 0, row[2], scale=scale, offset=offset) for row in S2.values()}
    bands = {band: Band(name(*row[:3]), wavelength=row[3], unit="reflectance") for band, row in S2.items()}
    return assets | {scl: _SCL} | extra, bands | {"scl": Band(scl, type="class")}


def _s2_product(provider, collection, style, store, epsg, corner, name, scl, extra, **more):
    assets, bands = _sentinel_2(name, scl, extra)
    defaults = {"cloud_values": (3, 8, 9, 10), "classes": "scl"}
    return Product(
        provider, collection, style, store, epsg, corner, 10, assets, bands, **{**defaults, **more}
    )


_EARTH = {
    "aot": Pixels("uint16", 0, 20, scale=1e-3),
    "wvp": Pixels("uint16", 0, 20, scale=1e-3),
    "visual": _RGB,
}
_C1_EXTRA = _EARTH | {
    "cloud": Pixels("uint8", None, 20, lowest=16),
    "snow": Pixels("uint8", None, 20, lowest=16),
}
# Coarser copies lie beside the bands of CDSE: "B02_20m" is no band of its own.
_CDSE_EXTRA = {
    f"{row[0]}_{coarse}m": Pixels("uint16", 0, coarse, scale=1e-4, offset=-0.1)
    for row in S2.values()
    for coarse in (20, 60)
    if coarse > row[2]
} | {"B01_20m": Pixels("uint16", 0, 20, scale=1e-4, offset=-0.1)}
_CDSE_EXTRA |= {
    f"{name}_{meters}m": Pixels("uint16", 0, meters, scale=1e-3)
    for name in ("AOT", "WVP")
    for meters in (10, 20, 60)
}
_CDSE_EXTRA |= {"SCL_60m": replace(_SCL, resolution=60)}
_CDSE_EXTRA |= {f"TCI_{meters}m": replace(_RGB, resolution=meters) for meters in (10, 20, 60)}

# --- Landsat Collection 2 Level 2: band -> (asset, wavelengths)
LANDSAT = {
    "coastal-aerosol": ("coastal", (430, 450)),
    "blue": ("blue", (450, 510)),
    "green": ("green", (530, 590)),
    "red": ("red", (640, 670)),
    "nir": ("nir08", (850, 880)),
    "swir1": ("swir16", (1570, 1650)),
    "swir2": ("swir22", (2110, 2290)),
}
# Clear land, water, snow, and each of the bits 1 to 4 alone; fill is 1.
_QA_VALUES = (21824, 21952, 30048, 22018, 54596, 22280, 23888)
_QA = Pixels("uint16", 1, 30, "bits", values=_QA_VALUES)
_SR = Pixels("uint16", 0, 30, scale=2.75e-5, offset=-0.2, lowest=8000)
_ST = Pixels("uint16", 0, 30, scale=0.00341802, offset=149.0, lowest=36000)
_INT16 = Pixels("int16", -9999, 30)
_SR_ASSETS = {asset: _SR for asset, _ in LANDSAT.values()} | {"qa_pixel": _QA}
_SR_ASSETS |= {"qa_radsat": Pixels("uint16", None, 30), "qa_aerosol": Pixels("uint8", 1, 30, lowest=16)}
_ST_ASSETS = {
    "lwir11": _ST,
    "lwir": _ST,
    **dict.fromkeys(("emis", "emsd", "atran", "cdist", "drad", "urad", "trad", "qa"), _INT16),
}
_SR_BANDS = {
    band: Band(asset, wavelength=waves, unit="reflectance") for band, (asset, waves) in LANDSAT.items()
} | {"qa_pixel": Band("qa_pixel", type="class")}
_THERMAL = {"thermal": Band("lwir11", wavelength=(10600, 11190), unit="kelvin")}
_LANDSAT_IDS = tuple(f"usgs:landsat:{name}:c2:l2:v0" for name in ("oli-tirs", "etm", "tm"))
_LANDSAT_KINDS = (
    ({"platform": "landsat-8"}, ("lwir",)),
    ({"platform": "landsat-7"}, ("lwir11", "coastal")),
)
_QA_CLOUD = {"cloud_bits": (1, 2, 3, 4), "classes": "qa_pixel"}


_USGS_KINDS = (
    ({"platform": "LANDSAT_8"}, ("lwir",)),
    ({"platform": "LANDSAT_7"}, ("lwir11", "coastal")),
)


def _landsat(provider, collection, store, epsg, corner, **more):
    return Product(
        provider,
        collection,
        "landsat",
        store,
        epsg,
        corner,
        30,
        _SR_ASSETS | _ST_ASSETS,
        _SR_BANDS | _THERMAL,
        ids=_LANDSAT_IDS,
        **{**_QA_CLOUD, "variants": _LANDSAT_KINDS, **more},
    )


# --- Harmonized Landsat Sentinel-2
_HLS = Pixels("int16", -9999, 30, scale=1e-4, lowest=300)
_FMASK = Pixels("uint8", 255, 30, "bits", values=(0, 2, 4, 8, 16, 32, 64, 192))
_L30 = {
    "coastal-aerosol": ("B01", (430, 450)),
    "blue": ("B02", (450, 510)),
    "green": ("B03", (530, 590)),
    "red": ("B04", (640, 670)),
    "nir": ("B05", (850, 880)),
    "swir1": ("B06", (1570, 1650)),
    "swir2": ("B07", (2110, 2290)),
    "cirrus": ("B09", (1360, 1380)),
}
_S30 = {band: (row[0], row[3]) for band, row in S2.items()} | {"cirrus": ("B10", (1360, 1390))}
_ANGLES = dict.fromkeys(("SAA", "SZA", "VAA", "VZA"), Pixels("uint16", 40000, 30, scale=0.01))


def _hls(provider, collection, style, store, rows, ids, corner, epsg):
    assets = {key: _HLS for key, _ in rows.values()} | {"Fmask": _FMASK} | _ANGLES
    bands = {band: Band(key, wavelength=waves, unit="reflectance") for band, (key, waves) in rows.items()}
    if rows is _L30:
        celsius = Pixels("int16", -9999, 30, scale=0.01, lowest=300)
        assets |= {"B10": celsius, "B11": celsius}
        bands["thermal"] = Band("B10", wavelength=(10600, 11190))
    return Product(
        provider,
        collection,
        style,
        store,
        epsg,
        corner,
        30,
        assets,
        bands | {"fmask": Band("Fmask", type="class")},
        ids=ids,
        cloud_bits=(1, 2, 3),
        classes="fmask",
    )


# --- Digital Earth Australia
_ARD = Pixels("int16", -999, 30, scale=1e-4, lowest=300)
_DEA_BANDS = {
    "coastal-aerosol": ("coastal_aerosol", (430, 450)),
    "blue": ("blue", (450, 510)),
    "green": ("green", (530, 590)),
    "red": ("red", (640, 670)),
    "nir": ("nir", (850, 880)),
    "swir1": ("swir_1", (1570, 1650)),
    "swir2": ("swir_2", (2110, 2290)),
    "panchromatic": ("panchromatic", (500, 680)),
}
_DEA_ASSETS = {f"nbart_{key}": _ARD for key, _ in _DEA_BANDS.values()}
_DEA_ASSETS["nbart_panchromatic"] = replace(_ARD, resolution=15)
_DEA_ASSETS["oa_fmask"] = Pixels("uint8", 0, 30, "class", values=(0, 1, 2, 3, 4, 5))

_NAIP = Pixels("uint8", None, 0.6, count=4, lowest=16)
_NAIP_BANDS = {name: Band("image", index) for index, name in enumerate(("red", "green", "blue", "nir"))}
_DEM = Pixels("float32", None, 1 / 3600)
_PC = "blob.core.windows.net"

PRODUCTS = (
    _s2_product(
        "earth-search",
        "sentinel-2-c1-l2a",
        "earth-search",
        "https://e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com/sentinel-2-c1-l2a",
        32613,
        (399960, 4500000),
        _by_color,
        "scl",
        _C1_EXTRA,
        ids=("esa:sentinel-2:l2a:c1:v1", "esa:sentinel-2:l2a:v1"),
        properties={"platform": "sentinel-2a", "s2:processing_baseline": "05.10"},
    ),
    _s2_product(
        "earth-search",
        "sentinel-2-l2a",
        "earth-search",
        "https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs",
        32613,
        (399960, 4500000),
        _by_color,
        "scl",
        _EARTH,
        variants=(
            ({"s2:processing_baseline": "05.09", "earthsearch:boa_offset_applied": True}, ()),
            ({"s2:processing_baseline": "02.14", "earthsearch:boa_offset_applied": False}, ()),
        ),
    ),
    _landsat("earth-search", "landsat-c2-l2", "s3://usgs-landsat/collection02", 32613, (449085, 4581915)),
    Product(
        "earth-search",
        "naip",
        "bands",
        "s3://naip-analytic/mt",
        26911,
        (568284, 5435088),
        0.6,
        {"image": _NAIP},
        _NAIP_BANDS,
        ids=("usda:naip:v1",),
    ),
    Product(
        "earth-search",
        "cop-dem-glo-30",
        "raster",
        "s3://copernicus-dem-30m",
        4326,
        (8.0, 47.0),
        1 / 3600,
        {"data": _DEM},
        {"height": Band("data", type="generic", unit="meters")},
        ids=("copernicus:dem:glo30",),
    ),
    _s2_product(
        "planetary-computer",
        "sentinel-2-l2a",
        "eo",
        f"https://sentinel2l2a01.{_PC}/sentinel2-l2",
        32613,
        (399960, 4500000),
        _by_file,
        "SCL",
        {"AOT": Pixels("uint16", 0, 10), "WVP": Pixels("uint16", 0, 10), "visual": _RGB},
        ids=("esa:sentinel-2:l2a:v1",),
        properties={"platform": "Sentinel-2B"},
        variants=(
            ({"s2:processing_baseline": "05.11"}, ()),
            ({"s2:processing_baseline": "02.12", "datetime": "2019-06-01T10:20:30.123000Z"}, ()),
        ),
    ),
    _landsat(
        "planetary-computer",
        "landsat-c2-l2",
        f"https://landsateuwest.{_PC}/landsat-c2",
        32610,
        (353685, 5374215),
    ),
    Product(
        "planetary-computer",
        "naip",
        "bands",
        f"https://naipeuwest.{_PC}/naip",
        32616,
        (600000, 3430000),
        0.6,
        {"image": _NAIP},
        _NAIP_BANDS,
        ids=("usda:naip:v1",),
    ),
    _hls(
        "planetary-computer",
        "hls2-s30",
        "eo-30",
        f"https://hls2euwest.{_PC}/hls2",
        _S30,
        ("nasa:hls:s30",),
        (399960, 4500000),
        32613,
    ),
    _hls(
        "planetary-computer",
        "hls2-l30",
        "eo-30",
        f"https://hls2euwest.{_PC}/hls2",
        _L30,
        ("nasa:hls:l30",),
        (399960, 4500000),
        32613,
    ),
    Product(
        "planetary-computer",
        "usda-cdl",
        "raster",
        f"https://landcoverdata.{_PC}/usda-cdl",
        5070,
        (-106095, 1807575),
        30,
        {"cropland": Pixels("uint8", 0, 30, "class", values=(1, 5, 24, 61, 111, 176))},
        {"class": Band("cropland", type="class")},
        ids=("usda:cdl:v1",),
        properties={"usda_cdl:type": "cropland"},
    ),
    Product(
        "planetary-computer",
        "cop-dem-glo-30",
        "raster",
        f"https://elevationeuwest.{_PC}/copernicus-dem",
        4326,
        (8.0, 47.0),
        1 / 3600,
        {"data": _DEM},
        {"height": Band("data", type="generic", unit="meters")},
        ids=("copernicus:dem:glo30",),
    ),
    Product(
        "usgs",
        "landsat-c2l2-sr",
        "usgs",
        "https://landsatlook.usgs.gov/data",
        32615,
        (173085, 4904715),
        30,
        _SR_ASSETS,
        _SR_BANDS,
        ids=_LANDSAT_IDS,
        variants=_USGS_KINDS,
        **_QA_CLOUD,
    ),
    Product(
        "usgs",
        "landsat-c2l2-st",
        "usgs",
        "https://landsatlook.usgs.gov/data",
        32615,
        (173085, 4904715),
        30,
        {"lwir11": _ST, "lwir": _ST, "qa_pixel": _QA, "qa_radsat": Pixels("uint16", None, 30)}
        | dict.fromkeys(("ATRAN", "CDIST", "DRAD", "URAD", "TRAD", "EMIS", "EMSD", "QA"), _INT16),
        _THERMAL | {"qa_pixel": Band("qa_pixel", type="class")},
        variants=_USGS_KINDS,
        **_QA_CLOUD,
    ),
    _s2_product(
        "cdse",
        "sentinel-2-l2a",
        "cdse",
        "s3://eodata/Sentinel-2",
        32655,
        (600000, 7600020),
        _by_resolution,
        "SCL_20m",
        _CDSE_EXTRA,
        ids=("esa:sentinel-2:l2a:v1",),
        extension="jp2",
        properties={"processing:version": "05.12", "platform": "sentinel-2c"},
    ),
    _hls(
        "lpcloud",
        "HLSL30_2.0",
        "bare",
        "https://data.lpdaac.earthdatacloud.nasa.gov/lp-prod-protected",
        _L30,
        ("nasa:hls:l30",),
        # A southern scene in a northern zone, as all of HLS.
        (399960, -4900020),
        32601,
    ),
    _hls(
        "lpcloud",
        "HLSS30_2.0",
        "bare",
        "https://data.lpdaac.earthdatacloud.nasa.gov/lp-prod-protected",
        _S30,
        ("nasa:hls:s30",),
        (399960, 4500000),
        32613,
    ),
    Product(
        "dea",
        "ga_ls8c_ard_3",
        "odc",
        "https://dea-public-data-dev.s3-ap-southeast-2.amazonaws.com/analysis-ready-data",
        32656,
        (526785, -3077085),
        15,
        _DEA_ASSETS,
        {
            band: Band(f"nbart_{key}", wavelength=waves, unit="reflectance")
            for band, (key, waves) in _DEA_BANDS.items()
        }
        | {"fmask": Band("oa_fmask", type="class")},
        properties={"platform": "landsat-8", "odc:product": "ga_ls8c_ard_3"},
        cloud_values=(2, 3),
        classes="fmask",
    ),
    _s2_product(
        "deafrica",
        "s2_l2a_c1",
        "earth-search",
        "s3://deafrica-sentinel-2-l2a-c1-dev/sentinel-2-c1-l2a",
        32737,
        (699960, 9400000),
        _by_color,
        "scl",
        _C1_EXTRA,
        ids=("esa:sentinel-2:l2a:c1:v1",),
        properties={"platform": "sentinel-2b", "s2:processing_baseline": "05.10"},
    ),
    Product(
        "swisstopo",
        "ch.swisstopo.pixelkarte-farbe-pk200.noscale",
        "swisstopo",
        "https://data.geo.admin.ch/ch.swisstopo.pixelkarte-farbe-pk200.noscale",
        2056,
        (2600000, 1200000),
        10,
        {
            "smr200-200-1-2016-2056-kgrs-10.tiff": Pixels("uint8", None, 10, lowest=16),
            "smr200-200-1-2016-2056-komb-10.tiff": Pixels("uint8", None, 10, count=3, lowest=16),
            "smr200-200-1-2016-2056-krel-20.tiff": Pixels("uint8", None, 20, count=3, lowest=16),
        },
        {},
        extension="tiff",
    ),
)


def products_of(provider):
    """Return the products of a provider by the ids of their collections."""
    return {one.collection: one for one in PRODUCTS if one.provider == provider}
