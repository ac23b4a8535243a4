"""Reader of the HTML of notebook views that checks it, and maker of objects with any values."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import ValueAttribute
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.model.tuple_attribute import TupleAttribute

ELEMENTS = frozenset({
    "div", "span", "style", "pre", "p", "dl", "dt", "dd", "details", "summary", "table", "thead", "tbody",
    "tr", "th", "td", "code", "b", "a", "img", "figure", "figcaption", "svg", "g", "path", "rect", "circle",
    "text", "title",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "class", "style", "open", "scope", "href", "target", "rel", "referrerpolicy", "src", "alt", "loading",
    "viewbox", "width", "height", "role", "aria-label", "d", "fill", "fill-opacity", "fill-rule", "x", "y",
    "rx", "cx", "cy", "r", "text-anchor", "transform", "stroke-width",
})  # fmt: skip
PICTURE = re.compile(r"--lb-picture:url\(\"(https?://[^\"()\\\s]+)\"\)")
VOID = frozenset({"img"})
SQUARE = {"type": "Polygon", "coordinates": [[[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]]}


class ViewReader(HTMLParser):
    """Elements, links and text of a view; AssertionError for anything that a view must not contain."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag, attrs):
        assert tag in ELEMENTS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        self.elements.append(tag)
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append({"src": given["src"], "on_demand": False})
        if "style" in given and given["style"] != "display:none":
            match = PICTURE.fullmatch(given["style"])
            assert match, given["style"]
            self.pictures.append({"src": match[1], "on_demand": self._in_closed})
        if tag == "details":
            self._closed = [*getattr(self, "_closed", []), "open" not in given]
        if tag not in VOID:
            self._open.append(tag)

    @property
    def _in_closed(self):
        return any(getattr(self, "_closed", []))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag == "details":
            self._closed.pop()

    def handle_data(self, data):
        if "style" not in self._open:
            self._text.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment

    @property
    def text(self) -> str:
        return "\n".join(self._text)


def object_with(cls, client, text):
    """Return an object of a class, as if the service had sent a text as the value of each attribute."""
    found = object.__new__(cls)
    found._client = client
    found._initialise()
    found._saved = True
    found._service = {
        name: _value(attribute, text)
        for name, attribute in cls._attribute_types.items()
        if not isinstance(attribute, CatalogObjectReference)
    }
    return found


def _value(attribute, text):
    """Return a value of an attribute's form, with the text in it."""
    if isinstance(attribute, GeometryAttribute):
        return SQUARE
    if isinstance(attribute, Timestamp):
        return "2024-01-02T03:04:05Z"
    if isinstance(attribute, ListAttribute):
        return [_value(attribute.item, text)] * 2
    if isinstance(attribute, ValueAttribute):
        types = getattr(attribute.value_class, "_attribute_types", None)
        return {name: _value(each, text) for name, each in types.items()} if types else {text: text}
    if isinstance(attribute, TupleAttribute):
        return [text] * (attribute.max_length or 2)
    return text
