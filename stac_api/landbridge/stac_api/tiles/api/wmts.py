"""WMTS 1.0.0 capabilities (OGC 07-057r7): one layer for each style, whose tiles are read by REST only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from landbridge.stac_api.tiles.api import matrix_sets
from landbridge.stac_api.tiles.api.documents import tile_template, web_bounds
from landbridge.stac_api.tiles.formats import EXTENSIONS, MEDIA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from landbridge.stac_api.tiles.api.documents import Zooms
    from landbridge.stac_api.tiles.api.targets import Bounds, Target

__all__ = ["Layer", "capabilities"]

_WMTS: Final = "http://www.opengis.net/wmts/1.0"
_OWS: Final = "http://www.opengis.net/ows/1.1"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_URN: Final = "urn:ogc:def:crs:{authority}::{code}"

for _prefix, _uri in (("", _WMTS), ("ows", _OWS), ("xlink", _XLINK)):
    ET.register_namespace(_prefix, _uri)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: a style of a target.

    Args:
        name: identifier.
        title: name for people.
        pairs: query parameters of its tiles.
    """

    name: str
    title: str
    pairs: tuple[tuple[str, str], ...]


def capabilities(
    base: str,
    target: Target,
    layers: Sequence[Layer],
    set_id: str,
    zooms: Zooms,
    *,
    extension: str,
    size: int | None,
    url: str,
) -> bytes:
    """Return the capabilities of a target as XML.

    Args:
        base: URL of the API.
        target: what the layers show.
        layers: at least one.
        set_id: tile matrix set of all layers.
        zooms: first and last zoom of the tile matrix set to list.
        extension: format of the tiles.
        size: pixels of an edge of a tile, if it is not that of the set.
        url: URL of this document.
    """
    root = ET.Element(_wmts("Capabilities"), {"version": "1.0.0"})
    service = ET.SubElement(root, _ows("ServiceIdentification"))
    _text(service, _ows("Title"), target.title)
    _text(service, _ows("ServiceType"), "OGC WMTS")
    _text(service, _ows("ServiceTypeVersion"), "1.0.0")
    contents = ET.SubElement(root, _wmts("Contents"))
    bounds = web_bounds(target.bbox)
    for layer in layers:
        pairs = [*layer.pairs]
        template = tile_template(base, target, set_id, pairs, extension=extension)
        _layer(contents, layer, bounds, set_id, _as_wmts(template), extension)
    _matrix_set(contents, set_id, zooms, size)
    ET.SubElement(root, _wmts("ServiceMetadataURL"), {f"{{{_XLINK}}}href": url})
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def _wmts(name: str) -> str:
    return f"{{{_WMTS}}}{name}"


def _ows(name: str) -> str:
    return f"{{{_OWS}}}{name}"


def _text(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    # XML has no way to write most control characters.
    ET.SubElement(parent, name, attributes).text = "".join(one for one in text if one.isprintable())


def _as_wmts(template: str) -> str:
    """Return a URL with the placeholders of WMTS in place of those of web maps."""
    for ours, theirs in (("{z}", "{TileMatrix}"), ("{x}", "{TileCol}"), ("{y}", "{TileRow}")):
        template = template.replace(ours, theirs, 1)
    return template


def _layer(
    contents: ET.Element, layer: Layer, bounds: Bounds, set_id: str, template: str, extension: str
) -> None:
    west, south, east, north = bounds
    media_type = MEDIA_TYPES[EXTENSIONS[extension]]
    one = ET.SubElement(contents, _wmts("Layer"))
    _text(one, _ows("Title"), layer.title)
    box = ET.SubElement(one, _ows("WGS84BoundingBox"), {"crs": "urn:ogc:def:crs:OGC:2:84"})
    _text(box, _ows("LowerCorner"), f"{west} {south}")
    _text(box, _ows("UpperCorner"), f"{east} {north}")
    _text(one, _ows("Identifier"), layer.name)
    style = ET.SubElement(one, _wmts("Style"), {"isDefault": "true"})
    _text(style, _ows("Title"), layer.title)
    _text(style, _ows("Identifier"), layer.name)
    _text(one, _wmts("Format"), media_type)
    link = ET.SubElement(one, _wmts("TileMatrixSetLink"))
    _text(link, _wmts("TileMatrixSet"), set_id)
    ET.SubElement(
        one,
        _wmts("ResourceURL"),
        {"format": media_type, "resourceType": "tile", "template": template},
    )


def _matrix_set(contents: ET.Element, set_id: str, zooms: Zooms, size: int | None) -> None:
    document = matrix_sets.document(set_id)
    one = ET.SubElement(contents, _wmts("TileMatrixSet"))
    _text(one, _ows("Identifier"), set_id)
    _text(one, _ows("SupportedCRS"), _crs(set_id))
    for matrix in document["tileMatrices"]:
        if zooms.first <= int(matrix["id"]) <= zooms.last:
            _matrix(one, matrix, size)


def _crs(set_id: str) -> str:
    if set_id == "WorldCRS84Quad":
        return "urn:ogc:def:crs:OGC:1.3:CRS84"
    authority, _, code = matrix_sets.crs_of(set_id).partition(":")
    return _URN.format(authority=authority, code=code)


def _matrix(parent: ET.Element, matrix: dict[str, Any], size: int | None) -> None:
    width, height = size or matrix["tileWidth"], size or matrix["tileHeight"]
    scale = matrix["scaleDenominator"] * matrix["tileWidth"] / width
    one = ET.SubElement(parent, _wmts("TileMatrix"))
    _text(one, _ows("Identifier"), str(matrix["id"]))
    for name, value in (
        ("ScaleDenominator", repr(scale)),
        ("TopLeftCorner", _corner(matrix["pointOfOrigin"])),
        ("TileWidth", str(width)),
        ("TileHeight", str(height)),
        ("MatrixWidth", str(matrix["matrixWidth"])),
        ("MatrixHeight", str(matrix["matrixHeight"])),
    ):
        _text(one, _wmts(name), value)


def _corner(point: Iterable[float]) -> str:
    return " ".join(repr(float(value)) for value in point)
