"""Reader of the server's pages that checks that they contain no script or style but files of the server."""

from __future__ import annotations

from html.parser import HTMLParser

ELEMENTS = frozenset({
    "html", "head", "meta", "title", "link", "script", "body", "a", "header", "nav", "main", "h1", "h2", "h3",
    "p", "ul", "li", "img", "span", "form", "label", "input", "button", "section", "pre", "code", "div", "dl",
    "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "data",
})  # fmt: skip
VOID = frozenset({"meta", "link", "img", "input"})
ADDRESSES = {"a": "href", "link": "href", "script": "src", "img": "src", "form": "action", "data": "value"}
DATA_ADDRESSES = ("data-footprints", "data-land")


class PageReader(HTMLParser):
    """Elements, addresses and text of a page; AssertionError for anything that a page must not contain."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.cards: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        assert html.startswith("<!doctype html>")
        self.feed(html)
        self.close()
        assert not self._open, self._open

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        assert name in ELEMENTS, name
        assert len(given) == len(attributes), attributes
        assert not [one for one in given if one.startswith("on") or one == "style"], attributes
        if name == "img":
            assert "alt" in given
        if name in ("input", "select") and given.get("type") != "hidden":
            assert given["id"]
        address = given.get(ADDRESSES.get(name, ""))
        if address is not None:
            (self.links if name in ("a", "form", "data") else self.loaded).append(address)
        self.loaded += [given[key] for key in DATA_ADDRESSES if key in given]
        if name == "a" and self._open[-1:] == ["li"]:
            self.cards.append(str(address))
        if name not in VOID:
            self._open.append(name)

    def handle_startendtag(self, name: str, attributes: object) -> None:  # noqa: ARG002
        raise AssertionError(name)

    def handle_endtag(self, name: str) -> None:
        assert self._open.pop() == name

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            raise AssertionError(f"an inline script: {data}")
        self.texts.append(data)
