"""APIs and files that behave badly: the answer is right, or an error; never a wrong one."""

import contextlib
import dataclasses

import pytest

from landbridge import sources
from landbridge.catalog import Image, ImageCollection, Product
from landbridge.catalog import properties as p
from landbridge.exceptions import LandbridgeError
from landbridge.mappings.sources import shipped
from sources import oracle
from sources.cells import same
from sources.columns import RGB, area
from support.replay import replayed
from support.replay.as_source import table, used, variables
from support.replay.profiles import PROFILES

pytestmark = pytest.mark.filterwarnings("ignore")

# --- an API whose conformance is wrong

ALL = PROFILES["cdse"].conforms
LIES = {
    "declares every extension and has none": {
        "conforms": ALL,
        "languages": (),
        "sorting": "none",
        "fields": False,
    },
    "declares filters and ignores them": {"conforms": ALL, "languages": ()},
    "declares filters and has query only": {"conforms": ALL, "languages": ("query",)},
    "declares sorting and ignores it": {"conforms": ALL, "sorting": "none"},
    "declares sorting and repeats its first page": {"next_link": "page", "sorting": "repeats"},
    "declares nothing": {"conforms": ()},
    "ignores times": {"ignored": ("datetime",)},
    "ignores places": {"ignored": ("bbox", "intersects")},
    "ignores ids": {"ignored": ("ids",)},
    "ignores everything": {
        "conforms": ALL,
        "languages": (),
        "sorting": "none",
        "fields": False,
        "ignored": ("datetime", "bbox", "intersects", "ids", "collections"),
    },
    "refuses POST": {"search_methods": ("GET",)},
    "refuses GET": {"search_methods": ("POST",)},
    "gives a link on its last page": {"next_link": "next_body", "link_on_last_page": True},
}


@pytest.fixture(scope="module", params=LIES)
def liar(request):
    """An API of whose kind no table knows anything, and its records of one collection."""
    changes = {"conforms": ALL, "languages": ("query", "cql2-json", "cql2-text"), **LIES[request.param]}
    use = variables({"LANDBRIDGE_SOURCES": "liar"})
    with replayed("earth-search", 40, real=False, largest_answer=None, **changes) as provider, use:
        sources.add("liar", provider.url)
        yield provider.of("sentinel-2-l2a")
        sources.remove("liar")


def images():
    return Product.get("liar:sentinel-2-l2a").images()


def expect(answer, wanted):
    """Assert that an answer is right, or that there is an error of ours."""
    try:
        found = answer()
    except LandbridgeError as error:
        assert len(str(error)) > 20  # noqa: PT017 - the error is allowed, not expected
    else:
        assert found == wanted


def ids(records):
    return sorted(record.id for record in records)


def test_a_liar_lists_the_images_of_a_product(liar):
    expect(lambda: sorted(image.name for image in images()), ids(liar))


def test_a_liar_filters(liar):
    few = [one for one in liar if one.properties["eo:cloud_cover"] < 40.5]
    search = images().filter(p.cloud_fraction < 0.405)
    expect(lambda: sorted(image.name for image in search), ids(few))
    expect(search.count, len(few))


def test_a_liar_knows_times_and_places(liar):
    day = sorted(one.properties["datetime"] for one in liar)[20]
    later = [one for one in liar if one.properties["datetime"] >= day]
    expect(lambda: sorted(image.name for image in images().filter(p.acquired >= day)), ids(later))
    west, south, _, _ = liar[0].bbox
    corner = [[west + x, south + y] for x, y in ((3e-3, 3e-3), (4e-3, 3e-3), (4e-3, 4e-3), (3e-3, 3e-3))]
    there = [
        one
        for one in liar
        if one.bbox[0] <= west + 3e-3
        and one.bbox[1] <= south + 3e-3
        and one.bbox[2] >= west + 4e-3
        and one.bbox[3] >= south + 4e-3
    ]
    area_of_few = {"type": "Polygon", "coordinates": [corner]}
    expect(lambda: sorted(image.name for image in images().intersects(area_of_few)), ids(there))
    assert len(there) < len(liar)


def test_a_liar_sorts_and_limits(liar):
    covers = sorted(one.properties["eo:cloud_cover"] for one in liar)
    search = images().sort("cloud_fraction")
    expect(lambda: [round(image.cloud_fraction * 100, 6) for image in search], covers)
    expect(lambda: [round(image.cloud_fraction * 100, 6) for image in search.limit(5)], covers[:5])
    times = sorted((one.properties["datetime"] for one in liar), reverse=True)
    newest = images().sort("acquired", ascending=False).limit(3)
    expect(lambda: [image.acquired.isoformat()[:19] for image in newest], [one[:19] for one in times[:3]])


def test_a_liar_counts(liar):
    expect(images().count, len(liar))


def test_a_liar_has_an_image(liar):
    name = liar[3].id
    expect(lambda: Image.get(f"liar:sentinel-2-l2a:{name}").name, name)
    several = [f"liar:sentinel-2-l2a:{one.id}" for one in liar[:3]]
    expect(lambda: sorted(image.name for image in Image.get_many(several)), ids(liar[:3]))
    expect(lambda: Image.get("liar:sentinel-2-l2a:no-such-item"), None)


# --- the same id of a collection in two sources


@contextlib.contextmanager
def both(one, other, count):
    """Run two providers as sources inside the `with` block."""
    with contextlib.ExitStack() as stack:
        providers = [stack.enter_context(replayed(name, count, real=False)) for name in (one, other)]
        stack.enter_context(used(*providers))
        yield providers


def test_two_sources_have_a_collection_of_one_id():
    with both("planetary-computer", "cdse", 10) as (first, second):
        for turn in (first, second, first):
            record = turn.of("sentinel-2-l2a")[2]
            product = Product.get(f"{turn.name}:sentinel-2-l2a")
            assert product.images().count() == 10
            image = Image.get(f"{product.id}:{record.id}")
            grid = area(record, resolution=10)
            same(image.ndarray(RGB, geocontext=grid), oracle.stacked(record, RGB))
        # The alias belongs to the source that is named first.
        ids_of_alias = {image.name for image in Product.get("esa:sentinel-2:l2a:v1").images()}
        assert ids_of_alias == {record.id for record in first.of("sentinel-2-l2a")}


def test_a_collection_of_another_source_with_the_same_id_has_its_own_bands():
    """Earth Search and Planetary Computer both have sentinel-2-l2a and naip, with other keys of assets."""
    with both("earth-search", "planetary-computer", 6) as (first, second):
        for collection in ("sentinel-2-l2a", "naip"):
            found = {}
            for turn in (first, second):
                record = turn.of(collection)[1]
                image = Image.get(f"{turn.name}:{collection}:{record.id}")
                wanted = oracle.stacked(record, ["nir"])
                grid = area(record, resolution=oracle.finest(record, ["nir"]))
                found[turn.name] = image.ndarray("nir", geocontext=grid)
                same(found[turn.name], wanted)


# --- mosaics


def test_a_mosaic_mixes_two_sources():
    with both("earth-search", "planetary-computer", 8) as (first, second):
        # Both have the same places: half of the second lies beside the first.
        upper, lower = first.of("sentinel-2-c1-l2a")[0], second.of("sentinel-2-l2a")[2]
        assert lower.place == upper.place + 1
        images = [
            Image.get(f"planetary-computer:sentinel-2-l2a:{lower.id}"),
            Image.get(f"earth-search:sentinel-2-c1-l2a:{upper.id}"),
        ]
        whole = oracle.bounds(upper, lower)
        grid = area(upper, lower, resolution=10)
        for scaling, layers in ((None, oracle.stacked), ("physical", oracle.physical)):
            wanted = oracle.over(*(oracle.placed(layers(one, RGB), one, whole, 10) for one in (upper, lower)))
            found = ImageCollection(images).mosaic(RGB, geocontext=grid, scaling=scaling)
            same(found.round(9), wanted.round(9))


@pytest.mark.parametrize("after", [1, 3, 7, 12])
def test_signatures_that_expire_in_mid_mosaic_are_renewed(after):
    with replayed("planetary-computer", 16, real=False) as provider, used(provider):
        records = provider.of("sentinel-2-l2a")[0:8:2]
        images = [Image.get(f"planetary-computer:sentinel-2-l2a:{record.id}") for record in records]
        files, begun = provider.files, len(provider.files.seen)
        expired = []

        def behave(seen):
            if len(files.seen) - begun >= after and not expired:
                expired.append(True)
                files.expire()

        files.behave = behave
        grid = area(*records, resolution=10)
        found = ImageCollection(images).mosaic(RGB, geocontext=grid)
        whole = oracle.bounds(*records)
        wanted = oracle.placed(oracle.stacked(records[0], RGB), records[0], whole, 10)
        for record in records[1:]:
            wanted = oracle.over(oracle.placed(oracle.stacked(record, RGB), record, whole, 10), wanted)
        same(found, wanted)
        signed = [path for _, path, _ in provider.api.requests if "/sas/" in path]
        assert len(signed) == 2


def test_a_signature_that_is_always_refused_is_an_error_with_advice():
    with replayed("planetary-computer", 4, real=False) as provider, used(provider):
        record = provider.of("sentinel-2-l2a")[0]
        image = Image.get(f"planetary-computer:sentinel-2-l2a:{record.id}")
        provider.files.token_seconds = -10
        with pytest.raises(LandbridgeError, match="planetary-computer") as caught:
            image.ndarray("red")
        assert "sig=" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "product", "missing", "advice"),
    [
        ("lpcloud", "lpcloud:HLSL30_2.0", "EARTHDATA_TOKEN", "EARTHDATA_TOKEN"),
        ("cdse", "cdse:sentinel-2-l2a", "LANDBRIDGE_SOURCE_CDSE_ACCESS_KEY_ID", "CDSE_S3_ACCESS_KEY"),
        ("usgs", "usgs:landsat-c2l2-sr", "LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID", "ACCESS_KEY_ID"),
    ],
)
def test_files_that_need_an_account_say_what_to_configure(name, product, missing, advice):
    with replayed(name, 2, real=False) as provider, used(provider), variables({missing: None}):
        record = provider.of(product.partition(":")[2])[0]
        image = Image.get(f"{product}:{record.id}")
        with pytest.raises(LandbridgeError, match=advice):
            image.ndarray("red", geocontext=area(record, resolution=30))


@pytest.mark.parametrize(
    ("name", "product", "wrong"),
    [
        ("lpcloud", "lpcloud:HLSL30_2.0", {"EARTHDATA_TOKEN": "a-wrong-token"}),
        ("cdse", "cdse:sentinel-2-l2a", {"LANDBRIDGE_SOURCE_CDSE_ACCESS_KEY_ID": "WRONGKEY"}),
        ("usgs", "usgs:landsat-c2l2-sr", {"LANDBRIDGE_SOURCE_USGS_ACCESS_KEY_ID": "WRONGKEY"}),
    ],
)
def test_wrong_credentials_are_an_error_that_does_not_hold_them(name, product, wrong):
    with replayed(name, 2, real=False) as provider, used(provider), variables(wrong):
        record = provider.of(product.partition(":")[2])[0]
        image = Image.get(f"{product}:{record.id}")
        with pytest.raises(LandbridgeError) as caught:
            image.ndarray("red", geocontext=area(record, resolution=30))
        text = str(caught.value)
        assert name in text
        assert not [secret for secret in wrong.values() if secret in text]


def test_a_table_s_rules_win_over_what_an_api_declares():
    """Earth Search's newer software has filters: it is asked for them only if it declares them."""
    rules = dataclasses.replace(shipped("earth-search").api, filter="none")
    with replayed("earth-search", 20, real=False) as provider:
        own = dataclasses.replace(table(provider, shipped("earth-search")), id="ours", api=rules)
        with variables({"LANDBRIDGE_SOURCES": "ours"}):
            sources.add(own)
            search = Product.get("ours:sentinel-2-c1-l2a").images().filter(p.cloud_fraction < 0.405)
            few = [one for one in provider.of("sentinel-2-c1-l2a") if one.properties["eo:cloud_cover"] < 40.5]
            assert search.count() == len(few)
            sources.remove("ours")
        assert not [
            text for _, path, text in provider.api.requests if path == "/search" and '"query"' in text
        ]
