"""Views of images and collections of images."""

from __future__ import annotations

import base64
import mimetypes
import re
from collections import Counter
from typing import Any

from landbridge.catalog.client.stored_files import stored_file
from landbridge.catalog.notebook.values import (
    attribute_pairs,
    known,
    size_text,
    state_badge,
    tags_of,
    value_text,
    without_query,
)
from landbridge.config import read_state
from landbridge.notebook.charts import timeline
from landbridge.notebook.maps import evenly_chosen, map_sketch
from landbridge.notebook.markup import Html, fields, frame, section, short, table, tag

__all__ = ["image_view", "images_view"]

_SHOWN = (
    "acquired", "acquired_end", "cloud_fraction", "cs_code", "files", "geometry", "geotrans", "name",
    "preview_file", "preview_url", "product_id", "projection", "storage_state", "tags", "x_pixels",
    "y_pixels",
)  # fmt: skip
_MOST_FILES = 20
_MOST_CHARACTERS = 500_000  # of a picture in its address
_MOST_PICTURE_BYTES = 370_000  # base64 makes a third more of them
_MOST_ROWS = 10
_MOST_PICTURES = 12
_MOST_PRODUCTS = 8
# A picture in the address itself needs no request. SVG is left out, since it can hold scripts.
_PICTURE = re.compile(r"data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=\s]{1,400000}")
# Without the characters that end an address in CSS
_WEB = re.compile(r"https?://[^\s\"'<>()\\]{1,2000}")


def image_view(image: Any) -> str:
    """Return the view of an image: its thumbnail if no request is needed for it, footprint and attributes."""
    files = list(known(image, "files") or ())
    picture = _picture(image)
    facts = fields(
        [
            ("id", tag("code", image.id) if image.id else None),
            ("acquired", _acquired(image)),
            ("clouds", _percent(known(image, "cloud_fraction"))),
            ("grid", _grid(image)),
            ("storage", _storage(image, files)),
            ("tags", tags_of(image)),
        ]
    )
    rows = [
        (without_query(each.href) if each.href else "", size_text(each.size_bytes) or "")
        for each in files[:_MOST_FILES]
    ]
    note = f"The first {_MOST_FILES} of {len(files):,}." if len(files) > _MOST_FILES else ""
    return frame(
        "Image",
        known(image, "name") or image.id or "without a name",
        tag(
            "div",
            picture,
            tag("div", facts, class_="lb-grow"),
            map_sketch([known(image, "geometry")]),
            class_="lb-columns",
        ),
        _picture_on_demand(image) if picture is None else None,
        section(
            f"{len(files)} file{'' if len(files) == 1 else 's'}",
            table(("address", "size"), rows) if rows else None,
            tag("p", note, class_="lb-note") if note else None,
            is_open=False,
        ),
        section("All attributes", fields(attribute_pairs(image, _SHOWN)), is_open=False),
        badges=[state_badge(image)],
        text=repr(image),
    )


def _acquired(image: Any) -> str | Html | None:
    start, end = value_text(known(image, "acquired")), value_text(known(image, "acquired_end"))
    return f"{start} to {end}" if start and end and start != end else start


def _percent(fraction: Any) -> str | None:
    return f"{fraction:.0%}" if isinstance(fraction, (int, float)) else None


def _grid(image: Any) -> str | None:
    columns, rows = known(image, "x_pixels"), known(image, "y_pixels")
    size = f"{columns:,} by {rows:,} pixels" if isinstance(columns, int) and isinstance(rows, int) else None
    step = known(image, "geotrans")
    known_step = isinstance(step, tuple) and len(step) == 6 and isinstance(step[1], (int, float))
    pixel = f"{abs(step[1]):g}" if known_step else None
    crs = known(image, "cs_code") or known(image, "projection")
    parts = [size, f"of {pixel}" if pixel else None, f"in {short(crs, 60)}" if crs else None]
    return " ".join(filter(None, parts)) or None


def _storage(image: Any, files: list[Any]) -> str | None:
    state = known(image, "storage_state")
    sizes = [each.size_bytes for each in files if isinstance(each.size_bytes, (int, float))]
    total = size_text(sum(sizes)) if sizes else None
    return ", ".join(filter(None, (state, total))) or None


def _picture_address(image: Any) -> Any:
    """Return the address of the thumbnail; for one that the embedded stack keeps, the picture itself.

    A browser has no token for the stack, and a notebook may be shared, so its private address is not shown.
    """
    address = known(image, "preview_url")
    if not isinstance(address, str) or image._client.configured_url is not None:
        return address
    state = read_state(image._client.settings.home)  # starts nothing
    file = None if state is None else stored_file(state.url, state.store, address)
    kind = None if file is None else mimetypes.guess_type(file.name)[0]
    if file is None or kind is None or file.stat().st_size > _MOST_PICTURE_BYTES:
        return address
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def _picture(image: Any) -> Html | None:
    """Return the thumbnail of an image whose address holds the picture itself."""
    address = _picture_address(image)
    if isinstance(address, str) and len(address) < _MOST_CHARACTERS and _PICTURE.fullmatch(address):
        return Html(f'<img src="{address}" alt="thumbnail">')
    return None


def _picture_on_demand(image: Any) -> Html | None:
    """Return a closed section with the thumbnail; the browser fetches it when the section is opened."""
    picture = _remote_picture(image)
    return section("Thumbnail", picture, is_open=False) if picture is not None else None


def _remote_picture(image: Any) -> Html | None:
    address = known(image, "preview_url")
    if not isinstance(address, str) or not _WEB.fullmatch(address):
        return None
    # A picture of the style sheet's rule for open sections: browsers fetch `img` in closed ones too.
    return tag(
        "div", class_="lb-remote", role="img", aria_label="thumbnail", style=f'--lb-picture:url("{address}")'
    )


def images_view(images: Any) -> str:
    """Return the view of a collection of images: dates, products, footprints and the first images."""
    listed = list(images)
    count = len(listed)
    dates = [date for image in listed if (date := known(image, "acquired")) is not None]
    products = Counter(str(image.product_id) for image in listed)
    shown = ", ".join(
        f"{short(name, 60)} ({number:,})" for name, number in products.most_common(_MOST_PRODUCTS)
    )
    if len(products) > _MOST_PRODUCTS:
        shown += f", and {len(products) - _MOST_PRODUCTS:,} more"
    facts = fields([("dates", _dates(dates)), ("products", shown or None)])
    rows = [
        (
            tag("b", short(known(image, "name") or image.id or "", 60)),
            _acquired(image) or "",
            _percent(known(image, "cloud_fraction")) or "",
            short(known(image, "cs_code") or "", 20),
            str(known(image, "storage_state") or ""),
        )
        for image in listed[:_MOST_ROWS]
    ]
    head = ("name", "acquired", "clouds", "grid", "storage")
    used = [index for index in range(len(head)) if index == 0 or any(row[index] for row in rows)]
    kind = type(images).__name__
    return frame(
        kind,
        f"{count:,} image{'' if count == 1 else 's'}",
        tag(
            "div",
            tag("div", facts, timeline(dates), class_="lb-grow"),
            map_sketch([known(image, "geometry") for image in evenly_chosen(listed)], count),
            class_="lb-columns",
        ),
        section(
            "Images" if count <= _MOST_ROWS else f"The first {_MOST_ROWS} of {count:,} images",
            table([head[index] for index in used], [[row[index] for index in used] for row in rows])
            if rows
            else None,
        ),
        _pictures(listed),
        text=repr(images),
    )


def _dates(dates: list[Any]) -> str | None:
    if not dates:
        return None
    first, last = f"{min(dates):%Y-%m-%d}", f"{max(dates):%Y-%m-%d}"
    return first if first == last else f"{first} to {last}"


def _pictures(images: list[Any]) -> Html:
    """Return the thumbnails at hand, and a closed section with those that are fetched when it is opened."""
    pictures: list[Html] = []
    at_hand = False
    for image in images:
        if len(pictures) == _MOST_PICTURES:
            break
        inner = _picture(image)
        picture = inner if inner is not None else _remote_picture(image)
        if picture is not None:
            at_hand = at_hand or inner is not None
            pictures.append(tag("figure", picture, tag("figcaption", short(known(image, "name") or "", 40))))
    if not pictures:
        return Html()
    remote = any("lb-remote" in each for each in pictures)
    return section(
        f"{len(pictures)} thumbnail{'' if len(pictures) == 1 else 's'}",
        tag("div", *pictures, class_="lb-thumbs"),
        is_open=at_hand and not remote,
    )
