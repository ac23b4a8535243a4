"""HTML of notebook views: elements whose content is escaped, and the frame with the style of all views."""

from __future__ import annotations

import html
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Html", "badge", "fields", "frame", "join", "link", "section", "short", "table", "tag"]

_VOID = frozenset({"br", "hr", "img"})
# Control characters, halves of surrogate pairs, and marks that reverse the direction of the text after them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LONGEST_TEXT = 240
_LONGEST_FALLBACK = 4_000


class Html(str):
    """Text that is HTML already; any other text is escaped."""

    __slots__ = ()


def short(value: Any, length: int = _LONGEST_TEXT) -> str:
    """Return the text of a value, cut to a length, without characters that cannot be shown."""
    # Text of any length is cut before it is searched.
    text = str(value)
    text = text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
    return _UNPRINTABLE.sub("\ufffd", text)


def tag(name: str, *content: Any, **attributes: Any) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        Name of the element.
    content
        Children. Html is taken as it is, any other value is escaped, and None is left out.
    attributes
        Attributes of the element: `class_` is `class`, and other underscores are hyphens. None leaves an
        attribute out, True writes its name only.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{html.escape(short(value, 100_000))}"')
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(content)}</{name}>")


def join(content: Iterable[Any]) -> Html:
    """Return the HTML of several values, one after the other."""
    return Html(
        "".join(
            each if isinstance(each, Html) else html.escape(short(each, 100_000))
            for each in content
            if each is not None
        )
    )


def badge(text: Any, kind: str = "") -> Html:
    """Return a short text in a rounded box; kinds are "good", "bad", "warn" and "" for neutral."""
    return tag("span", text, class_=f"lb-badge lb-{kind}" if kind else "lb-badge")


def link(address: Any, text: Any) -> Html:
    """Return a link to a web address; the text alone if the address is of another kind."""
    try:
        scheme = urlsplit(str(address)).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        return tag("span", text)
    return tag(
        "a", text, href=address, target="_blank", rel="noopener noreferrer", referrerpolicy="no-referrer"
    )


def fields(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Return a list of names and values; pairs whose value is None are left out."""
    shown = [(name, value) for name, value in pairs if value is not None]
    if not shown:
        return Html()
    return tag("dl", *(part for name, value in shown for part in (tag("dt", name), tag("dd", value))))


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Html:
    """Return a table, which scrolls sideways if it is wide."""
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    heading = tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head)))
    return tag("div", tag("table", heading, tag("tbody", *body)), class_="lb-scroll")


def section(title: Any, *content: Any, is_open: bool = True) -> Html:
    """Return content under a title, which opens and closes it; an empty text if there is no content."""
    shown = [each for each in content if each]
    if not shown:
        return Html()
    return tag("details", tag("summary", title), *shown, open=True if is_open else None)


def frame(kind: str, title: Any, *content: Any, badges: Iterable[Html] = (), text: str = "") -> str:
    """Return a whole view: the style, a heading and the content.

    `text` is the object's repr. It is shown where the style is removed, as in a notebook that is not trusted.
    """
    heading = tag(
        "div",
        tag("span", kind, class_="lb-kind"),
        tag("span", title, class_="lb-title"),
        *badges,
        class_="lb-head",
    )
    view = tag("div", heading, *content, class_="lb-view", style="display:none")
    fallback = tag("pre", short(text, _LONGEST_FALLBACK), class_="lb-text")
    return str(tag("div", tag("style", _style()), fallback, view, class_="lb"))


@cache
def _style() -> Html:
    text = resources.files("landbridge.notebook").joinpath("style.css").read_text(encoding="utf-8")
    return Html(re.sub(r"/\*.*?\*/|\s*\n\s*", "", text, flags=re.DOTALL))
