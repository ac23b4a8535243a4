"""Map sketches: footprints in longitude and latitude on a grid, and their place in the world."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from landbridge.notebook.footprints import drawable, simplified
from landbridge.notebook.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

__all__ = ["evenly_chosen", "map_sketch"]

_WIDTH, _HEIGHT = 270, 180
_WORLD = 110  # width of the map of the world
_MARGIN = 0.16  # around the footprints, as a fraction of their size
_SMALLEST = 2e-4  # degrees: a point is drawn with about 20 m around it
_WIDE = 15  # degrees from which the coasts are drawn, which have a resolution of one degree
_STEPS = (1, 2, 5)
_WIDE_STEPS = (10, 15, 30, 45, 90)
_GRID_LINES = 4
_KM_PER_DEGREE = 111.32
_MOST_SHAPES = 100


@dataclass(frozen=True, slots=True)
class _View:
    """Rectangle in degrees that is drawn, with the number of pixels per degree of each axis."""

    west: float
    north: float
    x_scale: float
    y_scale: float

    def x(self, longitude: float) -> float:
        return round((longitude - self.west) * self.x_scale, 1)

    def y(self, latitude: float) -> float:
        return round((self.north - latitude) * self.y_scale, 1)

    @property
    def width(self) -> float:
        return _WIDTH / self.x_scale

    @property
    def height(self) -> float:
        return _HEIGHT / self.y_scale


def evenly_chosen(items: Sequence[Any]) -> Sequence[Any]:
    """Return up to 100 items, evenly chosen, whose footprints a map shows."""
    count = len(items)
    if count <= _MOST_SHAPES:
        return items
    return [items[index * count // _MOST_SHAPES] for index in range(_MOST_SHAPES)]


def map_sketch(geometries: Sequence[Any], count: int = 0) -> Html:
    """Return a map of geometries, an empty text if none can be drawn.

    If there are more than that, `count` in all, it says so.
    """
    shapes = drawable(geometries)
    if not shapes:
        return Html()
    view = _view_of(shapes)
    wide = view.width > _WIDE
    opacity = round(max(0.06, 0.3 / math.sqrt(len(shapes))), 3)
    drawing = [
        tag("rect", width=_WIDTH, height=_HEIGHT, class_="lb-sea"),
        _coasts(view) if wide else None,
        _grid(view),
        tag("g", *(_outline(shape, view) for shape in shapes), class_="lb-shape", fill_opacity=opacity),
        _scale_bar(view),
    ]
    sketch = tag(
        "svg",
        *drawing,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
        aria_label=f"Map of {len(shapes)} footprint{'' if len(shapes) == 1 else 's'}",
    )
    parts = [sketch]
    if not wide:
        parts.append(_world(view))
    if count > len(geometries):
        note = f"{len(shapes):,} of {count:,} footprints, evenly chosen"
        parts.append(tag("div", note, class_="lb-note"))
    return tag("div", *parts, class_="lb-map")


def _view_of(shapes: Sequence[BaseGeometry]) -> _View:
    """Return the view of all shapes, with a margin, in which both axes have the same scale in the middle."""
    bounds = [shape.bounds for shape in shapes]
    west, south = min(each[0] for each in bounds), min(each[1] for each in bounds)
    east, north = max(each[2] for each in bounds), max(each[3] for each in bounds)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    shrink = max(0.15, math.cos(math.radians(min(abs(middle_y), 90))))
    width = max(east - west, _SMALLEST) * (1 + 2 * _MARGIN) * shrink
    height = max(north - south, _SMALLEST) * (1 + 2 * _MARGIN)
    scale = min(_WIDTH / width, _HEIGHT / height)
    return _View(
        middle_x - _WIDTH / scale / shrink / 2, middle_y + _HEIGHT / scale / 2, scale * shrink, scale
    )


def _outline(shape: BaseGeometry, view: _View) -> Html:
    path = "".join(_path(part, view) for part in simplified(shape, 0.4 / view.y_scale))
    return tag("path", d=path, fill_rule="evenodd")


def _path(part: Any, view: _View) -> str:
    """Return the SVG path of a simple geometry; a point is a small circle."""
    kind = part.geom_type
    if kind == "Point":
        x, y = view.x(part.x), view.y(part.y)
        return f"M{x - 3} {y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z"
    if kind != "Polygon":
        return _points(part.coords, view)
    return "".join(f"{_points(ring.coords, view)}z" for ring in (part.exterior, *part.interiors))


def _points(coordinates: Any, view: _View) -> str:
    return "M" + "L".join(f"{view.x(point[0]):g} {view.y(point[1]):g}" for point in coordinates)


def _grid(view: _View) -> Html:
    """Return lines of longitude and latitude with their degrees."""
    step = _nice_step(min(view.width, view.height * 1.5) / _GRID_LINES)
    decimals = max(0, -math.floor(math.log10(step)))
    parts = []
    for longitude in _multiples(step, view.west, view.west + view.width):
        x = view.x(longitude)
        parts.append(tag("path", d=f"M{x:g} 0V{_HEIGHT}", class_="lb-grid"))
        if 16 < x < _WIDTH - 60:  # the scale bar is in the lower right corner
            text = _degrees((longitude + 180) % 360 - 180, "EW", decimals)
            parts.append(tag("text", text, x=x, y=_HEIGHT - 4, text_anchor="middle"))
    for latitude in _multiples(step, max(view.north - view.height, -90), min(view.north, 90)):
        y = view.y(latitude)
        parts.append(tag("path", d=f"M0 {y:g}H{_WIDTH}", class_="lb-grid"))
        if 10 < y < _HEIGHT - 16:
            parts.append(tag("text", _degrees(latitude, "NS", decimals), x=4, y=y - 2))
    return tag("g", *parts)


def _nice_step(wanted: float) -> float:
    """Return the smallest usual step of a grid that is not smaller than the one wanted."""
    if wanted > 5:
        return next((step for step in _WIDE_STEPS if step >= wanted), _WIDE_STEPS[-1])
    power = 10.0 ** math.floor(math.log10(wanted))
    return next((step * power for step in _STEPS if step * power >= wanted), 10 * power)


def _multiples(step: float, low: float, high: float) -> list[float]:
    first = math.ceil(low / step)
    return [number * step for number in range(first, min(math.floor(high / step), first + 20) + 1)]


def _degrees(value: float, letters: str, decimals: int) -> str:
    # The equator, and the two meridians between east and west, have no letter.
    letter = "" if round(abs(value), 9) in (0, 180) else letters[value < 0]
    return f"{abs(value):.{decimals}f}°{letter}"


def _scale_bar(view: _View) -> Html:
    kilometers = _KM_PER_DEGREE / view.y_scale * 52
    power = 10.0 ** math.floor(math.log10(kilometers))
    length = next(step * power for step in (5, 2, 1) if step * power <= kilometers)
    pixels = round(length / _KM_PER_DEGREE * view.y_scale, 1)
    right, y = _WIDTH - 6, _HEIGHT - 6
    text = f"{length:g} km" if length >= 1 else f"{length * 1000:g} m"
    left = round(right - pixels, 1)
    return tag(
        "g",
        tag("path", d=f"M{left} {y - 3}V{y}H{right}V{y - 3}", class_="lb-scale"),
        tag("text", text, x=right - pixels / 2, y=y - 5, text_anchor="middle"),
    )


@cache
def _land() -> str:
    # Natural Earth 1:110m land, public domain, simplified to one degree; y is the latitude times -1.
    return resources.files("landbridge.notebook").joinpath("land_outline.txt").read_text("ascii").strip()


def _coasts(view: _View) -> Html:
    """Return the coasts of the world, on each turn of the globe that the view shows."""
    first = math.floor((view.west + 180) / 360)
    last = math.floor((view.west + view.width + 180) / 360)
    return tag(
        "g",
        *(
            tag(
                "path",
                d=_land(),
                class_="lb-land",
                transform=f"translate({-view.west * view.x_scale + turn * 360 * view.x_scale:.1f} "
                f"{view.north * view.y_scale:.1f}) scale({view.x_scale:.4f} {view.y_scale:.4f})",
            )
            for turn in range(first, min(last, first + 3) + 1)
        ),
    )


def _world(view: _View) -> Html:
    """Return a small map of the world with a ring around the middle of the view."""
    longitude = (view.west + view.width / 2 + 180) % 360 - 180
    latitude = view.north - view.height / 2
    height = _WORLD // 2
    return tag(
        "svg",
        tag("rect", x=-180, y=-90, width=360, height=180, class_="lb-sea"),
        tag("path", d=_land(), class_="lb-land"),
        tag("circle", cx=round(longitude, 1), cy=round(-latitude, 1), r=9, class_="lb-here", stroke_width=5),
        tag("circle", cx=round(longitude, 1), cy=round(-latitude, 1), r=3, class_="lb-bar"),
        viewBox="-180 -90 360 180",
        width=_WORLD,
        height=height,
        role="img",
        aria_label=f"Place in the world: {_degrees(latitude, 'NS', 1)} {_degrees(longitude, 'EW', 1)}",
    )
