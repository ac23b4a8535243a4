"""Colors of bands: swatches that show what a band is, and bars that show its ranges."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from landbridge.notebook.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["range_bar", "swatch"]

_WIDTH, _HEIGHT = 36, 12
_MOST_CLASSES = 12

# Color of a wavelength in nm: colors between two entries are mixed.
_SPECTRUM = (
    (380, (104, 40, 160)), (440, (66, 80, 220)), (490, (40, 140, 230)), (530, (50, 175, 75)),
    (560, (110, 190, 60)), (590, (230, 200, 50)), (620, (240, 130, 40)), (660, (220, 50, 45)),
    (750, (140, 20, 30)), (900, (120, 40, 80)), (1400, (120, 70, 60)), (2500, (96, 72, 48)),
)  # fmt: skip
_THERMAL = ((40, 20, 90), (190, 50, 90), (250, 160, 60), (252, 250, 190))
_THERMAL_FROM = 3_000  # nm
# Names of bands without a wavelength, with the wavelength of their color.
_NAMES = {
    "coastal": 440, "aerosol": 440, "blue": 485, "green": 545, "yellow": 590, "red": 660,
    "nir": 860, "rededge": 720, "swir": 1_600, "swir1": 1_600, "swir2": 2_200,
    "tir": 10_000, "thermal": 10_000, "lwir": 10_000,
}  # fmt: skip
_COLORMAPS = {
    "magma": ((0, 0, 4), (114, 31, 129), (241, 96, 93), (252, 253, 191)),
    "inferno": ((0, 0, 4), (120, 28, 109), (237, 105, 37), (252, 255, 164)),
    "plasma": ((13, 8, 135), (156, 23, 158), (237, 121, 83), (240, 249, 33)),
    "viridis": ((68, 1, 84), (49, 104, 142), (53, 183, 121), (253, 231, 37)),
    "cool": ((0, 255, 255), (255, 0, 255)),
    "hot": ((11, 0, 0), (255, 0, 0), (255, 255, 0), (255, 255, 255)),
    "coolwarm": ((59, 76, 192), (221, 221, 221), (180, 4, 38)),
    "bwr": ((0, 0, 255), (255, 255, 255), (255, 0, 0)),
    "gist_earth": ((0, 0, 0), (48, 120, 120), (90, 150, 70), (190, 170, 110), (253, 250, 250)),
    "terrain": ((51, 51, 153), (0, 180, 210), (90, 220, 110), (254, 250, 150), (128, 92, 84), (255,) * 3),
}  # fmt: skip
_GRAYS = ((20, 20, 20), (235, 235, 235))
_RADAR = ((10, 40, 60), (90, 200, 200))


def swatch(band: Any) -> Html:
    """Return a small picture of a band's colors."""
    colors = _colors(band)
    width = _WIDTH / len(colors)
    cells = [
        tag(
            "rect",
            x=round(index * width, 2),
            width=round(width + 0.3, 2),  # without gaps between cells
            height=_HEIGHT,
            fill="#" + "".join(f"{part:02x}" for part in color),
        )
        for index, color in enumerate(colors)
    ]
    picture = tag("svg", *cells, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", width=_WIDTH, height=_HEIGHT)
    return tag("span", picture, class_="lb-swatch")


def _colors(band: Any) -> Sequence[tuple[int, ...]]:
    kind = str(band.type)
    if kind == "mask":
        return (_GRAYS[0], _GRAYS[1])
    if kind == "spectral":
        return _spectral(band)
    if kind == "microwave":
        return _gradient(_RADAR)
    own = _own_colors(getattr(band, "colormap", None))
    if own:
        return own
    named = _COLORMAPS.get(str(getattr(band, "colormap_name", None)))
    return _gradient(named or _GRAYS)


def _spectral(band: Any) -> Sequence[tuple[int, ...]]:
    edges = [_number(getattr(band, f"wavelength_nm_{name}")) for name in ("min", "center", "max")]
    known = [each for each in edges if each is not None]
    if not known:
        words = re.findall(r"[a-z]+\d?", str(band.name or "")[:100].lower())
        known = [float(_NAMES[word]) for word in words if word in _NAMES]
    if not known:
        return _gradient(_GRAYS)
    middle = edges[1] if edges[1] is not None else sum(known) / len(known)
    if middle >= _THERMAL_FROM:
        return _gradient(_THERMAL)
    low, high = edges[0], edges[2]
    if low is None or high is None or not 0 < high - low < 1_000:
        return [_of_wavelength(middle)]
    return [_of_wavelength(low + (high - low) * step / 5) for step in range(6)]


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _of_wavelength(wavelength: float) -> tuple[int, ...]:
    if wavelength <= _SPECTRUM[0][0]:
        return _SPECTRUM[0][1]
    for (low, first), (high, second) in pairwise(_SPECTRUM):
        if wavelength <= high:
            return _mixed(first, second, (wavelength - low) / (high - low))
    return _SPECTRUM[-1][1]


def _mixed(first: Sequence[int], second: Sequence[int], part: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * part) for a, b in zip(first, second, strict=True))


def _gradient(colors: Sequence[Sequence[int]]) -> Sequence[tuple[int, ...]]:
    steps, last = 12, len(colors) - 1
    found = []
    for step in range(steps):
        place = step / (steps - 1) * last
        index = min(int(place), last - 1)
        found.append(_mixed(colors[index], colors[index + 1], place - index))
    return found


def _own_colors(colormap: Any) -> Sequence[tuple[int, ...]]:
    """Return evenly chosen colors of a band's own colormap; none if an entry is not a color."""
    if not isinstance(colormap, (list, tuple)) or not colormap:
        return ()
    count = min(len(colormap), _MOST_CLASSES)
    found = []
    for index in range(count):
        entry = colormap[index * len(colormap) // count]
        numbers = [_number(part) for part in entry[:3]] if isinstance(entry, (list, tuple)) else []
        if len(numbers) != 3 or None in numbers:
            return ()
        found.append(tuple(min(255, max(0, int(number or 0))) for number in numbers))
    return found


def range_bar(outer: Any, inner: Any) -> Html | None:
    """Return a bar of the display range within the data range; None if one of them is not set."""
    numbers = [_number(each) for pair in (outer, inner) for each in (pair or ())]
    if len(numbers) != 4 or None in numbers:
        return None
    low, high, first, last = (float(number or 0) for number in numbers)
    if not high > low:
        return None
    start, stop = (min(1.0, max(0.0, (each - low) / (high - low))) for each in (first, last))
    width = 64
    return tag(
        "svg",
        tag("rect", y=3, width=width, height=4, rx=2, class_="lb-track"),
        tag(
            "rect",
            x=round(start * width, 1),
            y=2,
            width=max(2, round((stop - start) * width, 1)),
            height=6,
            rx=2,
            class_="lb-bar",
        ),
        viewBox=f"0 0 {width} 10",
        width=width,
        height=10,
        role="img",
        aria_label="display range within the data range",
    )
