"""Lines that connect each client, with the address of the service, to be copied."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from landbridge.stac_api.documents import links

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Snippet", "to_image", "to_product", "to_service"]

_BROWSER: Final = "https://radiantearth.github.io/stac-browser/#/external/"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines for one client, and where they go."""

    client: str
    note: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


def to_service(base: str) -> tuple[Snippet, ...]:
    """Return how each client reads the service."""
    return (
        _landbridge(base, ("from landbridge.catalog import Product", "Product.search().collect()")),
        _pystac_client(base, ("list(client.get_collections())",)),
        _qgis(base, None),
        _stac_browser(base),
        _curl(f"{base}collections"),
    )


def to_product(base: str, product: str, xyz: str | None) -> tuple[Snippet, ...]:
    """Return how each client reads the images of a product."""
    name = repr(product)
    return (
        _landbridge(
            base,
            (
                "from landbridge.catalog import Product",
                f"product = Product.get({name})",
                "images = product.images().limit(10).collect()",
            ),
        ),
        _pystac_client(base, (f"client.search(collections=[{name}], max_items=10).item_collection()",)),
        _qgis(base, xyz),
        _stac_browser(links.collection_url(base, product)),
        _curl(f"{links.collection_url(base, product)}/items?limit=10"),
    )


def to_image(base: str, product: str, image: str, xyz: str | None) -> tuple[Snippet, ...]:
    """Return how each client reads an image."""
    url = links.item_url(base, product, image)
    return (
        _landbridge(
            base, ("from landbridge.catalog import Image", f"image = Image.get({f'{product}:{image}'!r})")
        ),
        _pystac_client(base, (f"client.get_collection({product!r}).get_item({image!r})",)),
        _qgis(base, xyz),
        _stac_browser(url),
        _curl(url),
    )


def _landbridge(base: str, lines: Sequence[str]) -> Snippet:
    return Snippet(
        "Landbridge",
        "Python: pip install landbridge",
        ("import os", f"os.environ['LANDBRIDGE_URL'] = {base.rstrip('/')!r}", *lines),
    )


def _pystac_client(base: str, lines: Sequence[str]) -> Snippet:
    return Snippet(
        "pystac-client",
        "Python: pip install pystac-client",
        ("from pystac_client import Client", f"client = Client.open({base!r})", *lines),
    )


def _qgis(base: str, xyz: str | None) -> Snippet:
    if xyz is None:
        return Snippet("QGIS", "Data Source Manager, STAC, New: the URL of the connection", (base,))
    note = "XYZ Tiles, New Connection: the first URL. For the files: Data Source Manager, STAC, the second"
    return Snippet("QGIS", note, (xyz, base))


def _stac_browser(url: str) -> Snippet:
    parts = urlsplit(url)
    address = f"{parts.netloc}{parts.path}" if parts.scheme == "https" else url
    return Snippet("STAC Browser", "An address for a web browser", (f"{_BROWSER}{address}",))


def _curl(url: str) -> Snippet:
    return Snippet("curl", "A shell", (f"curl {shlex.quote(url)}",))
