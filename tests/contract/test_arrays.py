"""stackstac and rioxarray read pixels of the API's items by band name."""

import httpx
import numpy as np
import pystac
import pytest
import rasterio
from rasterio.transform import from_origin

from landbridge.catalog import Image, Product, SpectralBand
from support.lazy_import import LazyModule

rioxarray = LazyModule("rioxarray")

# Both multiply transforms by the deprecated operator of affine.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
BANDS = ("red", "nir")


@pytest.fixture(scope="module")
def split(stack, tmp_path_factory):
    """A product with one file for each band and one image, and the image's pixels."""
    product = Product(
        id=Product.namespace_id("contract-split"), name="A file for each band", tags=["contract"]
    )
    product.save()
    for index, name in enumerate(BANDS):
        SpectralBand(
            product=product, name=name, data_type="UInt16", data_range=[0, 10000], display_range=[0, 4000],
            band_index=0, file_index=index, nodata=0,
        ).save()  # fmt: skip
    array = np.arange(2 * 64 * 80, dtype="uint16").reshape(2, 64, 80) + 1
    folder, paths = tmp_path_factory.mktemp("split"), []
    for name, band in zip(BANDS, array, strict=True):
        path = folder / f"{name}.tif"
        profile = {"crs": "EPSG:32621", "transform": from_origin(600000, 4200000, 30, 30), "nodata": 0}
        with rasterio.open(path, "w", "GTiff", 80, 64, 1, dtype="uint16", **profile) as file:
            file.write(band, 1)
        paths.append(str(path))
    upload = Image(product=product, name="one", acquired="2020-01-01").upload(paths)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    return product, array


@pytest.fixture
def item(stack, split):
    product, _ = split
    return httpx.get(f"{stack.private_url}collections/{product.id}/items/one").json()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_stackstac_stacks_one_asset_for_each_band(item, split):
    import stackstac

    stacked = stackstac.stack(
        pystac.ItemCollection([pystac.Item.from_dict(item)]),
        assets=list(BANDS),
        epsg=32621,
        resolution=30,
        bounds=(600000, 4198080, 602400, 4200000),
        dtype="uint16",
        fill_value=np.uint16(0),
        rescale=False,
        xy_coords="center",
    )
    assert list(stacked.band.values) == list(BANDS)
    assert list(stacked.coords["common_name"].values) == list(BANDS)
    np.testing.assert_array_equal(stacked.isel(time=0).compute().to_numpy(), split[1])


def test_rioxarray_opens_an_assets_address(item, split):
    for name, expected in zip(BANDS, split[1], strict=True):
        with rioxarray.open_rasterio(item["assets"][name]["href"]) as opened:
            np.testing.assert_array_equal(opened.squeeze().to_numpy(), expected)
            assert opened.rio.crs.to_epsg() == 32621


def test_every_file_is_one_asset_that_says_what_is_in_it(item, split):
    for name, expected in zip(BANDS, split[1], strict=True):
        asset = item["assets"][name]
        assert asset["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
        assert asset["roles"] == ["data"]
        (band,) = asset["bands"]
        (older,) = asset["eo:bands"]
        assert band["name"] == older["name"] == older["common_name"] == band["eo:common_name"] == name
        assert band["statistics"]["maximum"] == expected.max()
        assert asset["raster:bands"][0]["data_type"] == "uint16"
