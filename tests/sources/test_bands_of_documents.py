"""Bands of all real Items, read from their providers' APIs: each has the file that its document says.

The expected assets are those of the facts that were collected beside the documents; a band that has no fact
is compared with what the document itself says.
"""

import tomllib
from urllib.parse import urljoin

import pytest

from landbridge import sources
from landbridge.catalog import Image
from landbridge.catalog.pixels.engine_inputs import sources as engine_sources
from landbridge.mappings.sources import shipped
from support.published_bands import expected
from support.replay import replayed
from support.replay.as_source import used
from support.replay.documents import REAL
from support.replay.profiles import PROFILES

FACTS = REAL.parent / "facts"
pytestmark = pytest.mark.skipif(not FACTS.is_dir(), reason=f"there are no real documents in {REAL}")


def facts(provider):
    """Return {collection: {band: {(asset, index)}}} of a provider."""
    # Copies of Earth Search's Items have the same assets.
    is_copy = provider == "deafrica"
    copied = {"s2_l2a_c1": facts("earth-search")["sentinel-2-c1-l2a"]} if is_copy else {}
    content = tomllib.loads((FACTS / f"{provider}.toml").read_text())
    out = {}
    for collection in content["collections"]:
        bands = out.setdefault(collection["id"], {})
        for band in collection.get("bands", ()):
            bands.setdefault(band["name"], set()).add((band["asset"], band["index"]))
    for collection, bands in copied.items():
        out[collection] = {**bands, **out[collection]}
    return out


def product_ids(provider, collection):
    """Return the ids under which images of a collection are found."""
    rows = [row for row in shipped(provider).products if row.collection == collection]
    return [f"{provider}:{collection}", *(name for row in rows for name in row.ids)]


def places(source, item):
    """Return {band: (asset key, index)} of what the engine reads; None if the Item lacks the band's file."""
    keys = {}
    own = next(link["href"] for link in item["links"] if link["rel"] == "self")
    for key, asset in item["assets"].items():
        for one in (asset, *asset.get("alternate", {}).values()):
            if isinstance(one, dict) and "href" in one:
                keys.setdefault(urljoin(own, one["href"]), key)
    out = {}
    for name in source.bands:
        place = source.place(name)
        out[name] = None if place is None else (keys[source.files[place[0]]], place[1])
    return out


# Assets that tell of clouds
MASKS = {
    "cloud_mask": {
        *("scl", "SCL", "SCL_20m", "qa_pixel", "Fmask", "oa_fmask", "cloud_qa"),
        "500m_16_days_pixel_reliability",
    }
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"swisstopo"}))
def test_each_band_of_a_real_item_has_the_asset_of_its_document(name):
    known = facts(name)
    checked = 0
    with replayed(name, 10, real=True) as provider, used(provider):
        assert sources.get(name).url == provider.url
        # Those with the template's own id are the real ones.
        records = [one for one in provider.records if one.id == one.template["id"]]
        for record in records:
            item = provider.api.item(record)
            collection = provider.api.collections[record.collection]
            wanted = known.get(record.collection, {})
            images = [Image.get(f"{one}:{record.id}") for one in product_ids(name, record.collection)]
            for image in filter(None, images):
                checked += check(image, item, collection, wanted)
    assert checked


def places_of(band, bands, wanted):
    """Return the possible places of a band.

    The thermal band of TM and ETM has another asset than TIRS. A product of one sensor calls it thermal.
    """
    other = f"{band}-tm"
    return wanted[band] | (set() if other in bands else wanted.get(other, set()))


def check(image, item, collection, wanted):
    (source,) = engine_sources([image])
    assert source.bands, image.id
    right = 0
    for band, place in places(source, item).items():
        message = (image.id, band, place)
        if band in MASKS:
            assert place is None or place[0] in MASKS[band], message
        elif band in wanted:
            there = {one for one in places_of(band, source.bands, wanted) if one[0] in item["assets"]}
            assert place in there if there else place is None, message
        else:
            told = expected(band, collection, item)
            assert (place is None and not told) or place in told, message
        right += place is not None
    # One collection has several kinds of items: those without any of the product's assets have no bands.
    assets = {key for band in source.bands for key, _ in wanted.get(band, ())}
    assert right or (assets and not assets & set(item["assets"]))
    return right


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"swisstopo"}))
def test_shipped_rows_name_the_assets_of_the_facts(name):
    known = facts(name)
    for row in shipped(name).products:
        wanted = known.get(row.collection, {})
        for band in row.bands:
            if band.name in wanted:
                names = {one.name for one in row.bands}
                assert (band.asset, band.index) in places_of(band.name, names, wanted), band.name
