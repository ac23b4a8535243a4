"""Pixels of images whose Items state their own scale, offset, nodata and data type, read from an API."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image, ImageCollection, Product
from landbridge.catalog.pixels.engine_inputs import sources
from landbridge.geo import AOI
from landbridge.mappings.sources.parse import parse
from landbridge.raster import RasterError
from landbridge.raster.model import StoredPixels
from support.replay_server import ReplayServer, bare_collection

CRS, LEFT, TOP = "EPSG:32614", 500_000, 4_200_000
CONTEXT = AOI(
    bounds=(LEFT, TOP - 40, LEFT + 40, TOP), bounds_crs=CRS, crs=CRS, resolution=10, align_pixels=False
)
RED = {"roles": ["data"], "type": "image/tiff"}


def raster(path, values, nodata=None):
    values = np.asarray(values)
    with rasterio.open(
        path, "w", driver="GTiff", width=4, height=4, count=len(values), dtype=values.dtype, crs=CRS,
        transform=Affine(10, 0, LEFT, 0, -10, TOP), nodata=nodata,
    ) as file:  # fmt: skip
        file.write(values)
    return str(path)


def item(name, assets, collection="s2", **properties):
    box = [-99.0, 37.9, -98.9, 38.0]
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": box,
        "properties": {"datetime": "2022-01-02T00:00:00Z", **properties},
        "assets": assets,
        "links": [],
    }


@pytest.fixture
def serve():
    """Return a function that makes the client of an API with these documents, and maybe a table."""
    started = []

    def make(collections, items, table=None):
        api = ReplayServer(collections, items)
        started.append(api)
        auth = Auth(user="local", org="local")
        if table is None:
            return CatalogClient(url=api.url, auth=auth, retries=0)
        source = parse({"id": "src", "url": api.url, "products": [table]}, "src.toml")
        return CatalogClient(source=source, auth=auth, retries=0)

    yield make
    for api in started:
        api.stop()


TABLE = {
    "collection": "s2",
    "radiometry": "sentinel-2",
    "bands": {
        "red": {
            "asset": "B04", "data_type": "UInt16", "nodata": 0, "scale": 1e-4, "offset": -0.1,
            "unit": "reflectance",
        },
        "probability": {"asset": "cloud", "type": "generic", "data_type": "Byte", "nodata": 255},
        "cloud_mask": {
            "asset": "scl", "type": "mask", "data_type": "Byte", "nodata": 0,
            "mask": {"values": [3, 8, 9, 10]},
        },
    },
}  # fmt: skip


@pytest.fixture
def sentinel(serve, tmp_path):
    """Return images of three baselines: the last states a wrong offset beside the flag that it is applied."""
    scl = raster(tmp_path / "scl.tif", np.array([[[0, 3, 8, 4]] * 4], "uint8"))
    cloud = raster(tmp_path / "cloud.tif", np.array([[[0, 50, 100, 0]] * 4], "uint8"), nodata=0)
    wrong = {"raster:bands": [{"scale": 1e-4, "offset": -0.1, "nodata": 0, "data_type": "uint16"}]}
    zero = {"raster:bands": [{"nodata": 0}]}

    def assets(name, value, **more):
        href = raster(tmp_path / f"{name}.tif", np.full((1, 4, 4), value, "uint16"))
        return {
            "B04": {**RED, "href": href, **more},
            "scl": {**RED, "href": scl},
            "cloud": {**RED, "href": cloud, **zero},
        }

    items = [
        item("new", assets("new", 3000), **{"s2:processing_baseline": "05.09"}),
        item("old", assets("old", 2000), **{"s2:processing_baseline": "02.14"}),
        item(
            "applied",
            assets("applied", 2000, **wrong),
            **{"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": True},
        ),
    ]
    client = serve([bare_collection("s2")], items, TABLE)
    return {name: Image.get(f"src:s2:{name}", client=client) for name in ("new", "old", "applied")}


def test_physical_values_of_each_baseline_are_alike(sentinel):
    for image in sentinel.values():
        for arguments in ({"scaling": "physical"}, {"processing_level": "surface_reflectance"}):
            pixels = image.ndarray("red", geocontext=CONTEXT, **arguments)
            assert pixels.dtype == np.float64
            assert np.asarray(pixels) == pytest.approx(np.full((1, 4, 4), 0.2), abs=1e-12)
        # Stored 3000 at the product's offset: half of the range from 0 to 0.4.
        assert image.ndarray("red", geocontext=CONTEXT, scaling="display").tolist() == [[[128] * 4] * 4]
    assert sentinel["old"].ndarray("red", geocontext=CONTEXT).tolist() == [[[2000] * 4] * 4]


def test_scaling_parameters_of_an_image_are_for_its_own_stored_values(sentinel):
    expected = {"new": (1000, 5000), "old": (0, 4000), "applied": (0, 4000)}
    for name, image in sentinel.items():
        (display,), data_type = image.scaling_parameters("red", scaling="display")
        assert (display, data_type) == ((*expected[name], 0, 255), "Byte"), name
        ((low, high, first, last),), data_type = image.scaling_parameters("red", scaling="physical")
        offset = -0.1 if name == "new" else 0
        assert (low, high, data_type) == (0, 65535, "Float64")
        assert (first, last) == pytest.approx((offset, 6.5535 + offset)), name
    images = ImageCollection(sentinel.values())
    assert images.scaling_parameters("red", scaling="display")[0] == [(1000, 5000, 0, 255)]


def test_a_mean_of_baselines_is_of_physical_values(sentinel):
    images = ImageCollection(sentinel.values())
    found = images.mosaic("red", geocontext=CONTEXT, scaling="physical", method="mean")
    assert np.asarray(found) == pytest.approx(np.full((1, 4, 4), 0.2), abs=1e-12)
    array = images.to_xarray("red", geocontext=CONTEXT, scaling="physical", chunks=2)
    assert array.dtype == np.float64
    assert np.asarray(array) == pytest.approx(np.full((3, 1, 4, 4), 0.2), abs=1e-12)


def test_masks_and_the_nodata_of_a_table(sentinel):
    mask = sentinel["new"].ndarray("cloud_mask", geocontext=CONTEXT, resampler="bilinear")
    assert mask[0, 0].filled(9).tolist() == [9, 1, 1, 0]
    assert mask.dtype == np.uint8
    # The documents and the file say nodata 0; the table knows that it means 0 %.
    found = sentinel["new"].ndarray("probability", geocontext=CONTEXT)
    assert np.ma.getmaskarray(found).sum() == 0
    assert found[0, 0].tolist() == [0, 50, 100, 0]
    band = Product.get("src:s2", client=sentinel["new"]._client).get_band("cloud_mask")
    steps = band.processing_levels["default"]
    assert not isinstance(steps, str)
    (step,) = steps
    assert (step.function, step.values, step.nodata) == ("any_of", (3, 8, 9, 10), 0)


def test_odc_stac_loads_no_computed_band(sentinel):
    image = sentinel["new"]
    images = ImageCollection([image])
    for load in (
        lambda: images.to_dataset("cloud_mask", geocontext=CONTEXT),
        lambda: image.to_xarray("red cloud_mask", geocontext=CONTEXT, loader="odc-stac"),
    ):
        with pytest.raises(ValueError, match=r"cannot load band 'cloud_mask' of product 'src:s2'.*'scl'"):
            load()
    assert images.to_dataset("red", geocontext=CONTEXT).red.values.tolist() == [[[3000] * 4] * 4]


def test_images_of_the_product_s_numbers_keep_none(sentinel):
    new, old, applied = sources([*sentinel.values()])
    assert new.radiometry == {}
    assert old.radiometry == applied.radiometry == {"red": (1e-4, 0.0)}
    certain = {"probability": StoredPixels(nodata=255, is_certain=True)}
    assert [source.stored for source in (new, old, applied)] == [certain] * 3


def test_without_a_table_each_item_s_own_numbers_count(serve, tmp_path):
    collection = bare_collection("s2")
    described = {"scale": 1e-4, "offset": -0.1, "nodata": 7, "data_type": "uint16"}
    collection["item_assets"] = {"B04": {**RED, "raster:bands": [described]}}
    values = np.full((1, 4, 4), 2000, "uint16")
    values[0, 0] = [7, 8, 2000, 2000]
    href = raster(tmp_path / "a.tif", values)
    forms = {
        "same": {"raster:bands": [described]},
        "silent": {},
        "old": {"raster:bands": [{**described, "offset": 0, "nodata": 8}]},
        "bands": {"bands": [{"name": "x", "raster:scale": 1e-4, "raster:offset": 0.0}]},
        "asset": {"raster:scale": 1e-4, "raster:offset": 0, "nodata": 8},
    }
    items = [item(name, {"B04": {**RED, "href": href, **form}}) for name, form in forms.items()]
    client = serve([collection], items)
    expected = {"same": 0.1, "silent": 0.1, "old": 0.2, "bands": 0.2, "asset": 0.2}
    for name, value in expected.items():
        image = Image.get(f"s2:{name}", client=client)
        pixels = image.ndarray("B04", geocontext=CONTEXT, scaling="physical")
        assert np.asarray(pixels[0, 1]) == pytest.approx(np.full(4, value), abs=1e-12), name
        masked = 1 if name in ("old", "asset") else 0
        assert np.flatnonzero(np.ma.getmaskarray(pixels)[0, 0]).tolist() == [masked], name


def test_a_type_that_no_document_states_is_the_file_s(serve, tmp_path):
    bands = [{"name": name, "common_name": name.lower()} for name in ("Red", "Green")]
    collection = bare_collection("naip")
    collection["item_assets"] = {"image": {**RED, "eo:bands": bands}}
    href = raster(tmp_path / "naip.tif", np.array([[[1, 2, 3, 250]] * 4] * 2, "uint8"))
    client = serve([collection], [item("a", {"image": {**RED, "href": href, "eo:bands": bands}}, "naip")])
    image = Image.get("naip:a", client=client)
    pixels = image.ndarray("Red Green", geocontext=CONTEXT)
    assert pixels.dtype == np.uint8
    assert pixels[1, 0].tolist() == [1, 2, 3, 250]
    assert image.ndarray("Red", geocontext=CONTEXT, scaling="display")[0, 0].tolist() == [1, 2, 3, 250]
    assert image.scaling_parameters("Red Green") == (None, "Byte")
    assert image.to_xarray("Red", geocontext=CONTEXT, chunks=2).dtype == np.uint8
    path = image.download("Red", geocontext=CONTEXT, dest=str(tmp_path / "out.tif"))
    with rasterio.open(path) as written:
        assert written.dtypes == ("uint8",)


def test_the_type_that_an_item_states_needs_no_file(serve, tmp_path):
    collection = bare_collection("dem")
    collection["item_assets"] = {"data": RED, "other": RED}
    href = raster(tmp_path / "dem.tif", np.full((1, 4, 4), 1.5, "float32"))
    stated = {**RED, "href": href, "raster:bands": [{"data_type": "float32", "nodata": "nan"}]}
    client = serve([collection], [item("a", {"data": stated}, "dem")])
    image = Image.get("dem:a", client=client)
    (source,) = sources([image])
    # The first Item completes the Collection's bands.
    assert source.bands["data"].data_type == "Float32"
    assert source.bands["other"].data_type is None
    assert image.ndarray("data", geocontext=CONTEXT).dtype == np.float32


def test_a_file_that_should_tell_a_type_and_is_missing_is_named(serve, tmp_path):
    collection = bare_collection("naip")
    collection["item_assets"] = {"image": RED}
    href = str(tmp_path / "missing.tif")
    client = serve([collection], [item("a", {"image": {**RED, "href": href}}, "naip")])
    with pytest.raises(RasterError, match=r"naip:a.*missing\.tif"):
        Image.get("naip:a", client=client).ndarray("image", geocontext=CONTEXT)
