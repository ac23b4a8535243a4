"""Keys of the old dicts become attributes, and are read back as they were given."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge.catalog import ClassBand, GenericBand, Image, MaskBand, MicrowaveBand, Product, SpectralBand
from landbridge.porting.arguments.errors import UnknownArgumentError
from landbridge.porting.old_keys.bands import BAND_KEYS, band_attributes, band_class, band_record
from landbridge.porting.old_keys.images import IMAGE_KEYS, image_feature, image_record
from landbridge.porting.old_keys.products import PRODUCT_KEYS, product_record
from landbridge.porting.old_keys.table import to_attributes, to_plain

# Values outside the Catalog's ranges are kept as they are, until they are saved.
pytestmark = pytest.mark.filterwarnings("ignore:.* `save` will fail:UserWarning")
few = settings(max_examples=300 if LONG else 15)
NUMBERS = st.floats(-1e6, 1e6)
FRACTIONS = st.floats(0, 1)
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
PAIRS = st.lists(NUMBERS, min_size=2, max_size=2)
WORDS = st.lists(TEXTS, max_size=3)


def some(**strategies):
    """Draw dicts with any of these keys."""
    return st.fixed_dictionaries({}, optional=strategies)


IMAGES = some(
    acquired=TIMES,
    published=TIMES,
    area=NUMBERS,
    bits_per_pixel=st.lists(NUMBERS, min_size=1, max_size=3),
    cloud_fraction=FRACTIONS,
    cloud_fraction_0=FRACTIONS,
    fill_fraction=FRACTIONS,
    cs_code=st.just("EPSG:32612"),
    files=st.lists(st.just("https://example.com/a.tif"), min_size=1, max_size=2),
    geotrans=st.lists(NUMBERS, min_size=6, max_size=6),
    identifier=TEXTS,
    raster_size=st.lists(st.integers(1, 10**5), min_size=2, max_size=2),
    sat_id=TEXTS,
    storage_state=st.sampled_from(["available", "remote"]),
    tile_id=TEXTS,
    absolute_orbit=st.integers(0, 10**6),
    view_angle=NUMBERS,
    tags=st.lists(TEXTS, min_size=1, max_size=3),
    geometry=st.just({"type": "Point", "coordinates": [9.0, 50.0]}),
)
BANDS = some(
    description=TEXTS,
    dtype=st.sampled_from(["Byte", "UInt16", "Float32"]),
    nbits=st.integers(1, 64),
    nodata=NUMBERS,
    data_range=PAIRS,
    default_range=PAIRS,
    physical_range=PAIRS,
    data_unit=TEXTS,
    data_unit_description=TEXTS,
    srcband=st.integers(1, 100),
    srcfile=st.integers(0, 100),
    jpx_layer=st.integers(0, 10),
    order=st.integers(0, 100),
    name_vendor=TEXTS,
    name_common=TEXTS,
    resolution=st.floats(0.1, 1000),
    wavelength_min=st.floats(1, 1e5),
    wavelength_center=st.floats(1, 1e5),
    class_labels=st.lists(TEXTS, min_size=1, max_size=3),
    color=TEXTS,
    colormap_name=st.sampled_from(["magma", "viridis"]),
    tags=st.lists(TEXTS, min_size=1, max_size=3),
)
PRODUCTS = some(
    title=st.text("abc äß", min_size=1).map(str.strip).filter(bool),
    description=TEXTS,
    start_datetime=TIMES,
    end_datetime=TIMES,
    read=WORDS.filter(bool),
    writers=WORDS.filter(bool),
    native_bands=WORDS.filter(bool),
    notes=TEXTS,
    orbit=TEXTS,
    revisit=NUMBERS,
    sensor=TEXTS,
    resolution=TEXTS,
    tags=st.lists(TEXTS, min_size=1, max_size=3),
)


@few
@given(IMAGES)
def test_keys_of_images_are_read_as_they_were_set(values):
    image = Image(name="i", product_id="p", **to_attributes("add", values, IMAGE_KEYS))
    record = image_record(image, ["red"])
    assert {key: record[key] for key in values} == values
    assert (record["id"], record["key"], record["product"], record["bands"]) == ("p:i", "p:i", "p", ["red"])
    feature = image_feature(image, None)
    assert json.loads(json.dumps(feature)) == feature
    assert feature["geometry"] == values.get("geometry")
    assert "geometry" not in feature["properties"]


@few
@given(BANDS, st.sampled_from(["spectral", "class", "mask", "microwave", "derived", "other", None]))
def test_keys_of_bands_are_read_as_they_were_set(values, kind):
    given_values = values if kind is None else {**values, "type": kind}
    cls = band_class(kind)
    band = cls(name="b", product_id="p", **band_attributes("add", given_values, cls))
    record = band_record(band)
    assert {key: record[key] for key in values} == {
        key: pytest.approx(value) if isinstance(value, float) else value for key, value in values.items()
    }
    assert record["type"] == (kind or "spectral")
    assert json.loads(json.dumps(record)) == record


@few
@given(PRODUCTS)
def test_keys_of_products_are_read_as_they_were_set(values):
    product = Product(id="p", **to_attributes("add", values, PRODUCT_KEYS))
    record = product_record(product)
    assert {key: record[key] for key in values} == values
    assert json.loads(json.dumps(record)) == record


def test_each_type_of_band_has_a_class():
    classes = {"spectral": SpectralBand, "class": ClassBand, "mask": MaskBand, "microwave": MicrowaveBand}
    assert {kind: band_class(kind) for kind in classes} == classes
    assert band_class("Derived") is band_class("other") is GenericBand
    assert band_class(None) is SpectralBand
    with pytest.raises(ValueError, match="Did you mean 'class'"):
        band_class("klass")


@pytest.mark.parametrize("keys", [IMAGE_KEYS, BAND_KEYS, PRODUCT_KEYS])
def test_a_key_has_one_row(keys):
    names = [key.name for key in keys]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("keys", [IMAGE_KEYS, BAND_KEYS, PRODUCT_KEYS])
def test_keys_that_the_service_sets_cannot_be_given(keys):
    with pytest.raises(UnknownArgumentError, match="created"):
        to_attributes("Catalog.add", {"created": "2020-01-01"}, keys)
    assert to_attributes("Catalog.add", {"tags": None}, keys) == {}


def test_sizes_of_files_need_the_files():
    values = {"files": "a.tif", "file_sizes": [3], "file_md5s": ["0" * 32]}
    assert to_attributes("add", values, IMAGE_KEYS) == {
        "files": [{"href": "a.tif", "size_bytes": 3, "hash": "0" * 32}]
    }
    with pytest.raises(ValueError, match="files"):
        to_attributes("add", {"file_sizes": [3]}, IMAGE_KEYS)


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        (30, None, (30, "meters")),
        (30, "m", (30, "meters")),
        (0.1, "degrees", (0.1, "degrees")),
        ("2m", None, (2, "meters")),
    ],
)
def test_a_resolution_has_a_unit(resolution, unit, expected):
    values = {"resolution": resolution, "resolution_unit": unit}
    band = SpectralBand(name="b", product_id="p", **band_attributes("add", values, SpectralBand))
    record = band_record(band)
    assert (record["resolution"], record["resolution_unit"]) == expected


def test_values_are_those_of_json():
    assert to_plain(Image(name="i", product_id="p", geotrans=range(6)).geotrans) == [0, 1, 2, 3, 4, 5]
    assert to_plain({"a": (1, None)}) == {"a": [1, None]}
