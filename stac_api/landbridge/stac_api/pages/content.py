"""Parts of a page, whichever documents it is made of: links, cards, maps and files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from landbridge.stac_api.pages.static_files import static_url

if TYPE_CHECKING:
    from landbridge.stac_api.pages.bands import Band
    from landbridge.stac_api.pages.connect import Snippet

__all__ = ["Asset", "Card", "Context", "Link", "Map", "Page"]


@dataclass(frozen=True, slots=True)
class Context:
    """Address and title of the service, and the form of links.

    Args:
        keeps_format: links between pages repeat `f=html`.
        documentation: path of the API's documentation; None without one.
    """

    base: str
    title: str
    keeps_format: bool = False
    documentation: str | None = None

    def page(self, url: str) -> str:
        """Return the address of the page of a document."""
        return self._with(url, "html") if self.keeps_format else url

    def json(self, url: str) -> str:
        """Return the address of a document as JSON, also for a browser."""
        return self._with(url, "json")

    def static(self, name: str) -> str:
        """Return the address of a file of the pages."""
        return static_url(self.base, name)

    @staticmethod
    def _with(url: str, form: str) -> str:
        return f"{url}{'&' if '?' in url else '?'}f={form}"


@dataclass(frozen=True, slots=True)
class Link:
    """Link with its text."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """Product or image in a list."""

    id: str
    title: str
    url: str
    text: str
    dates: str
    preview: str | None


@dataclass(frozen=True, slots=True)
class Map:
    """Map of a product or an image.

    Args:
        label: name of the map for readers of the screen.
        bbox: west, south, east and north of the first view.
        footprints: address of the GeoJSON with the outlines.
        tiles: TileJSON documents by the name of their style.
        single: the map of one image, whose outline needs no explanation.
    """

    label: str
    bbox: tuple[float, float, float, float] | None
    footprints: str
    tiles: tuple[Link, ...] = ()
    single: bool = False

    @property
    def bounds(self) -> str:
        """Bounding box as text."""
        return "" if self.bbox is None else ",".join(f"{value:.6f}" for value in self.bbox)


@dataclass(frozen=True, slots=True)
class Asset:
    """File of an image."""

    key: str
    title: str
    type: str
    roles: str
    size: str
    href: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Content of a page: what its template shows."""

    template: str
    context: Context
    title: str
    here: str
    trail: tuple[Link, ...] = ()
    id: str = ""
    description: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    cards: tuple[Card, ...] = ()
    count: int | None = None
    previous: str | None = None
    next: str | None = None
    search: str = ""
    kept: tuple[tuple[str, str], ...] = ()
    bands: tuple[Band, ...] = ()
    assets: tuple[Asset, ...] = ()
    map: Map | None = None
    preview: str | None = None
    snippets: tuple[Snippet, ...] = field(default=())
    items: str = ""
