"""Texts of others in views, also those that look like HTML, are shown as text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge.catalog import (
    BandCollection,
    Blob,
    BlobCollection,
    ClassBand,
    GenericBand,
    Image,
    ImageCollection,
    ImageSummaryResult,
    ImageUpload,
    MaskBand,
    MicrowaveBand,
    Product,
    ProductCollection,
    SpectralBand,
    properties,
)
from landbridge.catalog.events import EventApiDestination, EventSubscription
from landbridge.catalog.model.collection import Collection
from landbridge.geo import AOI
from landbridge.mappings.sources.model import SourceTable
from landbridge.notebook.markup import short, tag
from landbridge.sources.registry import SourceList
from support.html_views import ViewReader, object_with

CLASSES = (
    *(Product, Image, ImageUpload, Blob, EventApiDestination, EventSubscription),
    *(SpectralBand, MicrowaveBand, MaskBand, ClassBand, GenericBand),
)
COLLECTIONS = {
    Product: ProductCollection,
    Image: ImageCollection,
    SpectralBand: BandCollection,
    Blob: BlobCollection,
    ImageUpload: Collection,
}
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text("<>&\"'/=`;:!-[]\\ scriptonload\x00\u202e\ud800", max_size=60),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</style><script>",
            "</pre></div>",
            "<!--",
        ]
    ),
)


def texts(view):
    return view.text.replace("\n", "")


def check(cls, client, text):
    obj = object_with(cls, client, text)
    ViewReader(obj._repr_html_())
    if cls in COLLECTIONS:
        ViewReader(COLLECTIONS[cls]([obj])._repr_html_())


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "</style><script>x</script>", '" onload="alert(1)', "javascript:x", ""],
)
def test_a_hostile_text_of_the_service_is_shown_as_text(cls, client, text):
    check(cls, client, text)


@settings(max_examples=1000 if LONG else 60)
@given(cls=st.sampled_from(CLASSES), text=TEXTS)
def test_any_text_of_the_service_is_shown_as_text(cls, client, text):
    check(cls, client, text)


@settings(max_examples=30)
@given(text=TEXTS)
@example(text="<script>alert(1)</script>")
def test_a_name_is_shown_as_it_is(client, text):
    view = ViewReader(object_with(Product, client, text)._repr_html_())
    shown = short(text).replace("\n", "").replace("\r", "")
    assert shown in texts(view).replace("\r", "")


@settings(max_examples=30)
@given(text=TEXTS)
@example(text="<script>")
def test_conditions_of_searches_are_shown_as_text(text):
    search = Image.search().filter((properties.name == text) & properties.name.like(text)).find_text(text)
    ViewReader(search.sort(text)._repr_html_())
    ViewReader(ImageSummaryResult(1, 2, [text])._repr_html_())


@settings(max_examples=30)
@given(text=TEXTS)
@example(text="javascript:alert(1)")
@example(text="http://[")
def test_tables_of_sources_are_shown_as_text(text):
    table = SourceTable(id=text, url=text, title=text, documentation=text, kind=text)
    view = ViewReader(SourceList([table])._repr_html_())
    assert all(link.startswith(("http://", "https://")) for link in view.links)


def test_reference_systems_are_shown_as_text():
    view = ViewReader(AOI(crs="<script>alert(1)</script>", resolution=1)._repr_html_())
    assert "<script>alert(1)</script>" in view.text


def test_only_content_that_tag_made_is_html():
    assert tag("b", "<i>") == "<b>&lt;i&gt;</b>"
    assert tag("b", tag("i", "&")) == "<b><i>&amp;</i></b>"
    assert tag("b", class_='"x') == '<b class="&quot;x"></b>'
    # A text that HTML was added to is a text again.
    assert tag("b", tag("i") + "<script>") == "<b>&lt;i&gt;&lt;/i&gt;&lt;script&gt;</b>"


def test_characters_that_deceive_or_cannot_be_written_are_replaced():
    assert short("a\u202eb\x00c\ud800d") == "a\ufffdb\ufffdc\ufffdd"
    short("\ud800").encode()
    assert short("x" * 500) == "x" * 239 + "…"
