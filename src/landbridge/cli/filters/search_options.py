"""Options that narrow, order and limit a search."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.filters.where import WhereError, parse_where

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from shapely.geometry.base import BaseGeometry

    Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

__all__ = [
    "image_search_options",
    "layer_search_options",
    "list_options",
    "narrow_images",
    "narrow_objects",
    "narrow_to_interval",
    "parse_area",
    "parse_bbox",
    "parse_interval",
]

_LARGEST_FILE = 50_000_000  # bytes
_WITH_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}")
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")

_where = click.option(
    "--where",
    "where",
    multiple=True,
    metavar="EXPRESSION",
    help='Filter on attributes as in Python: "p.cloud_fraction < 0.2". May be repeated: all must hold.',
)
_tags = click.option(
    "--tags", multiple=True, metavar="TAG", help="Only objects with this tag; may be repeated: any."
)
_sort = click.option(
    "--sort", metavar="ATTRIBUTE", help="Attribute to sort by; with - before it in descending order."
)
_limit = click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Maximum number.")
_bbox = click.option(
    "--bbox",
    metavar="W,S,E,N",
    help="Only images in this box of longitudes and latitudes; W may exceed E, across the antimeridian.",
)
_intersects = click.option(
    "--intersects",
    metavar="FILE",
    help="Only images that intersect the GeoJSON in this file; - reads standard input.",
)
_datetime = click.option(
    "--datetime",
    "interval",
    metavar="TIME",
    help="Only images that were acquired then: a year, month, day or time in UTC, or an interval such as "
    "2024-01/2024-03 or 2024-05-01/.., which includes its last day.",
)
_filter = click.option(
    "--filter",
    "cql2",
    multiple=True,
    metavar="CQL2",
    help='Filter on properties of STAC Items: "eo:cloud_cover < 20". May be repeated: all must hold.',
)


def _apply(options: Sequence[Decorator]) -> Decorator:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


list_options: Decorator = _apply((_where, _tags, _sort, _limit))
image_search_options: Decorator = _apply(
    (_bbox, _intersects, _datetime, _where, _filter, _tags, _sort, _limit)
)
layer_search_options: Decorator = _apply((_bbox, _intersects, _datetime, _where, _filter, _tags, _sort))


def narrow_objects(
    search: Any, *, where: tuple[str, ...], tags: tuple[str, ...], sort: str | None, limit: int | None
) -> Any:
    """Return a search with the conditions of `list_options`.

    Raises
    ------
    click.UsageError
        If an expression is invalid; the message marks the position.
    """
    from landbridge.catalog import properties

    names = sorted(search._model._attribute_types)  # noqa: SLF001 - the attributes of the class
    for text in where:
        try:
            search = search.filter(parse_where(text, names))
        except WhereError as error:
            raise click.UsageError(f"--where: {error}") from error
    if tags:
        search = search.filter(properties.tags.any_of(tags))
    if sort is not None:
        search = search.sort(sort.lstrip("+-"), ascending=not sort.startswith("-"))
    return search if limit is None else search.limit(limit)


def narrow_images(
    search: Any,
    *,
    bbox: str | None,
    intersects: str | None,
    interval: str | None,
    cql2: tuple[str, ...],
    **others: Any,
) -> Any:
    """Return a search for images with the conditions of `image_search_options`.

    Raises
    ------
    click.UsageError
        If an option is invalid.
    """
    from landbridge.catalog.search.cql2_expression import parse_cql2
    from landbridge.exceptions import BadRequestError

    area = parse_area(bbox, intersects)
    if area is not None:
        search = search.intersects(area)
    if interval is not None:
        search = narrow_to_interval(search, interval)
    for text in cql2:
        try:
            search = search.filter(parse_cql2(text))
        except BadRequestError as error:
            raise click.UsageError(f"--filter: {error}") from error
    return narrow_objects(search, **others)


def narrow_to_interval(search: Any, interval: str) -> Any:
    """Return a search for images that were acquired in the interval of --datetime. UsageError if invalid."""
    from landbridge.catalog import properties

    start, end = parse_interval(interval)
    if start is not None:
        search = search.filter(properties.acquired >= start)
    return search if end is None else search.filter(properties.acquired < end)


def parse_area(bbox: str | None, intersects: str | None) -> BaseGeometry | None:
    """Return the area of --bbox or --intersects; None without them. UsageError if it is invalid."""
    if bbox is not None and intersects is not None:
        raise click.UsageError("Give either --bbox or --intersects.")
    if bbox is not None:
        return parse_bbox(bbox)
    return None if intersects is None else _geometry(intersects)


def parse_bbox(text: str) -> BaseGeometry:
    """Return the box of --bbox, with longitudes beyond 180 if it crosses the antimeridian."""
    from shapely.geometry import box

    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise click.UsageError(f"--bbox {text!r} is not four numbers, separated by commas.") from None
    numbers_are_valid = all(map(math.isfinite, (west, south, east, north)))
    if not (numbers_are_valid and max(abs(west), abs(east)) <= 180 and -90 <= south < north <= 90):
        raise click.UsageError(f"--bbox {text!r} must be west,south,east,north in degrees.")
    if west == east:
        raise click.UsageError(f"--bbox {text!r} has no width.")
    return box(west, south, east if west < east else east + 360, north)


def _geometry(path: str) -> BaseGeometry:
    """Return the geometry of a GeoJSON file: a geometry, a Feature, or all features of a collection."""
    from shapely import union_all
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    try:
        with click.open_file(path, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise click.UsageError(f"--intersects: {error}") from error
    if len(content) > _LARGEST_FILE:
        raise click.UsageError(f"--intersects {path!r} has more than {_LARGEST_FILE:,} bytes.")
    try:
        document = json.loads(content)
        kind = document["type"]
        if kind == "FeatureCollection":
            geometries = [shape(feature["geometry"]) for feature in document["features"]]
            found: BaseGeometry = union_all(geometries)
        else:
            found = shape(document["geometry"] if kind == "Feature" else document)
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise click.UsageError(f"--intersects {path!r} is no GeoJSON geometry: {error}") from error
    if found.is_empty:
        raise click.UsageError(f"--intersects {path!r} has an empty geometry.")
    return found


def parse_interval(text: str) -> tuple[str | None, str | None]:
    """Return the first moment of a time or interval, and the moment after its end; None: unbounded.

    Raises
    ------
    click.UsageError
        If the text is no time, no interval of two, or an interval that ends before it begins.
    """
    from landbridge.mappings import times

    first, separator, last = text.partition("/")
    start = None if separator and first in ("", "..") else _moments(first, text)[0]
    end_text = last if separator else first
    end = None if separator and last in ("", "..") else _moments(end_text, text)[1]
    if start is None and end is None:
        raise click.UsageError(f"--datetime {text!r} has neither a start nor an end.")
    if start is not None and end is not None and start >= end:
        raise click.UsageError(f"--datetime {text!r} ends before it begins.")
    return (
        None if start is None else times.format_utc(start),
        None if end is None else times.format_utc(end),
    )


def _moments(text: str, whole: str) -> tuple[datetime, datetime]:
    """Return the first moment of a year, month, day or time, and the first one after it."""
    from landbridge.mappings import times

    try:
        period = _PERIOD.fullmatch(text)
        if period is None:
            moment = times.parse(text if _WITH_TIME.match(text) else "")
            return moment, moment + timedelta(microseconds=1)
        year, month, day = int(period[1]), int(period[2] or 1), int(period[3] or 1)
        start = datetime(year, month, day, tzinfo=UTC)
        if period[3] is not None:
            return start, start + timedelta(days=1)
        if period[2] is not None:
            return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return start, datetime(year + 1, 1, 1, tzinfo=UTC)
    except (OverflowError, TypeError, ValueError) as error:
        raise click.UsageError(
            f"--datetime {whole!r}: {text!r} is no year, month, day or time, such as 2024-05-01."
        ) from error
