"""to_dataset and to_xarray(loader="odc-stac"): odc.stac.load on the images' Items."""

import numpy as np
import pystac
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.catalog import CatalogClient, Image, ImageCollection
from landbridge.exceptions import NotFoundError
from landbridge.geo import AOI
from support import range_server as rs
from support.lazy_import import LazyModule
from support.replay_server import ReplayServer, bare_collection

odc_stac = LazyModule("odc.stac")

ROWS, COLUMNS, STEP = 120, 150, 30
LEFT, TOP, CRS = 600_000, 4_200_000, "EPSG:32614"
BANDS = {"B04": "red", "B03": "green", "B8A": "nir08"}
EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
]


def write(path, values, transform):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=ROWS,
        width=COLUMNS,
        dtype="uint16",
        crs=CRS,
        transform=transform,
        nodata=0,
        tiled=True,
        blockxsize=64,
        blockysize=64,
        compress="deflate",
    ) as dataset:
        dataset.write(values)


def item_of(folder, base, number, *, split):
    """Write the files of an image and return its Item."""
    transform = Affine(STEP, 0, LEFT + 20 * number * STEP, 0, -STEP, TOP - 10 * number * STEP)
    values = np.random.default_rng(number).integers(1, 9000, (3, ROWS, COLUMNS)).astype("uint16")
    values[:, :30, :40] = 0
    outline = GeoBox((ROWS, COLUMNS), transform, CRS).extent.to_crs("EPSG:4326")
    kind = {"data_type": "uint16", "nodata": 0}
    shared = {
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "proj:shape": [ROWS, COLUMNS],
        "proj:transform": list(transform)[:6],
    }
    files = {key: ([key], values[n : n + 1]) for n, key in enumerate(BANDS)} if split else {}
    assets = {}
    for key, (names, pixels) in (files or {"data": (list(BANDS), values)}).items():
        name = f"i{number}-{key}.tif"
        write(folder / name, pixels, transform)
        listed = [{"name": band, "common_name": BANDS[band]} for band in names]
        href = f"{base}/{name}"
        assets[key] = {**shared, "href": href, "eo:bands": listed, "raster:bands": [kind] * len(names)}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"i{number}",
        "collection": "fields",
        "stac_extensions": EXTENSIONS,
        "geometry": outline.json,
        "bbox": list(outline.boundingbox.bbox),
        "properties": {"datetime": f"2020-01-{number % 2 + 1:02}T10:00:00Z", "proj:epsg": 32614},
        "assets": assets,
        "links": [],
    }


class Scenes:
    """An API with four Items, a server of their files that demands a signature, and the images."""

    def __init__(self, folder, server, *, split):
        self.files = server
        server.behave = lambda seen: None if seen.query == "sig=secret" else rs.refuse(403)
        documents = [item_of(folder, server.url, number, split=split) for number in range(4)]
        described = {
            key: {name: asset[name] for name in ("type", "roles", "eo:bands", "raster:bands")}
            for key, asset in documents[0]["assets"].items()
        }
        self.api = ReplayServer([bare_collection("fields") | {"item_assets": described}], documents)
        self.client = CatalogClient(self.api.url, asset_signer=sign)
        self.items = [pystac.Item.from_dict(each) for each in documents]
        images = [Image.get(f"fields:i{number}", client=self.client) for number in range(4)]
        self.area = AOI(
            bounds=(LEFT - 300, TOP - 4000, LEFT + 6000, TOP + 300), bounds_crs=CRS, crs=CRS, resolution=STEP
        )
        self.images = ImageCollection(images, geocontext=self.area)
        self.api.requests.clear()


def sign(href):
    """Return the signed URL of a file."""
    return f"{href}?sig=secret"


@pytest.fixture(params=[False, True], ids=["interleaved", "split"])
def scenes(request, tmp_path):
    with rs.serving(tmp_path) as server:
        made = Scenes(tmp_path, server, split=request.param)
        yield made
        made.api.stop()


def grid_of(images):
    from landbridge.geo.grids.geobox import output_grid

    return output_grid(images.geocontext)


def test_a_dataset_is_that_of_odc_stac(scenes):
    ours = scenes.images.to_dataset("red nir08", groupby="solar_day")
    theirs = odc_stac.load(
        scenes.items,
        ["red", "nir08"],
        geobox=grid_of(scenes.images),
        groupby="solar_day",
        patch_url=sign,
    )
    assert ours.equals(theirs)
    # Attributes of the CF conventions come on top of odc-stac's.
    for name in theirs.variables:
        assert theirs[name].attrs.items() <= ours[name].attrs.items(), name
    assert ours.drop_attrs().identical(theirs.drop_attrs())
    assert [path for _, path in scenes.api.requests].count("/search") == 1


@pytest.mark.parametrize(("groupby", "method"), [(None, "last"), ("solar_day", "last"), ("time", "first")])
@pytest.mark.parametrize("chunks", [None, 64])
def test_both_loaders_give_the_same_array(scenes, groupby, method, chunks):
    where = {"bands": "B8A B03", "groupby": groupby, "method": method, "chunks": chunks}
    ours = scenes.images.to_xarray(**where, progress=False)
    theirs = scenes.images.to_xarray(**where, loader="odc-stac")
    assert theirs.dims == ours.dims
    np.testing.assert_array_equal(theirs.time, ours.time)
    np.testing.assert_array_equal(theirs.band, ours.band)
    np.testing.assert_array_equal(theirs.x, ours.x)
    np.testing.assert_array_equal(theirs.values, ours.values)
    assert theirs.attrs == ours.attrs == {"nodata": 0}
    assert theirs.odc.geobox == ours.odc.geobox


def test_an_image_is_loaded_on_its_own_grid(scenes):
    image = scenes.images[1]
    loaded = image.to_dataset()
    assert len(loaded.data_vars) == 3
    array = image.to_xarray("B04 B03", loader="odc-stac")
    np.testing.assert_array_equal(array.values, image.to_xarray("B04 B03", progress=False).values)
    assert array.dims == ("band", "y", "x")


def test_options_of_odc_stac_are_passed_on(scenes):
    small = scenes.images.to_dataset(
        "green", bbox=scenes.items[0].bbox, crs=CRS, resolution=90, dtype="float32"
    )
    assert small["green"].dtype == "float32"
    assert small.odc.geobox.resolution.x == 90
    like = scenes.images.to_dataset("red", like=small, chunks={"x": 20, "y": 20}, groupby="id")
    assert like.odc.geobox == small.odc.geobox
    assert like["red"].chunks is not None
    assert like.sizes["time"] == 4
    own = scenes.images.to_dataset("red", driver=None, chunks={})
    driver = scenes.images.to_dataset("red", chunks={})
    np.testing.assert_array_equal(own["red"].values, driver["red"].values)


def test_arguments_that_odc_stac_cannot_obey_are_refused(scenes):
    with pytest.raises(ValueError, match="does not support processing_level and scaling"):
        scenes.images.to_xarray("red", loader="odc-stac", scaling="display", processing_level="default")
    with pytest.raises(ValueError, match="loader must be one of 'landbridge', 'odc-stac', got 'stackstac'"):
        scenes.images.to_xarray("red", loader="stackstac")
    with pytest.raises(ValueError, match="either a geocontext or resolution"):
        scenes.images.to_dataset("red", scenes.area, resolution=90)
    with pytest.raises(ValueError, match="purple"):
        scenes.images.to_dataset("purple")


def test_images_that_the_api_lacks_are_an_error(scenes):
    scenes.api.items = scenes.api.items[:3]
    with pytest.raises(NotFoundError, match="Image fields:i3 does not exist"):
        scenes.images.to_dataset("red")
    scenes.images[0].files = scenes.images[0].files[:0]
    with pytest.raises(ValueError, match="fields:i0 has files that are not saved"):
        scenes.images.to_dataset("red")


def test_names_types_and_nodata_of_the_product_fill_in_what_the_items_do_not_say(scenes):
    for item in scenes.api.items:
        for asset in item["assets"].values():
            asset["raster:bands"] = [{} for _ in asset["raster:bands"]]
    loaded = scenes.images.to_dataset("red")
    assert loaded["red"].dtype == "uint16"
    assert loaded["red"].attrs["nodata"] == 0
