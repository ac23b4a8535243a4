"""Copies and pickles of products, images, bands, searches, clients, areas and tasks."""

import copy
import multiprocessing
import pickle

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.auth import Auth
from landbridge.catalog import (
    Band,
    BandCollection,
    Blob,
    CatalogClient,
    ClassBand,
    DeletionTaskStatus,
    DocumentState,
    Image,
    ImageCollection,
    ImageUpload,
    OverviewResampler,
    Product,
    ProductCollection,
    SpectralBand,
)
from landbridge.catalog import properties as p
from landbridge.catalog.image_upload import ImageUploadOptions
from landbridge.exceptions import UnauthorizedError
from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.utils import DotDict, Properties
from support import process_targets

names = Properties()

cloudpickle = pytest.importorskip("cloudpickle", reason="dask, which brings it, is not installed")

SECRET = "lb_very-secret-token"
WAYS = {
    "pickle 2": lambda one: pickle.loads(pickle.dumps(one, 2)),
    "pickle 3": lambda one: pickle.loads(pickle.dumps(one, 3)),
    "pickle 4": lambda one: pickle.loads(pickle.dumps(one, 4)),
    "pickle 5": lambda one: pickle.loads(pickle.dumps(one, 5)),
    "cloudpickle": lambda one: pickle.loads(cloudpickle.dumps(one)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
AREA = AOI(bounds=(0, 0, 1, 1), shape=(5, 5), crs="EPSG:4326")
DISC = shapely.Point(1, 2).buffer(1)


def product(**changes):
    return Product(
        id="org:p", name="P", tags=["a"], extra_properties={"deep": {"list": [1, {"x": 2}]}}, **changes
    )


def band():
    levels = {
        "toa": [{"function": "gain_bias", "parameter": "radiance_gain_bias", "index": 1}],
        "alias": "toa",
    }
    return SpectralBand(
        name="b", product_id="org:p", data_type="UInt16", band_index=0, data_range=(0, 1), resolution="60m",
        processing_levels=levels, tags=["t"],
    )  # fmt: skip


def image():
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    return Image(
        name="i", product_id="org:p", acquired="2020-01-01", geometry=square, cs_code="EPSG:4326",
        files=[{"href": "a.tif", "size_bytes": 5}], geotrans=(0, 0.1, 0, 1, 0, -0.1),
        x_pixels=10, y_pixels=10, reflectance_gain_bias=[[1.0, 2.0]],
    )  # fmt: skip


THINGS = {
    "product": product,
    "band": band,
    "class band": lambda: ClassBand(name="c", product_id="org:p", class_labels=["a", "b"]),
    "image": image,
    "blob": lambda: Blob(name="n", namespace="org:s", tags=["x"], geometry=shapely.Point(1, 2)),
    "upload": lambda: ImageUpload(image=image(), image_upload_options=ImageUploadOptions(
        overview_resampler=OverviewResampler.CUBIC, overviews=[2, 4])),
    "upload options": lambda: ImageUploadOptions(overviews=[2, 4]),
    "products": lambda: ProductCollection([product(), product()]),
    "bands": lambda: BandCollection([band()]),
    "images": lambda: ImageCollection([image(), image()], geocontext=AREA),
    "search": lambda: Product.search().filter(p.name.prefix("a") & (0 < p.resolution_min < 5)).limit(3),
    "image search": lambda: Image.search().filter(p.product_id == "org:p").intersects(DISC),
    "blob search": lambda: Blob.search().find_text("x"),
    "client": lambda: CatalogClient(url="http://127.0.0.1:9", retries=0),
    "expression": lambda: (names.a == [1, 2]) & (1 <= names.b < 5) | names.c.like("x%") | names.d.isnull,
    "property": lambda: p.cloud_fraction,
    "properties": lambda: Properties("a", "b"),
    "aoi": lambda: AOI(DISC, resolution=0.1, crs="EPSG:4326", all_touched=True),
    "dltile": lambda: DLTile.from_latlon(10, 10, resolution=10, tilesize=512, pad=0),
    "xyz tile": lambda: XYZTile(1, 2, 3),
    "task": lambda: DeletionTaskStatus(id="org:p", status="RUNNING"),
    "dot dict": lambda: DotDict(a={"b": [{"c": 1}]}),
    "auth": lambda: Auth(user="u", org=None, groups=("g",)),
}  # fmt: skip


def shown(one):
    """Return the visible values of an object, and its state."""
    if isinstance(one, (Product, Band, Image, Blob, ImageUpload)):
        return (
            type(one),
            one.id,
            one.state,
            one.is_modified,
            one.serialize(),
            one.serialize(modified_only=True),
        )
    if isinstance(one, (ProductCollection, BandCollection, ImageCollection)):
        return (type(one), [shown(each) for each in one], repr(getattr(one, "geocontext", None)))
    if hasattr(one, "serialize") and not isinstance(one, ImageUploadOptions):
        return one.serialize()
    if hasattr(one, "_to_query"):
        return (type(one), one._to_query(), repr(one._client))
    return (type(one), repr(one))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("thing", THINGS)
def test_all_public_objects_can_be_copied_and_pickled(thing, way):
    one = THINGS[thing]()
    other = WAYS[way](one)
    assert shown(other) == shown(one)
    assert shown(WAYS[way](other)) == shown(one)


@pytest.mark.parametrize("way", WAYS)
def test_unsaved_changes_survive_and_changes_of_a_copy_are_its_own(
    way, saved_product, saved_image, saved_band
):
    for one in (saved_product(tags=["a"]), saved_band(tags=["a"]), saved_image(tags=["a"])):
        one.tags.append("b")
        other = WAYS[way](one)
        assert other.state == DocumentState.MODIFIED
        assert other.serialize(modified_only=True) == {"tags": ["a", "b"]}
        unchanged = WAYS[way](WAYS["deepcopy"](other))
        unchanged._modified.clear()
        assert not unchanged.is_modified
        assert other.is_modified
        unchanged.tags.append("c")
        assert unchanged.is_modified
        if way != "copy":
            assert one.tags == other.tags == ["a", "b"]


@pytest.mark.parametrize("way", [way for way in WAYS if way != "copy"])
def test_edits_to_any_depth_of_an_unpickled_object_are_seen_as_its_changes(way):
    one = product()
    one._modified.clear()
    other = WAYS[way](one)
    other.extra_properties["deep"]["list"][1]["x"] = 3
    assert other.is_modified
    assert not one.is_modified
    assert one.extra_properties["deep"]["list"][1]["x"] == 2
    made = WAYS[way](band())
    made._modified.clear()
    made.processing_levels["toa"][0].index = 2
    assert made.is_modified
    made._modified.clear()
    made.resolution.value = 30
    assert made.is_modified
    with pytest.raises(ValueError, match="cannot become"):
        made.name = "other"
    raster = WAYS[way](image())
    raster._modified.clear()
    raster.files[0].href = "b.tif"
    raster.reflectance_gain_bias[0][0] = 5
    assert raster.serialize(modified_only=True) == {
        "files": [{"href": "b.tif", "size_bytes": 5}], "reflectance_gain_bias": [[5.0, 2.0]]
    }  # fmt: skip


# What the database can hold.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(TEXT, JSON, max_size=4),
    st.lists(st.text(max_size=3)),
    st.sampled_from(sorted(WAYS)),
)
@settings(max_examples=100, deadline=None)
def test_any_values_and_sets_of_changes_survive(extra, tags, way):
    one = Product(id="org:p", client=CatalogClient(url="http://127.0.0.1:9"))
    one.extra_properties = extra
    one._modified.clear()
    one.tags = tags
    other = WAYS[way](one)
    assert shown(other) == shown(one)
    assert other == one


def test_objects_of_one_pickle_share_one_client():
    client = CatalogClient(url="http://127.0.0.1:9", auth=Auth(user="u"), retries=2)
    images = [Image(id=f"org:p:{number}", client=client) for number in range(3)]
    apart = [pickle.loads(pickle.dumps(one)) for one in images]
    assert len({id(one._client) for one in apart}) == 1
    assert (apart[0]._client.url, apart[0]._client.retries, apart[0]._client.auth) == (
        client.url,
        2,
        client.auth,
    )
    other = pickle.loads(pickle.dumps(CatalogClient(url="http://127.0.0.1:8")))
    assert other is not apart[0]._client
    assert copy.deepcopy(images[0])._client is client


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """Set the environment variables of a service with a token, or of a profile with one."""

    def set_up(kind):
        for name in ("LANDBRIDGE_URL", "LANDBRIDGE_TOKEN", "LANDBRIDGE_PROFILE", "LANDBRIDGE_CONFIG"):
            monkeypatch.delenv(name, raising=False)
        if kind == "environment":
            monkeypatch.setenv("LANDBRIDGE_URL", "https://example.org")
            monkeypatch.setenv("LANDBRIDGE_TOKEN", SECRET)
        elif kind != "nothing":
            secret = f'token = "{SECRET}"'
            if kind == "login":
                known = 'issuer = "https://issuer.example.org", client_id = "c"'
                secret = f'oidc = {{ {known}, client_secret = "{SECRET}" }}'
            path = tmp_path / "config.toml"
            path.write_text(f'[profiles.work]\nurl = "https://example.org"\n{secret}\n')
            path.chmod(0o600)
            monkeypatch.setenv("LANDBRIDGE_CONFIG", str(path))
            monkeypatch.setenv("LANDBRIDGE_PROFILE", "work")

    return set_up


@pytest.mark.parametrize("kind", ["environment", "profile", "login"])
def test_pickles_hold_no_secret_of_the_environment_or_a_file_and_find_it_again(configured, kind):
    configured(kind)
    client = CatalogClient()
    one = Product(id="org:p", client=client)
    for number in range(2, 6):
        for content in (pickle.dumps(one, number), cloudpickle.dumps(client), pickle.dumps(client._settings)):
            assert SECRET.encode() not in content
    other = pickle.loads(pickle.dumps(one))._client
    assert other._settings == client._settings
    assert other._settings.oidc == client._settings.oidc
    if kind != "login":
        assert other.token == SECRET


@pytest.mark.parametrize("kind", ["environment", "profile", "login"])
def test_an_unpickled_client_without_its_token_raises_and_is_not_anonymous(configured, kind):
    configured(kind)
    content = pickle.dumps(Product(id="org:p", client=CatalogClient()))
    configured("nothing")
    one = pickle.loads(content)
    assert (one.id, one._client.url) == ("org:p", "https://example.org")
    with pytest.raises(UnauthorizedError, match="LANDBRIDGE_TOKEN"):
        one.save()
    again = pickle.loads(pickle.dumps(one))
    with pytest.raises(UnauthorizedError, match="LANDBRIDGE_TOKEN"):
        _ = again._client.token
    again._client.auth = Auth(user="u", token="t")
    assert again._client.token == "t"


def test_a_token_that_was_passed_is_in_no_pickle_and_is_missed_with_an_error():
    client = CatalogClient(url="https://example.org", auth=Auth(user="u", org="o", token=SECRET))
    for one in (client, client.auth, Product(id="o:p", client=client), Product.search(client)):
        assert SECRET.encode() not in cloudpickle.dumps(one)
    other = pickle.loads(pickle.dumps(client))
    assert other.auth == client.auth
    with pytest.raises(UnauthorizedError, match=r"client\.auth = Auth"):
        Product.exists("o:p", client=other)
    moved = CatalogClient(url="https://example.org", auth=pickle.loads(pickle.dumps(client.auth)))
    with pytest.raises(UnauthorizedError, match=r"client\.auth = Auth"):
        Product.exists("o:p", client=moved)
    assert copy.deepcopy(client).token == copy.deepcopy(client.auth).token == SECRET


def test_credentials_of_another_service_do_not_go_to_a_pickled_client_s(configured, monkeypatch):
    content = pickle.dumps(CatalogClient(url="https://other.example.org", auth=Auth(user="u")))
    configured("environment")
    assert pickle.loads(content).token is None
    monkeypatch.setenv("LANDBRIDGE_URL", "https://other.example.org")
    assert pickle.loads(content).token is None  # its caller was given


def test_objects_go_to_a_spawned_process_and_back():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    one = Product(id="org:p", tags=["a"], client=CatalogClient(url="http://127.0.0.1:9", auth=Auth(user="u")))
    process = context.Process(target=process_targets.add_a_tag, args=(pickle.dumps(one), queue))
    process.start()
    other, changes, url, user = pickle.loads(queue.get(timeout=120))
    process.join(60)
    assert process.exitcode == 0
    assert changes["tags"] == other.tags == ["a", "c"]
    assert (url, user) == ("http://127.0.0.1:9", "u")
