"""Landsat-like scenes of an artificial landscape, for the demo, the tests and the benchmarks.

The landscape is a function of position, so scenes of one place agree wherever they overlap, whatever their
size, date or UTM zone. On the ground lie mountains, lakes, forest and fields; a season changes their colors.
A scene sees them as Landsat does: north-up in its UTM zone, its footprint rotated inside a fringe of nodata,
under clouds that throw shadows. Everything follows from the scene's description and its seed.

>>> scenes = plan(count=6, size=1600)
>>> path = write(scenes[0], "folder")
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject, transform
from rasterio.windows import Window

from noise import fractal, hashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Float = NDArray[np.float32]

BANDS = ("blue", "green", "red", "nir")
"""Color bands of a scene: uint16 reflectance times 10,000, 0 for no data."""

ALPHA = "alpha"
"""Band after the color bands: uint16, 1 if the ground is visible, 0 in the fringe and under cloud."""

NODATA = 0
PIXEL = 30.0
"""Pixel size in meters."""

# Two neighboring UTM zones and a place on their common edge (easting of the western one, northing).
_WEST, _EAST = 32612, 32613
_PLACE = (759_000.0, 4_310_000.0)

# Centers of the three footprints as fractions of a scene's width and height from the place (right, down):
# two rows of one path in the western zone, and the next path to the east, whose scenes come in its own zone.
_FOOTPRINTS = (
    ("035033", _WEST, -0.22, -0.25),
    ("035034", _WEST, -0.35, 0.26),
    ("034033", _EAST, 0.30, -0.19),
)

# One cycle: both rows of the western path on one pass, the eastern path on another one a quarter later.
_CYCLE = ((0, 0), (0, 1), (1, 2))
_CLOUDS = (0.14, 0.09, 0.64, 0.05, 0.11, 0.13, 0.28, 0.41, 0.03, 0.22, 0.11, 0.35)

# Corners of the footprint as fractions of width and height, clockwise from the upper left.
CORNERS = ((0.21, 0.0), (1.0, 0.16), (0.79, 1.0), (0.0, 0.84))

_STRIP = 512  # rows rendered at a time: bounds the memory of a full-size scene
_MARGIN = 4  # pixels around a reprojected strip: reach of the bilinear kernel
_SHADOW = 14  # pixels from a cloud to its shadow, down and right
_EDGE = 0.9  # thickness from where a cloud begins to where it hides everything
_CLOUDY = 0.05  # a pixel counts as cloud when this much of its ground is hidden


@dataclass(frozen=True, slots=True)
class Scene:
    """Content, location and time of one scene; `render` computes its pixels."""

    name: str
    acquired: datetime
    epsg: int
    left: float
    """Easting of the left edge in meters."""
    top: float
    """Northing of the top edge in meters."""
    width: int
    height: int
    cloud_fraction: float
    """Cloudy part of the footprint, 0 to 1."""
    seed: int

    @property
    def transform(self) -> Affine:
        return Affine(PIXEL, 0.0, self.left, 0.0, -PIXEL, self.top)

    @property
    def profile(self) -> dict[str, Any]:
        """Creation options of the scene's GeoTIFF, without `count` and `nodata`."""
        return {
            "driver": "GTiff",
            "width": self.width,
            "height": self.height,
            "dtype": "uint16",
            "crs": f"EPSG:{self.epsg}",
            "transform": self.transform,
            "tiled": True,
            "blockxsize": 512,
            "blockysize": 512,
            "compress": "deflate",
            "predictor": 2,
            "zlevel": 1,
        }


def plan(count: int = 6, size: int = 1600, *, year: int = 2020, seed: int = 7) -> tuple[Scene, ...]:
    """Describe `count` scenes of `size` by `size` pixels, spread over the twelve months of `year`."""
    passes = 2 * -(-count // len(_CYCLE))
    rng = np.random.default_rng(seed)
    scenes = []
    for i in range(count):
        cycle, place = divmod(i, len(_CYCLE))
        nth, footprint = _CYCLE[place]
        name, epsg, right, down = _FOOTPRINTS[footprint]
        month = 1 + (2 * cycle + nth) * 12 // passes
        moment = datetime(year, month, 4 + 3 * (cycle % 8), 17, 40, tzinfo=UTC) + timedelta(
            seconds=24 * footprint
        )
        jitter = rng.integers(-size // 80, size // 80 + 1, 2)
        x = _PLACE[0] + (right * size + jitter[0]) * PIXEL
        y = _PLACE[1] - (down * size + jitter[1]) * PIXEL
        if epsg != _WEST:
            (x,), (y,) = transform(f"EPSG:{_WEST}", f"EPSG:{epsg}", [x], [y])
        scenes.append(
            Scene(
                name=f"SIM8_{name}_{moment:%Y%m%d}",
                acquired=moment,
                epsg=epsg,
                left=_snap(x - size * PIXEL / 2),
                top=_snap(y + size * PIXEL / 2),
                width=size,
                height=size,
                cloud_fraction=_CLOUDS[i % len(_CLOUDS)],
                seed=seed * 1000 + i,
            )
        )
    return tuple(scenes)


def render(scene: Scene) -> NDArray[np.uint16]:
    """Return all pixels of a scene: (band, y, x), `BANDS` then `ALPHA`."""
    return np.concatenate([pixels for _, pixels in strips(scene)], axis=1)


def strips(scene: Scene, rows: int = _STRIP) -> Iterator[tuple[Window, NDArray[np.uint16]]]:
    """Yield the scene from top to bottom, `rows` at a time, as (window, pixels as of `render`)."""
    landscape = _Landscape(scene)
    for top in range(0, scene.height, rows):
        height = min(rows, scene.height - top)
        yield Window(0, top, scene.width, height), landscape.strip(top, height)


def write(
    scene: Scene, folder: str | Path, *, alpha: bool = True, split: bool = False, nodata: int | None = NODATA
) -> list[Path]:
    """Write a scene as GeoTIFF and return the paths of its files; existing files are kept.

    Parameters
    ----------
    alpha
        Whether the alpha band follows the color bands.
    split
        One file per band, named `{scene}_{band}.tif`, instead of one `{scene}.tif`.
    nodata
        The nodata tag; None leaves it out, as Landsat level 1 does.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = (*BANDS, ALPHA) if alpha else BANDS
    if split:
        paths = [folder / f"{scene.name}_{name}.tif" for name in names]
    else:
        paths = [folder / f"{scene.name}.tif"]
    if all(path.exists() for path in paths):
        return paths
    count = 1 if split else len(names)
    # Written under another name and renamed, so that an interrupted run leaves no incomplete file.
    parts = [path.with_suffix(".part") for path in paths]
    files = [rasterio.open(part, "w", count=count, nodata=nodata, **scene.profile) for part in parts]
    try:
        for window, pixels in strips(scene):
            for i, file in enumerate(files):
                file.write(pixels[i : i + 1] if split else pixels[:count], window=window)
    finally:
        for file in files:
            file.close()
    for part, path in zip(parts, paths, strict=True):
        part.replace(path)
    return paths


def _snap(coordinate: float) -> float:
    """Align an edge with the grid of Landsat scenes: odd multiples of half a pixel."""
    return round(coordinate / PIXEL) * PIXEL + PIXEL / 2


# --- the ground

# Reflectance per band of every cover, in summer and in winter.
_COVERS = {
    "water": ((0.055, 0.060, 0.038, 0.012), (0.050, 0.052, 0.036, 0.014)),
    "forest": ((0.022, 0.042, 0.026, 0.260), (0.034, 0.046, 0.042, 0.170)),
    "grass": ((0.048, 0.084, 0.062, 0.330), (0.080, 0.105, 0.122, 0.230)),
    "crop": ((0.034, 0.076, 0.038, 0.450), (0.088, 0.115, 0.142, 0.220)),
    "soil": ((0.078, 0.108, 0.140, 0.220), (0.080, 0.108, 0.134, 0.205)),
    "rock": ((0.118, 0.132, 0.146, 0.185), (0.125, 0.138, 0.150, 0.190)),
    "snow": ((0.640, 0.635, 0.620, 0.540), (0.720, 0.715, 0.700, 0.600)),
}
_WATER_LEVEL = -1.05
_LIGHT = (0.78, 0.62)  # (right, down) away from the light, which comes from the upper left as on shaded maps


def _ramp(values: Float, low: float, high: float) -> Float:
    """Return a smooth step from 0 at `low` to 1 at `high`."""
    t: Float = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    t *= t * (3 - 2 * t)
    return t


def _fields(rows: range, columns: range) -> tuple[Float, Float]:
    """Return a patchwork of fields: (a number for each field, 1 inside and less at its border)."""
    x, y = np.array(columns, np.float32), np.array(rows, np.float32)[:, None]
    u = (np.float32(0.985) * x - np.float32(0.174) * y) / np.float32(44)
    v = (np.float32(0.174) * x + np.float32(0.985) * y) / np.float32(36)
    column, row = np.floor(u), np.floor(v)
    u -= column
    v -= row
    # A block of land is one field, or cut in 2 to 4 along one side or both.
    block = hashed(column.astype(np.int32), row.astype(np.int32), 91)
    along, across = 1 + np.floor(block * 4 % 1 * 3), 1 + np.floor(block * 16 % 1 * 2.6)
    u *= along
    v *= across
    part = np.floor(u) + 4 * np.floor(v)
    u -= np.floor(u)
    v -= np.floor(v)
    border = np.minimum(np.minimum(u, 1 - u) * 44 / along, np.minimum(v, 1 - v) * 36 / across)
    number = hashed((block * 2**20).astype(np.int32), part.astype(np.int32), 92)
    return number, np.clip(np.float32(0.45) + border * np.float32(0.4), 0, 1)


def _ground(rows: range, columns: range, summer: float, year: int) -> Float:
    """Return the reflectance of the ground: (band, y, x) at pixels of the western zone's grid."""
    height = fractal(rows, columns, (760, 330, 150, 64, 28, 13), seed=11)
    mountain = _ramp(height, -0.15, 0.75)
    ridges = fractal(rows, columns, (300, 140, 66, 31, 15, 7), seed=31, gain=0.55, ridged=True)
    height += np.float32(1.1) * mountain * ridges
    wet = fractal(rows, columns, (380, 150, 60, 22, 8), seed=51)

    down, right = np.gradient(height)
    relief = np.float32(14) * (np.float32(0.1) + mountain)
    shade = np.clip(1 + relief * (_LIGHT[0] * right + _LIGHT[1] * down), 0.3, 1.7)

    plot, inside = _fields(rows, columns)
    # The crop of a field changes every year and fades with the season.
    sown = hashed((plot * 2**20).astype(np.int64), np.full(plot.shape, year), 17)
    green = np.clip(np.float32(1.25 * summer) - np.float32(0.7) * sown, 0, 1)

    flat = 1 - _ramp(height, -0.25, 0.1)
    farmed = flat * inside * _ramp(fractal(rows, columns, (240, 90), seed=81), -0.45, 0.0)
    water = 1 - _ramp(height, _WATER_LEVEL - 0.02, _WATER_LEVEL + 0.02)
    snow_line = 0.85 + 1.2 * summer
    cover = {
        "grass": np.ones_like(height),
        "soil": np.maximum(
            np.float32(0.7) * (1 - _ramp(wet, -0.9, 0.3)), farmed * (1 - green) * (plot > 0.25)
        ),
        "crop": farmed * green,
        "forest": _ramp(wet + np.float32(0.45) * mountain, 0.15, 0.45) * (1 - np.float32(0.95) * farmed),
        "rock": _ramp(height + np.float32(0.3) * wet, 1.15, 1.6),
        "snow": _ramp(height + np.float32(0.15) * wet, snow_line, snow_line + 0.35),
        "water": water,
    }

    shade *= 1 + np.float32(0.07) * fractal(rows, columns, (9, 5), seed=71, gain=0.8)
    shade += (1 - shade) * water
    ground: Float = np.zeros((len(BANDS), *height.shape), np.float32)
    for name, amount in cover.items():  # later covers lie over earlier ones
        warm, cold = _COVERS[name]
        colors = (summer * np.array(warm) + (1 - summer) * np.array(cold)).astype(np.float32)
        ground += (colors[:, None, None] - ground) * amount
    ground *= shade
    return ground


class _Landscape:
    """The landscape of one scene, in strips."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        day = scene.acquired.timetuple().tm_yday
        self.summer = float(0.6 - 0.4 * np.cos(2 * np.pi * (day - 25) / 365))
        self.threshold = self._cloud_threshold()

    def strip(self, top: int, height: int) -> NDArray[np.uint16]:
        scene = self.scene
        ground = self._ground(top, height)
        # The light comes from the upper left.
        thickness = self._thickness(range(top - _SHADOW, top + height), range(-_SHADOW, scene.width))
        clouds = _ramp(thickness, self.threshold, self.threshold + _EDGE)
        cloud, shadow = clouds[_SHADOW:, _SHADOW:], clouds[:-_SHADOW, :-_SHADOW]
        ground *= 1 - np.float32(0.5) * shadow * (1 - cloud)
        white = np.array((0.70, 0.69, 0.68, 0.66), np.float32)[:, None, None]
        ground += (white * (np.float32(0.35) + np.float32(0.65) * cloud) - ground) * cloud
        haze = np.array((0.030, 0.018, 0.010, 0.004), np.float32)[:, None, None]
        ground += haze

        rng = np.random.default_rng((scene.seed, top))
        ground *= 1 + np.float32(0.012) * rng.standard_normal(ground.shape, np.float32)

        inside = self._footprint(range(top, top + height), range(scene.width))
        pixels = np.empty((len(BANDS) + 1, height, scene.width), np.uint16)
        pixels[:-1] = np.clip(ground * 10_000, 1, 10_000) * inside
        pixels[-1] = inside & (cloud < np.float32(_CLOUDY))
        return pixels

    def _ground(self, top: int, height: int) -> Float:
        """Return the ground under rows of the scene, from the western zone's grid."""
        scene = self.scene
        summer, year = self.summer, scene.acquired.year
        if scene.epsg == _WEST:
            row = round((_PLACE[1] - scene.top) / PIXEL) + top
            column = round((scene.left - _PLACE[0]) / PIXEL)
            rows, columns = range(row, row + height), range(column, column + scene.width)
            return _ground(rows, columns, summer, year)
        here = Affine(PIXEL, 0, scene.left, 0, -PIXEL, scene.top - top * PIXEL)
        edge = np.linspace(0, PIXEL, 9)
        far = np.full(9, PIXEL)
        east, north = transform(
            f"EPSG:{scene.epsg}",
            f"EPSG:{_WEST}",
            (here.c + np.concatenate([edge, edge, 0 * far, far]) * scene.width).tolist(),
            (here.f - np.concatenate([0 * far, far, edge, edge]) * height).tolist(),
        )
        x = (np.array([min(east), max(east)]) - _PLACE[0]) // PIXEL
        y = (_PLACE[1] - np.array([max(north), min(north)])) // PIXEL
        columns = range(int(x[0]) - _MARGIN, int(x[1]) + _MARGIN)
        rows = range(int(y[0]) - _MARGIN, int(y[1]) + _MARGIN)
        source = _ground(rows, columns, summer, year)
        left, top_edge = _PLACE[0] + columns.start * PIXEL, _PLACE[1] - rows.start * PIXEL
        target = np.empty((len(BANDS), height, scene.width), np.float32)
        reproject(
            source,
            target,
            src_transform=Affine(PIXEL, 0, left, 0, -PIXEL, top_edge),
            src_crs=f"EPSG:{_WEST}",
            dst_transform=here,
            dst_crs=f"EPSG:{scene.epsg}",
            resampling=Resampling.bilinear,
        )
        return target

    def _thickness(self, rows: range, columns: range, spacing: int = 1) -> Float:
        """Return the thickness of clouds over pixels of the scene, before the threshold."""
        steps = (230, 115, 58, 29, 14, 7)
        seed = self.scene.seed * 16 + 5
        return fractal(rows, columns, steps, seed=seed, gain=0.6, spacing=spacing)

    def _footprint(self, rows: range, columns: range) -> NDArray[np.bool_]:
        """Return a mask of the pixels inside the rotated footprint."""
        x = (np.array(columns) + 0.5) / self.scene.width
        y = (np.array(rows)[:, None] + 0.5) / self.scene.height
        inside = np.ones((len(rows), len(columns)), np.bool_)
        for (x0, y0), (x1, y1) in zip(CORNERS, CORNERS[1:] + CORNERS[:1], strict=True):
            inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
        return inside

    def _cloud_threshold(self) -> float:
        """Return the threshold of thickness that makes `cloud_fraction` of the footprint cloudy."""
        spacing = 2
        rows, columns = range(0, self.scene.height, spacing), range(0, self.scene.width, spacing)
        thickness = self._thickness(range(self.scene.height), range(self.scene.width), spacing)
        begin = _EDGE * 0.1354  # where the ramp reaches `_CLOUDY`
        seen = thickness[self._footprint(rows, columns)]
        return float(np.quantile(seen, 1 - self.scene.cloud_fraction)) - begin
