"""Files of items: the bands of a view are bound to assets, and each file to a path or URL that may be read.

Only files of the server's own store are read, and those whose href begins with a prefix of the operator's
list. A worker gets no other address.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from landbridge.mappings import binding, stored_pixels
from landbridge.mappings import image as image_mapping
from landbridge.stac_api.assets.href_policy import ANY
from landbridge.stac_api.assets.read_access import product_of
from landbridge.stac_api.assets.store import IMAGES, is_served
from landbridge.stac_api.documents import links
from landbridge.stac_api.tiles.answers import UnreadableItemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.mappings.binding import Asset, BandLocation
    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.core.settings import Settings
    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import View

__all__ = ["ItemFiles", "bands_of", "hrefs_of", "records_of"]

_ALPHA = "alpha"
_MAX_KNOWN: Final = 50_000
_REMOTE: Final = ("http", "https")


def bands_of(view: View, product: TileProduct) -> list[str]:
    """Return the bands of a view, and those that may hide pixels of it."""
    hiding = [name for name, band in product.bands.items() if band.get("is_alpha") or name == _ALPHA]
    return [*dict.fromkeys([*view.bands, *hiding])]


def hrefs_of(view: View, product: TileProduct, item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hrefs, as stored, of an item's files that the view needs, in order; for entity tags."""
    hrefs, _, needed = _resolved(
        view, product, binding.unpack_assets(binding.pack_assets(item.get("assets")))
    )
    return tuple(hrefs[position] for position in sorted(needed))


def _resolved(
    view: View, product: TileProduct, assets: Mapping[str, Asset]
) -> tuple[list[str], dict[str, BandLocation | None], set[int]]:
    """Return an item's hrefs, the locations that differ from the product's, and the files that are needed."""
    hrefs, places = product.bindings.resolve(assets)
    needed = set()
    for name in bands_of(view, product):
        place = places.get(name, product.bindings.location(name))
        if place is not None and hrefs[place.file]:
            needed.add(place.file)
    return hrefs, places, needed


def _product_record(view: View, product: TileProduct) -> dict[str, Any]:
    """Return the bands of a product that a view needs, as JSON for a worker."""
    bands = {}
    for name in bands_of(view, product):
        place = product.bindings.location(name)
        attributes = {
            key: value
            for key, value in product.bands[name].items()
            if key not in ("description", "class_labels", "colormap", "extra_properties")
        }
        bands[name] = {
            "attributes": attributes,
            "place": [place.file, place.band],
            "asset": product.bindings.bands[name].asset,
            "is_own": name in product.defined,
        }
    return {"bands": bands}


class ItemFiles:
    """Addresses of items' files, for workers.

    Parameters
    ----------
    settings : Settings
        Operator's list of hrefs outside the store.
    store : AssetStore
        Store of the server's own files.
    """

    def __init__(self, settings: Settings, store: AssetStore) -> None:
        self._store = store
        self._seconds = settings.signed_seconds
        # Paths in a folder by collection and href. A stored file never changes, and the search for symbolic
        # links takes longer than all else; the sandbox of the workers does not follow one either.
        self._known: dict[tuple[str, str], str] = {}
        allowed = settings.tile_hrefs
        self._allows_any = ANY in allowed
        self._folders = tuple(
            Path(one.removeprefix("file://")).resolve()
            for one in allowed
            if one.startswith(("/", "file:///"))
        )
        self._prefixes = tuple(urlsplit(one) for one in allowed if one.startswith(("http://", "https://")))

    @property
    def folders(self) -> list[Path]:
        """Folders that a worker may read: the store's images, and those of the operator's list."""
        if self._store.root is None:
            return [*self._folders]
        images = self._store.root.resolve() / IMAGES
        # A folder that does not exist yet could not be allowed.
        images.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [images, *self._folders]

    @property
    def needs_network(self) -> bool:
        """True if a worker has to read files over a network."""
        return self._store.root is None or bool(self._prefixes) or self._allows_any

    async def record(self, view: View, product: TileProduct, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return an item as JSON for a worker, with an address for each file that the view needs.

        Raises
        ------
        UnreadableItemError
            If a file is not one that the server may read.
        """
        stated = stored_pixels.pack(item.get("assets"))
        assets = binding.unpack_assets(binding.pack_assets(item.get("assets")))
        hrefs, places, needed = _resolved(view, product, assets)
        files = [
            await self._address(href, product.id, str(item["id"])) if position in needed else ""
            for position, href in enumerate(hrefs)
        ]
        record = {
            "id": str(item["id"]),
            "product": product.id,
            "files": files,
            "geometry": item.get("geometry"),
            "places": {name: place and list(place) for name, place in places.items()},
        }
        if stated:
            by_href = {asset.href: key for key, asset in reversed(list(assets.items()))}
            record |= {"keys": [by_href.get(href) for href in hrefs], "stated": stated}
        if names := product.coefficients:
            attributes = image_mapping.from_stac(dict(item))
            record["coefficients"] = {
                name: attributes[name] for name in names if attributes.get(name) is not None
            }
        return record

    async def _address(self, href: str, collection: str, item: str) -> str:
        """Return the path or URL of a file that may be read."""
        own = links.asset_path(href)
        if own is not None:
            if (known := self._known.get((collection, own))) is not None:
                return known
            path = unquote(own)
            # A writer of one collection must not show the files of another one.
            if not is_served(path) or product_of(path) != collection or self._store.is_outside(path):
                raise self._refused(href, item)
            if self._store.root is not None:
                if len(self._known) >= _MAX_KNOWN:
                    self._known.clear()
                found = self._known[collection, own] = str(self._store.root.resolve() / path)
                return found
            return str(await self._store.sign("GET", path, self._seconds))
        if href.startswith(("/", "file:///")):
            file = self._in_folder(unquote(href.removeprefix("file://")))
            if file is not None:
                return file
        elif self._is_allowed(href):
            return href
        raise self._refused(href, item)

    def _in_folder(self, path: str) -> str | None:
        """Return the resolved path of a file in one of the operator's folders; None if it is elsewhere."""
        try:
            file = Path(path).resolve()
        except (OSError, ValueError):
            return None
        return str(file) if any(file.is_relative_to(folder) for folder in self._folders) else None

    def _is_allowed(self, href: str) -> bool:
        try:
            parts = urlsplit(href)
        except ValueError:
            return False
        if parts.scheme not in _REMOTE or ".." in unquote(parts.path).split("/"):
            return False
        return self._allows_any or any(
            (parts.scheme, parts.netloc) == (prefix.scheme, prefix.netloc)
            and parts.path.startswith(prefix.path)
            for prefix in self._prefixes
        )

    @staticmethod
    def _refused(href: str, item: str) -> UnreadableItemError:
        return UnreadableItemError(
            f"The file {href[:200]!r} of item {item!r} is not in this server's store, so tiles do not read "
            f"it. The operator can allow more by LANDBRIDGE_TILE_HREFS."
        )


def records_of(products: Mapping[str, TileProduct], view: View) -> dict[str, Any]:
    """Return the products of a request as JSON for a worker."""
    return {name: _product_record(view, product) for name, product in products.items()}
