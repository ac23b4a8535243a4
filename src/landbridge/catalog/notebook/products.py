"""Views of products and bands."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from landbridge.catalog.notebook.swatches import range_bar, swatch
from landbridge.catalog.notebook.values import (
    attribute_pairs,
    known,
    resolution_text,
    state_badge,
    tags_of,
    value_text,
)
from landbridge.notebook.markup import Html, badge, fields, frame, section, short, table, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["band_view", "bands_table", "bands_view", "product_view", "products_view"]

_MOST_BANDS = 60
_MOST_PRODUCTS = 20
_LONGEST_DESCRIPTION = 400
_SHOWN = ("name", "description", "tags", "start_datetime", "end_datetime", "resolution_min", "resolution_max")


def product_view(product: Any) -> str:
    """Return the view of a product: its attributes, and the bands that its document describes."""
    description = known(product, "description")
    facts = fields(
        [
            ("id", tag("code", product.id) if product.id else None),
            ("period", _period(product)),
            ("resolution", _resolutions(product)),
            ("tags", tags_of(product)),
        ]
    )
    bands = product._known_bands()
    if bands:
        title = f"{len(bands)} band{'' if len(bands) == 1 else 's'} when the product was read"
        listed = section(title, bands_table(bands))
    else:
        # The document may be older than the bands, or only the product's items describe them.
        listed = tag(
            "p", "Bands are not loaded: ", tag("code", "bands()"), " searches them.", class_="lb-note"
        )
    return frame(
        "Product",
        known(product, "name") or product.id or "without a name",
        tag("p", short(description, _LONGEST_DESCRIPTION)) if description else None,
        facts,
        listed,
        section("All attributes", fields(attribute_pairs(product, _SHOWN)), is_open=False),
        badges=[state_badge(product), *([badge("core")] if known(product, "is_core") else [])],
        text=repr(product),
    )


def _period(product: Any) -> str | None:
    start, end = (value_text(known(product, f"{name}_datetime")) for name in ("start", "end"))
    return f"{start or '…'} to {end or '…'}" if start or end else None


def _resolutions(product: Any) -> str | None:
    texts = [resolution_text(known(product, f"resolution_{name}")) for name in ("min", "max")]
    return " to ".join(dict.fromkeys(filter(None, texts))) or None


def bands_table(bands: Sequence[Any]) -> Html:
    """Return the table of bands, of which at most 60 are shown."""
    rows = [
        (
            swatch(band),
            tag("b", short(band.name, 60)),
            str(band.type or ""),
            short(known(band, "data_type") or "", 20),
            _range_text(known(band, "data_range")),
            join_range(band),
            _physical(band),
            resolution_text(known(band, "resolution")) or "",
            _wavelength(band),
        )
        for band in bands[:_MOST_BANDS]
    ]
    head = (
        "",
        "name",
        "type",
        "data type",
        "data range",
        "display range",
        "physical",
        "resolution",
        "center",
    )
    # Columns that are empty in all rows say nothing.
    used = [index for index in range(len(head)) if index < 2 or any(row[index] for row in rows)]
    shown = table([head[index] for index in used], [[row[index] for index in used] for row in rows])
    if len(bands) <= _MOST_BANDS:
        return shown
    return tag("div", shown, _more(len(bands), _MOST_BANDS))


def _more(count: int, shown: int) -> Html:
    return tag("p", f"The first {shown} of {count:,}.", class_="lb-note")


def join_range(band: Any) -> Any:
    """Return the display range with a bar of its place in the data range."""
    text = _range_text(known(band, "display_range"))
    bar = range_bar(known(band, "data_range"), known(band, "display_range"))
    return tag("div", text, bar) if bar is not None and text else text


def _range_text(pair: Any) -> str:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        return ""
    texts = [f"{each:g}" if isinstance(each, (int, float)) else short(each, 20) for each in pair]
    return f"{texts[0]} to {texts[1]}"


def _physical(band: Any) -> str:
    text = _range_text(known(band, "physical_range"))
    unit = known(band, "physical_range_unit")
    return f"{text} {short(unit, 30)}" if text and unit else text


def _wavelength(band: Any) -> str:
    for name, unit in (("wavelength_nm_center", "nm"), ("frequency", "GHz")):
        value = known(band, name)
        if value is not None:
            return short(f"{value:g} {unit}" if isinstance(value, (int, float)) else f"{value} {unit}", 40)
    return ""


def band_view(band: Any) -> str:
    """Return the view of a band."""
    skipped = (
        "name",
        "type",
        "data_range",
        "display_range",
        "physical_range",
        "physical_range_unit",
        "class_labels",
    )
    labels = list(known(band, "class_labels") or ())
    pairs = [
        ("id", tag("code", band.id) if band.id else None),
        ("data range", _range_text(known(band, "data_range")) or None),
        ("display range", join_range(band) or None),
        ("physical range", _physical(band) or None),
        *attribute_pairs(band, skipped),
    ]
    classes = [f"{number}: {short(text, 60)}" for number, text in enumerate(islice(labels, 40))]
    return frame(
        type(band).__name__,
        tag("span", swatch(band), " ", known(band, "name") or "without a name"),
        fields(pairs),
        section(f"{len(labels)} classes", tag("p", ", ".join(classes)), is_open=len(labels) <= 12)
        if labels
        else None,
        badges=[state_badge(band)],
        text=repr(band),
    )


def bands_view(bands: Any) -> str:
    """Return the view of a collection of bands."""
    count = len(bands)
    text = f"{type(bands).__name__} of {count} band{'' if count == 1 else 's'}"
    return frame(
        type(bands).__name__, f"{count} band{'' if count == 1 else 's'}", bands_table(list(bands)), text=text
    )


def products_view(products: Iterable[Any]) -> str:
    """Return the view of a collection of products."""
    listed = list(products)
    rows = [
        (
            tag("b", short(known(product, "name") or "", 60)),
            tag("code", short(product.id or "", 80)),
            _period(product) or "",
            _resolutions(product) or "",
        )
        for product in listed[:_MOST_PRODUCTS]
    ]
    count = len(listed)
    title = f"{count:,} product{'' if count == 1 else 's'}"
    return frame(
        type(products).__name__,
        title,
        table(("name", "id", "period", "resolution"), rows) if rows else None,
        _more(count, _MOST_PRODUCTS) if count > _MOST_PRODUCTS else None,
        text=f"{type(products).__name__} of {title}",
    )
