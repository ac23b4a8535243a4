"""Documents that a provider serves: real ones if they are there, else our own, copied as often as asked."""

from __future__ import annotations

import copy
import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from support.replay import fixtures
from support.replay.grids import PLACES, bounds_of, corner_of, footprint, transform_of, utm_zone
from support.replay.pixels import SIDE
from support.replay.products import products_of

REAL = Path(__file__).parents[4] / "shared" / "data" / "sources" / "documents"
_TIMES = ("datetime", "start_datetime", "end_datetime")
_ENDINGS = {"jp2", "tif", "tiff", "json", "xml", "txt", "jpg", "jpeg", "png", "html", "zip"}
_BLOB_HOST = ".blob.core.windows.net"


def load(provider, count, *, real=None):
    """Return Collections and records of a provider: `count` items of each collection with files.

    `real` says whether the real documents are served; by default if they are there.
    """
    real = REAL.is_dir() if real is None else real
    known = products_of(provider)
    collections, templates = {}, {}
    for product in known.values():
        collections[product.collection] = fixtures.collection(product)
        templates[product.collection] = fixtures.items(product)
    if real:
        for path in sorted((REAL / provider).glob("*.json")):
            content = json.loads(path.read_text())
            for one in content["collections"]:
                collections[one["document"]["id"]] = one["document"]
            items = [_adopted(one["document"], path.stem) for one in content["items"]]
            items = [one for one in items if one is not None]
            if items:
                templates[path.stem] = items
                collections.setdefault(path.stem, _bare(path.stem))
    records = []
    for collection, items in templates.items():
        product = known.get(collection)
        if product is None:
            records += [Record(None, item, 0, 1) for item in items]
        else:
            records += [
                Record(product, items[number % len(items)], number, len(items)) for number in range(count)
            ]
    return list(collections.values()), records


def _adopted(item, collection):
    """Return a real Item as the API of today would serve it; None if it is of another data set."""
    if collection == "HLSL30_2.0":
        # The API's collections and keys of today; one document is of another producer.
        if "B04" not in item["assets"]:
            return None
        item["assets"] |= {f"s3_{key}": dict(asset) for key, asset in item["assets"].items()}
    item["collection"] = collection
    return item


def _bare(identifier):
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": identifier,
        "description": identifier,
        "license": "other",
        "extent": extent,
        "links": [],
    }


class Record:
    """The copy of an item with a number: its place, day, cloud cover and files differ from the template's."""

    def __init__(self, product, template, number, kinds):
        self.product, self.template, self.number = product, template, number
        self.first_of_its_kind = number < kinds
        self.collection = template["collection"]
        day, self.place = divmod(number // kinds, PLACES)
        self.id = self._identifier()
        self.properties = dict(template["properties"])
        if product is None:
            self.geometry, self.bbox = template["geometry"], template["bbox"]
            return
        for name in _TIMES:
            if self.properties.get(name):
                moved = _time(self.properties[name]) + timedelta(days=day, minutes=self.place)
                self.properties[name] = moved.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if "eo:cloud_cover" in self.properties and not self.first_of_its_kind:
            self.properties["eo:cloud_cover"] = number * 37 % 101
        self.crs, self.first = self._origin()
        self.corner = corner_of(self.place, self.first, product.finest)
        self.geometry, self.bbox = footprint(self.crs, self.corner, product.finest)
        self._move_grid(self.properties)

    def _identifier(self):
        name = self.template["id"]
        if self.first_of_its_kind:
            return name
        if self.product.provider == "dea":
            return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{self.number}"))
        stem, _, ending = name.rpartition("_")
        if ending in ("SR", "ST"):
            return f"{stem}_{self.number:05d}_{ending}"
        return f"{name}_{self.number:05d}"

    def _origin(self):
        """Return the CRS and the upper left corner that the template states, or else its product's."""
        members = [self.template["properties"], *self.template["assets"].values()]
        code = next((one["proj:code"] for one in members if one.get("proj:code")), None)
        epsg = next((one["proj:epsg"] for one in members if one.get("proj:epsg")), None)
        # The usual corner: a finer band can begin half a pixel from it.
        corners = Counter(
            (one["proj:transform"][2], one["proj:transform"][5])
            for one in members
            if one.get("proj:transform")
        )
        crs = code or (f"EPSG:{epsg}" if epsg else None)
        if corners:
            return crs, corners.most_common(1)[0][0]
        if self.template["geometry"] is None or crs:
            return crs or f"EPSG:{self.product.epsg}", self.product.corner
        return f"EPSG:{utm_zone(self.template['bbox'])}", self.product.corner

    def _move_grid(self, members):
        """Write the grid of this copy into an item's properties or an asset, if it tells one."""
        given = members.get("proj:transform")
        corner = self.corner
        if given:
            corner = tuple(
                new + old - first
                for new, old, first in zip(self.corner, (given[2], given[5]), self.first, strict=True)
            )
            members["proj:transform"] = transform_of(corner, given[0]) + given[6:]
        if "proj:shape" in members:
            resolution = given[0] if given else self.product.finest
            members["proj:shape"] = [round(SIDE * self.product.finest / resolution)] * 2
        if "proj:bbox" in members:
            members["proj:bbox"] = list(bounds_of(corner, self.product.finest))
        members.pop("proj:centroid", None)
        members.pop("proj:geometry", None)

    def pixels(self, key):
        """Return what an asset holds; None if it is no raster."""
        if self.product is None or key not in self.template["assets"]:
            return None
        assets = self.product.assets
        return assets.get(key) or assets.get(key.removesuffix("-jp2")) or assets.get(key.removeprefix("s3_"))

    def grid(self, key):
        """Return CRS and transform of an asset's file."""
        own = self.template["assets"][key].get("proj:transform")
        x, y = self.corner
        if own:
            x, y = x + own[2] - self.first[0], y + own[5] - self.first[1]
        return self.crs, tuple(transform_of((x, y), self.pixels(key).resolution))

    @cached_property
    def published(self):
        """The Item as the provider would publish it, with the provider's addresses."""
        item = copy.deepcopy(self.template)
        if self.product is None:
            return item
        item |= {"id": self.id, "geometry": self.geometry, "bbox": self.bbox}
        item["properties"] = self.properties
        item["links"] = []
        for key, asset in item["assets"].items():
            self._move_grid(asset)
            asset["href"] = self._address(key, asset["href"])
            for other in asset.get("alternate", {}).values():
                if isinstance(other, dict) and "href" in other:
                    other["href"] = self._address(key, other["href"], asset["href"])
        return item

    def _address(self, key, href, example=None):
        """Return the address of an asset's file: in the template's store, in a folder of this item."""
        parts = urlsplit(href)
        folder = parts.path.lstrip("/").partition("/")[0]
        store = f"{parts.scheme}://{parts.netloc}/{folder}" if parts.netloc else self.product.store
        ending = (example or href).rpartition(".")[2]
        if ending.lower() not in _ENDINGS:
            ending = self.product.extension if self.pixels(key) else "bin"
        return f"{store}/{self.id}/{key.replace(':', '_')}.{ending}"


def _time(text):
    return datetime.fromisoformat(text)


def local_address(href, files):
    """Return where a file of a provider is served here; addresses of S3 stay, and have another endpoint."""
    parts = urlsplit(href)
    if parts.scheme not in ("http", "https"):
        return href
    return f"{files}/{parts.netloc.removesuffix(_BLOB_HOST)}{parts.path}"
