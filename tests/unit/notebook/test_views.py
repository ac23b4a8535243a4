"""Views in notebooks: what they show, that they ask for nothing, and that they are bounded."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import shapely

from landbridge import sources
from landbridge.catalog import (
    BandCollection,
    Blob,
    BlobCollection,
    ClassBand,
    Image,
    ImageCollection,
    ImageSummaryResult,
    ImageUpload,
    Interval,
    Product,
    ProductCollection,
    SpectralBand,
    properties,
)
from landbridge.catalog.events import EventApiDestination
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.notebook.swatches import range_bar, swatch
from landbridge.catalog.search.summaries import SummaryList
from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.mappings import band as band_mapping
from landbridge.mappings import image as image_mapping
from landbridge.mappings import product as product_mapping
from landbridge.notebook.maps import map_sketch
from support.html_views import SQUARE, ViewReader, object_with


def read(obj):
    return ViewReader(obj._repr_html_())


def saved_image(client, **attributes):
    known = {
        "id": "local:p:i",
        "name": "i",
        "product_id": "local:p",
        "acquired": "2020-01-02T00:00:00Z",
        "geometry": SQUARE,
    }
    return Image._from_record(image_mapping.to_stac(known | attributes), client)


def band_entry(name, **attributes):
    known = {
        "name": name,
        "product_id": "local:p",
        "type": "spectral",
        "data_type": "UInt16",
        "band_index": 0,
    }
    return band_mapping.to_stac(known | attributes)


@pytest.fixture
def product(client):
    document = product_mapping.to_stac({"id": "local:p", "name": "Fields", "tags": ["a tag"]})
    document["bands"] = [
        band_entry("red", data_range=[0, 10000], display_range=[0, 4000], wavelength_nm_center=655),
        band_entry("soil", type="class", class_labels=["sand", "clay"], data_type="Byte"),
    ]
    return Product._from_record(document, client)


def test_a_product_shows_the_bands_of_its_document_with_their_ranges(product):
    text = read(product).text
    assert "2 bands when the product was read" in text
    for shown in ("Fields", "local:p", "a tag", "red", "0 to 10000", "0 to 4000", "655 nm", "soil", "Byte"):
        assert shown in text


def test_a_product_without_bands_in_its_document_says_that_they_are_not_loaded(client):
    text = read(Product._from_record(product_mapping.to_stac({"id": "local:p", "name": "P"}), client)).text
    assert "Bands are not loaded" in text
    assert "Bands are not loaded" in read(Product(id="new")).text


@pytest.mark.parametrize(
    "obj",
    [
        *(Product, Image, SpectralBand, ClassBand, Blob, EventApiDestination),
        *(ProductCollection, BandCollection, ImageCollection, BlobCollection, Collection),
        *(AOI, lambda: SummaryList([], Interval.DAY)),
    ],
)
def test_an_object_without_values_has_a_view(obj):
    read(obj())


def test_an_image_shows_its_attributes_and_footprint(client):
    view = read(
        saved_image(client, cloud_fraction=0.25, cs_code="EPSG:32612", x_pixels=1200, y_pixels=800, area=12.5)
    )
    for shown in (
        "2020-01-02",
        "25%",
        "1,200 by 800 pixels in EPSG:32612",
        "area",
        "12.5",
        "10.0°E",
        "50.0°N",
    ):
        assert shown in view.text
    assert view.elements.count("svg") == 2  # the footprint, and its place in the world


def test_a_changed_object_says_that_it_is_not_saved(client):
    image = saved_image(client)
    assert "saved" in read(image).text.split()
    image.cloud_fraction = 0.5
    assert "modified" in read(image).text.split()


def test_a_thumbnail_is_shown_if_its_address_holds_the_picture(client):
    picture = "data:image/png;base64,iVBORw0KGgo="
    (shown,) = read(saved_image(client, preview_url=picture)).pictures
    assert shown == {"src": picture, "on_demand": False}


def test_a_thumbnail_elsewhere_is_fetched_only_if_its_section_is_opened(client):
    (shown,) = read(saved_image(client, preview_url="https://example.com/a.png?x=1&y=2")).pictures
    assert shown["src"] == "https://example.com/a.png?x=1&y=2"
    assert shown["on_demand"]
    (shown,) = read(ImageCollection([saved_image(client, preview_url="https://example.com/a.png")])).pictures
    assert shown["on_demand"]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "file:///etc/passwd",
        "/etc/passwd",
        "data:text/html,x",
        'https://x.example/")}*{background:url("y',
        "https://x.example/a)b",
    ],
)
def test_an_address_that_is_no_picture_or_web_page_is_not_loaded(client, address):
    assert read(saved_image(client, preview_url=address)).pictures == []


def test_signatures_of_addresses_are_not_shown(client):
    href = "https://user:pass@example.com/scene.tif?X-Amz-Signature=SECRET"
    image = saved_image(client, files=[{"href": href, "size_bytes": 5}], provider_url=href)
    blob = object_with(Blob, client, "x")
    blob._service |= {"href": href}
    upload = object_with(ImageUpload, client, "x")
    upload._service |= {"resumable_urls": [href]}
    hook = EventApiDestination(name="h", endpoint="https://hooks.example/SECRET/x")
    for obj in (image, blob, upload, hook):
        html = obj._repr_html_()
        assert "SECRET" not in html
        assert "pass@" not in html
    assert "https://example.com/scene.tif" in image._repr_html_()
    assert "https://hooks.example/…" in hook._repr_html_()


def test_secrets_are_not_shown(client):
    hook = object_with(EventApiDestination, client, "SECRET")
    hook._service = {"signing_secret": "SECRET", "name": "h"}
    assert "SECRET" not in hook._repr_html_()


def test_an_upload_shows_its_events_and_messages(client):
    upload = object_with(ImageUpload, client, "x")
    upload._service |= {
        "status": "failure",
        "events": [
            {"severity": "ERROR", "event_type": "error", "message": f"File {number} is no raster"}
            for number in range(200)
        ],
    }
    text = read(upload).text
    assert "failure" in text
    assert "The last 50 of 200 events" in text
    assert "File 199 is no raster" in text
    assert "File 0 is no raster" not in text


def test_a_collection_of_10_000_images_states_its_totals_and_shows_the_first(client):
    some = [
        saved_image(
            client, name=f"i{number}", id=f"local:p:i{number}", acquired=f"20{number + 10}-03-04T00:00:00Z"
        )
        for number in range(40)
    ]
    images = ImageCollection(some * 250)
    html = images._repr_html_()
    view = ViewReader(html)
    assert len(html) < 60_000
    for shown in (
        "10,000 images", "The first 10 of 10,000 images", "2010-03-04 to 2049-03-04", "local:p (10,000)",
        "100 of 10,000 footprints, evenly chosen",
    ):  # fmt: skip
        assert shown in view.text
    assert view.elements.count("tr") == 11


def test_other_collections_show_the_first_and_the_total(product):
    listed = [product] * 30
    assert "The first 20 of 30." in read(ProductCollection(listed)).text
    text = read(Collection(range(1000))).text
    assert "1,000 items" in text
    assert "The first 20 of 1,000." in text
    bands = BandCollection(product._known_bands() * 50)
    assert "The first 60 of 100." in read(bands).text


def test_bands_are_listed_in_their_order(client):
    document = product_mapping.to_stac({"id": "local:p", "name": "P"})
    document["bands"] = [band_entry(name, sort_order=order) for name, order in (("b", 2), ("a", 1), ("c", 3))]
    names = [band.name for band in Product._from_record(document, client)._known_bands()]
    assert names == ["a", "b", "c"]


def color(band):
    html = swatch(band)
    return tuple(int(html.split('fill="#')[1][start : start + 2], 16) for start in (0, 2, 4))


def test_a_swatch_has_the_color_of_the_band():
    blue, green, red = (
        color(SpectralBand(wavelength_nm_center=center, name="x")) for center in (470, 540, 660)
    )
    assert max(blue) == blue[2]
    assert max(green) == green[1]
    assert max(red) == red[0]
    assert color(SpectralBand(name="red")) == red
    assert color(ClassBand(colormap=[["1", "2", "3", "255"], [4, 5, 6, 7]])) == (1, 2, 3)
    assert color(ClassBand(colormap_name="viridis")) == (68, 1, 84)


@pytest.mark.parametrize("outer", [None, (0, 0), (1, 0), (0, float("nan")), ("a", "b"), (0,)])
def test_a_range_that_is_not_one_has_no_bar(outer):
    assert range_bar(outer, (0, 1)) is None


def test_a_display_range_is_drawn_within_the_data_range():
    assert 'x="16.0" y="2" width="32.0"' in range_bar((0, 100), (25, 75))
    assert 'x="0.0" y="2" width="64.0"' in range_bar((0, 100), (-1e9, 1e9))


def test_a_search_shows_its_conditions_in_words():
    search = (
        Image.search()
        .filter(properties.product_id == "local:p")
        .filter(properties.cloud_fraction < 0.2)
        .intersects(SQUARE)
        .sort("acquired", ascending=False)
        .limit(1000)
    )
    view = read(search)
    for shown in (
        'product id is "local:p"', "cloud fraction is below 0.2", "intersects a Polygon",
        "by acquired, descending", "at most 1,000", "Nothing has been asked for yet", "10.0°E",
    ):  # fmt: skip
        assert shown in view.text
    assert "no condition" in read(Product.search()).text


def test_a_search_has_a_text_that_states_its_conditions():
    search = Image.search().filter(properties.product_id == "local:p").limit(5)
    assert repr(search).splitlines() == [
        "ImageSearch for Image objects",
        '  * where: product id is "local:p"',
        "  * limit: at most 5",
    ]


p = properties


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (p.name == "a", 'name is "a"'),
        (p.name != "a", 'name is not "a"'),
        (p.cloud_fraction <= 0.5, "cloud fraction is at most 0.5"),
        (p.acquired >= "2024-01-01", "acquired is from 2024-01-01"),
        (p.created > datetime(2024, 1, 2, tzinfo=UTC), "created is after 2024-01-02 00:00:00+00:00"),
        (p.name.any_of(["a", "b"]), 'name is one of "a", "b"'),
        ((p.name == "a") | (p.area > 3), '(name is "a" or area is above 3)'),
        (p.name.prefix("a"), 'name starts with "a"'),
        (p.name.like("a%"), 'name matches "a%"'),
        (p.name.ilike("a%"), 'name matches "a%" in any case'),
        (p.name.isnull, "name is not set"),
        (p.name.isnotnull, "name is set"),
        (p.name.any_of("abcdefghij"), 'name is one of "a", "b", "c", "d", "e", "f", "g", "h" and 2 more'),
    ],
)
def test_conditions_in_words(expression, words):
    assert words in repr(Image.search().filter(expression))


def test_a_range_has_both_bounds_in_words():
    between = 0.1 < p.cloud_fraction <= 0.2
    assert "cloud fraction is above 0.1 and at most 0.2" in repr(Image.search().filter(between))


def summaries():
    found = [
        ImageSummaryResult(month * 10, month * 10**6, interval_start=datetime(2024, month, 1, tzinfo=UTC))
        for month in (1, 2, 3)
    ]
    return SummaryList(found, Interval.MONTH)


def test_summaries_are_a_list_and_show_a_bar_for_each_interval():
    shown = summaries()
    assert isinstance(shown, list)
    assert len(shown) == 3
    view = read(shown)
    assert "60 images" in view.text
    assert "2024-02: 20 images, 2.0 MB" in view.text
    assert view.elements.count("rect") == 3
    assert "1,234 images" in read(ImageSummaryResult(1234, 10**9, ["local:p"])).text


def bars(view):
    """Return the left end and the height of each bar of a chart."""
    found = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', view)
    return [(float(x), float(height)) for x, height in found]


@pytest.mark.parametrize(
    ("interval", "starts"),
    [
        (Interval.YEAR, ("2020-01-01", "2021-01-01", "2024-01-01")),
        (Interval.QUARTER, ("2023-10-01", "2024-01-01", "2024-10-01")),
        (Interval.MONTH, ("2023-12-01", "2024-01-01", "2024-04-01")),
        (Interval.WEEK, ("2024-02-05", "2024-02-12", "2024-03-04")),
        (Interval.DAY, ("2024-02-27", "2024-02-28", "2024-03-02")),
        (Interval.HOUR, ("2024-02-28T22:00:00Z", "2024-02-28T23:00:00Z", "2024-02-29T02:00:00Z")),
        (Interval.MINUTE, ("2024-02-28T23:58:00Z", "2024-02-28T23:59:00Z", "2024-02-29T00:02:00Z")),
    ],
)
def test_bars_of_a_summary_lie_at_their_time(interval, starts):
    """An interval without images has no summary, and its place stays empty."""
    found = [ImageSummaryResult(10, 1, interval_start=start) for start in starts]
    (first, _), (second, _), (third, _) = bars(SummaryList(found, interval)._repr_html_())
    assert round((third - first) / (second - first), 2) == 4


def test_a_summary_of_many_intervals_has_the_bars_of_a_time_line():
    start = datetime(2024, 1, 1, tzinfo=UTC)
    found = [
        ImageSummaryResult(count, 1, interval_start=start + timedelta(minutes=minute))
        for minute, count in ((0, 4), (1, 6), (600, 5), (1199, 10))
    ]
    view = SummaryList(found, Interval.MINUTE)._repr_html_()
    drawn = bars(view)
    assert [height / drawn[0][1] for _, height in drawn] == [1, 0.5, 1]
    assert "25 images" in read(SummaryList(found, Interval.MINUTE)).text


def test_areas_and_tiles_show_their_grid_and_place():
    aoi = AOI(
        bounds=(500000, 4300000, 506000, 4303000), bounds_crs="EPSG:32612", crs="EPSG:32612", resolution=30
    )
    view = read(aoi)
    assert "about 100 by 200 pixels" in view.text
    assert "38.86°N" in view.text
    assert "no grid yet" in read(AOI(SQUARE)).text
    tile = read(DLTile.from_key("128:16:960.0:15:-1:37"))
    assert "128:16:960.0:15:-1:37" in tile.text
    assert "160 by 160 pixels" in tile.text
    assert "256 by 256 pixels" in read(XYZTile(1, 2, 3)).text


def test_the_sources_in_use_are_a_table(monkeypatch):
    monkeypatch.delenv("LANDBRIDGE_SOURCES")
    listed = sources.list()
    text = read(listed).text
    assert f"{len(listed)} sources in use" in text
    assert all(source.id in text and source.url in text for source in listed)


@pytest.mark.parametrize(
    "geometry",
    [
        None, shapely.Point(), shapely.Polygon(), {"type": "Point", "coordinates": [float("nan"), 1]}, "text",
        7, shapely.Point(1e300, 0), shapely.Point(float("inf"), 0), shapely.GeometryCollection(),
    ],
)  # fmt: skip
def test_a_geometry_that_cannot_be_drawn_has_no_map(geometry):
    assert map_sketch([geometry]) == ""


@pytest.mark.parametrize(
    "geometry",
    [
        shapely.Point(10, 50), shapely.LineString([(0, 0), (1, 1)]), shapely.box(-180, -90, 180, 90),
        shapely.box(170, -10, 200, 10), shapely.box(10, 89, 11, 90), shapely.Point(0, 90),
        shapely.MultiPoint([(0, 0), (1, 1)]), shapely.box(10, 50, 10.000001, 50.000001),
        shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)]),
        shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2)), shapely.box(340, 0, 350, 10),
    ],
)  # fmt: skip
def test_any_other_geometry_has_a_map(geometry):
    html = map_sketch([geometry])
    ViewReader(html)
    assert "<path" in html
    assert "nan" not in html
    assert len(html) < 12_000


def test_a_footprint_cut_at_the_antimeridian_is_drawn_in_one_piece():
    cut = shapely.MultiPolygon([shapely.box(178, 0, 180, 2), shapely.box(-180, 0, -178, 2)])
    html = map_sketch([cut])
    (outline,) = re.findall(r'<path d="(M[^"]*z)" fill-rule', html)
    assert set(re.findall("[0-9.]+", outline)) == {"32.7", "237.3", "38.9", "141.1"}
    assert '"M237.3 141.1L237.3 38.9L32.7 38.9L32.7 141.1L' in map_sketch([shapely.box(178, 0, 182, 2)])
    assert "180°" in html


def test_footprints_on_both_sides_of_the_antimeridian_are_near_each_other():
    html = map_sketch([shapely.box(178, 0, 179, 1), shapely.box(-179, 0, -178, 1)])
    assert "180°<" in html
    assert "km" in html
    assert "90°E" not in html


def test_a_footprint_of_many_points_is_simplified():
    circle = shapely.Point(10, 50).buffer(1, quad_segs=5_000)
    parts = shapely.MultiPoint([(x / 100, 0) for x in range(500)])
    assert len(map_sketch([circle])) < 12_000
    assert len(map_sketch([parts])) < 20_000


def test_the_repr_is_the_text_of_a_notebook_that_is_not_trusted(product):
    assert repr(product).splitlines()[1].strip() in read(product).text


def test_the_catalog_is_imported_without_its_views():
    program = "import sys, landbridge.catalog; print([m for m in sys.modules if 'notebook' in m])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
