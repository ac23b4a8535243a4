"""Query parameters of the map routes: conditions on the images, size and place of the answer.

Those that say how pixels are shown are read by `tiles.parameters`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from stac_fastapi.types.search import str2list

from landbridge.stac_api.access import tile_tokens
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import request as requests
from landbridge.stac_api.tiles.parameters import PARAMETERS, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.requests import Request

    from landbridge.stac_api.search.request import Search

__all__ = ["CONDITIONS", "GROUPS", "Query", "described"]

# Conditions, as in a search by GET.
CONDITIONS: Final = (
    Parameter("filter", "Condition on the images, as CQL2 text or JSON.", "eo:cloud_cover < 20"),
    Parameter("filter-lang", "Language of `filter`: `cql2-text` or `cql2-json`.", "cql2-text"),
    Parameter(
        "filter-crs",
        "Coordinates of `filter`; only longitude and latitude.",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    ),
    Parameter("datetime", "Time or interval in which the images were taken.", "2024-01-01T00:00:00Z/.."),
    Parameter("ids", "Ids of the images, separated by commas.", "scene-1,scene-2"),
    Parameter(
        "sortby",
        "Properties by which the images lie on each other, separated by commas; `-` before a name for "
        "descending. The first is on top. Default: `-datetime`, the newest.",
        "eo:cloud_cover",
    ),
)
_TILE_SIZE: Final = Parameter("tilesize", "Pixels of an edge of a tile: 64 to 2048. Default: 256.", "512")
_SIZE: Final = (
    Parameter("max_size", "Pixels of the longer edge: 1 to 4096. Default: 1024.", "512"),
    Parameter("width", "Number of columns.", "800"),
    Parameter("height", "Number of rows.", "600"),
)
_DST_CRS: Final = Parameter("dst_crs", "Coordinate reference system of the pixels.", "EPSG:32633")
_COORD_CRS: Final = Parameter(
    "coord_crs",
    "Coordinate reference system of the coordinates. Default: longitude and latitude.",
    "EPSG:3857",
)
_ZOOMS: Final = (
    Parameter("minzoom", "First zoom that clients ask for. Default: the first that one tile can show.", "6"),
    Parameter("maxzoom", "Last zoom that clients ask for. Default: that of the smallest pixels.", "14"),
)
_TILE_FORMAT: Final = Parameter(
    "tile_format", "Format of the tiles: `png`, `jpg`, `webp`, `tif` or `npy`. Default: `png`.", "webp"
)
_TOKEN: Final = Parameter(
    tile_tokens.PARAMETER,
    "Token from `POST /tiles/signatures`, for clients that cannot send an `Authorization` header.",
    "eyJhbGciOiJkaXIi",
)
_SETS: Final = Parameter(
    "tileMatrixSetId", "Tile matrix set of the layers. Default: `WebMercatorQuad`.", "WorldCRS84Quad"
)

# Parameters of each kind of route, besides those of the view, the conditions and the token.
GROUPS: Final[Mapping[str, tuple[Parameter, ...]]] = {
    "tile": (_TILE_SIZE,),
    "tilesets": (),
    "tilejson": (_TILE_SIZE, _TILE_FORMAT, *_ZOOMS),
    "wmts": (_TILE_SIZE, _TILE_FORMAT, *_ZOOMS, _SETS),
    "preview": (*_SIZE, _DST_CRS),
    "bbox": (*_SIZE, _DST_CRS, _COORD_CRS),
    "point": (_COORD_CRS,),
    "statistics": (
        *_SIZE,
        _DST_CRS,
        Parameter("histogram_bins", "Number of bins of the histogram: 1 to 256. Default: 10.", "20"),
        Parameter("categorical", "`true` for a histogram of the values themselves.", "true"),
    ),
}
_HARMLESS: Final = frozenset({"_"})
_DOCUMENT_FORMATS: Final = frozenset({"json", "application/json", "xml", "application/xml"})
_MAX_SIZE: Final = 4096


def described(group: str, *, conditions: bool) -> dict[str, Any]:
    """Return the query parameters of a kind of route as a part of the OpenAPI document."""
    known = (*PARAMETERS, *(CONDITIONS if conditions else ()), *GROUPS[group], _TOKEN)
    return {
        "parameters": [
            {
                "name": one.name,
                "in": "query",
                "required": False,
                "description": one.description,
                "schema": {"type": "array", "items": {"type": "string"}}
                if one.is_repeated
                else {"type": "string"},
                "example": [one.example] if one.is_repeated else one.example,
            }
            for one in known
        ]
    }


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request to a map route, whose names have been checked."""

    group: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: Request, group: str, *, conditions: bool) -> Query:
        """Return the query of a request.

        Raises:
            BadRequestError: if the route has no parameter of a name, or it takes one value and has several.
        """
        pairs = tuple(request.query_params.multi_items())
        known = {
            one.name: one.is_repeated
            for one in (*PARAMETERS, *(CONDITIONS if conditions else ()), *GROUPS[group], _TOKEN)
        }
        names = [name for name, _ in pairs]
        for name, value in pairs:
            if name in _HARMLESS or (name == "f" and value.lower() in _DOCUMENT_FORMATS):
                continue
            if name not in known:
                close = get_close_matches(name, known, 1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise BadRequestError(
                    f"{request.scope['route'].path} knows no {name!r:.100}.{hint} It knows "
                    f"{', '.join(sorted(known))}."
                )
            if not known[name] and names.count(name) > 1:
                raise BadRequestError(f"{name} is given more than once; it takes one value.")
        return cls(group, pairs)

    def get(self, name: str) -> str | None:
        """Return the value of a parameter; None if it is missing or empty."""
        return next((value for key, value in self.pairs if key == name and value), None)

    @property
    def view(self) -> list[tuple[str, str]]:
        """Parameters of the view."""
        names = {one.name for one in PARAMETERS}
        return [(name, value) for name, value in self.pairs if name in names]

    def passed_on(self, *dropped: str) -> list[tuple[str, str]]:
        """Return the parameters that the URLs of tiles have, for the description of those tiles."""
        ours = {"minzoom", "maxzoom", "tile_format", "tileMatrixSetId", "f", *_HARMLESS, *dropped}
        return [(name, value) for name, value in self.pairs if name not in ours]

    def narrowing(self) -> Search | None:
        """Return the conditions on the images; None without any.

        Raises:
            BadRequestError: if a value is invalid.
        """
        given = {one.name: self.get(one.name) for one in CONDITIONS}
        if not any(given.values()):
            return None
        language = given["filter-lang"]
        if language not in (None, "cql2-text", "cql2-json", "cql-json"):
            raise BadRequestError(f"filter-lang is {language!r:.100}; it is cql2-text or cql2-json.")
        return requests.from_get(
            ids=str2list(given["ids"]),
            datetime=given["datetime"],
            filter_expr=given["filter"],
            filter_lang=language,
            filter_crs=given["filter-crs"],
            sortby=str2list(given["sortby"]),
        )

    def integer(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number; None if it is missing.

        Raises:
            BadRequestError: if it is not a number from `low` to `high`.
        """
        text = self.get(name)
        if text is None:
            return None
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
        if not low <= number <= high:
            raise BadRequestError(f"{name} is {text!r:.40}; it must be a whole number from {low} to {high}.")
        return number

    def flag(self, name: str) -> bool:
        """Return whether a parameter is true.

        Raises:
            BadRequestError: if it is neither true nor false.
        """
        text = (self.get(name) or "false").lower()
        if text not in ("true", "false", "1", "0"):
            raise BadRequestError(f"{name} is {text!r:.40}; it must be true or false.")
        return text in ("true", "1")

    @property
    def tile_size(self) -> int | None:
        """Pixels of an edge of a tile; None if they are not given."""
        return self.integer("tilesize", 64, 2048)

    @property
    def margin(self) -> float:
        """Pixels around the answer in which images count as well: those of kernels and of `buffer`."""
        try:
            added = float(self.get("buffer") or 0)
        except ValueError:
            added = 0.0  # `tiles.parameters` refuses it
        return 2 + (added if 0 < added <= 1024 and math.isfinite(added) else 0)

    def size(self) -> dict[str, int]:
        """Return `width`, `height` and `max_size`, if they are given, as arguments of `Grid.fitting`."""
        given = {name: self.integer(name, 1, _MAX_SIZE) for name in ("width", "height", "max_size")}
        return {name: value for name, value in given.items() if value is not None}


def numbers(text: str, count: int, what: str) -> Sequence[float]:
    """Return numbers separated by commas.

    Raises:
        BadRequestError: if there are more or fewer, or one is not a finite number.
    """
    parts = text.split(",")
    try:
        found = [float(part) for part in parts]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        raise BadRequestError(f"{what} is {text!r:.100}; it must be {count} numbers separated by commas.")
    return found


def names(parameters: Iterable[Parameter]) -> list[str]:
    """Return the names of parameters."""
    return [one.name for one in parameters]
